//! The document that shows the figures.
use crate::Outcome;
use std::path::Path;

const BEGIN: &str = "<!-- figures: begin -->";
const END: &str = "<!-- figures: end -->";

/// Puts the table between the marks of a document that has them, and keeps all other text.
pub fn write_into(path: &Path, head: &str, table: &str) -> Outcome<()> {
    let text = std::fs::read_to_string(path)?;
    let (Some((before, _)), Some((_, after))) = (text.split_once(BEGIN), text.split_once(END)) else {
        return Err(format!("{} lacks {BEGIN} and {END}", path.display()).into());
    };
    std::fs::write(path, format!("{before}{BEGIN}\n{head}\n\n{table}{END}{after}"))?;
    Ok(())
}
