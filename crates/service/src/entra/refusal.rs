//! What those who issue tokens say instead of giving one, in words for a condition: bounded, without secrets, and the same
//! each time for the same trouble.
use crate::{
    error::TransportKind,
    redact,
    token::{TokenError, TokenTrouble},
};
use http::Response;
use serde::Deserialize;
use tokio_util::bytes::Bytes;

/// From here on an authority's words differ from one answer to the next.
const VARIES: [&str; 4] = ["Trace ID:", "Correlation ID:", "Timestamp:", "Current time:"];
/// Codes of errors that pass by themselves.
const PASSING: [&str; 3] = ["temporarily_unavailable", "server_error", "slow_down"];

/// The form of errors that authorities and the metadata service share.
#[derive(Deserialize)]
struct Told {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// An answer whose status is no success. What is not in the form that they all have comes from somebody else.
pub(super) fn refusal(place: &str, answer: &Response<Bytes>, secrets: &[String]) -> TokenError {
    let status = answer.status().as_u16();
    let told = serde_json::from_slice::<Told>(answer.body()).ok();
    let passes = matches!(status, 404 | 408 | 410 | 429 | 500..=599);
    let told = match told {
        Some(told) if !passes && !PASSING.contains(&told.error.as_str()) => told,
        Some(told) => {
            let words = words(&told, secrets);
            let message = format!("{place} gives no token now ({status}): {words}; it is asked again");
            return TokenError::new(TokenTrouble::Unavailable, message);
        }
        None => {
            let message = format!(
                "{place} answers {status}, and not as an authority does; it is asked again. If that goes on, check what stands before it"
            );
            return TokenError::new(TokenTrouble::Unavailable, message);
        }
    };
    let advice = advice(&told.error_description);
    let message = format!("{place} refuses a token ({status}): {}{advice}", words(&told, secrets));
    TokenError::new(TokenTrouble::Refused, message)
}

/// A redirect, which is not followed.
pub(super) fn redirected(place: &str) -> TokenError {
    let message = format!("{place} redirects, which is not followed; use the final address as authorityHost");
    TokenError::new(TokenTrouble::Unavailable, message)
}

/// No answer came.
pub(super) fn unreachable(place: &str, kind: TransportKind, cause: &str) -> TokenError {
    TokenError::new(
        TokenTrouble::Unavailable,
        format!("{place} gives no token: {kind}{cause}"),
    )
}

fn words(told: &Told, secrets: &[String]) -> String {
    let text = match told.error_description.trim() {
        "" => &told.error,
        description => description,
    };
    let end = VARIES.iter().filter_map(|word| text.find(word)).min();
    let steady = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    let clean = secrets.iter().fold(steady.to_owned(), |text, secret| {
        redact::without_secret(&text, secret).into_owned()
    });
    let line = redact::without_queries(&clean);
    line.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .trim_end_matches('.')
        .to_owned()
}

/// What the reader can do, by the code at the head of the words.
fn advice(description: &str) -> &'static str {
    let code = description.trim_start().split(':').next().unwrap_or_default();
    match code {
        "AADSTS700016" => ". Check clientId and tenantId: the tenant has no such application",
        "AADSTS90002" => ". Check tenantId, and that authorityHost is that of its cloud",
        "AADSTS7000215" | "AADSTS7000222" => {
            ". Put a client secret that is valid into the Secret: its value, not its id"
        }
        "AADSTS70021" | "AADSTS700211" | "AADSTS700212" | "AADSTS700213" => {
            ". Give the application a federated credential with the cluster's issuer, the subject \
             system:serviceaccount:NAMESPACE:NAME of the ServiceAccount, and the audience api://AzureADTokenExchange"
        }
        "AADSTS700024" => ". Check the clocks of the cluster, and that the token of the ServiceAccount is renewed",
        _ => "",
    }
}
