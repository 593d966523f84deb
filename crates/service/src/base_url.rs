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

    /// A link of an answer, at this endpoint: what stands below `/speechtotext`, and the query. `at` is where the answer was
    /// asked for, in case that the link is relative.
    ///
    /// Behind a gateway the service writes its inner host, another port or another prefix; that is the same Speech resource
    /// by its other name. Scheme, host, port and prefix are always our own, so that the key never travels elsewhere.
    pub(super) fn own(&self, link: &str, at: &str) -> Result<Url, ForeignLink> {
        let asked = Url::parse(at).ok();
        let found = Url::options().base_url(asked.as_ref()).parse(link);
        let found = found.map_err(|_| ForeignLink("a place that is no URL".to_owned()))?;
        let foreign = || ForeignLink(found.origin().ascii_serialization());
        let plain = found.username().is_empty() && found.password().is_none();
        if !plain || !matches!(found.scheme(), "http" | "https") || hides_a_slash(found.path()) {
            return Err(foreign());
        }
        let prefix = self.url.path().trim_end_matches('/');
        let rest = below_service(found.path()).ok_or_else(foreign)?;
        let mut own = self.url.clone();
        own.set_path(&format!("{prefix}{SERVICE}{rest}"));
        own.set_query(found.query());
        Ok(own)
    }
}

/// A link that leads nowhere below a Speech service; holds scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ForeignLink(pub String);

/// The segment below which the service is, at every host.
pub(super) const SERVICE: &str = "/speechtotext";

/// What stands below the service in a path; a prefix may have the same name.
fn below_service(path: &str) -> Option<&str> {
    let rest = path.get(path.rfind(SERVICE)? + SERVICE.len()..)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
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
    fn a_link_is_taken_over_to_the_own_endpoint_or_refused() {
        let base = BaseUrl::parse("https://x.example/west", false).unwrap();
        let at = "https://x.example/west/speechtotext/endpoints?top=100";
        let next = "https://x.example/west/speechtotext/endpoints?skip=1";
        for (link, expected) in [
            (next, Some(next)),
            ("https://X.example:443/west/speechtotext/endpoints?skip=1", Some(next)),
            // The inner host, its port, its prefix; without the gateway's prefix; relative.
            (
                "http://inner.example:8080/a/b/speechtotext/endpoints?skip=1",
                Some(next),
            ),
            ("https://x.example/speechtotext/endpoints?skip=1", Some(next)),
            ("https://x.example/westward/speechtotext/endpoints?skip=1", Some(next)),
            ("/speechtotext/endpoints?skip=1", Some(next)),
            ("//inner.example/speechtotext/endpoints?skip=1", Some(next)),
            ("endpoints?skip=1", Some(next)),
            ("?skip=1", Some(next)),
            (
                "https://evil.example/speechtotext",
                Some("https://x.example/west/speechtotext"),
            ),
            // Climbing leads to another place below the own endpoint at most.
            (
                "https://x.example/west/speechtotext/../speechtotext/%2e%2e/speechtotext/endpoints?skip=1",
                Some(next),
            ),
            ("https://x.example/west\\..\\east", None),
            ("https://x.example/west/speechtotext/..%2feast", None),
            ("https://x.example/west/speechtotext/%2e%2e%2Feast", None),
            ("https://x.example/west/speechtotext/..%5ceast", None),
            ("https://x.example/west/speechtotext/..%252feast", None),
            ("https://x.example/west/speechtotextual/endpoints", None),
            ("https://x.example/west/endpoints", None),
            ("https://me@x.example/west/speechtotext", None),
            ("ftp://x.example/west/speechtotext", None),
            ("javascript:speechtotext", None),
        ] {
            let own = base.own(link, at);
            assert_eq!(own.as_ref().ok().map(Url::as_str), expected, "{link}: {own:?}");
        }
    }

    #[test]
    fn a_prefix_that_looks_like_the_service_is_a_prefix() {
        let base = BaseUrl::parse("https://x.example/speechtotext/west", false).unwrap();
        let own = "https://x.example/speechtotext/west/speechtotext/models?skip=1";
        for link in [own, "https://inner.example/speechtotext/models?skip=1"] {
            assert_eq!(base.own(link, own).unwrap().as_str(), own, "{link}");
        }
    }
}
