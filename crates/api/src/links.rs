//! Names and URLs in little memory: a map from name to URL on the wire, and a sorted list in memory, which holds
//! thousands.
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// URLs by name, in the order of the names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links(Box<[(Box<str>, Box<str>)]>);

impl Links {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name and URL of each.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, url)| (&**name, &**url))
    }
}

impl FromIterator<(Box<str>, Box<str>)> for Links {
    fn from_iter<I: IntoIterator<Item = (Box<str>, Box<str>)>>(links: I) -> Self {
        // A map sorts the names and removes duplicates, so that what is written equals what is read back.
        let links: BTreeMap<_, _> = links.into_iter().collect();
        Self(links.into_iter().collect())
    }
}

impl Serialize for Links {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Links {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let links = BTreeMap::<Box<str>, Box<str>>::deserialize(deserializer)?;
        Ok(links.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Links;

    #[test]
    fn links_read_back_equal_those_written_whatever_their_order_was() {
        let link = |name: &str| (Box::from(name), Box::from("wss://x.example/"));
        let links: Links = [link("webSocket"), link("logs")].into_iter().collect();
        let text = serde_json::to_string(&links).unwrap();
        assert_eq!(text, r#"{"logs":"wss://x.example/","webSocket":"wss://x.example/"}"#);
        assert_eq!(serde_json::from_str::<Links>(&text).unwrap(), links);
    }
}
