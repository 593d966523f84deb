//! Builds every URL that an answer carries, from the request's host and API version.
use super::version::ApiVersion;
use uuid::Uuid;

/// Builds links of one Speech resource in one API version.
#[derive(Clone, Debug)]
pub struct Links {
    root: String,
    version: ApiVersion,
}

impl Links {
    /// Links for `name` as reached through `host` (the request's Host header).
    pub fn new(host: &str, name: &str, version: ApiVersion) -> Self {
        Self {
            root: format!("{host}/{name}"),
            version,
        }
    }

    /// The version the links speak.
    pub fn version(&self) -> ApiVersion {
        self.version
    }

    /// A link to `path`, which starts with a slash and may end in a `:verb`.
    pub fn to(&self, path: &str) -> String {
        if self.version.in_path() {
            format!("http://{}/speechtotext/{}{path}", self.root, self.version.name())
        } else {
            format!(
                "http://{}/speechtotext{path}?api-version={}",
                self.root,
                self.version.name()
            )
        }
    }

    /// A link to `path` with parameters, already encoded, before the version.
    pub fn with_query(&self, path: &str, query: &str) -> String {
        if self.version.in_path() {
            format!(
                "http://{}/speechtotext/{}{path}?{query}",
                self.root,
                self.version.name()
            )
        } else {
            format!(
                "http://{}/speechtotext{path}?{query}&api-version={}",
                self.root,
                self.version.name()
            )
        }
    }

    /// The WebSocket address of a custom endpoint since 2024-11-15.
    pub fn web_socket(&self, endpoint: Uuid) -> String {
        format!("ws://{}/stt/speech/universal/v2?cid={endpoint}", self.root)
    }

    /// One of the six addresses of a custom endpoint in v3.2.
    pub fn recognition(&self, scheme: &str, mode: &str, endpoint: Uuid) -> String {
        format!(
            "{scheme}://{}/speech/recognition/{mode}/cognitiveservices/v1?cid={endpoint}",
            self.root
        )
    }

    /// Where the content of a file can be read; `sas` is the signed part, absent with own storage.
    pub fn content(&self, file: &str, sas: Option<&str>) -> String {
        let file = percent_encode(file);
        match sas {
            Some(sas) => format!("http://{}/storage/{file}?{sas}", self.root),
            None => format!("http://{}/storage/{file}", self.root),
        }
    }
}

/// Percent-encodes everything but unreserved characters and slashes.
pub fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Decodes `%XX`; what is no such sequence, or no UTF-8, stays as it is.
pub fn percent_decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match code
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .filter(|_| *first == b'%')
        {
            Some(byte) => {
                decoded.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}
