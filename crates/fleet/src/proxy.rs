//! By which proxy a cluster is reached: the `proxy-url` of the kubeconfig goes before the variables.
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use speech_service::proxy::Proxy;
use std::env;

/// The kubeconfig's own word for a proxy.
const KUBECONFIG: &str = "proxy-url of the kubeconfig";

/// Settles by which proxy a cluster is reached, and tells it. A pod reaches its own cluster directly.
pub fn settle(config: &mut kube::Config) -> Option<Proxy> {
    let in_pod = env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    if config.proxy_url.is_none() && !in_pod {
        let all = ["ALL_PROXY", "all_proxy"]
            .into_iter()
            .find_map(|name| env::var(name).ok());
        let matcher = Matcher::builder().all(all.unwrap_or_default());
        let no = ["NO_PROXY", "no_proxy"]
            .into_iter()
            .find_map(|name| env::var(name).ok());
        let matcher = matcher.no(no.unwrap_or_default()).build();
        config.proxy_url = matcher.intercept(&config.cluster_url).map(|found| found.uri().clone());
    }
    let found = config.proxy_url.take()?;
    let from = who_named(&found, |name| env::var(name).ok());
    let spelled = spelled(found);
    let proxy = Proxy::new(&spelled, from);
    config.proxy_url = Some(spelled);
    Some(proxy)
}

/// The variable that holds an address, or the kubeconfig.
fn who_named(address: &Uri, get: impl Fn(&str) -> Option<String>) -> &'static str {
    let holds = |name: &&'static str| {
        let value = get(name).and_then(|value| value.trim().parse::<Uri>().ok());
        value.is_some_and(|value| value.authority() == address.authority() || value == *address)
    };
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .find(holds)
        .unwrap_or(KUBECONFIG)
}

/// The same address in the spelling that the client of the cluster knows: names are looked up by the proxy in any case.
fn spelled(address: Uri) -> Uri {
    let scheme = match address.scheme_str() {
        Some("socks5h") => "socks5",
        Some(_) => return address,
        None => "http",
    };
    let Some(authority) = address.authority() else {
        return address;
    };
    format!("{scheme}://{authority}/").parse().unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn who_named_a_proxy_is_told() {
        let get = |name: &str| (name == "https_proxy").then(|| "http://me:SECRET@proxy.example:3128".to_owned());
        assert_eq!(
            who_named(&uri("http://me:SECRET@proxy.example:3128"), get),
            "https_proxy"
        );
        assert_eq!(who_named(&uri("http://other.example:3128"), get), KUBECONFIG);
    }

    #[test]
    fn other_spellings_of_a_scheme_are_understood() {
        for (text, expected) in [
            ("socks5h://proxy.example:1080", "socks5://proxy.example:1080/"),
            ("proxy.example:3128", "http://proxy.example:3128/"),
            ("http://proxy.example:3128/", "http://proxy.example:3128/"),
        ] {
            assert_eq!(spelled(uri(text)).to_string(), expected);
        }
    }
}
