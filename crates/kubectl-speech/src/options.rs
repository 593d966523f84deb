//! The options of the commands of `kubectl speech`.
use clap::{ArgGroup, Args, ValueEnum, builder::NonEmptyStringValueParser};
use clap_complete::Shell;
use jiff::Timestamp;
use speech_service::{
    Authority, EntityId,
    allowed_hosts::{AZURE, HostPattern},
    clock::moment,
};
use std::path::PathBuf;

/// Which objects. What takes it in says by [`named`] whether some have to be named.
#[derive(Clone, Debug, Default, Args)]
pub struct Selection {
    /// The objects.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// All objects with these labels, such as team=claims.
    #[arg(short = 'l', long, value_name = "LABELS", value_parser = NonEmptyStringValueParser::new(), conflicts_with = "names")]
    pub selector: Option<String>,
    /// All objects.
    #[arg(long, conflicts_with_all = ["names", "selector"])]
    pub all: bool,
    /// Of all namespaces.
    #[arg(short = 'A', long, conflicts_with_all = ["namespace", "names"])]
    pub all_namespaces: bool,
}

/// Nothing is done to all objects unless that is asked for.
fn named() -> ArgGroup {
    ArgGroup::new("which").args(["names", "selector", "all"]).required(true)
}

/// How a change is told, and whether it is made.
#[derive(Clone, Debug, Default, Args)]
pub struct ChangeArgs {
    /// Print the objects as they are then, in place of a sentence about each.
    #[arg(short, long, value_enum)]
    pub output: Option<ObjectFormat>,
    /// Change nothing: tell what would be done (client), or have the apiserver judge it as well (server).
    #[arg(long, value_enum, default_value_t, hide_default_value = true)]
    pub dry_run: DryRun,
}

/// Form of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ObjectFormat {
    /// The objects; several as a List.
    Json,
    /// The same as YAML.
    Yaml,
    /// Only the names, as kubectl takes them.
    Name,
}

/// Whether anything is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DryRun {
    /// It is changed.
    #[default]
    None,
    /// The apiserver judges it and keeps nothing.
    Server,
    /// Nothing is sent.
    Client,
}

/// Form of what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// The same with more columns.
    Wide,
    /// For programs.
    Json,
    /// The same as YAML.
    Yaml,
    /// Only the names, as kubectl takes them.
    Name,
}

/// Options of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Which objects; the fleet if absent.
    #[command(flatten)]
    pub selection: Selection,
    /// The form.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
    /// Take this for the present.
    #[arg(long, hide = true, value_name = "TIME", value_parser = moment)]
    pub now: Option<Timestamp>,
}

/// Options of `release`.
#[derive(Debug, Args)]
#[command(group = named())]
pub struct ReleaseArgs {
    /// Which objects.
    #[command(flatten)]
    pub selection: Selection,
    /// Change nothing: tell what would be done (client), or have the apiserver judge it as well (server).
    #[arg(long, value_enum, default_value_t, hide_default_value = true)]
    pub dry_run: DryRun,
}

/// Options of `why`.
#[derive(Debug, Args)]
#[command(group = named())]
pub struct WhyArgs {
    /// Which objects.
    #[command(flatten)]
    pub selection: Selection,
    /// The form.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

/// Options of `swap`.
#[derive(Debug, Args)]
#[command(group = named())]
pub struct SwapArgs {
    /// Which endpoints.
    #[command(flatten)]
    pub selection: Selection,
    /// The candidate by its id, a UUID or self URI: nothing is done if it is another one by now.
    #[arg(long, value_name = "ID")]
    pub to: Option<String>,
    /// Wait until it serves.
    #[arg(long, conflicts_with_all = ["output", "dry_run"])]
    pub wait: bool,
    /// How long to wait.
    #[arg(long, default_value = "1h", requires = "wait")]
    pub timeout: String,
    /// How it is told.
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// Options of `approve`.
#[derive(Debug, Args)]
#[command(group = named())]
pub struct ApproveArgs {
    /// Which endpoints.
    #[command(flatten)]
    pub selection: Selection,
    /// The candidate by its id, a UUID or self URI: nothing is done if it is another one by now.
    #[arg(long, value_name = "ID")]
    pub to: Option<String>,
    /// How it is told.
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// Options of `retrain`.
#[derive(Debug, Args)]
#[command(group = named())]
pub struct RetrainArgs {
    /// Which models.
    #[command(flatten)]
    pub selection: Selection,
    /// Wait until the new revision is current.
    #[arg(long, conflicts_with_all = ["output", "dry_run"])]
    pub wait: bool,
    /// How long to wait.
    #[arg(long, default_value = "48h", requires = "wait")]
    pub timeout: String,
    /// How it is told.
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// Options of `suspend` and `resume`.
#[derive(Debug, Args)]
#[command(group = named())]
pub struct SuspendArgs {
    /// Which endpoints and models.
    #[command(flatten)]
    pub selection: Selection,
    /// How it is told.
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// How the Speech service is reached from here.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Speech service")]
pub struct RemoteArgs {
    /// Accept plain http endpoints. Only for an emulator: keys and tokens travel unprotected.
    #[arg(long, env = "SPEECH_OPERATOR_ALLOW_HTTP", hide_env_values = true)]
    pub allow_http: bool,
    /// Hosts that connections may name, as for the operator.
    #[arg(long, env = "SPEECH_OPERATOR_ALLOWED_HOSTS", value_name = "HOSTS", value_delimiter = ',', default_value = AZURE, hide_default_value = true, hide_env_values = true)]
    pub allowed_hosts: Vec<HostPattern>,
    /// Authorities of Entra ID that connections may name besides those of Azure, as for the operator.
    #[arg(
        long,
        env = "SPEECH_OPERATOR_ALLOWED_AUTHORITIES",
        value_name = "URLS",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub allowed_authorities: Vec<Authority>,
}

/// Options of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Only these entities: each is asked for by its id, a UUID or self URI.
    #[arg(value_name = "ID")]
    pub ids: Vec<EntityId>,
    /// The SpeechConnection.
    #[arg(long, value_name = "NAME")]
    pub connection: String,
    /// Write one file for each object, and a kustomization, into this folder.
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Declare endpoints with managementPolicy: Full. Applying them then leaves the operator's mark on each.
    #[arg(long)]
    pub manage: bool,
    /// The Speech service.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Options of `orphans`.
#[derive(Debug, Args)]
pub struct OrphansArgs {
    /// Only of this SpeechConnection; all of the namespace if absent.
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Only of SpeechConnections with these labels.
    #[arg(short = 'l', long, value_name = "LABELS", conflicts_with = "connection")]
    pub selector: Option<String>,
    /// Of the SpeechConnections of all namespaces.
    #[arg(short = 'A', long, conflicts_with_all = ["namespace", "connection"])]
    pub all_namespaces: bool,
    /// The form.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
    /// End with 1 when there are any.
    #[arg(long)]
    pub fail_on_orphans: bool,
    /// Take this for the present.
    #[arg(long, hide = true, value_name = "TIME", value_parser = moment)]
    pub now: Option<Timestamp>,
    /// The Speech service.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Options of `logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// The endpoint.
    #[arg(value_name = "NAME", required = true, num_args = 1..=2)]
    pub names: Vec<String>,
    /// Fetch the files into this folder; what is there already with the same size is left.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["delete", "delete_all"])]
    pub fetch: Option<PathBuf>,
    /// Delete these files in the Speech service, by their ids.
    #[arg(long, value_name = "ID", num_args = 1.., requires = "yes")]
    pub delete: Vec<String>,
    /// Delete all log files of the endpoint in the Speech service.
    #[arg(long, conflicts_with = "delete", requires = "yes")]
    pub delete_all: bool,
    /// Yes, delete.
    #[arg(long)]
    pub yes: bool,
    /// The form of the list.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
    /// Take this for the present.
    #[arg(long, hide = true, value_name = "TIME", value_parser = moment)]
    pub now: Option<Timestamp>,
    /// The Speech service.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Options of `fetch`.
#[derive(Debug, Args)]
pub struct FetchArgs {
    /// The endpoint or model.
    #[arg(value_name = "NAME", required = true, num_args = 1..=2)]
    pub names: Vec<String>,
    /// The folder to write into.
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
    /// The Speech service.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Options of `wait`.
#[derive(Debug, Args)]
#[command(group = named())]
pub struct WaitArgs {
    /// Which objects.
    #[command(flatten)]
    pub selection: Selection,
    /// Until this model serves, or is current: a UUID or self URI. Absent means: until the object is Ready and nothing is
    /// under way.
    #[arg(long, value_name = "ID")]
    pub model: Option<String>,
    /// How long; then the code is 1.
    #[arg(long, default_value = "1h")]
    pub timeout: String,
    /// Wait on while only a person can help an object (Stalled), which else ends the wait with code 1.
    #[arg(long)]
    pub through_stalled: bool,
}

/// Options of `completion`.
#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// For which program.
    #[arg(value_enum)]
    pub shell: CompletionFor,
}

/// What completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompletionFor {
    /// kubectl: the program kubectl_complete-speech.
    Kubectl,
    /// bash, for kubectl-speech.
    Bash,
    /// zsh, for kubectl-speech.
    Zsh,
    /// fish, for kubectl-speech.
    Fish,
}

impl CompletionFor {
    /// The shell, where it is one.
    pub fn shell(self) -> Option<Shell> {
        match self {
            Self::Kubectl => None,
            Self::Bash => Some(Shell::Bash),
            Self::Zsh => Some(Shell::Zsh),
            Self::Fish => Some(Shell::Fish),
        }
    }
}
