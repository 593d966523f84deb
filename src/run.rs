//! `speech-operator run`: puts the parts together and ends them in order.
use crate::{
    cli::{ElectionArgs, EntraArgs, RunArgs},
    controller::{
        self, Known, Options, StartError,
        flux::{EventsUrl, Flux},
    },
    exposition::Exposition,
    last_word,
    lead::{Campaign, Candidate, Contest, Election, InvalidTiming, KubeLease, Leadership, Timing, fence, fence::Reach},
    metrics::Metrics,
    serve::{self, ServeError},
    telemetry,
};
use http::{HeaderValue, header::USER_AGENT};
use kube::{Client, Config};
use speech_fleet::proxy;
use speech_plan::{Scope, connection::identity::Lending};
use speech_service::{
    AllowedHosts, ReqwestTransport,
    clock::{Clock, ClockError},
    entra::Issuers,
};
use std::{error::Error, io, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// The longest that the apiserver may be silent while it owes an answer, and that an unused connection is kept.
const REQUEST_SILENCE: Duration = Duration::from_secs(30);

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
    /// The durations of the election do not fit each other.
    #[error(transparent)]
    Timing(#[from] InvalidTiming),
    /// No client for the Speech service could be made.
    #[error("no HTTP client for the Speech service")]
    Transport(#[source] Box<dyn Error + Send + Sync>),
    /// No client for Flux could be made.
    #[error("no HTTP client for --flux-events")]
    Flux(#[source] Box<dyn Error + Send + Sync>),
    /// The development clock cannot be followed.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The port cannot be served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The election has no thread.
    #[error("the thread of the election cannot be started")]
    Thread(#[from] io::Error),
    /// Signals cannot be received.
    #[error("signals cannot be received")]
    Signal(#[source] io::Error),
    /// The controllers stopped.
    #[error(transparent)]
    Controller(#[from] StartError),
}

/// Runs until a signal asks it to end.
pub async fn run(args: RunArgs) -> Result<(), RunError> {
    telemetry::install(&args.log, args.log_format)?;
    last_word::tell_panics();
    let me = candidate(&args.election);
    let agent = format!("speech-operator/{} ({})", env!("CARGO_PKG_VERSION"), me.pod());
    let allowed_hosts = AllowedHosts::new(args.allowed_hosts);
    let network = ReqwestTransport::of(&agent, allowed_hosts.clone()).map_err(RunError::Transport)?;
    let issuers = issuers(&agent, &args.entra).map_err(RunError::Transport)?;
    let shutdown = CancellationToken::new();
    last_word::end_on_signals(&shutdown).map_err(RunError::Signal)?;
    let clock = match args.development_clock {
        Some(url) => Clock::follow(url).await?,
        None => Clock::system(),
    };
    let mut config = Config::infer()
        .await
        .map_err(|error| RunError::Config(Box::new(error)))?;
    if let Some(proxy) = proxy::settle(&mut config) {
        tracing::info!(cluster = %config.cluster_url, through = %proxy, "the cluster is reached through a proxy");
    }
    // Tells the replicas apart in the audit log of the cluster.
    if let Ok(agent) = HeaderValue::from_str(&agent) {
        config.headers.push((USER_AGENT, agent));
    }
    let no_client = |error| RunError::Client(Box::new(error));
    let instance = me.pod().to_owned();
    let home = home(&args.election, &config);
    let lending = lending(&args.entra, home.as_deref());
    let election = election(&args.election, &config, me).await?;
    let leadership = election.leadership();
    // A watch has bounds of its own; a request on a connection that is half-dead would wait for ever.
    let watches = Client::try_from(config.clone()).map_err(no_client)?;
    config.read_timeout = Some(REQUEST_SILENCE);
    let client = fence::client(config, leadership.clone()).map_err(no_client)?;
    let network = Arc::new(network);
    let reach = if args.observe_only {
        tracing::warn!("--observe-only: the Speech service is read, and nothing is changed there");
        Reach::reading(network)
    } else {
        Reach::changing(network, leadership.clone())
    };
    let flux = match args.flux_events {
        Some(url) => Some(flux(url, &agent, &leadership).map_err(RunError::Flux)?),
        None => None,
    };
    let scope = Scope::of(args.namespaces);
    if let Some(named) = scope.namespaces() {
        tracing::info!(namespaces = ?named, "only these namespaces are looked after");
    }
    let metrics = Metrics::new();
    metrics.observes(args.observe_only);
    let listener = serve::listen(args.listen).await?;
    let listens = listener.local_addr().unwrap_or(args.listen);
    let known = Known::default();
    let exposition = Exposition::new(Arc::clone(&metrics), Arc::clone(&known));
    let page = serve::run(listener, exposition, args.fleet_page, shutdown.clone());
    tokio::spawn(page);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), listen = %listens, "started");
    let options = Options {
        client,
        watches,
        clock,
        reach,
        scope,
        allow_http: args.allow_http,
        allowed_hosts,
        issuers,
        lending,
        own_token: args.entra.federated_token_file,
        concurrency: args.concurrency,
        home,
        leadership,
        instance,
        flux,
        metrics,
        known,
        shutdown,
    };
    controller::run(options, election).await?;
    last_word::stopped();
    Ok(())
}

/// A network of its own, which calls the host of this address and no other.
fn flux(url: EventsUrl, agent: &str, leadership: &Leadership) -> Result<Flux, Box<dyn Error + Send + Sync>> {
    let network = ReqwestTransport::of(agent, AllowedHosts::new([url.host()]))?;
    let transport = Arc::new(fence::FencedTransport::new(Arc::new(network), leadership.clone()));
    Ok(Flux { url, transport })
}

fn issuers(agent: &str, args: &EntraArgs) -> Result<Issuers, Box<dyn Error + Send + Sync>> {
    Issuers::new(agent, &args.allowed_authorities, args.imds_address.clone())
}

/// What connections may use: the operator's own identity is for its own namespace, and for those that are named.
fn lending(args: &EntraArgs, home: Option<&str>) -> Lending {
    let home = home.map(str::to_owned);
    Lending {
        namespaces: args.identity_namespaces.iter().cloned().chain(home).collect(),
        has_own_token: args.federated_token_file.is_some(),
        authorities: args.allowed_authorities.clone(),
    }
}

/// The namespace that the operator lives in: its pod's. Outside of a cluster it is that of the Lease.
fn home(args: &ElectionArgs, config: &Config) -> Option<String> {
    let named = args.pod_namespace.as_ref().or(args.namespace.as_ref());
    let default = || args.enabled.then(|| config.default_namespace.clone());
    named.cloned().or_else(default)
}

fn lease_namespace(args: &ElectionArgs, config: &Config) -> String {
    let named = args.namespace.as_ref().or(args.pod_namespace.as_ref());
    named.unwrap_or(&config.default_namespace).clone()
}

fn candidate(args: &ElectionArgs) -> Candidate {
    match &args.identity {
        Some(name) => Candidate::of_pod(name),
        None => Candidate::anonymous(),
    }
}

async fn election(args: &ElectionArgs, config: &Config, me: Candidate) -> Result<Election, RunError> {
    if !args.enabled {
        return Ok(Election::Unopposed);
    }
    let timing = Timing::new(args.lease_duration, args.renew_deadline, args.retry_period)?;
    let namespace = lease_namespace(args, config);
    let mut config = config.clone();
    // A request that is repeated below us could come through after its time.
    config.default_retry = false;
    let name = args.name.clone();
    let contest = Contest::prepare(async move || {
        let client = Client::try_from(config).map_err(|error| RunError::Client(Box::new(error)))?;
        let lease = KubeLease::new(client, &namespace, &name);
        Ok::<_, RunError>(Campaign::new(lease, me, timing))
    });
    Ok(Election::Contested(contest.await?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        election: ElectionArgs,
    }

    #[test]
    fn a_pod_lives_where_it_runs_wherever_its_lease_is() {
        let mut config = Config::new("https://127.0.0.1".parse().unwrap());
        config.default_namespace = "context".to_owned();
        let both = |options: &[&str]| {
            let args = Cli::parse_from([&["operator"], options].concat()).election;
            (home(&args, &config), lease_namespace(&args, &config))
        };
        let some = |home: &str, lease: &str| (Some(home.to_owned()), lease.to_owned());
        assert_eq!(both(&["--pod-namespace=pod"]), some("pod", "pod"));
        let lease = "--leader-elect-resource-namespace=lease";
        assert_eq!(both(&["--pod-namespace=pod", lease]), some("pod", "lease"));
        assert_eq!(both(&[lease]), some("lease", "lease"));
        assert_eq!(both(&[]), some("context", "context"));
        assert_eq!(both(&["--leader-elect=false"]).0, None);
    }
}
