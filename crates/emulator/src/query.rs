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

    /// The first value of a parameter; names are compared without case, as the service's framework does. Those of lists are
    /// also known by OData's spelling, with a dollar.
    pub fn get(&self, name: &str) -> Option<&str> {
        let odata = matches!(name, "filter" | "skip" | "top");
        let means = |present: &str| {
            let plain = present.strip_prefix('$').filter(|_| odata).unwrap_or(present);
            plain.eq_ignore_ascii_case(name)
        };
        let found = self.0.iter().find(|(present, _)| means(present))?;
        Some(found.1.as_str())
    }
}

fn owned(text: Cow<'_, str>) -> String {
    text.into_owned()
}
