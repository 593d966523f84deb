//! The last word of a process: whatever ends it is one log line with the reason and the exit code. Only SIGKILL, also that
//! of a node without memory, leaves no time for one; the next process of the same pod tells it then (`lead::Campaign`).
use std::{
    error::Error,
    io::{self, Write},
    panic::{self, PanicHookInfo},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::Level;

/// How a kind of signal is made; none is a constant.
type Make = fn() -> SignalKind;

/// What ends a process by default, has a name, and leaves time to end in order. Nobody sends the last five on purpose; a
/// process that goes without a word because of one would be a riddle.
const SIGNALS: [(&str, Make); 7] = [
    ("SIGTERM", SignalKind::terminate),
    ("SIGINT", SignalKind::interrupt),
    ("SIGHUP", SignalKind::hangup),
    ("SIGQUIT", SignalKind::quit),
    ("SIGUSR1", SignalKind::user_defined1),
    ("SIGUSR2", SignalKind::user_defined2),
    ("SIGALRM", SignalKind::alarm),
];

/// Ends everything in order when a signal asks for it, and tells which.
///
/// # Errors
/// When the system does not let us receive signals.
pub fn end_on_signals(shutdown: &CancellationToken) -> io::Result<()> {
    let ignored = ignored();
    for (name, kind) in SIGNALS.into_iter().filter(|(_, kind)| !is_in(ignored, kind())) {
        let mut received = signal(kind())?;
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            if received.recv().await.is_some() {
                tracing::info!(signal = name, "asked to stop");
                shutdown.cancel();
            }
        });
    }
    Ok(())
}

/// The signals that whoever started us lets us ignore, as `nohup` does: bit 0 is signal 1.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

fn is_in(mask: u64, kind: SignalKind) -> bool {
    let bit = u32::try_from(kind.as_raw_value() - 1).ok();
    bit.and_then(|bit| mask.checked_shr(bit))
        .is_some_and(|rest| rest & 1 == 1)
}

/// From now on a panic is a log line like any other, wherever it happens; it may be the last one.
pub fn tell_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(panic = words(panic), place, "a part of the operator panicked");
    }));
}

fn words<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    panic.payload_as_str().unwrap_or("it does not say why")
}

/// Tells that the process ends as it was asked to.
pub fn stopped() {
    tracing::info!(exit_code = 0, "stopped");
}

/// Tells why the process ends with this code: in the log, or on standard error while there is none or it is switched off.
pub fn failed(error: &(dyn Error + 'static), exit_code: u8) {
    let chain = speech_service::error::chain(error);
    tracing::error!(error = %chain, exit_code, "the operator ends");
    if !tracing::enabled!(Level::ERROR) {
        // Whoever reads standard error may have gone: no reason to end otherwise than meant.
        drop(writeln!(io::stderr(), "speech-operator: {chain}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_found_in_the_mask_of_those_that_are_ignored() {
        assert!(is_in(0b1, SignalKind::hangup()) && !is_in(0b10, SignalKind::hangup()));
        // Rust itself ignores SIGPIPE.
        assert!(is_in(ignored(), SignalKind::pipe()));
    }

    #[tokio::test]
    async fn every_signal_that_leaves_time_for_it_ends_everything_in_order() {
        for (name, kind) in SIGNALS.into_iter().filter(|(_, kind)| !is_in(ignored(), kind())) {
            let shutdown = CancellationToken::new();
            end_on_signals(&shutdown).unwrap();
            let number = kind().as_raw_value().to_string();
            let sent = std::process::Command::new("sh")
                .args([
                    "-c",
                    r#"kill -s "$1" "$2""#,
                    "signal",
                    &number,
                    &std::process::id().to_string(),
                ])
                .status();
            assert!(sent.unwrap().success(), "{name}");
            let ended = tokio::time::timeout(std::time::Duration::from_secs(10), shutdown.cancelled()).await;
            assert!(ended.is_ok(), "{name}");
        }
    }
}
