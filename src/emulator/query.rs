//! The query parameters of a request.

use std::borrow::Cow;

/// Decoded parameters in the order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes the part of a URI behind the question mark.
    pub fn parse(text: &str) -> Self {
        Self(
            url::form_urlencoded::parse(text.as_bytes())
                .map(|(name, value)| (owned(name), owned(value)))
                .collect(),
        )
    }

    /// The first value of a parameter; names are compared without case, as the service's framework does.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(present, _)| present.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

fn owned(text: Cow<'_, str>) -> String {
    text.into_owned()
}
