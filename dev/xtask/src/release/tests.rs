//! The parts that are pure.
use super::*;

#[test]
fn the_notes_are_the_section_of_the_version() {
    let changelog =
        "# Changelog\n\n## Unreleased\n\n- x\n\n## [0.2.0] - 2026-01-01\n\n- [a](docs/a.md)\n\n## 0.1.0\n\n- b\n";
    assert_eq!(notes::of(changelog, "0.2.0").unwrap(), "- [a](docs/a.md)\n");
    assert_eq!(notes::of(changelog, "0.1.0").unwrap(), "- b\n");
    let missing = notes::of(changelog, "0.3.0").unwrap_err().to_string();
    assert_eq!(missing, "CHANGELOG.md has no section \"## 0.3.0\"");
    let document = notes::document("- [a](docs/a.md)\n", "0.2.0", "sha256:ab", &[Arch::Amd64, Arch::Arm64]);
    assert!(document.contains("/blob/v0.2.0/docs/a.md)"), "{document}");
    assert!(
        document.contains("`sha256:ab`, for linux/amd64 and linux/arm64."),
        "{document}"
    );
}

#[test]
fn the_image_is_pinned_once_or_not_at_all() {
    let pinned = manifest::pinned("a: 1\nimage: x:v1\n", "x:v1", "sha256:ab").unwrap();
    assert_eq!(pinned, "a: 1\nimage: x:v1@sha256:ab\n");
    for manifest in ["image: x:v2\n", "image: x:v1\nimage: x:v1\n"] {
        assert!(manifest::pinned(manifest, "x:v1", "sha256:ab").is_err(), "{manifest}");
    }
}

#[test]
fn components_come_from_the_tree_and_their_sums_from_the_lock() {
    let tree = "MIT/Apache-2.0\tfutures v0.3.1\nMIT\tours v0.1.0 (/home/x)\nMIT/Apache-2.0\tfutures v0.3.1 (*)\n";
    let crates: Vec<sbom::Crate> = sbom::crates(tree).into_iter().collect();
    assert_eq!(crates.len(), 2);
    assert_eq!(
        (crates[0].name.as_str(), crates[0].version.as_str()),
        ("futures", "0.3.1")
    );
    assert_eq!(crates[0].licence, "MIT OR Apache-2.0");
    let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"ff\"\n\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\n";
    let checksums = sbom::checksums(lock);
    assert_eq!(checksums.len(), 1);
    assert_eq!(checksums[&("a".to_owned(), "1.0.0".to_owned())], "ff");
}

#[test]
fn a_crate_that_a_program_names_and_its_list_lacks_is_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let components = sbom::Components::read(&root, "speech-operator", Arch::Amd64).unwrap();
    let listed = components.crates.iter().find(|one| one.name == "tokio").unwrap();
    let path = |name: &str| format!("\0/cargo/registry/src/index.crates.io-1949cf8c6b5b557f/{name}/src/lib.rs\0");
    let program = path(&format!("tokio-{}", listed.version));
    assert_eq!(components.missing_in(program.as_bytes()), None);
    let program = program + &path("other-1.0.0");
    assert_eq!(
        components.missing_in(program.as_bytes()).as_deref(),
        Some("other-1.0.0")
    );
    assert!(
        !components.crates.iter().any(|one| one.name == "serde_derive"),
        "needed only to build"
    );
}

#[test]
fn the_package_of_the_chart_has_its_files_without_its_tests() {
    use std::io::Read as _;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let version = env!("CARGO_PKG_VERSION");
    let package = chart::package(&root, version, 0).unwrap();
    let mut archive = Vec::new();
    flate2::read::GzDecoder::new(package.as_slice())
        .read_to_end(&mut archive)
        .unwrap();
    let mut archive = tar::Archive::new(archive.as_slice());
    let path = |entry: io::Result<tar::Entry<'_, &[u8]>>| entry.unwrap().path().unwrap().display().to_string();
    let paths: Vec<String> = archive.entries().unwrap().map(path).collect();
    for file in [
        "Chart.yaml",
        "values.yaml",
        "values.schema.json",
        "templates/deployment.yaml",
        "README.md",
    ] {
        assert!(
            paths.contains(&format!("speech-operator/{file}")),
            "{file} in {paths:?}"
        );
    }
    assert!(
        !paths
            .iter()
            .any(|path| path.contains("/tests/") || path.contains("gotmpl")),
        "{paths:?}"
    );
    let refused = chart::package(&root, "9.9.9", 0).unwrap_err().to_string();
    assert_eq!(refused, "deploy/chart/Chart.yaml does not say version: 9.9.9");
}

#[test]
fn sums_are_what_sha256sum_reads() {
    let files = BTreeMap::from([("a".to_owned(), Vec::new())]);
    assert_eq!(
        sums(&files),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n"
    );
}
