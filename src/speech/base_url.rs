//! Where a Speech resource is reached, and which links still belong to it.
use std::fmt;
use url::Url;

/// The endpoint of one Speech resource: scheme, host, port and an optional path, without a slash at the end.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    text: Box<str>,
    url: Url,
}

/// Why a text is no usable endpoint. The text itself is not shown where it may carry a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBaseUrl {
    /// Not a URL with a host.
    #[error("the endpoint is not a URL; write it like https://westeurope.api.cognitive.microsoft.com")]
    NotAUrl,
    /// `http`, where only `https` is allowed.
    #[error("the endpoint must start with https://, because the key would travel in clear over {scheme}")]
    NotHttps {
        /// The scheme found.
        scheme: String,
    },
    /// A user name or a password before the host.
    #[error("the endpoint must not contain a user name or password")]
    UserInfo,
    /// A query or a fragment.
    #[error("the endpoint must not contain a query (?) or a fragment (#)")]
    QueryOrFragment,
}

impl BaseUrl {
    /// Reads an endpoint; `http` is refused unless `allow_http` (an emulator, a test).
    pub fn parse(text: &str, allow_http: bool) -> Result<Self, InvalidBaseUrl> {
        let url = Url::parse(text.trim()).map_err(|_| InvalidBaseUrl::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if allow_http => {}
            other => {
                return Err(InvalidBaseUrl::NotHttps {
                    scheme: other.to_owned(),
                });
            }
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(InvalidBaseUrl::NotAUrl);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidBaseUrl::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidBaseUrl::QueryOrFragment);
        }
        let text = url.as_str().trim_end_matches('/').into();
        Ok(Self { text, url })
    }

    /// The URL without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host, without the port.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The endpoint as a URL.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether a link leads to the same scheme, host and port, and below the same path: only there may the key travel.
    pub fn covers(&self, link: &Url) -> bool {
        let path = self.url.path().trim_end_matches('/');
        let below = link.path().strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        let plain = link.username().is_empty() && link.password().is_none();
        below && plain && !hides_a_slash(link.path()) && self.url.origin() == link.origin()
    }
}

/// Whether a path has slashes in disguise, with which it could climb out of the endpoint's path behind a gateway.
fn hides_a_slash(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["%2f", "%5c", "%252f", "%255c"]
        .iter()
        .any(|slash| path.contains(slash))
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_at_the_end_and_the_default_port_are_dropped() {
        for (text, expected) in [
            ("https://x.example", "https://x.example"),
            (" https://X.example:443/\n", "https://x.example"),
            (
                "https://x.example:8443/speech/west//",
                "https://x.example:8443/speech/west",
            ),
        ] {
            assert_eq!(BaseUrl::parse(text, false).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn what_could_leak_or_mislead_is_refused() {
        for (text, expected) in [
            ("", InvalidBaseUrl::NotAUrl),
            ("x.example", InvalidBaseUrl::NotAUrl),
            ("http://x.example", InvalidBaseUrl::NotHttps { scheme: "http".into() }),
            ("ftp://x.example", InvalidBaseUrl::NotHttps { scheme: "ftp".into() }),
            ("https://user:pass@x.example", InvalidBaseUrl::UserInfo),
            ("https://x.example?api-version=1", InvalidBaseUrl::QueryOrFragment),
            ("https://x.example#a", InvalidBaseUrl::QueryOrFragment),
        ] {
            let error = BaseUrl::parse(text, false).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("pass@"));
        }
        assert!(BaseUrl::parse("http://x.example", true).is_ok());
        assert!(BaseUrl::parse("ftp://x.example", true).is_err());
    }

    #[test]
    fn a_link_is_covered_only_at_the_same_origin_and_below_the_same_path() {
        let base = BaseUrl::parse("https://x.example/west", false).unwrap();
        for (link, covered) in [
            ("https://x.example/west/speechtotext/endpoints?skip=1", true),
            ("https://X.example:443/west/speechtotext", true),
            ("https://x.example/westward/speechtotext", false),
            ("https://x.example/west/../east/speechtotext", false),
            ("https://x.example/west/%2e%2e/east", false),
            ("https://x.example/west/..%2feast", false),
            ("https://x.example/west/%2e%2e%2Feast", false),
            ("https://x.example/west/..%5ceast", false),
            ("https://x.example/west/..%252feast", false),
            ("https://x.example/west\\..\\east", false),
            ("https://x.example/west/a?next=..%2feast", true),
            ("https://x.example:444/west/speechtotext", false),
            ("http://x.example/west/speechtotext", false),
            ("https://x.example.evil.example/west/a", false),
            ("https://x.example@evil.example/west/a", false),
            ("https://me@x.example/west/a", false),
        ] {
            assert_eq!(base.covers(&Url::parse(link).unwrap()), covered, "{link}");
        }
    }
}
