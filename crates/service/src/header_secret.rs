//! A secret that travels in a header.
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// The secret and its header; shown by neither Debug nor any error. Clones share it.
#[derive(Clone, Debug)]
pub struct HeaderSecret(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    text: SecretString,
    header: HeaderValue,
}

impl HeaderSecret {
    /// A secret, and the value of the header that carries it; none if that can be no header.
    pub fn new(text: &str, header: &str) -> Option<Self> {
        let mut header = HeaderValue::from_str(header).ok()?;
        header.set_sensitive(true);
        let text = text.into();
        Some(Self(Arc::new(Parts { text, header })))
    }

    /// The secret itself, to find it in texts that must not show it.
    pub fn expose(&self) -> &str {
        self.0.text.expose_secret()
    }

    /// The header, which is marked sensitive.
    pub fn header_value(&self) -> &HeaderValue {
        &self.0.header
    }
}

impl PartialEq for HeaderSecret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for HeaderSecret {}
