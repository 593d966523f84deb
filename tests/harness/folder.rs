//! A temporary folder that goes even when its owner is killed.
use super::error::HarnessError;
use std::{
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Waits for the end of its stdin, that is of the owner, then removes the folder. It tries again for a while, because
/// processes that end at the same moment may still write into it.
const REMOVE_WHEN_ORPHANED: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
tries=0
while [ -e "$1" ] && [ "$tries" -lt 50 ]; do
  rm -rf -- "$1" 2>/dev/null
  tries=$((tries + 1))
  [ -e "$1" ] && sleep 0.1
done
"#;

/// A folder below the system's temporary folder, removed on drop and after a violent end of this process.
///
/// `HARNESS_KEEP=1` in the environment keeps it, to look at logs.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    remover: Option<Child>,
}

impl Folder {
    /// Makes a new folder; `name` becomes part of its name.
    pub fn new(name: &str) -> Result<Self, HarnessError> {
        let path = std::env::temp_dir().join(format!("speech-operator-{name}-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir_all(&path).map_err(HarnessError::file(&path))?;
        let mut folder = Self { path, remover: None };
        if !keep() {
            let remover = Command::new("sh")
                .args(["-c", REMOVE_WHEN_ORPHANED, "folder-remover"])
                .arg(&folder.path)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .process_group(0)
                .spawn()
                .map_err(|source| HarnessError::Spawn {
                    program: "sh".into(),
                    source,
                })?;
            folder.remover = Some(remover);
        }
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file in it and returns the file's path.
    pub fn write(&self, name: &str, content: &str) -> Result<PathBuf, HarnessError> {
        let path = self.path.join(name);
        std::fs::write(&path, content).map_err(HarnessError::file(&path))?;
        Ok(path)
    }
}

fn keep() -> bool {
    std::env::var_os("HARNESS_KEEP").is_some_and(|value| !value.is_empty())
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(mut remover) = self.remover.take() {
            drop(remover.stdin.take());
            let _ = remover.wait(); // its removal is the one we want
        }
    }
}
