//! The page for programs.
use super::{
    query::Query,
    view::{Counts, Down, Line, View},
};
use jiff::Timestamp;
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    at: Timestamp,
    until: Timestamp,
    filters: &'a Query,
    counts: Counts,
    objects: Vec<&'a Line>,
    #[serde(rename = "connectionsDown")]
    down: &'a [Down],
    trouble: &'a [String],
}

/// `{"at", "until", "filters", "counts", "objects": [...], "connectionsDown", "trouble"}`, with a line break at the end.
/// Each object has what `speech-operator plan -o json` tells of it and what the page shows beside.
pub fn json(view: &View) -> Result<String, serde_json::Error> {
    let document = Document {
        at: view.now,
        until: view.until,
        filters: &view.query,
        counts: view.counts,
        objects: view.lines().collect(),
        down: &view.down,
        trouble: &view.trouble,
    };
    let mut text = serde_json::to_string(&document)?;
    text.push('\n');
    Ok(text)
}
