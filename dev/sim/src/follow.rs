//! One object under the glass: what it does and what it says, step by step, for whoever has a seed that failed.
use super::{cluster::Key, fleet};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use speech_plan::{Action, Failure};
use std::str::FromStr;

/// The object to follow, as reports name it: `6/endpoint-49`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The number of the Speech resource.
    pub region: usize,
    pub(super) key: Key,
}

/// A text that names no object.
#[derive(Debug, thiserror::Error)]
#[error("write REGION/OBJECT, for example 6/endpoint-49 or 0/model-3")]
pub struct UnknownObject;

impl FromStr for Followed {
    type Err = UnknownObject;

    fn from_str(text: &str) -> Result<Self, UnknownObject> {
        let (region, object) = text.split_once('/').ok_or(UnknownObject)?;
        let (kind, number) = object.split_once('-').ok_or(UnknownObject)?;
        let number = number.parse().map_err(|_| UnknownObject)?;
        let key = match kind {
            "endpoint" => Key::Endpoint(number),
            "model" => Key::Model(number),
            _ => return Err(UnknownObject),
        };
        let region = region.parse().map_err(|_| UnknownObject)?;
        Ok(Self { region, key })
    }
}

/// What the followed object did and said.
#[derive(Debug)]
pub struct Story {
    key: Key,
    lines: Vec<String>,
}

impl Story {
    /// The story of an object, from its beginning.
    pub fn of(key: Key) -> Self {
        Self { key, lines: Vec::new() }
    }

    /// What was told, one line each.
    pub fn lines(self) -> Vec<String> {
        self.lines
    }

    /// It took a step in the Speech service.
    pub fn takes(&mut self, now: Timestamp, key: Key, action: &Action, failure: Option<&Failure>) {
        let outcome = failure.map_or_else(|| "done".to_owned(), |failure| format!("failed: {failure:?}"));
        self.tell(now, key, format_args!("{action:?}: {outcome}"));
    }

    /// Its status changed: the members that did, as they are now.
    pub fn says<S: Serialize>(&mut self, now: Timestamp, key: Key, before: Option<&S>, after: &S) {
        if key != self.key {
            return;
        }
        let members = |status: &S| serde_json::to_value(status).unwrap_or_default();
        let (before, after) = (before.map(members).unwrap_or_default(), members(after));
        let all = |value: &Value| value.as_object().cloned().unwrap_or_default();
        for gone in all(&before).keys().filter(|name| after.get(name).is_none()) {
            self.tell(now, key, format_args!("{gone}: gone"));
        }
        for (name, value) in all(&after)
            .iter()
            .filter(|(name, value)| before.get(name) != Some(value))
        {
            self.tell(now, key, format_args!("{name}: {value}"));
        }
    }

    fn tell(&mut self, now: Timestamp, key: Key, what: std::fmt::Arguments<'_>) {
        if key == self.key {
            self.lines.push(format!("{now} {}: {what}", fleet::name(key)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_named_as_reports_name_it() {
        let read = |text: &str| text.parse::<Followed>().ok().map(|found| (found.region, found.key));
        assert_eq!(read("6/endpoint-49"), Some((6, Key::Endpoint(49))));
        assert_eq!(read("0/model-3"), Some((0, Key::Model(3))));
        for text in ["", "endpoint-49", "6/dataset-1", "x/model-1", "6/model-x", "6/model"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
