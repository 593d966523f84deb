//! The command line of `kubectl speech`.
use crate::{
    cli::PlanArgs,
    speech::allowed_hosts::{AZURE, HostPattern},
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use jiff::Timestamp;
use std::path::PathBuf;

/// The fleet of Azure custom-speech endpoints and models at a glance, and what people on call need to do about it.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-speech",
    bin_name = "kubectl speech",
    version,
    about = "The fleet of Azure custom-speech endpoints and models at a glance, and what people on call need to do about it.",
    max_term_width = 120,
    after_help = "\
Names are NAME or KIND/NAME, where KIND is endpoint, model or connection (or spep, spmodel, spconn).

Exit codes: 0 all is well; 1 something needs attention; 2 it could not be told or done.

kubectl finds this program as kubectl-speech on the PATH; see `kubectl speech completion --help` for completion."
)]
pub struct Cli {
    /// Which cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Which cluster, as whom, and where in it.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub struct ClusterArgs {
    /// One namespace; the default is that of the context.
    #[arg(short, long, global = true)]
    pub namespace: Option<String>,
    /// The kubeconfig; the default is that of kubectl.
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; the default is its current one.
    #[arg(long, global = true)]
    pub context: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What serves, until when, what comes next, and why: of the fleet or of one object.
    Status(StatusArgs),
    /// The coming trainings, swaps, expiries and risks, as `speech-operator plan` prints them.
    #[command(
        after_help = "Examples:\n  kubectl speech plan -A --until 365d\n  kubectl speech plan --connection westeurope -o ics > swaps.ics"
    )]
    Plan(PlanArgs),
    /// Why an object is as it is: the rules in their order, and the one that decided.
    #[command(
        long_about = "Why an object is as it is: the rules in their order, and the one that decided.\n\n\
        The planner of the operator asks its rules one after the other; the first that has something to say decides. What it \
        said stands in the conditions of the object and is read from there. Marks: ok, the rule let the object pass; =>, it \
        decided; ., it was not asked any more.",
        after_help = "Examples:\n  kubectl speech why hotline\n  kubectl speech why model/claims -o yaml\n\n\
        Ends with 1 when the object needs attention."
    )]
    Why(WhyArgs),
    /// Move an endpoint to its candidate now, without waiting for its day, a window or approval.
    #[command(
        long_about = "Move an endpoint to its candidate now, without waiting for its day, a window or approval.\n\n\
        Writes the annotation customspeech.dev/swap-now with the id of the candidate, which speaks of that model only. A gate \
        is not opened by it, and no more endpoints move at a time than the connection allows.",
        after_help = "Examples:\n  kubectl speech swap hotline\n  kubectl speech swap hotline --to 5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11 --wait"
    )]
    Swap(SwapArgs),
    /// Agree to the candidate of an endpoint, whose swap then begins on its day.
    #[command(
        long_about = "Agree to the candidate of an endpoint, whose swap then begins on its day.\n\n\
        Writes the annotation customspeech.dev/approved-model with the id of the candidate. It agrees to that model only.",
        after_help = "Examples:\n  kubectl speech approve letters\n  kubectl speech approve letters --to 5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11"
    )]
    Approve(ApproveArgs),
    /// Train the next revision of a model now.
    #[command(
        long_about = "Train the next revision of a model now.\n\n\
        Writes the annotation customspeech.dev/train-revision with the number of the next revision; once there is one of \
        this number, it says nothing more. A training that failed and waits to be tried again is tried at once.",
        after_help = "Examples:\n  kubectl speech retrain claims\n  kubectl speech retrain claims --wait"
    )]
    Retrain(RetrainArgs),
    /// Let the operator change nothing of these objects, until they are resumed.
    #[command(
        long_about = "Let the operator change nothing of these objects, until they are resumed.\n\n\
        Writes spec.suspend. Where Git is the truth, write it there as well: what applies manifests may take it back."
    )]
    Suspend(NamesArgs),
    /// Let the operator go on.
    #[command(after_help = "Examples:\n  kubectl speech resume hotline letters")]
    Resume(NamesArgs),
    /// The endpoints and models of a Speech resource as manifests, for Git.
    #[command(
        long_about = "The endpoints and models of a Speech resource as manifests, for Git.\n\n\
        Reads the lists of the Speech resource with the key of the connection, which you must be allowed to read. What an \
        object declares already is left out. Endpoints are adopted with managementPolicy: Observe, so that applying the \
        manifests sends nothing to the Speech service; write Full (or use --manage) when you want them to be kept as \
        declared. Models become source.existing; how to have them trained anew is told in a comment. Everything is \
        declared with deletionPolicy: Retain. The same estate gives the same bytes.",
        after_help = "Examples:\n  kubectl speech import --connection westeurope > estate.yaml\n  \
        kubectl speech import --connection westeurope --directory estate && kubectl apply -k estate"
    )]
    Import(ImportArgs),
    /// The endpoints and models of a Speech resource that nobody declares, with their age.
    #[command(
        long_about = "The endpoints and models of a Speech resource that nobody declares, with their age.\n\n\
        Reads the lists of the Speech resource with the key of the connection, which you must be allowed to read, and \
        compares them with the objects of all namespaces, or of those that you may list. Nothing is deleted. An orphan \
        with the mark of an object was made for it by an operator, here or in another cluster.",
        after_help = "Examples:\n  kubectl speech orphans\n  kubectl speech orphans --connection westeurope --fail-on-orphans"
    )]
    Orphans(OrphansArgs),
    /// List, fetch or delete the log files of an endpoint (audio and transcripts).
    #[command(
        long_about = "List, fetch or delete the log files of an endpoint (audio and transcripts).\n\n\
        Only API version v3.2 knows log files, so it is spoken here whatever the connection says. In its own storage the \
        service keeps each file for 30 days and then deletes it; fetch what you need longer. What is deleted is gone.",
        after_help = "Examples:\n  kubectl speech logs hotline\n  kubectl speech logs hotline --fetch ./logs\n  \
        kubectl speech logs hotline --delete-all --yes"
    )]
    Logs(LogsArgs),
    /// Fetch the files of the model that serves, or is current, for a container.
    #[command(
        long_about = "Fetch the files of the model that serves, or is current, for a container.\n\n\
        Reads the manifest of the model with the key of the connection, which you must be allowed to read.",
        after_help = "Examples:\n  kubectl speech fetch model/claims -d ./claims"
    )]
    Fetch(FetchArgs),
    /// Wait until an object is as declared, with its progress.
    #[command(
        after_help = "Examples:\n  kubectl speech wait hotline\n  kubectl speech wait hotline --model 5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11 --timeout 1h"
    )]
    Wait(WaitArgs),
    /// A script for shell completion.
    #[command(after_help = "\
kubectl itself asks a program named kubectl_complete-speech; this makes one, beside kubectl-speech on the PATH:

  kubectl speech completion kubectl > ~/.local/bin/kubectl_complete-speech
  chmod +x ~/.local/bin/kubectl_complete-speech

The scripts for the shells complete `kubectl-speech`:

  kubectl speech completion bash > /etc/bash_completion.d/kubectl-speech")]
    Completion(CompletionArgs),
    /// What could stand next on the line, as kubectl asks.
    #[command(name = "__complete", hide = true, disable_help_flag = true)]
    Complete {
        /// The words of the line so far; the last one is unfinished.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
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
#[command(after_help = "\
Ends with 0 when every object is Ready and nothing is at risk, else with 1.

Examples:
  kubectl speech status -A
  kubectl speech status hotline
  kubectl speech status -l team=claims -o wide")]
pub struct StatusArgs {
    /// One object; the fleet if absent.
    pub name: Option<String>,
    /// All namespaces.
    #[arg(short = 'A', long, conflicts_with_all = ["namespace", "name"])]
    pub all_namespaces: bool,
    /// Only objects with these labels, such as team=claims.
    #[arg(short = 'l', long, conflicts_with = "name")]
    pub selector: Option<String>,
    /// The form.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
    /// Take this for the present.
    #[arg(long, hide = true, value_name = "TIME")]
    pub now: Option<Timestamp>,
}

/// Options of `why`.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// The object.
    pub name: String,
    /// The form.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

/// Options of `swap`.
#[derive(Debug, Args)]
pub struct SwapArgs {
    /// The endpoint.
    pub name: String,
    /// The candidate by its id, a UUID or self URI: nothing is done if it is another one by now.
    #[arg(long, value_name = "ID")]
    pub to: Option<String>,
    /// Wait until it serves.
    #[arg(long)]
    pub wait: bool,
    /// How long to wait.
    #[arg(long, default_value = "1h", requires = "wait")]
    pub timeout: String,
}

/// Options of `approve`.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The endpoint.
    pub name: String,
    /// The candidate by its id, a UUID or self URI: nothing is done if it is another one by now.
    #[arg(long, value_name = "ID")]
    pub to: Option<String>,
}

/// Options of `retrain`.
#[derive(Debug, Args)]
pub struct RetrainArgs {
    /// The model.
    pub name: String,
    /// Wait until the new revision is current.
    #[arg(long)]
    pub wait: bool,
    /// How long to wait.
    #[arg(long, default_value = "48h", requires = "wait")]
    pub timeout: String,
}

/// Options of `suspend` and `resume`.
#[derive(Debug, Args)]
pub struct NamesArgs {
    /// The endpoints and models.
    #[arg(required = true)]
    pub names: Vec<String>,
}

/// How the Speech service is reached from here.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Speech service")]
pub struct RemoteArgs {
    /// Accept plain http endpoints. Only for an emulator: keys travel unprotected.
    #[arg(long, env = "SPEECH_OPERATOR_ALLOW_HTTP", hide_env_values = true)]
    pub allow_http: bool,
    /// Hosts that connections may name, as for the operator.
    #[arg(long, env = "SPEECH_OPERATOR_ALLOWED_HOSTS", value_name = "HOSTS", value_delimiter = ',', default_value = AZURE, hide_default_value = true, hide_env_values = true)]
    pub allowed_hosts: Vec<HostPattern>,
}

/// Options of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
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
    /// The form.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
    /// End with 1 when there are any.
    #[arg(long)]
    pub fail_on_orphans: bool,
    /// Take this for the present.
    #[arg(long, hide = true, value_name = "TIME")]
    pub now: Option<Timestamp>,
    /// The Speech service.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Options of `logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// The endpoint.
    pub name: String,
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
    #[arg(long, hide = true, value_name = "TIME")]
    pub now: Option<Timestamp>,
    /// The Speech service.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Options of `fetch`.
#[derive(Debug, Args)]
pub struct FetchArgs {
    /// The endpoint or model.
    pub name: String,
    /// The folder to write into.
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
    /// The Speech service.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Options of `wait`.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// The object.
    pub name: String,
    /// Until this model serves, or is current: a UUID or self URI. Absent means: until the object is Ready and nothing is
    /// under way.
    #[arg(long, value_name = "ID")]
    pub model: Option<String>,
    /// How long; then the code is 1.
    #[arg(long, default_value = "1h")]
    pub timeout: String,
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

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
