//! The emulator as a process.
use super::{control::Control, error::HarnessError, folder::Folder, process::Process};
use serde_json::Value;
use std::{path::Path, time::Duration};

const START_DEADLINE: Duration = Duration::from_secs(30);

/// A running `speech-emulator` on a free port of loopback.
#[derive(Debug)]
pub struct EmulatorProcess {
    process: Process,
    base_url: String,
    authority: Option<String>,
    control: Control,
    _folder: Folder,
}

impl EmulatorProcess {
    /// Starts the emulator and waits until it listens. `binary` is mostly `EMULATOR`.
    /// Fails after 30 s.
    pub async fn start(binary: &Path, seed: Option<&Path>, extra_args: &[&str]) -> Result<Self, HarnessError> {
        let folder = Folder::new("emulator")?;
        let mut args = vec!["--listen".to_owned(), "127.0.0.1:0".to_owned()];
        if let Some(seed) = seed {
            args.extend(["--seed".to_owned(), seed.display().to_string()]);
        }
        args.extend(extra_args.iter().map(|&arg| arg.to_owned()));
        let log = folder.path().join("speech-emulator.log");
        let mut process = Process::start("speech-emulator", binary, &args, &[], &log)?;
        let line = process.wait_for_log(r#"{"listening":"#, START_DEADLINE).await?;
        let base_url = format!("http://{}", told(&line, "listening")?);
        let authority = told(&line, "entra").ok();
        let control = Control::new(&base_url)?;
        Ok(Self {
            process,
            base_url,
            authority,
            control,
            _folder: folder,
        })
    }

    /// Where it listens, `http://127.0.0.1:<port>`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where its Entra authority listens, `https://127.0.0.1:<port>`, if it has one.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// The control API.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The process, for its log, readings, `pause` and `kill`.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// Reads an address of `{"listening":"127.0.0.1:PORT","entra":"https://127.0.0.1:PORT"}`.
fn told(line: &str, name: &str) -> Result<String, HarnessError> {
    let address = serde_json::from_str(line)
        .ok()
        .and_then(|value: Value| Some(value.get(name)?.as_str()?.to_owned()));
    address.ok_or_else(|| HarnessError::NotUnderstood {
        what: "the emulator's first line".to_owned(),
        got: line.to_owned(),
    })
}
