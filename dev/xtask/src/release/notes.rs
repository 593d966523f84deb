//! The notes of a release: what CHANGELOG.md says of it, and what it holds.
use super::ReleaseError;
use crate::image::Arch;

/// The section of a version, without its heading.
pub fn of(changelog: &str, version: &str) -> Result<String, ReleaseError> {
    let is_heading = |line: &&str| line.starts_with("## ");
    let is_ours = |line: &&str| {
        let words = line.strip_prefix("## ").and_then(|words| words.split(' ').next());
        words.is_some_and(|word| word.trim_matches(['[', ']']) == version)
    };
    let section: Vec<&str> = changelog
        .lines()
        .skip_while(|line| !is_ours(line))
        .skip(1)
        .take_while(|line| !is_heading(line))
        .collect();
    match section.join("\n").trim() {
        "" => Err(ReleaseError::NoNotes(version.to_owned())),
        section => Ok(format!("{section}\n")),
    }
}

/// Links of the changelog point into the repository.
pub fn document(section: &str, version: &str, digest: &str, arches: &[Arch]) -> String {
    let tree = format!("https://github.com/speech-operator/speech-operator/blob/v{version}");
    let section = section.replace("](docs/", &format!("]({tree}/docs/"));
    let arches: Vec<&str> = arches.iter().map(|arch| arch.name()).collect();
    format!(
        "# speech-operator {version}\n\n{section}\n## The image\n\n`{digest}`, for linux/{}.\n\n\
         How to verify and install what is here: {tree}/docs/releases.md\n",
        arches.join(" and linux/"),
    )
}
