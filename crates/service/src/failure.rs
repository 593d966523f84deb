//! The service's refusals: several shapes on the wire, one here.
use super::{
    redact,
    retry_after::{retry_after, wait_in_words},
    wire::check_size,
};
use http::{HeaderMap, Method, Response, StatusCode};
use serde_json::Value;
use std::{fmt, time::Duration};

/// The code of what was not sent.
const NO_TURN: &str = "NoTurn";

/// An answer that says no, whoever gave it: the service, or a gateway before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status.
    pub status: u16,
    /// The outer code, e.g. `InvalidRequest`; derived from the status where the answer has none.
    pub code: String,
    /// The innermost code, the most exact one, e.g. `ModelDeprecated` or `QuotaViolation`.
    pub inner_code: Option<String>,
    /// The answer's own words without secrets; empty when it has none.
    pub message: String,
    /// What Microsoft's support asks for.
    pub request_id: Option<String>,
    /// When to try again at the earliest, at most a day.
    pub retry_after: Option<Duration>,
    /// The operation that failed, e.g. `create_endpoint`.
    pub route: &'static str,
    /// Whether the service's own envelope came back. A 404 without it speaks of the address, not of the entity.
    pub from_service: bool,
    /// The role that the request needs, where it was sent with a token; a key needs none.
    pub role: Option<Role>,
}

/// A role at a Speech resource, for the requests that need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Reads.
    User,
    /// Reads and changes.
    Contributor,
}

impl Role {
    pub(super) fn for_request(method: &Method) -> Self {
        match method.is_safe() {
            true => Self::User,
            false => Self::Contributor,
        }
    }

    /// What the reader can do about a 401 or 403.
    fn advice(self) -> &'static str {
        match self {
            Self::User => {
                "give the identity the role \"Cognitive Services Speech User\" at this Speech resource, or \"Cognitive Services Speech \
                 Contributor\" if the operator is to change it, and check that the endpoint is the resource's custom subdomain and \
                 that its network rules let the operator in; a new role assignment takes some minutes"
            }
            Self::Contributor => {
                "give the identity the role \"Cognitive Services Speech Contributor\" at this Speech resource: \"Cognitive Services \
                 Speech User\" only reads; a new role assignment takes some minutes"
            }
        }
    }
}

impl Failure {
    /// Reads an answer whose status is no success. The status decides; the body only adds words, in whatever shape and
    /// under whatever content type it comes. `secret` is the key, in case that something echoes it.
    pub(super) fn read(route: &'static str, answer: &Response<impl AsRef<[u8]>>, secret: &str) -> Self {
        let status = answer.status();
        let words = Words::read(answer.body().as_ref());
        let clean = |text: String| redact::without_queries(&redact::without_secret(&text, secret));
        let mut failure = Self {
            status: status.as_u16(),
            code: words.code.map_or_else(|| code_of(status).to_owned(), clean),
            inner_code: words.inner_code.map(clean),
            message: clean(words.message),
            request_id: request_id(answer.headers()),
            retry_after: retry_after(answer.headers()),
            route,
            from_service: words.from_service,
            role: None,
        };
        if failure.is_throttling() && failure.retry_after.is_none() {
            failure.retry_after = wait_in_words(&failure.message);
        }
        failure
    }

    /// Whether too many requests are the trouble: 429, or a 403 that speaks of a volume or rate of calls, as the gateways
    /// before Azure's services give it. A 403 that says how many entities a resource may hold is none.
    pub fn is_throttling(&self) -> bool {
        const WORDS: [&str; 8] = [
            "call volume",
            "call rate",
            "rate limit",
            "ratelimit",
            "too many requests",
            "toomanyrequests",
            "throttl",
            "quota",
        ];
        let code = self.inner_code.as_deref().unwrap_or_default();
        let counts_entities = |code: &str| matches!(code, "QuotaViolation" | "SkuLimitsExist");
        let speaks = || {
            let text = format!("{} {code} {}", self.code, self.message).to_lowercase();
            WORDS.iter().any(|word| text.contains(word))
        };
        match self.status {
            429 => true,
            403 => !counts_entities(code) && !counts_entities(&self.code) && speaks(),
            _ => false,
        }
    }

    /// Whether a token is known but may not do this: the gateway says so with 401 as well as with 403.
    pub fn lacks_role(&self) -> bool {
        let codes = [Some(self.code.as_str()), self.inner_code.as_deref()];
        self.role.is_some() && codes.into_iter().flatten().any(|code| code == "PermissionDenied")
    }

    /// Whether nothing was sent at all, because the turn did not come.
    pub(super) fn is_no_turn(&self) -> bool {
        self.code == NO_TURN && self.status == 429
    }

    /// Whether this is the service's own word that it does not know what the request names. An unknown path, or a version
    /// that was retired, may be answered in the same envelope: what speaks of them does not speak of an entity.
    pub fn speaks_of_entity(&self) -> bool {
        let codes = [Some(self.code.as_str()), self.inner_code.as_deref()];
        let is_not_found = |code: &str| code.to_ascii_lowercase().ends_with("notfound");
        let message = self.message.to_lowercase();
        self.status == 404
            && self.from_service
            && codes.into_iter().flatten().any(is_not_found)
            && !self.speaks_of_version()
            && !words_of(&message).any(|word| ELSEWHERE.contains(&word))
            && !message.contains("resource not found")
    }

    /// Whether the API version is what is refused. The service's words for that are not documented; that the version is
    /// named in them is likely.
    pub fn speaks_of_version(&self) -> bool {
        let inner = self.inner_code.as_deref().unwrap_or_default();
        let text = format!("{} {inner} {}", self.code, self.message).to_lowercase();
        let names_parameter = ["api-version", "apiversion", "api version"]
            .iter()
            .any(|name| text.contains(name));
        let names_version = words_of(&text).any(|word| matches!(word, "version" | "versions"));
        match self.status {
            404 | 410 => names_parameter || names_version,
            400..=499 => names_parameter,
            _ => false,
        }
    }

    /// A request that was not sent, because its turn in the budget did not come in time.
    pub(super) fn no_turn(route: &'static str, retry_after: Option<Duration>) -> Self {
        Self {
            status: 429,
            code: NO_TURN.to_owned(),
            inner_code: None,
            message: match retry_after {
                Some(_) => "not sent, because the service asked for a pause that has not ended",
                None => "not sent, because spec.requestBudget had no room for it in time",
            }
            .to_owned(),
            request_id: None,
            retry_after,
            route,
            from_service: false,
            role: None,
        }
    }

    /// A request that was not sent, because what its connection leads to has changed or is in doubt.
    pub(super) fn withheld(route: &'static str) -> Self {
        Self {
            message: "not sent, because the connection has changed meanwhile, or it is not certain that it still leads to the \
                      same Speech resource"
                .to_owned(),
            ..Self::no_turn(route, None)
        }
    }

    /// The answer's own words, and what to do about a role that is missing.
    pub fn words(&self) -> String {
        match self.role_advice() {
            Some(advice) => format!("{} ({advice})", self.message).trim().to_owned(),
            None => self.message.clone(),
        }
    }

    /// What to do about a role that may be missing.
    fn role_advice(&self) -> Option<&'static str> {
        let is_about_roles = matches!(self.status, 401 | 403) && !self.is_throttling();
        self.role.filter(|_| is_about_roles).map(Role::advice)
    }

    /// What the reader can do about it, where that is known.
    fn advice(&self) -> Option<&'static str> {
        match self.status {
            _ if self.is_throttling() => Some("too many requests; it is tried again, more slowly"),
            401 | 403 if self.role.is_some() => self.role_advice(),
            401 => Some("check the key in the Secret, and that the endpoint is this key's own region or custom domain"),
            403 => Some("check the resource's network rules, its tier, and that access by key is switched on"),
            404 | 410 if !self.from_service => Some("check the path of the endpoint and the API version"),
            415 | 405 => Some("check the API version"),
            408 | 500..=599 => Some("the service is disturbed; it is tried again"),
            _ => None,
        }
    }
}

/// Words of an answer that speaks of the way to the service.
const ELSEWHERE: [&str; 5] = ["api", "gateway", "path", "route", "upstream"];

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric())
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_no_turn() {
            return write!(f, "{}: {} (it is tried again)", self.route, self.message);
        }
        write!(f, "{} answered {} {}", self.route, self.status, self.code)?;
        if let Some(inner) = self.inner_code.as_ref().filter(|inner| **inner != self.code) {
            write!(f, "/{inner}")?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if let Some(advice) = self.advice() {
            write!(f, " ({advice})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// What a body of any shape says.
#[derive(Default)]
struct Words {
    code: Option<String>,
    inner_code: Option<String>,
    message: String,
    from_service: bool,
}

impl Words {
    fn read(body: &[u8]) -> Self {
        if check_size(body).is_err() {
            return Self::default();
        }
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(fields)) => Self::from_json(&Value::Object(fields)),
            Ok(Value::String(text)) => Self::from_text(&text),
            Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) | Err(_) => {
                Self::from_text(&String::from_utf8_lossy(body))
            }
        }
    }

    /// `{"error": {...}}` is a gateway's, the bare object the service's; a code that only repeats the status is none.
    fn from_json(body: &Value) -> Self {
        let wrapped = body.get("error").filter(|inner| inner.is_object());
        let error = wrapped.unwrap_or(body);
        let inner = innermost(error);
        let code = text(error, "code").filter(|code| !code.bytes().all(|byte| byte.is_ascii_digit()));
        let message = text(error, "message").or_else(|| inner.and_then(|inner| text(inner, "message")));
        Self {
            from_service: wrapped.is_none() && code.is_some(),
            code: code.map(str::to_owned),
            inner_code: inner.and_then(|inner| text(inner, "code")).map(str::to_owned),
            message: message.unwrap_or_default().to_owned(),
        }
    }

    /// Plain text is kept, a page of HTML is nobody's message.
    fn from_text(body: &str) -> Self {
        let body = body.trim();
        let message = if body.starts_with('<') { "" } else { body };
        Self {
            message: message.to_owned(),
            ..Self::default()
        }
    }
}

/// The deepest inner error that has a code; errors nest.
fn innermost(error: &Value) -> Option<&Value> {
    let inner = ["innerError", "innererror"]
        .iter()
        .find_map(|name| error.get(*name))
        .filter(|inner| inner.is_object())?;
    innermost(inner).or_else(|| text(inner, "code").map(|_| inner))
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let value = ["apim-request-id", "x-ms-request-id", "x-requestid"]
        .iter()
        .find_map(|name| headers.get(*name))?;
    Some(redact::without_queries(value.to_str().ok()?))
}

/// The service's outer code that fits a status, for answers that carry none.
fn code_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "InvalidRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 | 410 => "NotFound",
        405 => "NotAllowed",
        409 => "Conflict",
        415 => "UnsupportedMediaType",
        422 => "UnprocessableEntity",
        429 => "TooManyRequests",
        500 => "InternalServerError",
        502..=504 => "ServiceUnavailable",
        _ => status.canonical_reason().unwrap_or("Unknown"),
    }
}

#[cfg(test)]
mod tests;
