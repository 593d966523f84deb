//! Refusals of the service: codes, status numbers and the envelopes they travel in.
use super::reply::Reply;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How a Speech resource writes its errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorStyle {
    /// Only the members that say something.
    #[default]
    Compact,
    /// As older answers: `details`, `target` and `innerError` are null when empty.
    Nulls,
    /// The envelope of the gateway for every error.
    Gateway,
}

/// A refusal, not yet put into an envelope.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceError {
    /// HTTP status.
    pub status: u16,
    /// Outer code.
    pub code: &'static str,
    /// Code of `innerError`, where the service gives one.
    pub inner: Option<&'static str>,
    /// Text of both levels.
    pub message: String,
    /// Seconds for the Retry-After header.
    pub retry_after: Option<u64>,
    /// True when the gateway in front answers, not the service.
    pub from_gateway: bool,
}

impl ServiceError {
    fn new(status: u16, code: &'static str, inner: Option<&'static str>, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            inner,
            message: message.into(),
            retry_after: None,
            from_gateway: false,
        }
    }

    /// 400 InvalidRequest with an inner code.
    pub fn invalid(inner: &'static str, message: impl Into<String>) -> Self {
        Self::new(400, "InvalidRequest", Some(inner), message)
    }

    /// 400 for JSON that does not bind; its outer code lies outside the documented enum, as seen on the wire.
    pub fn binding(path: &str) -> Self {
        Self::new(
            400,
            "InvalidPayload",
            None,
            format!("{path}: The supplied value is invalid."),
        )
    }

    /// 400 for a value that binds but breaks a rule of the member.
    pub fn member(path: &str, rule: &str) -> Self {
        Self::invalid("InvalidPayload", format!("{path}: {rule}"))
    }

    /// 404 in the service's envelope.
    pub fn not_found(what: &str) -> Self {
        Self::new(404, "NotFound", None, format!("The specified {what} was not found."))
    }

    /// 404 for a path that no operation has.
    pub fn no_such_path(message: impl Into<String>) -> Self {
        Self::new(404, "NotFound", None, message)
    }

    /// 405 for a method that the path does not have.
    pub fn method() -> Self {
        Self::new(405, "NotAllowed", None, "The method is not allowed for this resource.")
    }

    /// 409 Conflict with an inner code.
    pub fn conflict(inner: &'static str, message: impl Into<String>) -> Self {
        Self::new(409, "Conflict", Some(inner), message)
    }

    /// The refusal to delete what is in use; the status is a setting of the Speech resource.
    pub fn in_use(status: u16, message: impl Into<String>) -> Self {
        let code = match status {
            409 => "Conflict",
            403 => "Forbidden",
            _ => "InvalidRequest",
        };
        Self::new(status, code, Some("InUseViolation"), message)
    }

    /// 415, which the service sends without a body.
    pub fn media_type() -> Self {
        Self::new(415, "UnsupportedMediaType", None, String::new())
    }

    /// 429 of the service.
    pub fn too_many_requests(retry_after: u64) -> Self {
        let error = Self::new(429, "TooManyRequests", None, "Too many requests. Please retry later.");
        Self {
            retry_after: Some(retry_after),
            ..error
        }
    }

    /// 401 of the gateway; its text is the one seen on the wire.
    pub fn access_denied() -> Self {
        let message = "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a \
                       valid key for an active subscription and use a correct regional API endpoint for your resource.";
        Self {
            from_gateway: true,
            ..Self::new(401, "401", None, message)
        }
    }

    /// 401 of the gateway for a token that it does not know or that has ended.
    pub fn token_denied() -> Self {
        let message = "Unauthorized. Access token is missing, invalid, audience is incorrect \
                       (https://cognitiveservices.azure.com), or have expired.";
        Self {
            from_gateway: true,
            ..Self::new(401, "401", None, message)
        }
    }

    /// The gateway's answer to whoever lacks a role; seen with 401.
    pub fn permission(status: u16, action: &str) -> Self {
        let message = format!(
            "The principal lacks the required data action \
             `Microsoft.CognitiveServices/accounts/SpeechServices/speechrest/{action}`."
        );
        Self {
            from_gateway: true,
            ..Self::new(status, "PermissionDenied", None, message)
        }
    }

    /// 403 of the gateway where keys are switched off.
    pub fn keys_disabled() -> Self {
        let message = "Key based authentication is disabled for this resource.";
        Self {
            from_gateway: true,
            ..Self::new(403, "AuthenticationTypeDisabled", None, message)
        }
    }

    /// 400 of the gateway for a token at the host of a region.
    pub fn no_custom_subdomain() -> Self {
        let message = "Please provide a custom subdomain for token authentication, otherwise API key is required.";
        Self {
            from_gateway: true,
            ..Self::new(400, "BadRequest", None, message)
        }
    }

    /// 404 of the gateway for a host or resource that does not exist.
    pub fn no_such_resource() -> Self {
        Self {
            from_gateway: true,
            ..Self::new(404, "404", None, "Resource not found")
        }
    }

    /// 413 of the gateway.
    pub fn too_large() -> Self {
        Self {
            from_gateway: true,
            ..Self::new(413, "413", None, "Request entity too large")
        }
    }

    /// The answer in the given style.
    pub fn into_reply(self, style: ErrorStyle) -> Reply {
        let mut reply = Reply::empty(self.status);
        if let Some(seconds) = self.retry_after {
            reply = reply.header("retry-after", seconds.to_string());
        }
        if self.message.is_empty() {
            return reply;
        }
        if self.from_gateway || style == ErrorStyle::Gateway {
            let status = self.status.to_string();
            let code = if self.from_gateway { self.code } else { &status };
            let body = json!({ "error": { "code": code, "message": self.message } });
            return reply.json(body);
        }
        let inner = self.inner.map(|code| envelope(code, &self.message, None, style));
        reply.json(envelope(self.code, &self.message, inner, style))
    }
}

fn envelope(code: &str, message: &str, inner: Option<Value>, style: ErrorStyle) -> Value {
    let mut members = Map::new();
    members.insert("code".to_owned(), json!(code));
    members.insert("message".to_owned(), json!(message));
    if style == ErrorStyle::Nulls {
        members.insert("details".to_owned(), Value::Null);
        members.insert("target".to_owned(), Value::Null);
        members.insert("innerError".to_owned(), Value::Null);
    }
    if let Some(inner) = inner {
        members.insert("innerError".to_owned(), inner);
    }
    Value::Object(members)
}
