//! Refusals of Entra ID, in its words and numbers.
use crate::reply::Reply;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;
use uuid::Uuid;

/// Where Entra ID sends people whose assertion it does not know.
const HELP: &str = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation";

/// A refusal.
#[derive(Debug)]
pub struct Refusal {
    status: u16,
    error: &'static str,
    number: u32,
    text: String,
}

impl Refusal {
    fn new(status: u16, error: &'static str, number: u32, text: impl Into<String>) -> Self {
        Self {
            status,
            error,
            number,
            text: text.into(),
        }
    }

    fn client(number: u32, text: impl Into<String>) -> Self {
        Self::new(401, "invalid_client", number, text)
    }

    fn no_match(number: u32, what: &str, value: &str) -> Self {
        Self::client(
            number,
            format!(
                "No matching federated identity record found for presented assertion {what} '{value}'. Check your \
                 federated identity credential Subject, Audience and Issuer against the presented assertion. {HELP}"
            ),
        )
    }

    pub fn tenant(tenant: &str) -> Self {
        let text = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        );
        Self::new(400, "invalid_request", 90_002, text)
    }

    pub fn application(client: &str, tenant: &str) -> Self {
        let text = format!(
            "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in the \
             tenant. You may have sent your authentication request to the wrong tenant."
        );
        Self::new(400, "unauthorized_client", 700_016, text)
    }

    pub fn secret(client: &str) -> Self {
        let text = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{client}'."
        );
        Self::client(7_000_215, text)
    }

    pub fn issuer(issuer: &str) -> Self {
        Self::no_match(700_211, "issuer", issuer)
    }

    pub fn subject(subject: &str) -> Self {
        Self::no_match(700_213, "subject", subject)
    }

    pub fn audience(audience: &str) -> Self {
        Self::no_match(700_212, "audience", audience)
    }

    pub fn malformed() -> Self {
        Self::client(50_027, "JWT token is invalid or malformed.")
    }

    pub fn signature() -> Self {
        Self::client(
            50_013,
            "Assertion failed signature validation. [Reason - The key was not found.]",
        )
    }

    pub fn not_in_time(now: Timestamp, from: i64, until: i64) -> Self {
        let shown = |second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        let (from, until) = (shown(from), shown(until));
        let text = format!(
            "Client assertion is not within its valid time range. Current time: {now:.0}, assertion valid from \
             {from:.0}, expiry time of assertion {until:.0}."
        );
        Self::client(700_024, text)
    }

    pub fn missing(parameter: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{parameter}'.");
        Self::new(400, "invalid_request", 900_144, text)
    }

    pub fn grant_type(name: &str) -> Self {
        let text = format!("The app requested an unsupported grant type '{name}'.");
        Self::new(400, "unsupported_grant_type", 70_003, text)
    }

    pub fn scope(scope: &str, tenant: &str) -> Self {
        let text = format!("The resource principal named {scope} was not found in the tenant named {tenant}.");
        Self::new(400, "invalid_resource", 500_011, text)
    }

    /// The answer, with the marks by which its sender finds it again.
    pub fn into_reply(self, now: Timestamp) -> Reply {
        let Self {
            status,
            error,
            number,
            text,
        } = self;
        let (trace, correlation) = (Uuid::new_v4(), Uuid::new_v4());
        let time = now.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        Reply::empty(status).json(json!({
            "error": error,
            "error_description":
                format!("AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}"),
            "error_codes": [number],
            "timestamp": time,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
        }))
    }
}
