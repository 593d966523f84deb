//! What `/metrics` shows: what was counted, and what the stores know of the declared objects at the time of the scrape, so that
//! a deleted object leaves no series. Unknown means absent, never 0.
mod connection;
mod endpoint;
mod fleet;
mod model;
mod planned;

use crate::{
    controller::{Context, Known},
    metrics::Metrics,
};
use std::{fmt, sync::Arc};

/// All that is measured, and the stores once they are filled.
pub struct Exposition {
    metrics: Arc<Metrics>,
    known: Known,
}

impl Exposition {
    /// Shows what is counted here, and what is known there.
    pub fn new(metrics: Arc<Metrics>, known: Known) -> Arc<Self> {
        let fleet = fleet::Fleet {
            metrics: Arc::downgrade(&metrics),
            known: Arc::clone(&known),
        };
        metrics.collect(fleet);
        Arc::new(Self { metrics, known })
    }

    /// The whole exposition.
    pub fn expose(&self) -> Result<String, fmt::Error> {
        self.metrics.expose()
    }

    /// What was counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What all parts share, once the stores are filled.
    pub fn context(&self) -> Option<&Arc<Context>> {
        self.known.get()
    }
}
