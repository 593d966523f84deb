//! The table of `make bench` says met where a goal is met.
use crate::figure::{
    Figure,
    Goal::{self, Most, NotAbovePlain, TimesPlain},
    Value,
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
