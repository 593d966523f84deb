//! Starts real processes for tests, examples and benchmarks: a Kubernetes control plane, the emulator, the operator.
//!
//! Included with `mod harness;` from `tests/` and with `#[path = "../tests/harness/mod.rs"]` from elsewhere. It knows
//! the programs by their command lines and nothing of the library. Nothing here skips: what is missing is an error
//! that says what to do.

#![allow(dead_code, unused_imports)] // every crate that includes this uses another part of it

mod audit;
mod binaries;
mod connect_proxy;
mod control;
mod emulator;
mod error;
mod folder;
mod gateway;
mod layout;
mod objects;
mod operator;
mod plane;
mod process;
mod proxy;
mod tenant;

pub use audit::{AuditEntry, count_writes};
pub use binaries::{EMULATOR, KUBECTL_SPEECH, OPERATOR, XTASK, installed};
pub use connect_proxy::ConnectProxy;
pub use control::Control;
pub use emulator::EmulatorProcess;
pub use error::HarnessError;
pub use folder::Folder;
pub use gateway::{Gateway, INNER_HOST};
pub use layout::{ISSUER, NODE, Site, free_address};
pub use objects::{KINDS, OPERATOR_USER, api_of, condition, is_ready, merged, message};
pub use operator::{OperatorProcess, POD};
pub use plane::{CommandOutput, Plane};
pub use process::Process;
pub use proxy::Proxy;
pub use tenant::Tenant;

use std::time::Duration;
use tokio::time::Instant;

/// Pause between two looks at something that is waited for.
const POLL: Duration = Duration::from_millis(50);

/// Repeats `check` every 50 ms until it is `Ok`.
/// Fails with `what` and the last `Err` text when `deadline` has passed; a check that hangs is cut off there too.
pub async fn eventually<T, F>(what: &str, deadline: Duration, mut check: F) -> Result<T, HarnessError>
where
    F: AsyncFnMut() -> Result<T, String>,
{
    let end = Instant::now() + deadline;
    let mut last = "the first check did not come back".to_owned();
    loop {
        match tokio::time::timeout_at(end, check()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(text)) => last = text,
            Err(_) => last = format!("a check did not come back; before it: {last}"),
        }
        if Instant::now() + POLL >= end {
            return Err(HarnessError::NotInTime {
                what: what.to_owned(),
                deadline,
                last,
            });
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The same where nothing else can be tested if it never is.
#[allow(clippy::panic)]
pub async fn in_time<T, F>(what: &str, deadline: Duration, check: F) -> T
where
    F: AsyncFnMut() -> Result<T, String>,
{
    eventually(what, deadline, check)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Gives rustls its cryptography, which the HTTP clients do not bring; the first call counts.
fn install_tls_provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
