//! Documents name the tests that show their claims; what they name exists.
use std::path::Path;

const CLAIMS: &str = include_str!("../../../docs/claims.md");

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
fn named_tests(text: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources = String::new();
    for folder in ["src", "crates", "dev", "tests"] {
        read(&root.join(folder), &mut sources);
    }
    let names: Vec<&str> = text.split('`').filter(|word| word.matches('_').count() > 2).collect();
    for name in &names {
        assert!(sources.contains(&format!("fn {name}(")), "there is no test {name}");
    }
    names.len()
}

#[test]
fn the_generated_files_are_what_the_code_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if let Err(error) = crate::check(&root) {
        panic!("{error}");
    }
}

#[test]
fn every_claim_of_the_page_on_swaps_names_tests_that_exist() {
    let (swaps, _) = CLAIMS.split_once("## Threat model").unwrap();
    assert!(named_tests(swaps) > 40);
    for row in swaps.lines().filter(|line| line.starts_with("| ")).skip(2) {
        assert!(row.contains('`') || row.contains("*untested*"), "{row}");
    }
}

#[test]
fn every_line_of_the_threat_model_names_tests_that_exist_or_says_that_it_has_none() {
    let document = include_str!("../../../docs/threat-model.md");
    let (_, claims) = CLAIMS.split_once("## Threat model").unwrap();
    assert!(named_tests(claims) > 50);
    let (_, defended) = document.split_once("## What we defend").unwrap();
    let (defended, open) = defended.split_once("## What we do not defend").unwrap();
    let (defended, _) = defended.split_once("## Permissions").unwrap();
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| threat") && !line.starts_with("| ---");
    let rows = defended.lines().filter(is_row);
    for row in rows {
        let threat = row.split(" | ").next().unwrap();
        let shown = claims.lines().find(|line| line.split(" | ").next() == Some(threat));
        assert!(
            shown.is_some_and(|line| named_tests(line) > 0) || row.contains("*untested*"),
            "{row}"
        );
    }
    assert!(open.contains("| "), "what is not defended is said");
}

#[test]
fn the_threat_model_gives_the_reason_of_every_permission() {
    let document = include_str!("../../../docs/threat-model.md");
    use super::rbac::{CLUSTER, OBJECTS, TOKENS};
    for permission in [OBJECTS, CLUSTER, TOKENS].into_iter().flatten() {
        for resource in permission.resources {
            let resource = resource.split('/').next().unwrap();
            assert!(document.contains(&format!("`{resource}")), "{resource}");
        }
    }
}

/// What a package depends on, of those that are in this workspace; tests aside.
fn depends_on(manifest: &str, ours: &[String]) -> Vec<String> {
    let (_, dependencies) = manifest.split_once("\n[dependencies]\n").unwrap_or_default();
    let dependencies = dependencies.split("\n[").next().unwrap();
    let name = |line: &str| line.split(['.', ' ']).next().unwrap().to_owned();
    let mut names: Vec<String> = dependencies
        .lines()
        .map(name)
        .filter(|name| ours.contains(name))
        .collect();
    names.sort();
    names
}

/// Name and manifest of every package, by its folder.
pub(super) fn packages() -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![".".to_owned()];
    for parent in ["crates", "dev"] {
        for entry in std::fs::read_dir(root.join(parent)).unwrap() {
            folders.push(format!("{parent}/{}", entry.unwrap().file_name().display()));
        }
    }
    let read = |folder: String| {
        let manifest = std::fs::read_to_string(root.join(&folder).join("Cargo.toml")).unwrap();
        let name = manifest
            .lines()
            .find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        (folder, name.unwrap().to_owned(), manifest)
    };
    folders.into_iter().map(read).collect()
}

#[test]
fn the_map_of_the_code_has_every_crate_and_every_arrow() {
    let document = include_str!("../../../docs/architecture.md");
    let packages = packages();
    let ours: Vec<String> = packages.iter().map(|(_, name, _)| name.clone()).collect();
    for (folder, name, manifest) in &packages {
        let row = document
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}` | `{folder}` |")));
        let row = row.unwrap_or_else(|| panic!("{name} in {folder} is not in docs/architecture.md"));
        let told = row.trim_end_matches(" |").rsplit("| ").next().unwrap();
        let told: Vec<&str> = told
            .split('`')
            .filter(|word| word.contains('-') || *word == "xtask")
            .collect();
        assert_eq!(told, depends_on(manifest, &ours), "{name}");
    }
    assert!(packages.len() > 8, "{packages:?}");
}

#[test]
fn nothing_but_the_generator_depends_on_the_operator() {
    let packages = packages();
    let ours: Vec<String> = packages.iter().map(|(_, name, _)| name.clone()).collect();
    let is_ours = |name: &String| name == "speech-operator";
    let depends = packages
        .iter()
        .filter(|(_, _, manifest)| depends_on(manifest, &ours).iter().any(is_ours));
    let depends: Vec<&str> = depends.map(|(_, name, _)| name.as_str()).collect();
    assert_eq!(depends, ["xtask"]);
}

#[test]
fn nothing_that_ships_depends_on_a_tool() {
    let packages = packages();
    let is_tool = |folder: &str| folder.starts_with("dev/");
    let tools = packages
        .iter()
        .filter(|(folder, ..)| is_tool(folder) || folder == "crates/emulator");
    let tools: Vec<String> = tools.map(|(_, name, _)| name.clone()).collect();
    for (folder, name, manifest) in packages.iter().filter(|(folder, ..)| !is_tool(folder)) {
        assert_eq!(depends_on(manifest, &tools), Vec::<String>::new(), "{name} in {folder}");
    }
}
