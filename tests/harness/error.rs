//! What can go wrong around the processes, told so that the reader knows what to do.
use std::{path::PathBuf, time::Duration};

/// A failure of the harness or of a process it runs; never of the behaviour under test.
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// What a script of the repository installs is missing.
    #[error("{what}/install.sh has to be run first ({told})")]
    NotInstalled {
        /// The folder of the script.
        what: String,
        /// What the script says.
        told: String,
    },
    /// A program could not be started at all.
    #[error("{program} could not be started (is it built and executable?): {source}")]
    Spawn {
        program: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// A program that should be running has ended.
    #[error("{name} ended with {status}; the end of its log:\n{log}")]
    Ended {
        /// The process's name.
        name: String,
        /// Its exit status, as text.
        status: String,
        /// The last lines it wrote.
        log: String,
    },
    /// Something waited for did not happen.
    #[error("{what}: not within {deadline:?}; last seen: {last}")]
    NotInTime {
        /// What was waited for.
        what: String,
        /// How long it was waited for.
        deadline: Duration,
        /// What the last look found.
        last: String,
    },
    /// A file or folder could not be used.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// A kubectl command failed that must not.
    #[error("kubectl {args} ended with {code:?}: {stderr}")]
    Kubectl {
        /// The command line after `kubectl`.
        args: String,
        /// The exit code; `None` after a signal.
        code: Option<i32>,
        /// What it complained about.
        stderr: String,
    },
    /// The API server's client could not be made.
    #[error("the client of the control plane: {0}")]
    Client(String),
    /// An HTTP request failed.
    #[error("{request}: {problem}")]
    Http {
        /// Method and URL.
        request: String,
        /// The transport error, or the status and body.
        problem: String,
    },
    /// A process wrote something that the harness cannot read.
    #[error("{what} is not understood: {got}")]
    NotUnderstood {
        /// What was read.
        what: String,
        /// Its text.
        got: String,
    },
}

impl HarnessError {
    /// For `map_err`: a failure to use `path`.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
