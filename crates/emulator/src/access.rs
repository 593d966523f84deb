//! Who may do what at a Speech resource: keys, tokens and roles.
use super::{
    entra::{Entra, Role},
    error::ServiceError,
    settings::Settings,
};
use jiff::Timestamp;
use uuid::Uuid;

/// Hosts of a whole region, where no token counts.
const REGIONAL: [&str; 3] = [
    ".api.cognitive.microsoft.com",
    ".api.cognitive.microsoft.us",
    ".api.cognitive.azure.cn",
];

/// What a request shows of its sender.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    pub key: Option<&'a str>,
    /// The token; it takes precedence over a key.
    pub bearer: Option<&'a str>,
    pub host: &'a str,
}

/// Who sent a request.
#[derive(Clone, Copy)]
pub enum Caller {
    /// Whoever holds a key, by its number; may do everything.
    Key(u8),
    /// An application, with its role here.
    Application(Uuid, Option<Role>),
}

/// Finds out who sent a request.
pub fn caller(
    shown: Shown<'_>,
    name: &str,
    settings: &Settings,
    entra: &Entra,
    now: Timestamp,
) -> Result<Caller, ServiceError> {
    let Some(token) = shown.bearer else {
        let number = shown.key.and_then(|key| settings.key_number(key));
        let number = number.ok_or_else(ServiceError::access_denied)?;
        return if settings.disable_local_auth {
            Err(ServiceError::keys_disabled())
        } else {
            Ok(Caller::Key(number))
        };
    };
    let host = shown.host.rsplit_once(':').map_or(shown.host, |(host, _)| host);
    if !settings.custom_subdomain || REGIONAL.iter().any(|suffix| host.ends_with(suffix)) {
        return Err(ServiceError::no_custom_subdomain());
    }
    let client = entra.holder_of(token, now).ok_or_else(ServiceError::token_denied)?;
    Ok(Caller::Application(client, entra.role_of(client, name)))
}

impl Caller {
    /// The number of the key.
    pub fn key(self) -> Option<u8> {
        match self {
            Self::Key(number) => Some(number),
            Self::Application(..) => None,
        }
    }

    /// The application.
    pub fn client(self) -> Option<Uuid> {
        match self {
            Self::Application(client, _) => Some(client),
            Self::Key(_) => None,
        }
    }

    /// Whether the role of the sender is enough; recognition changes nothing.
    pub fn check(self, method: &str, is_recognition: bool, settings: &Settings) -> Result<(), ServiceError> {
        let (action, may) = match self {
            Self::Key(_) | Self::Application(_, Some(Role::Contributor)) => ("", true),
            Self::Application(_, Some(Role::User)) => ("write", method == "GET" || is_recognition),
            Self::Application(_, None) => (if method == "GET" { "read" } else { "write" }, false),
        };
        if may {
            Ok(())
        } else {
            Err(ServiceError::permission(settings.permission_denied_status, action))
        }
    }
}
