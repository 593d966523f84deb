//! The emulator of the Azure Speech service as a process of its own.
use clap::{Parser, ValueEnum};
use jiff::Timestamp;
use speech_emulator::{Emulator, Seed, SeedError};
use std::{io::Write as _, net::SocketAddr, path::PathBuf, process::ExitCode};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// A local Azure Speech service for custom speech, with a clock that can be moved.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8765", env = "SPEECH_EMULATOR_LISTEN")]
    listen: SocketAddr,
    /// File with Speech resources and what they hold; without it, a realistic example.
    #[arg(long, env = "SPEECH_EMULATOR_SEED")]
    seed: Option<PathBuf>,
    /// Where the clock starts (RFC 3339); without it, where the seed says, else now.
    #[arg(long)]
    now: Option<Timestamp>,
    /// Clock seconds per real second.
    #[arg(long)]
    rate: Option<f64>,
    /// Form of the log on standard error.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("cannot read the seed {0}: {1}")]
    ReadSeed(PathBuf, std::io::Error),
    #[error(transparent)]
    Seed(#[from] SeedError),
    #[error("the rate must lie between 0 and 1e8")]
    Rate,
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log(arguments.log_format);
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the emulator stops");
            ExitCode::FAILURE
        }
    }
}

fn start_log(format: LogFormat) {
    let wanted = std::env::var("RUST_LOG").ok().and_then(|text| text.parse().ok());
    let targets: Targets = wanted.unwrap_or(Targets::new().with_default(LevelFilter::INFO));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(targets)).init();
}

async fn run(arguments: Arguments) -> Result<(), StartError> {
    let mut seed = match arguments.seed {
        Some(path) => {
            let text = std::fs::read_to_string(&path).map_err(|error| StartError::ReadSeed(path, error))?;
            Seed::parse(&text)?
        }
        None => Seed::shipped()?,
    };
    if let Some(now) = arguments.now {
        seed = seed.starting_at(now);
    }
    if let Some(rate) = arguments.rate {
        if !(0.0..=1e8).contains(&rate) {
            return Err(StartError::Rate);
        }
        seed = seed.running_at(rate);
    }
    let names: Vec<String> = seed.resource_names().map(str::to_owned).collect();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind(arguments.listen)
        .await
        .map_err(|error| StartError::Listen(arguments.listen, error))?;
    let address = listener.local_addr()?;
    let emulator = Emulator::new(seed);
    {
        let mut output = std::io::stdout().lock();
        writeln!(output, "{}", serde_json::json!({ "listening": address.to_string() }))?;
        output.flush()?;
    }
    for name in names {
        tracing::info!("resource {name} at http://{address}/{name}");
    }
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("the emulator stops on a signal");
    };
    emulator.serve(listener, shutdown).await?;
    Ok(())
}
