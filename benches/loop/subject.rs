//! The operators that are measured: the same work, asked for in each one's own kind.
use crate::{
    Outcome,
    fleet::{KEY, NAMESPACE, PER_CONNECTION, base_model, connection, endpoint},
    harness::{EmulatorProcess, OPERATOR, OPERATOR_USER, OperatorProcess, Plane, Process, api_of, installed},
};
use kube::{Api, Client, api::DynamicObject};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

/// The plain operator's ServiceAccount, the namespace first.
const PLAIN_ACCOUNT: [&str; 2] = ["plain-system", "plain"];
/// What the plain operator says when it has read all there is.
const PLAIN_READY: &str = "Starting workers";
const START_DEADLINE: Duration = Duration::from_secs(60);

/// Which operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The one in benches/plain: POST, status, poll by GET, a GET per object and minute.
    Plain,
    /// Ours.
    Here,
}

/// One of them as a process.
pub enum Operator {
    Plain(Process),
    Here(OperatorProcess),
}

impl Operator {
    /// The process, for readings.
    pub fn process(&mut self) -> &mut Process {
        match self {
            Self::Plain(process) => process,
            Self::Here(operator) => operator.process(),
        }
    }

    /// Ours; only it has pages and metrics.
    pub fn here(&self) -> Outcome<&OperatorProcess> {
        match self {
            Self::Plain(_) => Err("the plain operator has no pages".into()),
            Self::Here(operator) => Ok(operator),
        }
    }
}

impl Subject {
    /// Its name in what is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "the plain operator",
            Self::Here => "our operator",
        }
    }

    /// Its user, as the audit log names it.
    pub fn user(self) -> String {
        match self {
            Self::Plain => format!("system:serviceaccount:{}", PLAIN_ACCOUNT.join(":")),
            Self::Here => OPERATOR_USER.to_owned(),
        }
    }

    /// The API of its endpoints.
    pub fn endpoints(self, client: &Client) -> Api<DynamicObject> {
        let kind = match self {
            Self::Plain => "PlainEndpoint",
            Self::Here => "SpeechEndpoint",
        };
        api_of(client, kind, Some(NAMESPACE))
    }

    /// One endpoint as its user writes it. The plain operator knows no connections, and is told the model by URL.
    pub fn manifest(self, index: usize, base_url: &str) -> Outcome<Value> {
        let (name, resource) = (endpoint(index), connection(index / PER_CONNECTION));
        Ok(match self {
            Self::Plain => {
                let model = base_model(index / PER_CONNECTION)?;
                let url = format!("{base_url}/{resource}/speechtotext/models/base/{model}?api-version=2024-11-15");
                json!({
                    "apiVersion": "bench.example.com/v1alpha1", "kind": "PlainEndpoint", "metadata": { "name": name },
                    "spec": { "resource": resource, "displayName": name, "locale": "en-US", "model": url },
                })
            }
            Self::Here => json!({
                "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint", "metadata": { "name": name },
                "spec": { "connectionRef": { "name": resource }, "locale": "en-US", "model": { "base": {} } },
            }),
        })
    }

    /// Tells the control plane its kinds and permissions.
    pub async fn install(self, plane: &Plane) -> Outcome<()> {
        match self {
            Self::Plain => {
                let files = ["benches/plain/crd.yaml", "benches/plain/rbac.yaml"];
                plane.install_from(&files).await?;
            }
            Self::Here => plane.install().await?,
        }
        Ok(())
    }

    /// Starts it under its own ServiceAccount, with options if it is ours, and waits until it is ready.
    pub async fn start(self, plane: &Plane, emulator: &EmulatorProcess, options: &[&str]) -> Outcome<Operator> {
        match self {
            Self::Plain => {
                let [namespace, name] = PLAIN_ACCOUNT;
                let kubeconfig = plane.service_account_kubeconfig(namespace, name).await?;
                let kubeconfig = kubeconfig.display().to_string();
                let args = ["-service".to_owned(), emulator.base_url().to_owned()];
                let env = [("KUBECONFIG", kubeconfig.as_str()), ("SPEECH_KEY", KEY)];
                let log = plane.folder().path().join("plain.log");
                let mut process = Process::start("the plain operator", &self.program()?, &args, &env, &log)?;
                process.wait_for_log(PLAIN_READY, START_DEADLINE).await?;
                Ok(Operator::Plain(process))
            }
            Self::Here => {
                let kubeconfig = plane.operator_kubeconfig().await?;
                let operator = OperatorProcess::start(&OPERATOR, &kubeconfig, options).await?;
                Ok(Operator::Here(operator))
            }
        }
    }

    /// Its program.
    pub fn program(self) -> Outcome<PathBuf> {
        Ok(match self {
            Self::Plain => installed("benches/plain")?.join("plain"),
            Self::Here => OPERATOR.clone(),
        })
    }

    /// The size of its program as it ships, in MiB: what a profiler reads is not part of it.
    pub fn program_mib(self) -> Outcome<f64> {
        let program = self.program()?;
        let stripped = std::env::temp_dir().join(format!("stripped-{}", uuid::Uuid::new_v4().simple()));
        let status = Command::new("strip")
            .arg("--strip-all")
            .arg("-o")
            .arg(&stripped)
            .arg(&program)
            .stdin(Stdio::null())
            .status();
        let size = std::fs::metadata(&stripped).map(|file| file.len());
        let _ = std::fs::remove_file(&stripped);
        match status {
            Ok(status) if status.success() => Ok(f64::from(u32::try_from(size?)?) / 1_048_576.0),
            other => Err(format!("strip (package binutils) on {}: {other:?}", program.display()).into()),
        }
    }
}
