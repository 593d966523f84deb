//! The answer that a fault with a status gives.
use super::{
    fault::Action,
    reply::{Content, Reply},
    wire,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// The answer of a `status` fault, at the `Date` of the answer.
pub fn reply_of(action: &Action, date: Timestamp) -> Reply {
    let status = action.status.unwrap_or(500);
    let reply = match action.retry_after_date {
        Some(seconds) => {
            let then = date + SignedDuration::from_secs(i64::from(seconds));
            Reply::empty(status).header("retry-after", wire::http_date(then))
        }
        None => Reply::empty(status).retry_after(action.retry_after),
    };
    if let Some(text) = &action.text {
        let content = Content::Text(text.clone());
        return Reply { content, ..reply };
    }
    match &action.body {
        Some(body) => reply.json(body.clone()),
        None if status < 400 => reply,
        None => reply.json(json!({ "code": error_code(status), "message": "A fault was set for this request." })),
    }
}

fn error_code(status: u16) -> &'static str {
    match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "NotAllowed",
        409 => "Conflict",
        415 => "UnsupportedMediaType",
        422 => "UnprocessableEntity",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        500.. => "InternalServerError",
        _ => "InvalidRequest",
    }
}
