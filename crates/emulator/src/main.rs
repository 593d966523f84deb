//! The emulator of the Azure Speech service as a process of its own.
use clap::{Parser, ValueEnum};
use jiff::Timestamp;
use speech_emulator::{CertificateError, Credentials, Emulator, Seed, SeedError};
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
    /// Address for the Entra authority, with TLS; port 0 takes a free one. Without it, there is no authority.
    #[arg(long, requires = "entra_ca")]
    entra_listen: Option<SocketAddr>,
    /// File to write the root certificate into that clients of the authority have to trust (PEM).
    #[arg(long, requires = "entra_listen")]
    entra_ca: Option<PathBuf>,
    /// Issuer whose assertions the authority accepts, such as a cluster's issuer of ServiceAccount tokens.
    #[arg(long, requires = "entra_jwks")]
    entra_issuer: Option<String>,
    /// File with the issuer's keys, as an API server shows them at /openid/v1/jwks.
    #[arg(long, requires = "entra_issuer")]
    entra_jwks: Option<PathBuf>,
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
    #[error("cannot read the keys {0}: {1}")]
    ReadKeys(PathBuf, std::io::Error),
    #[error("cannot use the keys: {0}")]
    Keys(String),
    #[error("cannot write the certificate {0}: {1}")]
    WriteCertificate(PathBuf, std::io::Error),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
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
    let seed = read_seed(&arguments)?;
    let names: Vec<String> = seed.resource_names().map(str::to_owned).collect();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = bind(arguments.listen).await?;
    let address = listener.local_addr()?;
    let emulator = Emulator::new(seed);
    let authority = start_authority(&emulator, arguments).await?;
    tell_addresses(address, authority.as_ref().map(|(listener, _)| listener))?;
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
    let authority = async {
        match authority {
            Some((listener, credentials)) => emulator.serve_authority(listener, &credentials).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        served = emulator.serve(listener, shutdown) => served?,
        served = authority => served?,
    }
    Ok(())
}

fn read_seed(arguments: &Arguments) -> Result<Seed, StartError> {
    let mut seed = match &arguments.seed {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| StartError::ReadSeed(path.clone(), error))?;
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
    Ok(seed)
}

/// The first line, by which whoever started this finds it.
#[derive(serde::Serialize)]
struct Addresses {
    listening: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    entra: Option<String>,
}

fn tell_addresses(plain: SocketAddr, authority: Option<&TcpListener>) -> Result<(), StartError> {
    let authority = authority.map(TcpListener::local_addr).transpose()?;
    let addresses = Addresses {
        listening: plain.to_string(),
        entra: authority.map(|address| format!("https://{address}")),
    };
    let mut output = std::io::stdout().lock();
    serde_json::to_writer(&mut output, &addresses).map_err(std::io::Error::from)?;
    writeln!(output)?;
    Ok(output.flush()?)
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| StartError::Listen(address, error))
}

/// Where the authority listens and what it shows, if there is to be one; its root is written before anybody can call it.
async fn start_authority(
    emulator: &Emulator,
    arguments: Arguments,
) -> Result<Option<(TcpListener, Credentials)>, StartError> {
    if let (Some(issuer), Some(path)) = (&arguments.entra_issuer, arguments.entra_jwks) {
        let keys = std::fs::read_to_string(&path).map_err(|error| StartError::ReadKeys(path, error))?;
        emulator.trust(issuer, &keys).map_err(StartError::Keys)?;
    }
    let (Some(address), Some(root)) = (arguments.entra_listen, arguments.entra_ca) else {
        return Ok(None);
    };
    let credentials = Credentials::new(address.ip())?;
    std::fs::write(&root, &credentials.root).map_err(|error| StartError::WriteCertificate(root, error))?;
    Ok(Some((bind(address).await?, credentials)))
}
