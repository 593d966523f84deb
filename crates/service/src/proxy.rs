//! Which proxy stands between this process and a place, and who named it.
//!
//! The variables are those that curl and most programs know: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in
//! capitals or not. A password in them is never shown.
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use std::{env, fmt};

/// A proxy, without the password that its address may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Scheme, host and port.
    address: String,
    host: String,
    /// The variable or the field that names it.
    from: &'static str,
}

impl Proxy {
    /// The proxy at this address, as this variable or field names it.
    pub fn new(address: &Uri, from: &'static str) -> Self {
        let host = address.host().unwrap_or_default().to_owned();
        let port = address.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        Self {
            address: format!("{}://{host}{port}", address.scheme_str().unwrap_or("http")),
            host,
            from,
        }
    }

    pub fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {} ({})", self.address, self.from)
    }
}

/// The proxies that the environment names.
#[derive(Debug)]
pub struct Proxies {
    matcher: Matcher,
    http: &'static str,
    https: &'static str,
}

impl Proxies {
    /// There are none.
    pub fn none() -> Self {
        Self {
            matcher: Matcher::builder().build(),
            http: "",
            https: "",
        }
    }

    /// Reads the environment.
    pub fn from_env() -> Self {
        let first = |names: [&'static str; 4]| {
            let is_set = |name: &&'static str| env::var(name).is_ok_and(|value| !value.is_empty());
            names.into_iter().find(is_set).unwrap_or_default()
        };
        Self {
            matcher: Matcher::from_env(),
            http: first(["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]),
            https: first(["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
        }
    }

    /// The names of all, for which no address is a forbidden one.
    pub fn hosts(&self) -> Vec<String> {
        let found = ["http", "https"].map(|scheme| {
            let anywhere = format!("{scheme}://proxied.invalid/").parse().ok()?;
            self.on_the_way(&anywhere)
        });
        found
            .into_iter()
            .flatten()
            .map(|proxy| proxy.host().to_owned())
            .collect()
    }

    /// The proxy on the way to a place, unless `NO_PROXY` names that.
    pub fn on_the_way(&self, to: &Uri) -> Option<Proxy> {
        let found = self.matcher.intercept(to)?;
        let from = if to.scheme_str() == Some("http") {
            self.http
        } else {
            self.https
        };
        Some(Proxy::new(found.uri(), from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn a_proxy_is_told_without_its_password() {
        let proxy = Proxy::new(&uri("http://me:SECRET@proxy.example:3128/"), "HTTPS_PROXY");
        assert_eq!(proxy.to_string(), "the proxy http://proxy.example:3128 (HTTPS_PROXY)");
        assert!(!format!("{proxy:?}").contains("SECRET"));
        assert_eq!(proxy.host(), "proxy.example");
    }
}
