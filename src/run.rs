//! `speech-operator run`: puts the parts together and ends them in order.
use crate::{
    cli::RunArgs,
    clock::{Clock, ClockError},
    controller::{self, Options, StartError},
    metrics::Metrics,
    serve::{self, ServeError},
    speech::{AllowedHosts, ReqwestTransport},
    telemetry,
};
use kube::{Client, Config};
use std::{error::Error, io, sync::Arc};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Why the operator stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The `--log` option cannot be read.
    #[error("--log cannot be read")]
    Log(#[from] tracing_subscriber::filter::ParseError),
    /// No cluster was found.
    #[error("no cluster: set KUBECONFIG, or run in a pod with a ServiceAccount")]
    Config(#[source] Box<kube::config::InferConfigError>),
    /// No client for the cluster could be made.
    #[error("no client for the cluster")]
    Client(#[source] Box<kube::Error>),
    /// No client for the Speech service could be made.
    #[error("no HTTP client for the Speech service")]
    Transport(#[source] Box<dyn Error + Send + Sync>),
    /// The development clock cannot be followed.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The port cannot be served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Signals cannot be received.
    #[error("signals cannot be received")]
    Signal(#[source] io::Error),
    /// The controllers stopped.
    #[error(transparent)]
    Controller(#[from] StartError),
}

/// Runs until SIGTERM or SIGINT.
pub async fn run(args: RunArgs) -> Result<(), RunError> {
    telemetry::install(&args.log, args.log_format)?;
    let allowed_hosts = AllowedHosts::new(args.allowed_hosts);
    let transport = Arc::new(ReqwestTransport::new(allowed_hosts.clone()).map_err(RunError::Transport)?);
    let shutdown = CancellationToken::new();
    end_on_signal(shutdown.clone()).map_err(RunError::Signal)?;
    let clock = match args.development_clock {
        Some(url) => Clock::follow(url).await?,
        None => Clock::system(),
    };
    let config = Config::infer()
        .await
        .map_err(|error| RunError::Config(Box::new(error)))?;
    let client = Client::try_from(config).map_err(|error| RunError::Client(Box::new(error)))?;
    let metrics = Metrics::new();
    let listener = serve::listen(args.listen).await?;
    tokio::spawn(serve::run(listener, Arc::clone(&metrics), shutdown.clone()));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), listen = %args.listen, "started");
    let options = Options {
        client,
        clock,
        transport,
        allow_http: args.allow_http,
        allowed_hosts,
        concurrency: args.concurrency,
        instance: std::env::var("POD_NAME").unwrap_or_else(|_| "speech-operator".to_owned()),
        metrics,
        shutdown,
    };
    controller::run(options).await?;
    tracing::info!("stopped");
    Ok(())
}

fn end_on_signal(shutdown: CancellationToken) -> io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("asked to stop");
        shutdown.cancel();
    });
    Ok(())
}
