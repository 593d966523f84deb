//! Which hosts the operator may call, whatever a manifest, a link or a name server says.
use super::base_url::BaseUrl;
use std::{
    error::Error,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
    sync::Arc,
};
use url::{Host, Url};

/// The hosts of Azure's Speech resources: the regional ones, and the custom domains that private links need, of the
/// public cloud, of Azure Government and of Azure in China.
pub const AZURE: &str = "*.api.cognitive.microsoft.com,*.cognitiveservices.azure.com,*.api.cognitive.microsoft.us,\
                         *.cognitiveservices.azure.us,*.api.cognitive.azure.cn,*.cognitiveservices.azure.cn";

/// One entry of the list of hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// `*`: every host but the forbidden addresses.
    Any,
    /// `*.azure.example`: one label before this suffix, which begins with the dot.
    Below(String),
    /// This very host; an address is allowed even if it is a forbidden one otherwise.
    Exactly(Host),
}

/// An entry that names no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no host: write a host name or an address without scheme and port, *.example.com for every name with one more label, or *"
)]
pub struct InvalidPattern(String);

impl FromStr for HostPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let invalid = || InvalidPattern(text.to_owned());
        let text = text.trim();
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Some(suffix) = text.strip_prefix("*.") {
            return match Host::parse(suffix) {
                Ok(Host::Domain(domain)) if !domain.contains('*') => Ok(Self::Below(format!(".{domain}"))),
                Ok(Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_)) | Err(_) => Err(invalid()),
            };
        }
        let address = text.parse::<IpAddr>().map(|address| match address {
            IpAddr::V4(address) => Host::Ipv4(address),
            IpAddr::V6(address) => Host::Ipv6(address),
        });
        match address.or_else(|_| Host::parse(text)) {
            Ok(Host::Domain(domain)) if domain.contains('*') => Err(invalid()),
            Ok(host) => Ok(Self::Exactly(host)),
            Err(_) => Err(invalid()),
        }
    }
}

/// The hosts that may be called. Cheap to clone.
///
/// Loopback, link-local and metadata addresses are never called unless an entry names that very address (`localhost`
/// names all of loopback): neither when a manifest spells one, in whatever way, nor when a name server gives one for an
/// allowed name.
#[derive(Clone, Debug)]
pub struct AllowedHosts(Arc<[HostPattern]>);

/// A host that is not called, and why. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No entry of the list names it.
    NotListed(String),
    /// Its name stands for addresses that are never called.
    ForbiddenAddress(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotListed(host) if let Some((what, right)) = confused(host) => {
                write!(f, "host {host} {what}: use https://{right} as the endpoint")
            }
            Self::NotListed(host) => write!(
                f,
                "host {host} is not one that this operator may call; whoever runs the operator allows hosts with --allowed-hosts"
            ),
            Self::ForbiddenAddress(host) => write!(
                f,
                "host {host} stands for a loopback, link-local or metadata address, which this operator never calls"
            ),
        }
    }
}

impl Error for Refusal {}

/// Hosts of Azure that are taken for the endpoint of a Speech resource: what they are, and which host is meant.
fn confused(host: &str) -> Option<(&'static str, String)> {
    const SPEAKS: &str = "is where applications speak, not where models and endpoints are managed";
    const OTHER_API: &str = "serves another interface of the same resource";
    const HOSTS: [(&str, &str, &str); 12] = [
        (".services.ai.azure.com", OTHER_API, ".cognitiveservices.azure.com"),
        (".openai.azure.com", OTHER_API, ".cognitiveservices.azure.com"),
        (".openai.azure.us", OTHER_API, ".cognitiveservices.azure.us"),
        (".stt.speech.microsoft.com", SPEAKS, ".api.cognitive.microsoft.com"),
        (".tts.speech.microsoft.com", SPEAKS, ".api.cognitive.microsoft.com"),
        (".s2s.speech.microsoft.com", SPEAKS, ".api.cognitive.microsoft.com"),
        (".voice.speech.microsoft.com", SPEAKS, ".api.cognitive.microsoft.com"),
        (
            ".customvoice.api.speech.microsoft.com",
            OTHER_API,
            ".api.cognitive.microsoft.com",
        ),
        (".stt.speech.azure.us", SPEAKS, ".api.cognitive.microsoft.us"),
        (".tts.speech.azure.us", SPEAKS, ".api.cognitive.microsoft.us"),
        (".stt.speech.azure.cn", SPEAKS, ".api.cognitive.azure.cn"),
        (".tts.speech.azure.cn", SPEAKS, ".api.cognitive.azure.cn"),
    ];
    HOSTS.iter().find_map(|(suffix, what, right)| {
        let name = host.strip_suffix(suffix)?;
        (!name.is_empty() && !name.contains('.')).then(|| (*what, format!("{name}{right}")))
    })
}

impl AllowedHosts {
    /// The hosts of these entries.
    pub fn new(patterns: impl IntoIterator<Item = HostPattern>) -> Self {
        Self(patterns.into_iter().collect())
    }

    /// Whether the endpoint of a connection may be called.
    pub fn check(&self, base: &BaseUrl) -> Result<(), Refusal> {
        self.check_url(base.url())
    }

    /// Whether a URL may be called, as far as its host tells.
    pub fn check_url(&self, url: &Url) -> Result<(), Refusal> {
        let not_listed = || Refusal::NotListed(url.host_str().unwrap_or("(none)").to_owned());
        let listed = match url.host().ok_or_else(not_listed)? {
            Host::Domain(name) => self.lists_name(name),
            Host::Ipv4(address) => self.lists_address(address.into()),
            Host::Ipv6(address) => self.lists_address(address.into()),
        };
        if listed { Ok(()) } else { Err(not_listed()) }
    }

    /// Whether a name that is allowed may stand for this address.
    pub fn permits_resolved(&self, address: IpAddr) -> bool {
        let by_name = address.to_canonical().is_loopback() && self.names("localhost");
        !is_forbidden(address) || self.names_address(address) || by_name
    }

    fn lists_name(&self, name: &str) -> bool {
        // These names lead back to the node, whatever a name server says.
        if name == "localhost" || name.ends_with(".localhost") {
            return self.names(name);
        }
        self.0.iter().any(|pattern| match pattern {
            HostPattern::Any => true,
            HostPattern::Below(suffix) => name
                .strip_suffix(suffix.as_str())
                .is_some_and(|label| !label.is_empty() && !label.contains('.')),
            HostPattern::Exactly(Host::Domain(domain)) => domain == name,
            HostPattern::Exactly(Host::Ipv4(_) | Host::Ipv6(_)) => false,
        })
    }

    fn lists_address(&self, address: IpAddr) -> bool {
        self.names_address(address) || (self.0.contains(&HostPattern::Any) && !is_forbidden(address))
    }

    fn names(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| match pattern {
            HostPattern::Exactly(Host::Domain(domain)) => domain == name,
            HostPattern::Exactly(Host::Ipv4(_) | Host::Ipv6(_)) | HostPattern::Any | HostPattern::Below(_) => false,
        })
    }

    fn names_address(&self, address: IpAddr) -> bool {
        self.0.iter().any(|pattern| match pattern {
            HostPattern::Exactly(Host::Ipv4(named)) => IpAddr::from(*named) == address.to_canonical(),
            HostPattern::Exactly(Host::Ipv6(named)) => IpAddr::from(*named) == address,
            HostPattern::Exactly(Host::Domain(_)) | HostPattern::Any | HostPattern::Below(_) => false,
        })
    }
}

/// Addresses of the node itself, of its link, and of the services there that hand out credentials.
fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_forbidden_v4(address),
        IpAddr::V6(address) => is_forbidden_v6(address),
    }
}

fn is_forbidden_v4(address: Ipv4Addr) -> bool {
    const METADATA: [Ipv4Addr; 3] = [
        Ipv4Addr::new(168, 63, 129, 16),   // Azure's host agent
        Ipv4Addr::new(100, 100, 100, 200), // Alibaba's metadata
        Ipv4Addr::new(192, 0, 0, 192),     // Oracle's metadata
    ];
    address.octets().first() == Some(&0) // "this network", which Linux takes for loopback
        || address.is_loopback()
        || address.is_link_local() // with 169.254.169.254, the metadata of most clouds
        || address.is_multicast()
        || address.is_broadcast()
        || METADATA.contains(&address)
}

fn is_forbidden_v6(address: Ipv6Addr) -> bool {
    const METADATA: [Ipv6Addr; 3] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), // AWS's metadata
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253), // AWS's name server
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),  // Google's metadata
    ];
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unicast_link_local()
        || METADATA.contains(&address)
        || embedded(address).is_some_and(is_forbidden_v4)
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, by NAT64, or by 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => Some(v4(high, low)),
        [0x64, 0xff9b, _, _, _, _, high, low] | [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(list: &str) -> AllowedHosts {
        AllowedHosts::new(list.split(',').map(|text| text.parse().unwrap()))
    }

    fn may(hosts: &AllowedHosts, url: &str) -> bool {
        hosts.check(&BaseUrl::parse(url, true).unwrap()).is_ok()
    }

    #[test]
    fn the_speech_domains_of_all_clouds_are_allowed_and_no_lookalikes() {
        let azure = hosts(AZURE);
        for url in [
            "https://westeurope.api.cognitive.microsoft.com",
            "https://WestEurope.API.cognitive.microsoft.com:443/",
            "https://my-name.cognitiveservices.azure.com",
            "https://usgovarizona.api.cognitive.microsoft.us",
            "https://my-name.cognitiveservices.azure.us",
            "https://chinaeast2.api.cognitive.azure.cn",
            "https://my-name.cognitiveservices.azure.cn",
        ] {
            assert!(may(&azure, url), "{url}");
        }
        for url in [
            "https://api.cognitive.microsoft.com",
            "https://evilapi.cognitive.microsoft.com",
            "https://a.b.cognitiveservices.azure.com",
            "https://x.cognitiveservices.azure.com.evil.example",
            "https://x.cognitiveservices.azure.com.",
            "https://evil.example/x.cognitiveservices.azure.com",
            "https://x.cognitiveservices.\u{430}zure.com",
            "https://x.blob.core.windows.net",
            "https://localhost",
            "https://10.0.0.1",
            "https://kubernetes.default.svc",
        ] {
            assert!(!may(&azure, url), "{url}");
        }
    }

    #[test]
    fn a_host_that_is_often_confused_with_the_endpoint_is_told_with_the_right_one() {
        let azure = hosts(AZURE);
        for (host, right) in [
            (
                "my-name.services.ai.azure.com",
                "https://my-name.cognitiveservices.azure.com",
            ),
            (
                "my-name.openai.azure.com",
                "https://my-name.cognitiveservices.azure.com",
            ),
            (
                "WestEurope.stt.speech.microsoft.com",
                "https://westeurope.api.cognitive.microsoft.com",
            ),
            (
                "westeurope.tts.speech.microsoft.com",
                "https://westeurope.api.cognitive.microsoft.com",
            ),
            (
                "usgovarizona.stt.speech.azure.us",
                "https://usgovarizona.api.cognitive.microsoft.us",
            ),
            (
                "chinaeast2.stt.speech.azure.cn",
                "https://chinaeast2.api.cognitive.azure.cn",
            ),
        ] {
            let base = BaseUrl::parse(&format!("https://{host}"), false).unwrap();
            let words = azure.check(&base).unwrap_err().to_string();
            assert!(words.contains(right), "{host}: {words}");
            assert!(may(&azure, right), "{right}");
        }
        for host in [
            "a.b.stt.speech.microsoft.com",
            "evil.example",
            "stt.speech.microsoft.com",
        ] {
            let base = BaseUrl::parse(&format!("https://{host}"), false).unwrap();
            let words = azure.check(&base).unwrap_err().to_string();
            assert!(words.contains("--allowed-hosts"), "{words}");
        }
    }

    #[test]
    fn no_spelling_of_a_forbidden_address_is_allowed_even_where_every_host_is() {
        let any = hosts("*");
        for host in [
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "0xa9.0xfe.0xa9.0xfe",
            "0251.0376.0251.0376",
            "169.254.43518",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[::169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "\u{ff11}\u{ff16}\u{ff19}.254.169.254",
            "127.0.0.1",
            "127.1",
            "017700000001",
            "0",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[fd20:ce::254]",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "224.0.0.1",
            "255.255.255.255",
            "localhost",
            "LOCALHOST",
            "a.localhost",
        ] {
            assert!(!may(&any, &format!("https://{host}/")), "{host}");
        }
        for host in ["10.0.0.1", "[fd00::1]", "[2001:db8::1]", "anything.example", "x.svc"] {
            assert!(may(&any, &format!("https://{host}/")), "{host}");
        }
    }

    #[test]
    fn an_address_that_is_named_is_allowed_alone() {
        let named = hosts("127.0.0.1, ::1");
        assert!(
            may(&named, "http://127.0.0.1:8080") && may(&named, "http://[::1]:8080") && may(&named, "http://0x7f.1")
        );
        assert!(!may(&named, "http://127.0.0.2") && !may(&named, "http://localhost"));
        assert!(named.permits_resolved("127.0.0.1".parse().unwrap()));
        assert!(!named.permits_resolved("127.0.0.2".parse().unwrap()));
        let local = hosts("localhost");
        assert!(may(&local, "http://localhost:1") && !may(&local, "http://127.0.0.1"));
        assert!(local.permits_resolved("127.0.0.1".parse().unwrap()) && local.permits_resolved("::1".parse().unwrap()));
        assert!(!local.permits_resolved("169.254.169.254".parse().unwrap()));
    }

    #[test]
    fn a_name_may_stand_for_a_private_address_and_for_no_forbidden_one() {
        let azure = hosts(AZURE);
        for (address, permitted) in [
            ("20.50.1.1", true),
            ("10.1.2.3", true),
            ("fd12::1", true),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("::ffff:127.0.0.1", false),
            ("fe80::1", false),
            ("fd00:ec2::254", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(azure.permits_resolved(address.parse().unwrap()), permitted, "{address}");
        }
    }

    #[test]
    fn what_is_no_host_is_no_entry() {
        for text in [
            "",
            "https://x.example",
            "x.example:443",
            "*.",
            "*.*.example",
            "a*.example",
            "*.10.0.0.1",
            "x y",
            "[::1",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text:?}");
        }
        assert_eq!(
            "*.Example.COM".parse(),
            Ok(HostPattern::Below(".example.com".to_owned()))
        );
    }
}
