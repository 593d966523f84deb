//! An answer before faults and headers common to all are applied.
use serde_json::Value;

/// The content of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// No body.
    Empty,
    /// A JSON document.
    Json(Value),
    /// Plain text, of stored files.
    Text(String),
}

/// Status, headers and content.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers beside those every answer has.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub content: Content,
}

impl Reply {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content: Content::Empty,
        }
    }

    /// 200 with JSON.
    pub fn ok(body: Value) -> Self {
        Self::empty(200).json(body)
    }

    /// 201 with the new entity, and its `self` as Location.
    pub fn created(body: Value) -> Self {
        let location = body.get("self").and_then(Value::as_str).unwrap_or_default().to_owned();
        Self::empty(201).json(body).header("location", location)
    }

    /// The same answer with this JSON body.
    pub fn json(self, body: Value) -> Self {
        Self {
            content: Content::Json(body),
            ..self
        }
    }

    /// The same answer with one more header.
    pub fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same answer with Retry-After, where one makes sense.
    pub fn retry_after(self, seconds: Option<u64>) -> Self {
        match seconds {
            Some(seconds) => self.header("retry-after", seconds.to_string()),
            None => self,
        }
    }
}
