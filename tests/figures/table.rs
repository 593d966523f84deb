//! The table of `make bench` says met where a goal is met, and stands where it belongs.
use crate::{
    Outcome,
    document::write_into,
    figure::{
        Figure,
        Goal::{self, Most, NotAbovePlain, TimesPlain},
        Value,
    },
    harness::Folder,
};

fn cells(digits: usize, values: &[(Option<f64>, f64, Goal)]) -> [String; 6] {
    let values = values.iter().map(|&(plain, here, goal)| Value { plain, here, goal });
    let figure = Figure {
        name: "f".to_owned(),
        unit: "ms",
        digits,
        values: values.collect(),
    };
    figure.cells()
}

#[test]
fn a_figure_is_judged_as_it_is_printed() {
    let near = cells(1, &[(Some(2.0), 0.74, Most(0.7))]);
    assert_eq!(near, ["f", "2.0 ms", "0.7 ms", "0.37", "≤ 0.7 ms", "met"]);
    let above = cells(2, &[(Some(2.0), 0.74, Most(0.7))]);
    assert_eq!(above, ["f", "2.00 ms", "0.74 ms", "0.37", "≤ 0.7 ms", "missed"]);
}

#[test]
fn goals_beside_the_plain_operator_count_only_where_it_was_measured() {
    let faster = cells(0, &[(Some(100.0), 110.0, TimesPlain(1.1))]);
    assert_eq!(faster, ["f", "100 ms", "110 ms", "1.10", "≥ 1.1 × plain", "met"]);
    let slower = cells(0, &[(Some(100.0), 109.0, TimesPlain(1.1))]);
    assert_eq!(slower.last().map(String::as_str), Some("missed"));
    let dearer = cells(1, &[(Some(8.0), 8.1, NotAbovePlain)]);
    assert_eq!(dearer, ["f", "8.0 ms", "8.1 ms", "1.01", "≤ plain", "missed"]);
    let alone = cells(1, &[(None, 8.1, NotAbovePlain)]);
    assert_eq!(alone, ["f", "–", "8.1 ms", "–", "≤ plain", "–"]);
}

#[test]
fn each_of_several_values_has_its_verdict() {
    let memory = [
        (Some(38.0), 19.0, Most(20.0)),
        (Some(58.0), 37.0, Most(36.0)),
        (None, 55.0, Most(56.0)),
    ];
    let expected = [
        "f",
        "38 / 58 / – ms",
        "19 / 37 / 55 ms",
        "0.50 / 0.64 / –",
        "≤ 20 / ≤ 36 / ≤ 56 ms",
        "met / missed / met",
    ];
    assert_eq!(cells(0, &memory), expected);
}

#[test]
fn the_document_gets_the_table_and_keeps_all_other_text() -> Outcome<()> {
    let text = include_str!("../../docs/benchmarks.md");
    let folder = Folder::new("document")?;
    let copy = folder.write("benchmarks.md", text)?;
    write_into(&copy, "a build", "| a figure |\n")?;
    let written = std::fs::read_to_string(&copy)?;
    let outside = |text: &str| {
        let (before, rest) = text.split_once("<!-- figures: begin -->")?;
        let (inside, after) = rest.split_once("<!-- figures: end -->")?;
        Some((format!("{before}{after}"), inside.to_owned()))
    };
    let (before, _) = outside(text).ok_or("the document has no marks")?;
    let (after, inside) = outside(&written).ok_or("the marks are gone")?;
    assert_eq!(before, after);
    assert_eq!(inside, "\na build\n\n| a figure |\n");
    Ok(())
}
