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
mod decide;
#[cfg(test)]
mod document_tests;
mod estate;
mod fetch;
mod fleet;
mod import;
mod logs;
pub mod options;
mod orphans;
mod print;
mod progress;
mod release;
mod remote;
#[cfg(test)]
mod sample;
mod selection;
mod session;
mod status;
mod table;
mod trust;
mod wait;
mod why;

use args::{Cli, Command};
use options::Selection;
pub use session::session;
use speech_fleet::{
    cluster::{self, ClusterError},
    command::{self, PlanError},
};
use speech_service::{self as speech, clock::ClockError};
use std::{io, path::PathBuf, process::ExitCode};
pub use table::Paint;

/// The field manager of all changes from here. Its name does not begin with kubectl: Flux takes over the fields of such managers,
/// and would undo at its next apply what people on call decided.
const MANAGER: &str = "speech-command";

/// The document for users, which shows what the tests print.
#[cfg(test)]
const DOCUMENT: &str = include_str!("../../../docs/kubectl-speech.md");

/// How a command ended that could do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Well,
    /// Something needs attention.
    Attention,
    /// Some of it could not be told or done; why is told already.
    Failed,
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
            Outcome::Failed => Self::from(2),
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
    /// The time cannot be told.
    #[error(transparent)]
    Clock(#[from] ClockError),
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
    #[error("{object} could not be changed: {why}")]
    Change {
        /// Which one.
        object: String,
        /// Why, and what to do.
        why: String,
    },
    /// The key of a connection cannot be had.
    #[error("{0}")]
    Key(String),
    /// The Secret with the key cannot be read.
    #[error("the Secret {secret} with the credential of the connection cannot be read: {why}")]
    Secret {
        /// Namespace and name.
        secret: String,
        /// Why, and what to do.
        why: String,
    },
    /// The Speech service cannot be asked.
    #[error("the Speech service at {base}")]
    Service {
        /// Its URL.
        base: String,
        /// Why.
        source: Box<speech::Error>,
    },
    /// What the Speech service lists cannot be believed.
    #[error("{base}: {doubt}; nothing is told from such lists")]
    Untrusted {
        /// Its URL.
        base: String,
        /// Why.
        doubt: String,
    },
    /// The service has no log files in any version that it still speaks.
    #[error(
        "API version v3.2 is the only one that knows log files, and the service does not answer to it ({0}); with storage of your \
             own, which spec.loggingEnabled needs from 2024-11-15 on, they lie there: list, fetch and delete them in that storage \
             account"
    )]
    NoLogs(String),
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

impl KubectlError {
    /// An object could not be changed.
    fn change(object: String, error: kube::Error) -> Self {
        let why = refused(&error);
        Self::Change { object, why }
    }

    /// A Secret could not be read.
    fn secret(secret: String, error: kube::Error) -> Self {
        let why = refused(&error);
        Self::Secret { secret, why }
    }
}

/// Why the apiserver refuses what takes more than `view`, in its own words and with what to do.
fn refused(error: &kube::Error) -> String {
    let why = cluster::cause(error);
    let is_forbidden = matches!(error, kube::Error::Api(status) if status.code == 403);
    if is_forbidden {
        format!("{why}; the ClusterRole `edit` allows it")
    } else {
        why
    }
}

/// Does what the command line says, and tells trouble.
pub async fn run(cli: Cli) -> ExitCode {
    match dispatch(cli).await {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            print::error(&error);
            ExitCode::from(2)
        }
    }
}

async fn dispatch(cli: Cli) -> Result<Outcome, KubectlError> {
    let Cli { cluster, mut command } = cli;
    command.selection().into_iter().for_each(Selection::with_kinds);
    match command {
        Command::Status(args) => status::run(&cluster, &args).await,
        Command::Plan(args) => Ok((command::plan("kubectl speech", &args).await? && args.fail_on_risk).into()),
        Command::Why(args) => why::run(&cluster, &args).await,
        Command::Swap(args) => change::swap(&cluster, &args).await,
        Command::Approve(args) => change::approve(&cluster, &args).await,
        Command::Retrain(args) => change::retrain(&cluster, &args).await,
        Command::Suspend(args) => change::suspend(&cluster, &args, true).await,
        Command::Resume(args) => change::suspend(&cluster, &args, false).await,
        Command::Release(args) => release::run(&cluster, &args).await,
        Command::Import(args) => import::run(&cluster, &args).await,
        Command::Orphans(args) => orphans::run(&cluster, &args).await,
        Command::Logs(args) => logs::run(&cluster, &args).await,
        Command::Fetch(args) => fetch::run(&cluster, &args).await,
        Command::Wait(args) => wait::run(&cluster, &args).await,
        Command::Completion(args) => complete::script(args.shell),
        Command::Complete { words } => complete::run(&words).await,
    }
}
