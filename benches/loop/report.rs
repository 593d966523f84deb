//! The table: printed, written as JSON, and put into the document that shows it.
use crate::{
    Outcome, Scale, document,
    facts::Facts,
    figure::HEAD,
    found::{Found, median},
    table,
};
use serde_json::json;
use std::path::Path;

/// All that a run has found.
pub struct Report {
    pub scale: Scale,
    pub facts: Facts,
    pub plain: Found,
    pub here: Found,
}

impl Report {
    /// An empty one, that remembers how busy the machine was before.
    pub fn new(scale: Scale) -> Outcome<Self> {
        Ok(Self {
            scale,
            facts: Facts::at_start()?,
            plain: Found::default(),
            here: Found::default(),
        })
    }

    /// Prints the table, writes it as JSON, and into a document if one is named.
    pub fn finish(mut self, document: Option<&Path>) -> Outcome<()> {
        self.facts.at_end();
        let head = self.facts.head(self.scale.rounds);
        let figures = table::figures(self.scale, &self.plain, &self.here);
        let rows: Vec<[String; 6]> = figures.iter().map(|figure| figure.cells()).collect();
        let all: Vec<[String; 6]> = std::iter::once(HEAD.map(str::to_owned)).chain(rows.clone()).collect();
        let table = aligned(&all);
        println!("\n{head}\n\n{table}");
        self.notes().iter().for_each(|note| println!("{note}"));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/loop.json");
        std::fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        let told = json!({ "facts": self.facts, "table": all, "plain": self.plain, "here": self.here });
        std::fs::write(&path, format!("{told:#}\n"))?;
        document.map_or(Ok(()), |document| document::write_into(document, &head, &table))
    }

    /// What explains the figures.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for (name, found) in [("plain operator", &self.plain), ("here", &self.here)] {
            let of = |value: fn(&crate::create::Created) -> f64| median(&found.created, value);
            if let (Some(requests), Some(applied), Some(took)) = (of(|c| c.requests), of(|c| c.applied), of(|c| c.took))
            {
                notes.push(format!(
                    "{name}: {requests:.2} remote requests per created endpoint; all taken by the apiserver after {applied:.1} s, all Ready after {took:.1} s"
                ));
            }
        }
        notes
    }
}

/// A table whose columns are as wide as their widest cell, as all tables of the documents may be.
fn aligned(rows: &[[String; 6]]) -> String {
    let mut widths = [0; 6];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(&format!("| {} |\n", cells.collect::<Vec<_>>().join(" | ")));
        if index == 0 {
            let lines = widths.map(|width| "-".repeat(width + 2));
            text.push_str(&format!("|{}|\n", lines.join("|")));
        }
    }
    text
}
