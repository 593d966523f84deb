//! What an image says about the source that it was built from.
use super::ImageError;
use std::{env, path::Path, process::Command};

/// The source of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The commit, if there is one and nothing was changed since.
    pub commit: Option<String>,
    /// Seconds of the Unix epoch that stand in place of the time of building.
    pub time: u64,
    changed: bool,
}

impl Source {
    /// A source that no repository knows.
    pub fn without_commit(time: u64) -> Self {
        Self {
            commit: None,
            time,
            changed: false,
        }
    }

    #[cfg(test)]
    pub fn at_commit(commit: &str, time: u64) -> Self {
        Self {
            commit: Some(commit.to_owned()),
            ..Self::without_commit(time)
        }
    }

    /// From the last commit; `SOURCE_DATE_EPOCH` takes precedence over its time, and does for source without a repository.
    pub fn read(root: &Path) -> Result<Self, ImageError> {
        let epoch = match env::var("SOURCE_DATE_EPOCH") {
            Ok(text) => Some(text.parse().map_err(|_| ImageError::Epoch(text))?),
            Err(_) => None,
        };
        let Some(head) = git(root, &["log", "-1", "--format=%H %ct"]) else {
            return Ok(Self::without_commit(epoch.unwrap_or(0)));
        };
        let (commit, time) = head.trim().split_once(' ').unwrap_or_default();
        let changed = git(root, &["status", "--porcelain", "--untracked-files=no"]).is_none_or(|said| !said.is_empty());
        Ok(Self {
            commit: Some(commit.to_owned()).filter(|_| !changed),
            time: epoch.unwrap_or_else(|| time.parse().unwrap_or(0)),
            changed,
        })
    }

    /// Whether files differ from the last commit.
    pub fn is_changed(&self) -> bool {
        self.changed
    }
}

/// What git prints, if it is there and succeeds.
fn git(root: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(args).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(said)
}
