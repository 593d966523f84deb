//! The metadata service of a machine: tokens of its managed identities.
use super::exchange::Exchange;
use crate::{Emulator, query::Query, reply::Reply};
use axum::{
    extract::{Request, State},
    response::Response,
};
use jiff::Timestamp;
use serde_json::json;

/// What the identity of the machine itself is called in faults and in the journal.
const OF_THE_MACHINE: &str = "system-assigned";

/// Answers `/metadata/identity/oauth2/token`.
pub async fn token(State(emulator): State<Emulator>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let client = query.get("client_id");
    // The header keeps requests out that somebody was tricked into, as by a redirect.
    let is_meant = parts
        .headers
        .get("metadata")
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    let exchange = Exchange {
        client: client.unwrap_or(OF_THE_MACHINE).to_owned(),
        operation: "Imds_Token",
        proof: None,
    };
    let work = |entra: &mut super::Entra, now: Timestamp| {
        if !is_meant {
            return refused("invalid_request", "Required metadata header not specified");
        }
        if query.get("api-version").is_none() {
            return refused("invalid_request", "Required query variable 'api-version' is missing");
        }
        let Some(resource) = query.get("resource") else {
            return refused("invalid_resource", "Required audience parameter not specified");
        };
        let Some(grant) = entra.grant_managed(client, now) else {
            return refused("invalid_request", "Identity not found");
        };
        Reply::ok(json!({
            "access_token": grant.token,
            "client_id": grant.client,
            "expires_in": grant.seconds.to_string(),
            "expires_on": grant.until.as_second().to_string(),
            "not_before": now.as_second().to_string(),
            "resource": resource,
            "token_type": "Bearer",
        }))
    };
    exchange.answer(&emulator, &parts, work).await
}

fn refused(error: &str, description: &str) -> Reply {
    Reply::empty(400).json(json!({ "error": error, "error_description": description }))
}
