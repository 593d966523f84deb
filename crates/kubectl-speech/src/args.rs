//! The command line of `kubectl speech`.
use super::options::{
    ApproveArgs, CompletionArgs, FetchArgs, ImportArgs, LogsArgs, OrphansArgs, ReleaseArgs, RetrainArgs, Selection,
    StatusArgs, SuspendArgs, SwapArgs, WaitArgs, WhyArgs,
};
use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;
use speech_fleet::command::PlanArgs;
use speech_service::clock::{self, ClockError};
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
Names are NAME, KIND/NAME or KIND NAME..., where KIND is endpoint, model or connection (or spep, spmodel, spconn). In place of names, \
-l LABELS takes all objects with these labels and --all takes all; with -A those of all namespaces.

Exit codes: 0 all is well; 1 something needs attention; 2 something could not be told or done: a name that means nothing, \
labels that no object has, a right that is missing. What fails for one object is told, and the others go on.

Examples:
  kubectl speech status -A
  kubectl speech why hotline
  kubectl speech help swap

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
    /// Take the present from the clock of an emulator. For development only.
    #[arg(
        long,
        hide = true,
        global = true,
        value_name = "URL",
        env = "SPEECH_OPERATOR_DEVELOPMENT_CLOCK",
        hide_env = true
    )]
    pub development_clock: Option<url::Url>,
}

impl ClusterArgs {
    /// The present: as it is told, else by the clock that the cluster's operator follows.
    pub async fn now(&self, told: Option<Timestamp>) -> Result<Timestamp, ClockError> {
        clock::present(told, self.development_clock.as_ref()).await
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What serves, until when, what comes next, and why: of the fleet or of some objects.
    #[command(
        long_about = "What serves, until when, what comes next, and why: of the fleet or of some objects.\n\n\
        The worst stands first. Expired (a base model answers in place of the declared one), Stalled (only a person can \
        help), AtRisk, Unknown (not looked at yet) and Pending (does not serve yet) need attention; Suspended, Working (is \
        being changed), Waiting (a swap waits for its day, a window or a person) and Ready do not. One object by its name is \
        told in full.",
        after_help = "Examples:\n  kubectl speech status -A\n  kubectl speech status hotline\n  \
        kubectl speech status endpoint/hotline model/claims\n  kubectl speech status -l team=claims -o wide\n\n\
        Ends with 0 when no object needs attention, else with 1."
    )]
    Status(StatusArgs),
    /// The coming trainings, swaps, expiries and risks, as `speech-operator plan` prints them.
    #[command(
        long_about = "The coming trainings, swaps, expiries and risks, as `speech-operator plan` prints them.\n\n\
        Read from status.plan of the objects, where the operator writes what it means to do; nothing is planned anew here.",
        after_help = "Examples:\n  kubectl speech plan -A --until 365d\n  kubectl speech plan -l team=claims --fail-on-risk\n  \
        kubectl speech plan --connection westeurope -o ics > swaps.ics"
    )]
    Plan(Box<PlanArgs>),
    /// Why objects are as they are: the rules in their order, and the one that decided.
    #[command(
        long_about = "Why objects are as they are: the rules in their order, and the one that decided.\n\n\
        The planner of the operator asks its rules one after the other; the first that has something to say decides. What it \
        said stands in the conditions of the object and is read from there. Marks: ok, the rule let the object pass; =>, it \
        decided; ., it was not asked any more.",
        after_help = "Examples:\n  kubectl speech why hotline\n  kubectl speech why model/claims -o yaml\n  \
        kubectl speech why -l team=claims\n\nEnds with 1 when an object needs attention."
    )]
    Why(WhyArgs),
    /// Move endpoints to their candidates now, without waiting for a day, a window or approval.
    #[command(
        long_about = "Move endpoints to their candidates now, without waiting for a day, a window or approval.\n\n\
        Writes the annotation customspeech.dev/swap-now with the id of the candidate, which speaks of that model only. A gate \
        is not opened by it, and no more endpoints move at a time than the connection allows. With -l or --all, endpoints \
        that have no candidate are told and left alone.",
        after_help = "Examples:\n  kubectl speech swap hotline\n  \
        kubectl speech swap hotline --to 5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11 --wait\n  \
        kubectl speech swap -l team=claims --dry-run=client"
    )]
    Swap(SwapArgs),
    /// Agree to the candidates of endpoints, whose swaps then begin on their days.
    #[command(
        long_about = "Agree to the candidates of endpoints, whose swaps then begin on their days.\n\n\
        Writes the annotation customspeech.dev/approved-model with the id of the candidate. It agrees to that model only. \
        With -l or --all, endpoints that wait for nobody are told and left alone.",
        after_help = "Examples:\n  kubectl speech approve letters\n  \
        kubectl speech approve letters dictation --to 5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11\n  \
        kubectl speech approve -A -l team=claims"
    )]
    Approve(ApproveArgs),
    /// Train the next revisions of models now.
    #[command(
        long_about = "Train the next revisions of models now.\n\n\
        Writes the annotation customspeech.dev/train-revision with the number of the next revision; once there is one of \
        this number, it says nothing more. A training that failed and waits to be tried again is tried at once.",
        after_help = "Examples:\n  kubectl speech retrain claims\n  kubectl speech retrain claims letters --wait"
    )]
    Retrain(RetrainArgs),
    /// Let the operator change nothing of these objects, until they are resumed.
    #[command(
        long_about = "Let the operator change nothing of these objects, until they are resumed.\n\n\
        Writes spec.suspend. Where Git is the truth, write it there as well: what applies manifests may take it back.",
        after_help = "Examples:\n  kubectl speech suspend hotline model/claims\n  kubectl speech suspend -A -l team=claims\n  \
        kubectl speech suspend --all --dry-run=server"
    )]
    Suspend(SuspendArgs),
    /// Let the operator go on with objects that were suspended.
    #[command(
        long_about = "Let the operator go on with objects that were suspended.\n\nTakes spec.suspend away.",
        after_help = "Examples:\n  kubectl speech resume hotline letters\n  kubectl speech resume -A -l team=claims"
    )]
    Resume(SuspendArgs),
    /// Let objects go: from now on their deletion deletes nothing in the Speech service, with or without an operator.
    #[command(
        long_about = "Let objects go: from now on their deletion deletes nothing in the Speech service, with or without an \
        operator.\n\n\
        Takes the operator's finalizer off objects of all kinds, so that nothing hangs where no operator runs, and writes the \
        annotation customspeech.dev/deletion-policy: Retain, which counts before spec.deletionPolicy. Nothing is sent to the \
        Speech service; what stays there is printed. Definitions that are missing, or are being deleted, are no hindrance. \
        To take it back: kubectl annotate spep,spmodel NAME customspeech.dev/deletion-policy-",
        after_help = "Examples:\n  kubectl speech release hotline\n  kubectl speech release --all -A\n  \
        kubectl speech release --all -n claims --dry-run=server"
    )]
    Release(ReleaseArgs),
    /// The endpoints and models of a Speech resource as manifests, for Git.
    #[command(
        long_about = "The endpoints and models of a Speech resource as manifests, for Git.\n\n\
        Reads the lists of the Speech resource with the credential of the connection, which you must be allowed to use. What an \
        object declares already is left out. Endpoints are adopted with managementPolicy: Observe, so that applying the \
        manifests sends nothing to the Speech service; write Full (or use --manage) when you want them to be kept as \
        declared. Models become source.existing; a comment says how to have them trained again. Everything is \
        declared with deletionPolicy: Retain. The same estate gives the same bytes.",
        after_help = "Examples:\n  kubectl speech import --connection westeurope > estate.yaml\n  \
        kubectl speech import --connection westeurope --directory estate && kubectl apply -k estate"
    )]
    Import(ImportArgs),
    /// The endpoints and models of a Speech resource that nobody declares, with their age.
    #[command(
        long_about = "The endpoints and models of a Speech resource that nobody declares, with their age.\n\n\
        Reads the lists of the Speech resource with the credential of the connection, which you must be allowed to use, and \
        compares them with the objects of all namespaces, or of those that you may list. Nothing is deleted. An orphan \
        with the mark of an object was made for it by an operator, here or in another cluster.",
        after_help = "Examples:\n  kubectl speech orphans\n  kubectl speech orphans --connection westeurope --fail-on-orphans\n  \
        kubectl speech orphans -A -o json"
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
        Reads the manifest of the model with the credential of the connection, which you must be allowed to use.",
        after_help = "Examples:\n  kubectl speech fetch model/claims -d ./claims"
    )]
    Fetch(FetchArgs),
    /// Wait until objects are as declared, with their progress.
    #[command(
        long_about = "Wait until objects are as declared, with their progress.\n\n\
        An object is as declared when it is Ready and nothing is under way; a swap that waits for its day, a window or a \
        person does not keep it waiting. All have to be so at one moment. That only a person can help one of them (Stalled) ends the \
        wait, unless --through-stalled.",
        after_help = "Examples:\n  kubectl speech wait hotline\n  \
        kubectl speech wait hotline --model 5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11 --timeout 1h\n  \
        kubectl speech wait --all --timeout 15m\n\nEnds with 1 when the time is over first, or when an object stalls."
    )]
    Wait(WaitArgs),
    /// A script for shell completion.
    #[command(
        long_about = "A script for shell completion: of commands, options, values and the names of objects.",
        after_help = "\
kubectl itself asks a program named kubectl_complete-speech; this makes one, beside kubectl-speech on the PATH:

  kubectl speech completion kubectl > ~/.local/bin/kubectl_complete-speech
  chmod +x ~/.local/bin/kubectl_complete-speech

The scripts for the shells complete `kubectl-speech`:

  kubectl speech completion bash > /etc/bash_completion.d/kubectl-speech"
    )]
    Completion(CompletionArgs),
    /// What could stand next on the line, as kubectl asks.
    #[command(name = "__complete", hide = true, disable_help_flag = true)]
    Complete {
        /// The words of the line so far; the last one is unfinished.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

impl Command {
    /// Which objects it speaks of, where it takes any number of them.
    pub fn selection(&mut self) -> Option<&mut Selection> {
        Some(match self {
            Self::Status(args) => &mut args.selection,
            Self::Why(args) => &mut args.selection,
            Self::Swap(args) => &mut args.selection,
            Self::Approve(args) => &mut args.selection,
            Self::Retrain(args) => &mut args.selection,
            Self::Suspend(args) | Self::Resume(args) => &mut args.selection,
            Self::Release(args) => &mut args.selection,
            Self::Wait(args) => &mut args.selection,
            Self::Plan(_)
            | Self::Import(_)
            | Self::Orphans(_)
            | Self::Logs(_)
            | Self::Fetch(_)
            | Self::Completion(_)
            | Self::Complete { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests;
