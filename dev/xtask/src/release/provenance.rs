//! What the files were made from, and how: an in-toto statement with SLSA's predicate. It is as true as the machine that ran
//! this: nobody else vouches for it until it is signed.
use super::{Release, ReleaseError, sha256};
use crate::{
    image::{self, Program},
    tool,
};
use serde_json::{Value, json};

const REPOSITORY: &str = "https://github.com/speech-operator/speech-operator";

pub fn statement(release: &Release<'_>, image: &str) -> Result<String, ReleaseError> {
    let mut subjects: Vec<Value> = release
        .files
        .iter()
        .map(|(name, content)| json!({"name": name, "digest": {"sha256": sha256(content)}}))
        .collect();
    let name = image::published(Program::SpeechOperator);
    let name = name.rsplit_once(':').map_or(name.as_str(), |(name, _)| name);
    subjects.push(json!({"name": name, "digest": {"sha256": image.trim_start_matches("sha256:")}}));
    let compiler = tool::output("rustc", &["--version"], release.root)?;
    let lock = release.read("Cargo.lock")?;
    let mut materials = vec![json!({"uri": "Cargo.lock", "digest": {"sha256": sha256(lock.as_bytes())}})];
    if let Some(commit) = &release.source.commit {
        materials.insert(
            0,
            json!({"uri": format!("git+{REPOSITORY}"), "digest": {"gitCommit": commit}}),
        );
    }
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": format!("{REPOSITORY}/blob/main/docs/releases.md"),
                "externalParameters": {"command": "cargo xtask release", "version": release.version},
                "internalParameters": {"compiler": compiler.trim()},
                "resolvedDependencies": materials,
            },
            "runDetails": {"builder": {"id": format!("{REPOSITORY}/tree/main/dev/xtask")}},
        },
    });
    Ok(serde_json::to_string_pretty(&statement)? + "\n")
}
