//! Puts an answer on the wire, with the headers all answers have and the faults of bodies.
use super::{
    connection::Cut,
    fault::Action,
    reply::{Content, Reply},
};
use axum::{
    body::{Body, Bytes},
    response::Response,
};
use futures::stream::{self, StreamExt as _};
use http::{
    StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, HeaderValue},
};
use jiff::{Timestamp, tz::TimeZone};
use std::{convert::Infallible, io, time::Duration};
use uuid::Uuid;

/// A time as headers have it.
pub fn http_date(at: Timestamp) -> String {
    let text = at.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT");
    text.to_string()
}

/// An answer of a Speech resource, stamped with this `Date`.
pub fn respond(reply: Reply, date: Timestamp, action: Option<&Action>) -> Response {
    let (media_type, bytes) = match reply.content {
        Content::Empty => (None, Vec::new()),
        Content::Json(value) => (Some("application/json; charset=utf-8"), value.to_string().into_bytes()),
        Content::Text(text) => (Some("text/plain; charset=utf-8"), text.into_bytes()),
    };
    let length = bytes.len();
    let mut response = Response::new(match action {
        Some(action) => faulty_body(Bytes::from(bytes), action),
        None => Body::from(bytes),
    });
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Some(media_type) = media_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    if action.is_some_and(|action| action.cut_body.is_some()) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    let request_id = Uuid::new_v4().to_string();
    let stamps = [
        (HeaderName::from_static("apim-request-id"), request_id),
        (DATE, http_date(date)),
    ];
    for (name, value) in stamps {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    for (name, value) in action.and_then(|action| action.headers.as_ref()).into_iter().flatten() {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    response
}

/// An answer that never arrives: the connection is cut, or without one (in-process) the body breaks.
pub fn no_answer(cut: Option<&Cut>) -> Response {
    if let Some(cut) = cut {
        cut.cut();
    }
    Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(broken())])))
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "cut by a fault")
}

fn faulty_body(bytes: Bytes, action: &Action) -> Body {
    if let Some(slow) = action.slow_body {
        return slow_body(bytes, slow.bytes_per_second);
    }
    if let Some(cut) = action.cut_body {
        return cut_body(bytes.slice(..cut.after_bytes.min(bytes.len())));
    }
    if let Some(oversized) = action.oversized_body {
        return oversized_body(oversized.bytes);
    }
    if action.wrong_json.is_some() {
        return Body::from(bytes.slice(..bytes.len() / 2));
    }
    Body::from(bytes)
}

/// Sends this much, then breaks.
fn cut_body(sent: Bytes) -> Body {
    let end = stream::once(async {
        // What was sent so far must have left before the connection breaks.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(broken())
    });
    Body::from_stream(stream::iter([Ok(sent)]).chain(end))
}

/// Ten pieces in each second.
fn slow_body(bytes: Bytes, bytes_per_second: usize) -> Body {
    let piece = (bytes_per_second / 10).max(1);
    let pause = Duration::from_secs_f64(piece as f64 / bytes_per_second as f64);
    Body::from_stream(stream::unfold(bytes, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let next = rest.split_to(piece.min(rest.len()));
        Some((Ok::<_, Infallible>(next), rest))
    }))
}

/// Valid JSON of an empty page with a member that nobody asked for.
fn oversized_body(bytes: usize) -> Body {
    const PIECE: usize = 64 * 1024;
    let filler = Bytes::from(vec![b'x'; PIECE]);
    let pieces = stream::repeat(filler).take(bytes.div_ceil(PIECE));
    let start = stream::iter([Bytes::from_static(b"{\"values\":[],\"filler\":\"")]);
    let end = stream::iter([Bytes::from_static(b"\"}")]);
    Body::from_stream(start.chain(pieces).chain(end).map(Ok::<_, Infallible>))
}
