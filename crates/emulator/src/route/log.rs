//! Log files of endpoints and base models (v3.2).
use super::file::signature;
use crate::{
    call::Call,
    entity::{LogFile, find},
    error::ServiceError,
    link::percent_encode,
    operation::Operation,
    reply::Reply,
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Map, Value, json};

/// How long the service keeps logs in its own storage.
const LOG_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// True for the operations on the logs of one endpoint.
fn is_of_endpoint(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::EndpointsListLogs
            | Operation::EndpointsGetLog
            | Operation::EndpointsDeleteLogs
            | Operation::EndpointsDeleteLog
    )
}

/// The path of the list.
fn path(call: &Call<'_>) -> String {
    if is_of_endpoint(call.route.operation) {
        format!("/endpoints/{}/files/logs", call.route.id)
    } else {
        format!("/endpoints/base/{}/files/logs", call.route.part)
    }
}

fn belongs(call: &Call<'_>, log: &LogFile) -> bool {
    if is_of_endpoint(call.route.operation) {
        log.endpoint == Some(call.route.id)
    } else {
        log.endpoint.is_none() && log.locale.eq_ignore_ascii_case(&call.route.part)
    }
}

/// The logs the path means that are still kept.
fn logs<'c>(call: &'c Call<'_>) -> Result<Vec<&'c LogFile>, ServiceError> {
    let resource = call.resource()?;
    if is_of_endpoint(call.route.operation) && find(&resource.endpoints, call.route.id).is_none() {
        return Err(ServiceError::not_found("endpoint"));
    }
    let is_kept = |log: &&LogFile| resource.settings.byos || call.now.duration_since(log.created_date_time) < LOG_LIFE;
    Ok(resource
        .logs
        .iter()
        .filter(is_kept)
        .filter(|log| belongs(call, log))
        .collect())
}

fn wanted(call: &Call<'_>) -> String {
    if is_of_endpoint(call.route.operation) {
        call.route.part.clone()
    } else {
        call.route.log.clone()
    }
}

pub fn list(call: &Call<'_>) -> Result<Reply, ServiceError> {
    let settings = &call.resource()?.settings;
    let logs = logs(call)?;
    let sas = signature(call, false)?;
    let top = match call.query.get("top") {
        None => settings.page_size,
        Some(text) => {
            let number = text.parse::<usize>().ok().filter(|number| *number > 0);
            number.ok_or_else(|| ServiceError::invalid("InvalidTopForLogs", "The parameter top is not valid."))?
        }
    };
    // The token is the id of the last log of the page before; ids are in the order of time.
    let token = call.query.get("skipToken");
    if token.is_some_and(|token| !logs.iter().any(|log| log.id == token)) {
        return Err(ServiceError::invalid(
            "InvalidSkipTokenForLogs",
            "The parameter skipToken is not valid.",
        ));
    }
    let rest: Vec<&&LogFile> = logs
        .iter()
        .filter(|log| token.is_none_or(|token| log.id.as_str() > token))
        .collect();
    let shown: Vec<&&&LogFile> = rest.iter().take(top.min(settings.max_page_size)).collect();
    let path = path(call);
    let mut members = Map::new();
    let values: Vec<Value> = shown
        .iter()
        .map(|log| log.render(call.links, &path, sas.as_deref()))
        .collect();
    members.insert("values".to_owned(), json!(values));
    if let Some(last) = shown.last().filter(|_| shown.len() < rest.len()) {
        let query = format!("skipToken={}&top={top}", percent_encode(&last.id));
        members.insert("@nextLink".to_owned(), json!(call.links.with_query(&path, &query)));
    }
    Ok(Reply::ok(Value::Object(members)))
}

pub fn get(call: &Call<'_>) -> Result<Reply, ServiceError> {
    let wanted = wanted(call);
    let sas = signature(call, false)?;
    let logs = logs(call)?;
    let log = logs
        .iter()
        .find(|log| log.id == wanted)
        .ok_or_else(|| ServiceError::not_found("log"))?;
    Ok(Reply::ok(log.render(call.links, &path(call), sas.as_deref())))
}

/// Deletes one log; what is not there counts as deleted.
pub fn delete(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let wanted = wanted(call);
    let found = logs(call)?.iter().any(|log| log.id == wanted);
    if found {
        call.resource_mut()?.logs.retain(|log| log.id != wanted);
    }
    Ok(Reply::empty(204))
}

/// Deletes all logs up to `endDate`; the service takes its time for it, the emulator none.
pub fn delete_all(call: &mut Call<'_>) -> Result<Reply, ServiceError> {
    let end = match call.query.get("endDate") {
        None => Timestamp::MAX,
        Some(text) => end_of_day(text)
            .ok_or_else(|| ServiceError::invalid("InvalidLogDate", "The parameter endDate must be yyyy-mm-dd."))?,
    };
    let is_deleted = |log: &&LogFile| log.created_date_time < end;
    let ids: Vec<String> = logs(call)?
        .into_iter()
        .filter(is_deleted)
        .map(|log| log.id.clone())
        .collect();
    call.resource_mut()?.logs.retain(|log| !ids.contains(&log.id));
    Ok(Reply::empty(202))
}

/// The first instant behind a UTC day.
fn end_of_day(text: &str) -> Option<Timestamp> {
    let day: Date = text.parse().ok()?;
    Some(day.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
