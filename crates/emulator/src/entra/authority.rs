//! The authority: what `https://login.microsoftonline.com` is in Azure.
use super::{Grant, Proof, exchange::Exchange, refusal::Refusal};
use crate::{Emulator, reply::Reply, wire};
use axum::{
    Router,
    body::to_bytes,
    extract::{Path, Request, State},
    response::Response,
    routing::{get, post},
};
use http::header::{HOST, HeaderMap};
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;

/// Most bytes of a request.
const MAX_BODY: usize = 64 * 1024;
/// What tokens of the Speech service are for, by cloud.
const SCOPES: [&str; 3] = [
    "https://cognitiveservices.azure.com/.default",
    "https://cognitiveservices.azure.us/.default",
    "https://cognitiveservices.azure.cn/.default",
];
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The authority's paths.
pub fn router() -> Router<Emulator> {
    Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(configuration))
        .route("/common/discovery/instance", get(instance))
        .route("/{tenant}/oauth2/v2.0/token", post(token))
}

fn address(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok());
    format!("https://{}", host.unwrap_or("localhost"))
}

async fn configuration(State(emulator): State<Emulator>, Path(tenant): Path<String>, headers: HeaderMap) -> Response {
    let now = Timestamp::now();
    let base = format!("{}/{tenant}", address(&headers));
    let reply = if emulator.world().entra.has_tenant(&tenant) {
        Reply::ok(json!({
            "issuer": format!("{base}/v2.0"),
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "response_types_supported": ["token"],
        }))
    } else {
        Refusal::tenant(&tenant).into_reply(now)
    };
    wire::respond(reply, now, None)
}

async fn instance(headers: HeaderMap) -> Response {
    let base = address(&headers);
    let host = base.trim_start_matches("https://");
    let reply = Reply::ok(json!({
        "tenant_discovery_endpoint": format!("{base}/common/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
    }));
    wire::respond(reply, Timestamp::now(), None)
}

async fn token(State(emulator): State<Emulator>, Path(tenant): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // A body that is cut or too long has no parameters.
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let parameter = |name: &str| form.get(name).filter(|value| !value.is_empty()).map(String::as_str);
    let exchange = Exchange {
        client: parameter("client_id").unwrap_or_default().to_owned(),
        operation: "Entra_Token",
        proof: parameter("client_assertion")
            .or(parameter("client_secret"))
            .map(str::to_owned),
    };
    let work = |entra: &mut super::Entra, now| {
        let granted =
            asked_for(&tenant, parameter).and_then(|(client, proof)| entra.grant(&tenant, client, proof, now));
        granted.map_or_else(|refusal| refusal.into_reply(now), |grant| answer(&grant))
    };
    exchange.answer(&emulator, &parts, work).await
}

/// Whose token is asked for, and the proof.
fn asked_for<'a>(tenant: &str, parameter: impl Fn(&str) -> Option<&'a str>) -> Result<(&'a str, Proof<'a>), Refusal> {
    let needed = |name| parameter(name).ok_or_else(|| Refusal::missing(name));
    let grant_type = needed("grant_type")?;
    if grant_type != "client_credentials" {
        return Err(Refusal::grant_type(grant_type));
    }
    let client = needed("client_id")?;
    let scope = needed("scope")?;
    if !SCOPES.contains(&scope) {
        return Err(Refusal::scope(scope, tenant));
    }
    let Some(assertion) = parameter("client_assertion") else {
        return Ok((client, Proof::Secret(needed("client_secret")?)));
    };
    if needed("client_assertion_type")? == ASSERTION_TYPE {
        Ok((client, Proof::Assertion(assertion)))
    } else {
        Err(Refusal::malformed())
    }
}

fn answer(grant: &Grant) -> Reply {
    Reply::ok(json!({
        "token_type": "Bearer",
        "expires_in": grant.seconds,
        "ext_expires_in": grant.seconds,
        "access_token": grant.token,
    }))
}
