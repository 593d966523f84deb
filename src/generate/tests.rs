//! Documents name the tests that show their claims; what they name exists.
use std::path::Path;

fn read(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

/// How many tests a text names; fails when one of them does not exist.
pub fn named_tests(text: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    read(&root.join("src"), &mut sources);
    read(&root.join("tests"), &mut sources);
    let names: Vec<&str> = text.split('`').filter(|word| word.matches('_').count() > 2).collect();
    for name in &names {
        assert!(sources.contains(&format!("fn {name}(")), "there is no test {name}");
    }
    names.len()
}

#[test]
fn every_line_of_the_threat_model_names_tests_that_exist_or_says_that_it_has_none() {
    let document = include_str!("../../docs/threat-model.md");
    assert!(named_tests(document) > 50);
    let (_, defended) = document.split_once("## What we defend").unwrap();
    let (defended, open) = defended.split_once("## What we do not defend").unwrap();
    let rows = defended
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| threat"));
    for row in rows {
        assert!(named_tests(row) > 0 || row.contains("*untested*"), "{row}");
    }
    assert!(open.contains("| "), "what is not defended is said");
}

#[test]
fn the_threat_model_gives_the_reason_of_every_permission() {
    let document = include_str!("../../docs/threat-model.md");
    for permission in super::rbac::OPERATOR {
        for resource in permission.resources {
            let resource = resource.split('/').next().unwrap();
            assert!(document.contains(&format!("`{resource}")), "{resource}");
        }
    }
}
