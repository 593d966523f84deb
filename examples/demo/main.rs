//! `make demo`: a model is swapped before it expires, on a real control plane, told as it happens.
//!
//! Real are the API server, kubectl and the operator, which runs under its shipped permissions. Emulated are the Speech
//! service and its clock, which can jump. Everything printed was observed; when something is not as the story says, the
//! demo tells what it expected and ends with 1.
//!
//! Environment: `KEEP=1` leaves all running at the end, `NO_COLOR=1` prints without colours, `DEMO_TRANSCRIPT=FILE` and
//! `DEMO_SVG=FILE` write what was shown as Markdown and as a picture, `DEMO_FLEET_SVG=FILE` that of the fleet.

mod fleet;
#[path = "../../tests/harness/mod.rs"]
mod harness;
mod record;
mod screen;
mod service;
mod stage;
mod story;

use harness::HarnessError;
use screen::{Screen, Style};
use speech_terminal as terminal;
use stage::Stage;
use std::{
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};
use tokio::signal::unix::{SignalKind, signal};

/// Why the demo ends before its end.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    /// The story is not true.
    #[error("expected: {expected}\n   found: {found}")]
    Untrue { expected: String, found: String },
    #[error(transparent)]
    Harness(#[from] HarnessError),
    #[error("the Speech service: {0}")]
    Service(#[from] reqwest::Error),
    #[error("{0}: {1}")]
    File(String, std::io::Error),
}

/// Fails with what was expected and what was found, unless it is so.
fn demand(is_so: bool, expected: &str, found: impl FnOnce() -> String) -> Result<(), DemoError> {
    if is_so {
        return Ok(());
    }
    Err(DemoError::Untrue {
        expected: expected.to_owned(),
        found: found(),
    })
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut screen = Screen::new();
    let is_kept = AtomicBool::new(false);
    // Processes and folders go with the future that is dropped here.
    let code = tokio::select! {
        code = run(&mut screen, &is_kept) => Some(code),
        () = interrupted() => None,
    };
    screen.end_progress();
    code.unwrap_or_else(|| {
        screen.blank();
        screen.line(Style::Dim, "interrupted; everything that was started has ended");
        if is_kept.into_inner() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(130)
        }
    })
}

async fn run(screen: &mut Screen, is_kept: &AtomicBool) -> ExitCode {
    let mut stage = None;
    let told = tell(screen, &mut stage).await;
    let Err(error) = told.and_then(|()| write_documents(screen)) else {
        if let Some(stage) = stage.as_ref().filter(|_| is_set("KEEP")) {
            is_kept.store(true, Ordering::Relaxed);
            screen.blank();
            screen.line(
                Style::Bold,
                "KEEP is set: everything goes on running until Ctrl-C. In another terminal:",
            );
            screen.output(&stage.instructions());
            std::future::pending::<()>().await;
        }
        return ExitCode::SUCCESS;
    };
    screen.end_progress();
    screen.blank();
    screen.line(Style::Bad, "The story ends here: something is not as it should be.");
    screen.output(&error.to_string());
    if let Some(stage) = &stage {
        screen.line(Style::Bold, "The operator's last log lines:");
        let log = without_colours(&stage.operator_log());
        let lines: Vec<&str> = log.lines().collect();
        let from = lines.len().saturating_sub(25);
        screen.output(&lines.get(from..).unwrap_or_default().join("\n"));
    }
    ExitCode::FAILURE
}

async fn tell(screen: &mut Screen, stage: &mut Option<Stage>) -> Result<(), DemoError> {
    let root = env!("CARGO_MANIFEST_DIR");
    std::env::set_current_dir(root).map_err(|error| DemoError::File(root.to_owned(), error))?;
    story::introduce(screen);
    let stage = stage.insert(Stage::set(screen).await?);
    story::play(screen, stage).await?;
    fleet::play(screen, stage).await?;
    if is_set("KEEP") {
        stage.welcome(screen).await?;
    }
    Ok(())
}

/// Waits for Ctrl-C, or another wish that this ends.
async fn interrupted() {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let waits = kinds.into_iter().map(|kind| {
        Box::pin(async move {
            match signal(kind) {
                Ok(mut signals) => drop(signals.recv().await),
                Err(_) => std::future::pending().await,
            }
        })
    });
    futures::future::select_all(waits).await;
}

fn write_documents(screen: &Screen) -> Result<(), DemoError> {
    let picture = |number: usize| {
        let lines = screen.pictures().get(number).map(Vec::as_slice);
        terminal::picture("Output of make demo", lines.unwrap_or_default())
    };
    let written = [
        ("DEMO_TRANSCRIPT", screen.transcript()),
        ("DEMO_SVG", picture(0)),
        ("DEMO_FLEET_SVG", picture(1)),
    ];
    for (variable, text) in written {
        if let Some(path) = std::env::var_os(variable) {
            let path = Path::new(&path);
            std::fs::write(path, text).map_err(|error| DemoError::File(path.display().to_string(), error))?;
        }
    }
    Ok(())
}

/// The text without the escape sequences of terminals.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        plain + part.split_once('m').map_or(part, |(_, rest)| rest)
    })
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty() && value != "0")
}
