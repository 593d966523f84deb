//! The sample as objects, and what tests look for in a page.
use super::{query::Query, sample::Sample, view::View};
use serde::de::DeserializeOwned;
use serde_json::Value;
use speech_fleet::fleet::Objects;

pub use super::sample::{NOW, fleet, many};

pub fn objects(sample: &Sample) -> Objects {
    fn read<K: DeserializeOwned>(all: &[Value]) -> Vec<K> {
        all.iter()
            .map(|one| serde_json::from_value(one.clone()).unwrap())
            .collect()
    }
    Objects {
        connections: read(&sample.connections),
        models: read(&sample.models),
        endpoints: read(&sample.endpoints),
    }
}

/// The sample seen through a query.
pub fn seen(sample: &Sample, query: &str) -> View {
    View::new(&objects(sample), NOW.parse().unwrap(), Query::parse(query).unwrap())
}
