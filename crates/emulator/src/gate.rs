//! The way of a request: key, request limit, version, faults, the operation, the journal.
use super::{
    Emulator,
    access::{self, Caller, Shown},
    call::{Call, RequestBody},
    connection::Cut,
    error::{ErrorStyle, ServiceError},
    fault::{Action, Strike, Target},
    fault_reply,
    journal::{self, Entry},
    link::{Links, percent_decode},
    operation::{NoRoute, Route, resolve},
    query::Query,
    recognition,
    reply::{Content, Reply},
    resource::Resource,
    route, score_file,
    version::{ApiVersion, is_path_version, is_retired},
    wire,
    world::World,
};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    response::Response,
};
use http::header::{CONTENT_TYPE, HOST, HeaderMap};
use jiff::Timestamp;
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Most bytes of a request.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// A request, read.
struct Incoming {
    at: Timestamp,
    started: Instant,
    method: String,
    path: String,
    query_text: String,
    query: Query,
    host: String,
    user_agent: Option<String>,
    key: Option<String>,
    bearer: Option<String>,
    body: RequestBody,
}

/// What a request is about.
enum Work {
    /// An operation of the API.
    Operation(ApiVersion, Route),
    /// Recognition.
    Recognize,
    /// The content of a file.
    Storage,
}

/// What was found out about a request before it is done.
struct Admission {
    target: Target,
    caller: Option<Caller>,
    latency: u64,
    style: ErrorStyle,
    work: Result<Work, ServiceError>,
    strike: Option<Strike>,
}

/// Answers every request that is not for the control API.
pub async fn answer(State(emulator): State<Emulator>, request: Request) -> Response {
    let at = Timestamp::now();
    let started = Instant::now();
    let cut = request
        .extensions()
        .get::<ConnectInfo<Cut>>()
        .map(|ConnectInfo(cut)| cut.clone());
    let (parts, body) = request.into_parts();
    let body = read_body(&parts.headers, body).await;
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let query_text = parts.uri.query().unwrap_or_default().to_owned();
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    let (body, too_large) = match body {
        Ok(body) => (body, false),
        Err(size) => (
            RequestBody {
                size,
                ..RequestBody::default()
            },
            true,
        ),
    };
    let incoming = Incoming {
        at,
        started,
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: Query::parse(&query_text),
        query_text,
        host: header(HOST.as_str()).or(authority).unwrap_or("localhost").to_owned(),
        user_agent: header("user-agent").map(str::to_owned),
        key: header("ocp-apim-subscription-key").map(str::to_owned),
        bearer: header("authorization").and_then(bearer_of).map(str::to_owned),
        body,
    };
    let admission = {
        let mut world = emulator.world();
        let mut admission = admit(&mut world, &incoming);
        if too_large {
            admission.work = Err(ServiceError::too_large());
        }
        if admission.waits().is_zero() && !admission.commits_late() {
            let (reply, date) = perform(&mut world, &incoming, &admission);
            drop(world);
            return finish(reply, date, admission.action(), cut.as_ref());
        }
        admission
    };
    wait_and_answer(emulator, incoming, admission, cut).await
}

/// The token of an `Authorization` header.
fn bearer_of(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn read_body(headers: &HeaderMap, body: Body) -> Result<RequestBody, usize> {
    let bytes: Bytes = to_bytes(body, MAX_BODY).await.map_err(|_| MAX_BODY)?;
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.map(|text| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    Ok(RequestBody {
        json: serde_json::from_slice(&bytes).ok(),
        size: bytes.len(),
        media_type,
    })
}

impl Admission {
    fn action(&self) -> Option<&Action> {
        self.strike.as_ref().map(|strike| &strike.action)
    }

    fn waits(&self) -> Duration {
        Duration::from_millis(self.latency + self.action().and_then(|action| action.delay_ms).unwrap_or(0))
    }

    fn commits_late(&self) -> bool {
        self.action().is_some_and(|action| action.commit_late.is_some())
    }
}

/// Does the work later, in a task of its own so that it is done even when the client has gone.
async fn wait_and_answer(emulator: Emulator, incoming: Incoming, admission: Admission, cut: Option<Cut>) -> Response {
    let waits = admission.waits();
    if let Some(late) = admission.action().and_then(|action| action.commit_late) {
        tokio::spawn(async move {
            sleep(waits + Duration::from_millis(late.delay_ms)).await;
            perform(&mut emulator.world(), &incoming, &admission);
        });
        sleep(waits + Duration::from_millis(late.hang_ms)).await;
        return wire::no_answer(cut.as_ref());
    }
    let task = tokio::spawn(async move {
        sleep(waits).await;
        let (reply, date) = perform(&mut emulator.world(), &incoming, &admission);
        finish(reply, date, admission.action(), cut.as_ref())
    });
    task.await.unwrap_or_else(|_| wire::no_answer(None))
}

fn finish(reply: Reply, date: Timestamp, action: Option<&Action>, cut: Option<&Cut>) -> Response {
    if action.is_some_and(|action| action.lose_response.is_some()) {
        return wire::no_answer(cut);
    }
    wire::respond(reply, date, action)
}

/// Finds out what the request is about, in the order in which the service refuses.
fn admit(world: &mut World, incoming: &Incoming) -> Admission {
    let decoded = percent_decode(&incoming.path);
    let mut segments: Vec<&str> = decoded.split('/').filter(|segment| !segment.is_empty()).collect();
    let name = if segments.is_empty() { "" } else { segments.remove(0) };
    let mut admission = Admission {
        target: Target {
            resource: name.to_owned(),
            method: incoming.method.clone(),
            path: format!("/{}", segments.join("/")),
            operation: "",
        },
        caller: None,
        latency: 0,
        style: ErrorStyle::default(),
        work: Err(ServiceError::no_such_resource()),
        strike: None,
    };
    let Some(resource) = world.resources.get_mut(name) else {
        return admission;
    };
    admission.latency = resource.settings.latency_ms;
    admission.style = resource.settings.error_style;
    let shown = Shown {
        key: incoming.key.as_deref(),
        bearer: incoming.bearer.as_deref(),
        host: &incoming.host,
    };
    let caller = access::caller(shown, name, &resource.settings, &world.entra, incoming.at);
    admission.caller = caller.as_ref().ok().copied();
    admission.work = find_work(resource, incoming, &mut segments, caller, &mut admission.target);
    if admission.work.is_ok() {
        admission.strike = world.faults.strike(&admission.target);
    }
    admission
}

/// The content of a file needs neither key nor token, because its address is signed; everything else does, and what is of
/// the API counts against the request limit.
fn find_work(
    resource: &mut Resource,
    incoming: &Incoming,
    segments: &mut Vec<&str>,
    caller: Result<Caller, ServiceError>,
    target: &mut Target,
) -> Result<Work, ServiceError> {
    let method = incoming.method.as_str();
    if segments.first() == Some(&"storage") && method == "GET" {
        target.operation = "Storage";
        return Ok(Work::Storage);
    }
    let caller = caller?;
    let is_recognition = recognition::is_path(segments) && matches!(method, "GET" | "POST");
    caller.check(method, is_recognition, &resource.settings)?;
    if is_recognition {
        target.operation = "Recognize";
        return Ok(Work::Recognize);
    }
    if segments.first() != Some(&"speechtotext") {
        return Err(ServiceError::no_such_resource());
    }
    let admitted = resource.window.admit(resource.settings.rate_limit, Instant::now());
    admitted.map_err(ServiceError::too_many_requests)?;
    segments.remove(0);
    find_operation(incoming, segments, target)
}

/// Version first, then path and method.
fn find_operation(incoming: &Incoming, segments: &mut Vec<&str>, target: &mut Target) -> Result<Work, ServiceError> {
    let version = match segments.first().copied() {
        Some(named) if is_path_version(named) => {
            segments.remove(0);
            path_version(named)?
        }
        _ => query_version(incoming.query.get("api-version"))?,
    };
    target.path = format!("/{}", segments.join("/"));
    match resolve(&incoming.method, segments, version) {
        Ok(route) => {
            target.operation = route.operation.name();
            Ok(Work::Operation(version, route))
        }
        Err(NoRoute::Method) => Err(ServiceError::method()),
        Err(NoRoute::Path) => {
            let message = format!("API version {} has no operation at {}.", version.name(), target.path);
            Err(ServiceError::no_such_path(message))
        }
    }
}

fn path_version(named: &str) -> Result<ApiVersion, ServiceError> {
    if named == ApiVersion::V3_2.name() {
        return Ok(ApiVersion::V3_2);
    }
    let state = if is_retired(named) {
        "has been retired"
    } else {
        "is not known"
    };
    Err(ServiceError::no_such_path(format!("API version {named} {state}.")))
}

fn query_version(named: Option<&str>) -> Result<ApiVersion, ServiceError> {
    let Some(named) = named.filter(|named| !named.is_empty()) else {
        return Err(ServiceError::invalid(
            "InvalidParameter",
            "The parameter api-version is required.",
        ));
    };
    ApiVersion::from_query(named).ok_or_else(|| {
        let state = if is_retired(named) {
            "has been retired"
        } else {
            "is not supported"
        };
        ServiceError::invalid("InvalidParameterValue", format!("API version {named} {state}."))
    })
}

/// Does the work and writes it into the journal; gives the `Date` of the answer with it.
fn perform(world: &mut World, incoming: &Incoming, admission: &Admission) -> (Reply, Timestamp) {
    let now = world.advance();
    let result = match (
        &admission.work,
        admission.action().filter(|action| action.status.is_some()),
    ) {
        (Ok(_), Some(action)) => Ok(fault_reply::reply_of(
            action,
            world.date_of(&admission.target.resource, now),
        )),
        (Ok(work), None) => work_on(world, incoming, admission, work, now),
        (Err(error), _) => Err(error.clone()),
    };
    let reply = result.unwrap_or_else(|error| error.into_reply(admission.style));
    let date = world.date_of(&admission.target.resource, now);
    let operation = Some(admission.target.operation).filter(|name| !name.is_empty());
    world.journal.record(Entry {
        seq: 0,
        at: incoming.at,
        clock: now,
        resource: admission.target.resource.clone(),
        method: incoming.method.clone(),
        path: incoming.path.clone(),
        query: incoming.query_text.clone(),
        operation,
        status: reply.status,
        request_body: incoming.body.json.clone(),
        fault: admission.strike.as_ref().map(Strike::noted),
        key_used: admission.caller.and_then(Caller::key),
        key_digest: incoming.key.as_deref().map(journal::digest),
        client: admission.caller.and_then(Caller::client),
        user_agent: incoming.user_agent.clone(),
        duration_micros: journal::micros_since(incoming.started),
    });
    (reply, date)
}

fn work_on(
    world: &mut World,
    incoming: &Incoming,
    admission: &Admission,
    work: &Work,
    now: Timestamp,
) -> Result<Reply, ServiceError> {
    let name = admission.target.resource.as_str();
    match work {
        Work::Operation(version, found) => {
            let links = Links::new(&incoming.host, name, *version);
            let mut call = Call {
                rate: world.clock.rate(),
                ids: &world.ids,
                resources: &mut world.resources,
                faults: &mut world.faults,
                name,
                route: found,
                target: &admission.target,
                links: &links,
                host: &incoming.host,
                now,
                query: &incoming.query,
                body: &incoming.body,
            };
            route::dispatch(&mut call)
        }
        Work::Recognize => {
            let links = Links::new(&incoming.host, name, ApiVersion::V2025_10_15);
            let resource = world
                .resources
                .get_mut(name)
                .ok_or_else(ServiceError::no_such_resource)?;
            recognition::answer(resource, &links, &incoming.query, incoming.body.size, now)
        }
        Work::Storage => {
            let file = incoming.path.rsplit('/').next().unwrap_or_default();
            let scores = world
                .resources
                .get(name)
                .and_then(|resource| score_file::at(resource, &incoming.path));
            let content = if let Some(scores) = scores {
                Content::Json(scores)
            } else if file.ends_with(".json") {
                Content::Json(json!({ "file": file, "source": "speech-emulator" }))
            } else {
                Content::Text(format!("Content of {file} from the speech emulator.\n"))
            };
            Ok(Reply {
                content,
                ..Reply::empty(200)
            })
        }
    }
}
