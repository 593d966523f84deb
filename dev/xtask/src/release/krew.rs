//! The manifest by which krew installs the plugin.
use crate::image::Arch;

/// An archive of the plugin.
pub struct Platform {
    pub arch: Arch,
    pub uri: String,
    pub sha256: String,
}

const ABOUT: &str = "\x20 homepage: https://github.com/speech-operator/speech-operator
  shortDescription: Custom-speech models and endpoints at a glance
  description: |
    Shows how the custom-speech models and endpoints of a cluster stand, what
    happens to each next and why; approves, swaps, retrains and imports them.
    Needs the CustomResourceDefinitions of speech-operator in the cluster.
  platforms:
";

pub fn manifest(version: &str, platforms: &[Platform]) -> String {
    let head = format!(
        "apiVersion: krew.googlecontainertools.github.com/v1alpha2\nkind: Plugin\nmetadata:\n  name: speech\nspec:\n  \
         version: v{version}\n{ABOUT}"
    );
    let platform = |platform: &Platform| {
        format!(
            "    - selector:\n        matchLabels:\n          os: linux\n          arch: {}\n      uri: {}\n      sha256: {}\n      \
             bin: kubectl-speech\n",
            platform.arch.name(),
            platform.uri,
            platform.sha256,
        )
    };
    platforms
        .iter()
        .map(platform)
        .fold(head, |text, platform| text + &platform)
}
