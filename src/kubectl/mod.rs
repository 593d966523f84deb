//! `kubectl speech`: the fleet on the command line.
//!
//! It acts through the cluster's own objects only, by annotations and `spec.suspend`, with the rights of whoever calls it.
//! What the operator writes into status is what it tells. Three things stand in no status, because nobody but a person
//! asks for them: the whole estate of a Speech resource (`import`, `orphans`), log files, and the files of a model. For
//! these the key of the connection is read from its Secret, if the caller may read it, and used by the same client that the
//! operator uses; it is never printed.
pub mod args;
mod change;
mod complete;
mod estate;
mod fetch;
mod fleet;
mod import;
mod logs;
mod orphans;
mod print;
mod progress;
mod remote;
mod status;
mod table;
mod wait;
mod why;

use crate::{
    calendar::{
        cluster::ClusterError,
        command::{self, PlanError},
    },
    speech, telemetry,
};
use args::{Cli, Command};
use std::{io, path::PathBuf, process::ExitCode};

/// The document for users, which shows what the tests print.
#[cfg(test)]
const DOCUMENT: &str = include_str!("../../docs/kubectl-speech.md");

/// How a command ended that could do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Well,
    /// Something needs attention.
    Attention,
}

impl From<bool> for Outcome {
    fn from(needs_attention: bool) -> Self {
        if needs_attention { Self::Attention } else { Self::Well }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Well => Self::SUCCESS,
            Outcome::Attention => Self::from(1),
        }
    }
}

/// Why a command cannot be done, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum KubectlError {
    /// The cluster does not give the objects.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// No plan can be printed.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A name means nothing, or too much.
    #[error("{0}")]
    Name(String),
    /// The object is not in a state in which this can be done.
    #[error("{0}")]
    NotNow(String),
    /// An option cannot be used.
    #[error("{0}")]
    Option(String),
    /// The object could not be changed.
    #[error("{object} could not be changed")]
    Change {
        /// Which one.
        object: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// The key of a connection cannot be had.
    #[error("{0}")]
    Key(String),
    /// The Secret with the key cannot be read.
    #[error(
        "the Secret {secret} with the key of the connection cannot be read; whoever calls this needs the right to get it"
    )]
    Secret {
        /// Namespace and name.
        secret: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// The Speech service cannot be asked.
    #[error("the Speech service at {base}")]
    Service {
        /// Its URL.
        base: String,
        /// Why.
        source: Box<speech::Error>,
    },
    /// A file of the Speech service cannot be fetched.
    #[error("{file} cannot be fetched: {why}")]
    Fetch {
        /// Its name.
        file: String,
        /// Why, without its URL, which is a secret.
        why: String,
    },
    /// A file cannot be written.
    #[error("{} cannot be written", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be written as JSON.
    #[error("this cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// It cannot be written as YAML.
    #[error("this cannot be written as YAML")]
    Yaml(#[from] serde_saphyr::ser::Error),
    /// It cannot be printed.
    #[error("this cannot be printed")]
    Print(#[source] io::Error),
}

/// Does what the command line says, and tells trouble.
pub async fn run(cli: Cli) -> ExitCode {
    match dispatch(cli).await {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            eprintln!(
                "kubectl speech: {}",
                crate::calendar::one_line(&telemetry::chain(&error))
            );
            ExitCode::from(2)
        }
    }
}

async fn dispatch(cli: Cli) -> Result<Outcome, KubectlError> {
    let Cli { cluster, command } = cli;
    match command {
        Command::Status(args) => status::run(&cluster, &args).await,
        Command::Plan(args) => Ok((command::plan(&args).await? && args.fail_on_risk).into()),
        Command::Why(args) => why::run(&cluster, &args).await,
        Command::Swap(args) => change::swap(&cluster, &args).await,
        Command::Approve(args) => change::approve(&cluster, &args).await,
        Command::Retrain(args) => change::retrain(&cluster, &args).await,
        Command::Suspend(args) => change::suspend(&cluster, &args.names, true).await,
        Command::Resume(args) => change::suspend(&cluster, &args.names, false).await,
        Command::Import(args) => import::run(&cluster, &args).await,
        Command::Orphans(args) => orphans::run(&cluster, &args).await,
        Command::Logs(args) => logs::run(&cluster, &args).await,
        Command::Fetch(args) => fetch::run(&cluster, &args).await,
        Command::Wait(args) => wait::run(&cluster, &args).await,
        Command::Completion(args) => complete::script(args.shell),
        Command::Complete { words } => complete::run(&words).await,
    }
}
