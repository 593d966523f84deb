//! Where Flux takes events.
use speech_service::HostPattern;
use std::{fmt, str::FromStr};
use url::{Host, Url};

/// The address of Flux' notification-controller. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsUrl {
    url: Url,
    host: Host,
}

/// Why a text is no such address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEventsUrl {
    /// Not a URL with a host.
    #[error("not a URL; write it like http://notification-controller.flux-system.svc.cluster.local./")]
    NotAUrl,
    /// Neither http nor https.
    #[error("events are sent over http or https, not {0}")]
    Scheme(String),
    /// A user name or a password before the host.
    #[error("the address must not contain a user name or password")]
    UserInfo,
    /// A query or a fragment.
    #[error("the address must not contain a query (?) or a fragment (#)")]
    QueryOrFragment,
}

impl EventsUrl {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// The only host that is called.
    pub fn host(&self) -> HostPattern {
        HostPattern::Exactly(self.host.clone())
    }
}

impl FromStr for EventsUrl {
    type Err = InvalidEventsUrl;

    fn from_str(text: &str) -> Result<Self, InvalidEventsUrl> {
        let url = Url::parse(text.trim()).map_err(|_| InvalidEventsUrl::NotAUrl)?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(InvalidEventsUrl::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidEventsUrl::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidEventsUrl::QueryOrFragment);
        }
        let host = url.host().ok_or(InvalidEventsUrl::NotAUrl)?.to_owned();
        Ok(Self { url, host })
    }
}

impl fmt::Display for EventsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_for_events_is_http_or_https_and_holds_no_secret() {
        let not_a_url = InvalidEventsUrl::NotAUrl;
        for (text, expected) in [
            ("", not_a_url.clone()),
            ("notification-controller", not_a_url.clone()),
            ("http://", not_a_url.clone()),
            ("http://a b/", not_a_url),
            (
                "notification-controller:80",
                InvalidEventsUrl::Scheme("notification-controller".into()),
            ),
            ("file:///etc/passwd", InvalidEventsUrl::Scheme("file".into())),
            ("http://user@flux.example/", InvalidEventsUrl::UserInfo),
            ("https://user:pass@flux.example/", InvalidEventsUrl::UserInfo),
            ("https://:pass@flux.example/", InvalidEventsUrl::UserInfo),
            ("https://flux.example/?token=t", InvalidEventsUrl::QueryOrFragment),
            ("https://flux.example/#t", InvalidEventsUrl::QueryOrFragment),
        ] {
            let error = text.parse::<EventsUrl>().unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("pass@"), "{error}");
        }
        let usual = "http://notification-controller.flux-system.svc.cluster.local./";
        for (text, expected) in [
            (usual, usual),
            (usual.trim_end_matches('/'), usual),
            ("https://127.0.0.1:8443/events", "https://127.0.0.1:8443/events"),
        ] {
            assert_eq!(text.parse::<EventsUrl>().unwrap().as_str(), expected);
        }
    }
}
