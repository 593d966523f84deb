//! The operator as a process.
use super::{
    error::HarnessError,
    eventually,
    folder::Folder,
    layout::free_address,
    process::{Process, last_lines},
};
use std::{
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

/// The only hosts that operators call here: the emulator on this machine, and names that are nowhere.
const HOSTS: (&str, &str) = ("SPEECH_OPERATOR_ALLOWED_HOSTS", "127.0.0.1,*.invalid");
/// The name of the pod that an operator believes to run in.
pub const POD: &str = "speech-operator-0";
/// What an operator logs into.
const LOG: &str = "speech-operator.log";
const START_DEADLINE: Duration = Duration::from_secs(30);
const REQUEST_DEADLINE: Duration = Duration::from_secs(5);

/// A running `speech-operator run`.
#[derive(Debug)]
pub struct OperatorProcess {
    process: Process,
    address: String,
    http: reqwest::Client,
    folder: Folder,
}

impl OperatorProcess {
    /// Starts the operator and waits until its `/readyz` answers 200. `binary` is mostly `OPERATOR`.
    /// Fails after 30 s.
    pub async fn start(binary: &Path, kubeconfig: &Path, args: &[&str]) -> Result<Self, HarnessError> {
        let mut operator = Self::start_unready(binary, kubeconfig, args)?;
        operator.wait_until_ready(START_DEADLINE).await?;
        Ok(operator)
    }

    /// Starts the operator against an emulator: plain HTTP is allowed, and both share the emulator's clock.
    /// `clock_url` comes from [`super::Control::clock_url`].
    pub async fn start_with_emulator(
        binary: &Path,
        kubeconfig: &Path,
        clock_url: &str,
        args: &[&str],
    ) -> Result<Self, HarnessError> {
        let mut all = vec!["--allow-http", "--development-clock", clock_url];
        all.extend(args);
        Self::start(binary, kubeconfig, &all).await
    }

    /// Starts the operator and waits for nothing: for replicas that stand by, and for starts that must fail.
    pub fn start_unready(binary: &Path, kubeconfig: &Path, args: &[&str]) -> Result<Self, HarnessError> {
        Self::start_unready_with_env(binary, kubeconfig, args, &[])
    }

    /// The same with variables in its environment. It runs in the pod `POD`, so that one operator after another takes the
    /// lease over at once, unless `POD_NAME` says another.
    pub fn start_unready_with_env(
        binary: &Path,
        kubeconfig: &Path,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Result<Self, HarnessError> {
        super::install_tls_provider();
        let folder = Folder::new("operator")?;
        let address = free_address()?;
        let mut all = vec!["run".to_owned(), "--listen".to_owned(), address.clone()];
        all.extend(args.iter().map(|&arg| arg.to_owned()));
        let kubeconfig = kubeconfig.display().to_string();
        let log = folder.path().join(LOG);
        let env: Vec<_> = env
            .iter()
            .copied()
            .chain([("KUBECONFIG", kubeconfig.as_str())])
            .collect();
        let env = [vec![("POD_NAME", POD), HOSTS], env].concat();
        let process = Process::start("speech-operator", binary, &all, &env, &log)?;
        let http = reqwest::Client::builder().timeout(REQUEST_DEADLINE).no_proxy().build();
        let http = http.map_err(|error| HarnessError::Client(error.to_string()))?;
        Ok(Self {
            process,
            address,
            http,
            folder,
        })
    }

    /// Waits until `/readyz` answers 200.
    pub async fn wait_until_ready(&mut self, deadline: Duration) -> Result<(), HarnessError> {
        let mut ended = None;
        let ready = eventually("the operator is ready", deadline, async || {
            if let Err(error) = self.process.check_running() {
                ended = Some(error);
                return Ok(()); // no use in waiting on
            }
            let log = last_lines(&self.process.logs(), 10);
            match self.get("/readyz").await {
                Ok((200, _)) => Ok(()),
                Ok((status, text)) => Err(format!("/readyz answers {status} {text}; the end of its log:\n{log}")),
                Err(error) => Err(format!("{error}; the end of its log:\n{log}")),
            }
        });
        ready.await?;
        ended.map_or(Ok(()), Err)
    }

    /// The file that it logs into.
    pub fn log_file(&self) -> PathBuf {
        self.folder.path().join(LOG)
    }

    /// Where `/metrics`, `/livez` and `/readyz` are, `127.0.0.1:<port>`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Status and body of a GET, for example of `/livez`.
    pub async fn get(&self, path: &str) -> Result<(u16, String), HarnessError> {
        let url = format!("http://{}{path}", self.address);
        let failed = |error: reqwest::Error| HarnessError::Http {
            request: format!("GET {url}"),
            problem: error.to_string(),
        };
        let response = self.http.get(&url).send().await.map_err(failed)?;
        let status = response.status().as_u16();
        Ok((status, response.text().await.map_err(failed)?))
    }

    /// The text of `/metrics`.
    /// Fails when the answer is not 200.
    pub async fn metrics(&self) -> Result<String, HarnessError> {
        match self.get("/metrics").await? {
            (200, text) => Ok(text),
            (status, text) => Err(HarnessError::Http {
                request: "GET /metrics".to_owned(),
                problem: format!("{status}: {text}"),
            }),
        }
    }

    /// Everything it has logged so far.
    pub fn logs(&self) -> String {
        self.process.logs()
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Asks it to end (SIGTERM) and waits for the end.
    pub async fn terminate(&mut self, deadline: Duration) -> Result<ExitStatus, HarnessError> {
        self.process.terminate(deadline).await
    }

    /// The process, for readings, `pause` and signals.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}
