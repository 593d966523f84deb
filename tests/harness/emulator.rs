//! The emulator as a process, and a client of its control API.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::error::HarnessError;
use super::folder::Folder;
use super::process::Process;

const START_DEADLINE: Duration = Duration::from_secs(30);
/// Answers of the control API take milliseconds.
const CONTROL_DEADLINE: Duration = Duration::from_secs(10);

/// A running `speech-emulator` on a free port of loopback.
#[derive(Debug)]
pub struct EmulatorProcess {
    process: Process,
    base_url: String,
    control: Control,
    _folder: Folder,
}

impl EmulatorProcess {
    /// Starts the emulator and waits until it listens. `binary` is `env!("CARGO_BIN_EXE_speech-emulator")` where Cargo
    /// sets that.
    ///
    /// # Errors
    ///
    /// When the binary is not there, ends, or does not tell its address within 30 s.
    pub async fn start(binary: &Path, seed: Option<&Path>, extra_args: &[&str]) -> Result<Self, HarnessError> {
        let folder = Folder::new("emulator")?;
        let mut args = vec!["--listen".to_owned(), "127.0.0.1:0".to_owned()];
        if let Some(seed) = seed {
            args.extend(["--seed".to_owned(), seed.display().to_string()]);
        }
        args.extend(extra_args.iter().map(|&arg| arg.to_owned()));
        let log = folder.path().join("speech-emulator.log");
        let mut process = Process::start("speech-emulator", binary, &args, &[], &log)?;
        let line = process.wait_for_log(r#""listening""#, START_DEADLINE).await?;
        let base_url = format!("http://{}", listening_address(&line)?);
        let control = Control::new(&base_url)?;
        Ok(Self {
            process,
            base_url,
            control,
            _folder: folder,
        })
    }

    /// Where it listens, `http://127.0.0.1:<port>`.
    pub fn base_url(&self) -> &str {
        &self.base_url
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

/// Reads `{"listening":"127.0.0.1:PORT"}`.
fn listening_address(line: &str) -> Result<String, HarnessError> {
    let address = serde_json::from_str(line)
        .ok()
        .and_then(|value: Value| Some(value.get("listening")?.as_str()?.to_owned()));
    address.ok_or_else(|| HarnessError::NotUnderstood {
        what: "the emulator's first line".to_owned(),
        got: line.to_owned(),
    })
}

/// A client of the emulator's control API.
#[derive(Debug, Clone)]
pub struct Control {
    base_url: String,
    http: reqwest::Client,
}

impl Control {
    /// A client of the emulator at `base_url`.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be made.
    pub fn new(base_url: &str) -> Result<Self, HarnessError> {
        super::install_tls_provider();
        let http = reqwest::Client::builder().timeout(CONTROL_DEADLINE).no_proxy().build();
        let http = http.map_err(|error| HarnessError::Client(error.to_string()))?;
        Ok(Self {
            base_url: base_url.to_owned(),
            http,
        })
    }

    /// The URL that the operator's `--development-clock` takes.
    pub fn clock_url(&self) -> String {
        format!("{}/control/clock", self.base_url)
    }

    /// The emulator's time.
    ///
    /// # Errors
    ///
    /// When the request fails or the answer has no `now`.
    pub async fn now(&self) -> Result<Timestamp, HarnessError> {
        now_in(self.request(Method::GET, "clock", None).await?)
    }

    /// Sets the emulator's time; returns the new time.
    ///
    /// # Errors
    ///
    /// When the request fails.
    pub async fn set_now(&self, now: Timestamp) -> Result<Timestamp, HarnessError> {
        self.put_clock(json!({"now": now.to_string()})).await
    }

    /// Moves the emulator's time ahead, for example by `90d` or `6h`; returns the new time.
    ///
    /// # Errors
    ///
    /// When the request fails or the duration is not understood.
    pub async fn advance(&self, by: &str) -> Result<Timestamp, HarnessError> {
        self.put_clock(json!({"advance": by})).await
    }

    /// Lets the emulator's time run `rate` times as fast as ours; returns its time.
    ///
    /// # Errors
    ///
    /// When the request fails.
    pub async fn set_rate(&self, rate: f64) -> Result<Timestamp, HarnessError> {
        self.put_clock(json!({"rate": rate})).await
    }

    async fn put_clock(&self, body: Value) -> Result<Timestamp, HarnessError> {
        self.request(Method::PUT, "clock", Some(body)).await?;
        self.now().await
    }

    /// The requests the emulator has answered: those of one Speech resource, or of all; those with a sequence number
    /// greater than `after`.
    ///
    /// # Errors
    ///
    /// When the request fails.
    pub async fn journal(&self, resource: Option<&str>, after: u64) -> Result<Value, HarnessError> {
        let resource = resource.map(|name| format!("resource={name}&")).unwrap_or_default();
        self.request(Method::GET, &format!("journal?{resource}after={after}"), None)
            .await
    }

    /// Empties the journal.
    ///
    /// # Errors
    ///
    /// When the request fails.
    pub async fn clear_journal(&self) -> Result<(), HarnessError> {
        self.request(Method::DELETE, "journal", None).await.map(drop)
    }

    /// Adds a fault; returns the emulator's answer.
    ///
    /// # Errors
    ///
    /// When the request fails or the fault is not understood.
    pub async fn add_fault(&self, fault: Value) -> Result<Value, HarnessError> {
        self.request(Method::POST, "faults", Some(fault)).await
    }

    /// Ends all faults.
    ///
    /// # Errors
    ///
    /// When the request fails.
    pub async fn clear_faults(&self) -> Result<(), HarnessError> {
        self.request(Method::DELETE, "faults", None).await.map(drop)
    }

    /// Everything the emulator holds.
    ///
    /// # Errors
    ///
    /// When the request fails.
    pub async fn state(&self) -> Result<Value, HarnessError> {
        self.request(Method::GET, "state", None).await
    }

    /// Creates or changes a Speech resource; returns the emulator's answer.
    ///
    /// # Errors
    ///
    /// When the request fails or the body is not understood.
    pub async fn put_resource(&self, name: &str, body: Value) -> Result<Value, HarnessError> {
        self.request(Method::PUT, &format!("resources/{name}"), Some(body))
            .await
    }

    /// Deletes a Speech resource with all it holds.
    ///
    /// # Errors
    ///
    /// When the request fails.
    pub async fn delete_resource(&self, name: &str) -> Result<(), HarnessError> {
        self.request(Method::DELETE, &format!("resources/{name}"), None)
            .await
            .map(drop)
    }

    /// Any request to the control API; `path` is what follows `/control/`. An empty answer is `null`.
    ///
    /// # Errors
    ///
    /// When the request fails or the answer is no JSON.
    pub async fn request(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, HarnessError> {
        let url = format!("{}/control/{path}", self.base_url);
        let failed = |problem: String| HarnessError::Http {
            request: format!("{method} {url}"),
            problem,
        };
        let mut request = self.http.request(method.clone(), &url);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| failed(error.to_string()))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| failed(error.to_string()))?;
        if !status.is_success() {
            return Err(failed(format!("{status}: {text}")));
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|error| failed(format!("{error} in {text}")))
    }
}

fn now_in(answer: Value) -> Result<Timestamp, HarnessError> {
    let now = answer
        .get("now")
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok());
    now.ok_or_else(|| HarnessError::NotUnderstood {
        what: "the emulator's clock".to_owned(),
        got: answer.to_string(),
    })
}
