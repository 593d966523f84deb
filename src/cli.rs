//! The command line of `speech-operator`.
use crate::{
    controller::flux::{EventsUrl, InvalidEventsUrl},
    fleet_page::Audience,
    telemetry::LogFormat,
};
use clap::{Arg, ArgAction, Args, Parser, Subcommand, builder::TypedValueParser, error::ErrorKind};
use speech_api::duration;
use speech_fleet::command::PlanArgs;
use speech_service::{
    Authority,
    allowed_hosts::{AZURE, HostPattern},
    entra::IMDS,
};
use std::{ffi::OsStr, net::SocketAddr, path::PathBuf, time::Duration};

/// Keeps Azure custom-speech models and endpoints as declared, and swaps models before they expire.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator against the cluster of the kubeconfig, or of the pod that it runs in.
    Run(Box<RunArgs>),
    /// Print the coming trainings, swaps, expiries and risks of a fleet, from a live cluster. Changes nothing.
    Plan(Box<PlanArgs>),
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Address of /metrics, /livez, /readyz and /fleet. [::] means IPv6 and IPv4, and IPv4 alone where there is no IPv6.
    #[arg(long, env = "SPEECH_OPERATOR_LISTEN", default_value = "[::]:8080")]
    pub listen: SocketAddr,
    /// Namespaces to look after, with commas between; the default is all. What is in others is neither read nor changed.
    #[arg(long, env = "SPEECH_OPERATOR_NAMESPACES", value_name = "NAMESPACES", value_delimiter = ',', value_parser = namespace)]
    pub namespaces: Vec<String>,
    /// Who is shown the fleet page: /fleet, /fleet.json and /fleet.ics.
    #[arg(long, env = "SPEECH_OPERATOR_FLEET_PAGE", value_name = "WHO", value_enum, default_value_t = Audience::Loopback)]
    pub fleet_page: Audience,
    /// Change nothing in the Speech service: read it, and tell in conditions, events and metrics what would be done. No
    /// finalizer is put on and no ConfigMap written; an object that is deleted is let go, and what it has in the Speech
    /// service stays. For a cluster that was cloned or restored from a backup.
    #[arg(long, env = "SPEECH_OPERATOR_OBSERVE_ONLY")]
    pub observe_only: bool,
    /// Accept plain http endpoints. Only for an emulator: keys and tokens travel unprotected.
    #[arg(long, env = "SPEECH_OPERATOR_ALLOW_HTTP")]
    pub allow_http: bool,
    /// Hosts that connections may name, with commas between: a host name, *.example.com for one more label, an address, or
    /// * for all. Loopback, link-local and metadata addresses are called only if named one by one.
    #[arg(long, env = "SPEECH_OPERATOR_ALLOWED_HOSTS", value_name = "HOSTS", value_delimiter = ',', default_value = AZURE)]
    pub allowed_hosts: Vec<HostPattern>,
    /// How connections use Entra ID.
    #[command(flatten)]
    pub entra: EntraArgs,
    /// Send every event to Flux' notification-controller too, as a rule at
    /// http://notification-controller.flux-system.svc.cluster.local./
    #[arg(long, env = "SPEECH_OPERATOR_FLUX_EVENTS", value_name = "URL", hide_env_values = true, value_parser = Unrepeated)]
    pub flux_events: Option<EventsUrl>,
    /// How many objects of one kind are processed at once; for each Speech resource, as many again may wait for its answers.
    #[arg(long, env = "SPEECH_OPERATOR_CONCURRENCY", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// Who acts when there are several replicas.
    #[command(flatten)]
    pub election: ElectionArgs,
    /// Form of the log lines.
    #[arg(long, env = "SPEECH_OPERATOR_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
    /// What to log. Without the part on kube_runtime every line of a pass would carry a span that repeats the object.
    #[arg(
        long,
        env = "SPEECH_OPERATOR_LOG",
        default_value = "info,kube_runtime=warn,azure_identity=warn"
    )]
    pub log: String,
    /// Follow the clock of an emulator, given by its URL. For development only; hidden because production time does not jump.
    #[arg(long, hide = true, value_name = "URL")]
    pub development_clock: Option<url::Url>,
}

/// Options for connections that use Entra ID.
#[derive(Debug, Args)]
pub struct EntraArgs {
    /// Namespaces whose connections may use the operator's own identities, besides the operator's own namespace, with commas
    /// between: managed identities, and workload identities without serviceAccountRef. Whoever may create a connection there
    /// can act as the operator in Azure.
    #[arg(long, env = "SPEECH_OPERATOR_IDENTITY_NAMESPACES", value_name = "NAMESPACES", value_delimiter = ',', value_parser = namespace)]
    pub identity_namespaces: Vec<String>,
    /// Authorities that connections may name besides those of Azure, with commas between, such as https://login.example.com.
    /// They are sent client secrets and tokens of ServiceAccounts.
    #[arg(
        long,
        env = "SPEECH_OPERATOR_ALLOWED_AUTHORITIES",
        value_name = "URLS",
        value_delimiter = ','
    )]
    pub allowed_authorities: Vec<Authority>,
    /// File with the token of the operator's own ServiceAccount for Entra ID, as the webhook of AKS mounts it.
    #[arg(long, env = "AZURE_FEDERATED_TOKEN_FILE", value_name = "FILE")]
    pub federated_token_file: Option<PathBuf>,
    /// Where the node issues the tokens of managed identities. Hidden because it is the same on all nodes of Azure.
    #[arg(long, hide = true, env = "AZURE_POD_IDENTITY_AUTHORITY_HOST", value_name = "URL", default_value = IMDS)]
    pub imds_address: url::Url,
}

/// Options of the election, named as those of Kubernetes' own controllers.
#[derive(Debug, Args)]
pub struct ElectionArgs {
    /// Act only while holding the Lease. Without it, two operators would work against each other.
    #[arg(
        long = "leader-elect", env = "SPEECH_OPERATOR_LEADER_ELECT", value_name = "BOOL", default_value_t = true,
        action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true
    )]
    pub enabled: bool,
    /// Namespace of the Lease; the default is that of the pod, or of the kubeconfig's context.
    #[arg(long = "leader-elect-resource-namespace", value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Namespace of the pod. Hidden because it is a fact of the Deployment and no choice: what the operator may lend, and
    /// whether it is being uninstalled, go by it.
    #[arg(long, hide = true, env = "POD_NAMESPACE", value_name = "NAMESPACE")]
    pub pod_namespace: Option<String>,
    /// Name of the Lease.
    #[arg(
        long = "leader-elect-resource-name",
        value_name = "NAME",
        default_value = "speech-operator"
    )]
    pub name: String,
    /// Name of this replica, different from all others; a random one if absent. Who comes back under the same name, as a
    /// restarted container does, takes the Lease back at once.
    #[arg(long = "leader-elect-identity", env = "POD_NAME", value_name = "NAME")]
    pub identity: Option<String>,
    /// How long standbys wait after the leader's last renewal before one of them takes over.
    #[arg(long = "leader-elect-lease-duration", value_name = "DURATION", default_value = "15s", value_parser = duration::parse)]
    pub lease_duration: Duration,
    /// How long a leader may go on acting after its last successful renewal; then the process ends.
    #[arg(long = "leader-elect-renew-deadline", value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    pub renew_deadline: Duration,
    /// How often the Lease is renewed, or looked at.
    #[arg(long = "leader-elect-retry-period", value_name = "DURATION", default_value = "3s", value_parser = duration::parse)]
    pub retry_period: Duration,
}

/// Reads an address without repeating one that is refused: it may hold a password.
#[derive(Clone, Debug)]
struct Unrepeated;

impl TypedValueParser for Unrepeated {
    type Value = EventsUrl;

    fn parse_ref(&self, command: &clap::Command, _: Option<&Arg>, value: &OsStr) -> Result<EventsUrl, clap::Error> {
        let url = value.to_str().ok_or(InvalidEventsUrl::NotAUrl).and_then(str::parse);
        url.map_err(|why| {
            let told = format!("invalid value for '--flux-events <URL>': {why}");
            command.clone().error(ErrorKind::ValueValidation, told)
        })
    }
}

/// A namespace by its name. None is left out in silence: fewer names than meant may mean all namespaces.
fn namespace(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_name = (1..=63).contains(&text.len()) && text.bytes().all(fits);
    match is_name && !text.starts_with('-') && !text.ends_with('-') {
        true => Ok(text.to_owned()),
        false => Err("not the name of a namespace".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn election(options: &[&str]) -> Result<ElectionArgs, clap::Error> {
        let line = ["speech-operator", "run"].iter().chain(options);
        Ok(match Cli::try_parse_from(line)?.command {
            Command::Run(args) => args.election,
            Command::Plan(_) => unreachable!("the line says run"),
        })
    }

    #[test]
    fn namespaces_are_named_one_by_one_and_an_empty_name_is_no_way_to_say_all() {
        let named = |options: &[&str]| {
            let line = ["speech-operator", "run"].iter().chain(options);
            Cli::try_parse_from(line).map(|cli| match cli.command {
                Command::Run(args) => args.namespaces,
                Command::Plan(_) => unreachable!("the line says run"),
            })
        };
        assert_eq!(named(&[]).unwrap(), [] as [&str; 0]);
        assert_eq!(named(&["--namespaces", "shop,bank"]).unwrap(), ["shop", "bank"]);
        for wrong in ["", "shop,", "shop, bank", "Shop", "-shop", "*"] {
            assert!(named(&[&format!("--namespaces={wrong}")]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn there_is_an_election_unless_somebody_says_no() {
        assert!(election(&[]).unwrap().enabled);
        assert!(election(&["--leader-elect"]).unwrap().enabled);
        assert!(election(&["--leader-elect=true"]).unwrap().enabled);
        assert!(!election(&["--leader-elect=false"]).unwrap().enabled);
        assert!(election(&["--leader-elect=perhaps"]).is_err());
    }

    #[test]
    fn the_durations_of_an_election_are_read_like_all_others() {
        let usual = election(&[]).unwrap();
        let seconds = [usual.lease_duration, usual.renew_deadline, usual.retry_period].map(|span| span.as_secs());
        assert_eq!(seconds, [15, 10, 3]);
        let long = election(&["--leader-elect-lease-duration", "1m30s"]).unwrap();
        assert_eq!(long.lease_duration, Duration::from_secs(90));
        assert!(election(&["--leader-elect-retry-period", "3"]).is_err());
    }
}
