//! Who issues tokens of Entra ID, for which application, and for what: by the cloud that a Speech resource is in.
use std::{fmt, str::FromStr};
use url::{Host, Url};
use uuid::Uuid;

/// A cloud of Azure. Each has authorities and tokens of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cloud {
    Public,
    /// Azure Government.
    Government,
    /// Azure in China.
    China,
}

impl Cloud {
    const ALL: [Self; 3] = [Self::Public, Self::Government, Self::China];

    /// The cloud of an endpoint. What is in none by its name, such as a gateway or an emulator, counts as public.
    pub fn of_endpoint(endpoint: &str) -> Self {
        let url = Url::parse(endpoint).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let is_below = |suffixes: [&str; 2]| suffixes.iter().any(|suffix| host.ends_with(suffix));
        if is_below([".azure.us", ".microsoft.us"]) {
            Self::Government
        } else if is_below([".azure.cn", ".microsoft.cn"]) {
            Self::China
        } else {
            Self::Public
        }
    }

    /// What a token for a Speech resource is asked for.
    pub fn scope(self) -> &'static str {
        match self {
            Self::Public => "https://cognitiveservices.azure.com/.default",
            Self::Government => "https://cognitiveservices.azure.us/.default",
            Self::China => "https://cognitiveservices.azure.cn/.default",
        }
    }

    fn authority_host(self) -> &'static str {
        match self {
            Self::Public => "login.microsoftonline.com",
            Self::Government => "login.microsoftonline.us",
            Self::China => "login.chinacloudapi.cn",
        }
    }
}

/// Who issues tokens: the scheme https, a host and perhaps a port.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    host: Host,
    port: Option<u16>,
}

/// Why a text names no authority. It is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an authority is written as https://login.microsoftonline.com: https, a host, and perhaps a port")]
pub struct InvalidAuthority;

impl FromStr for Authority {
    type Err = InvalidAuthority;

    fn from_str(text: &str) -> Result<Self, InvalidAuthority> {
        let url = Url::parse(text.trim()).map_err(|_| InvalidAuthority)?;
        let is_bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let host = url.host().filter(|_| is_bare && url.scheme() == "https");
        let host = host.ok_or(InvalidAuthority)?.to_owned();
        Ok(Self { host, port: url.port() })
    }
}

impl Authority {
    /// The authority of a cloud.
    pub fn of(cloud: Cloud) -> Self {
        Self {
            host: Host::Domain(cloud.authority_host().to_owned()),
            port: None,
        }
    }

    /// Those of Azure's own clouds.
    pub fn known() -> impl Iterator<Item = Self> {
        Cloud::ALL.into_iter().map(Self::of)
    }

    pub fn host(&self) -> &Host {
        &self.host
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({self})")
    }
}

/// An application of Entra ID, or a managed identity by its client id, and who issues its tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct App {
    pub tenant: Uuid,
    pub client: Uuid,
    pub authority: Authority,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_and_authority_follow_the_host_of_the_endpoint() {
        for (endpoint, cloud, authority) in [
            (
                "https://x.cognitiveservices.azure.com",
                Cloud::Public,
                "https://login.microsoftonline.com",
            ),
            (
                "https://x.cognitiveservices.azure.us/a",
                Cloud::Government,
                "https://login.microsoftonline.us",
            ),
            (
                "https://x.cognitiveservices.azure.cn",
                Cloud::China,
                "https://login.chinacloudapi.cn",
            ),
            (
                "http://localhost:8080/azure.us",
                Cloud::Public,
                "https://login.microsoftonline.com",
            ),
        ] {
            let found = Cloud::of_endpoint(endpoint);
            assert_eq!((found, Authority::of(found).to_string()), (cloud, authority.to_owned()));
            assert!(found.scope().ends_with("/.default"));
        }
    }

    #[test]
    fn an_authority_is_https_with_a_host_and_nothing_else() {
        for (text, expected) in [
            ("https://login.microsoftonline.com", "https://login.microsoftonline.com"),
            (
                "https://LOGIN.microsoftonline.com:443/",
                "https://login.microsoftonline.com",
            ),
            ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
        ] {
            assert_eq!(text.parse::<Authority>().unwrap().to_string(), expected);
        }
        assert!(Authority::known().any(|known| known == "https://login.microsoftonline.us".parse().unwrap()));
        for wrong in [
            "",
            "login.microsoftonline.com",
            "http://login.microsoftonline.com",
            "https://login.microsoftonline.com/common",
            "https://me@login.microsoftonline.com",
            "https://login.microsoftonline.com?x=1",
            "https://login.microsoftonline.com#x",
        ] {
            assert_eq!(wrong.parse::<Authority>(), Err(InvalidAuthority), "{wrong}");
        }
    }
}
