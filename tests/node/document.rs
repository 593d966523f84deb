//! The commands and manifests of a section of a page, run as a reader would.
use crate::{cluster::Cluster, harness::installed, images};
use std::{path::PathBuf, process::Stdio, time::Duration};
use tokio::process::Command;

/// The longest that a command of a page may take here.
const DEADLINE: Duration = Duration::from_secs(600);

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub language: String,
    pub text: String,
}

/// The fenced blocks of a section, in order.
pub fn blocks(page: &str, heading: &str) -> Vec<Block> {
    let text = format!("\n{}", std::fs::read_to_string(repository().join(page)).unwrap());
    let start = text
        .find(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("{page} has no {heading}"));
    let section = &text[start + 1 + heading.len()..];
    let section = &section[..section.find("\n## ").unwrap_or(section.len())];
    let mut found: Vec<Block> = Vec::new();
    let mut is_inside = false;
    for line in section.lines() {
        match (line.strip_prefix("```"), is_inside) {
            (Some(_), true) => is_inside = false,
            (Some(language), false) => {
                is_inside = true;
                found.push(Block {
                    language: language.to_owned(),
                    text: String::new(),
                });
            }
            (None, true) => {
                let block = found.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {}
        }
    }
    found
}

/// The commands of a block: all of `sh`; of `console` what follows a prompt, with its continuations.
pub fn commands(block: &Block) -> String {
    if block.language == "sh" {
        return block.text.clone();
    }
    let mut commands = String::new();
    let mut goes_on = false;
    for line in block.text.lines() {
        let command = line.strip_prefix("$ ").or(goes_on.then_some(line));
        goes_on = command.is_some_and(|command| command.ends_with('\\'));
        if let Some(command) = command {
            commands.push_str(command);
            commands.push('\n');
        }
    }
    commands
}

pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

impl Cluster {
    /// Runs commands in the repository, with `kubectl`, `helm` and `crane` of the tests and the stand-in for `az`. What is
    /// replaced in them before, each with its reason, stands where this is called. Returns what they wrote.
    pub async fn run(&self, commands: &str, replaced: &[(&str, &str)]) -> String {
        let mut commands = commands.to_owned();
        for (words, by) in replaced {
            assert!(commands.contains(words), "{words} is not in:\n{commands}");
            commands = commands.replace(words, by);
        }
        let charts = installed("tests/chart").unwrap_or_else(|error| panic!("{error}"));
        let folders = [
            repository().join("tests/node/stand-ins"),
            self.plane.programs().to_owned(),
            charts,
            self.site.assets.clone(),
        ];
        let usual = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = folders.into_iter().chain(std::env::split_paths(&usual)).collect();
        let own = self.site.folder().path();
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c", &commands])
            .current_dir(repository())
            .env("PATH", std::env::join_paths(folders).unwrap())
            .env("KUBECONFIG", self.plane.kubeconfig())
            .env("EMULATOR", self.azure.url())
            .env("AZ_STATE", own.join("az-role"))
            .env("HELM_CACHE_HOME", own.join("helm"))
            .env("HELM_CONFIG_HOME", own.join("helm"))
            .env("HELM_DATA_HOME", own.join("helm"))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        images::cargos_own().for_each(|name| {
            command.env_remove(name);
        });
        println!("{}", commands.trim_end());
        let output = tokio::time::timeout(DEADLINE, command.output()).await;
        let output = output.unwrap_or_else(|_| panic!("not in time:\n{commands}")).unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{}\n{commands}\n{said}\n{complaints}",
            output.status
        );
        said
    }
}
