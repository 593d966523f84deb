//! Completion for shells and for kubectl.
use super::{
    KubectlError, Outcome,
    args::{Cli, ClusterArgs},
    fleet::{Fleet, Kind},
    options::CompletionFor,
    print,
};
use clap::{Arg, Command, CommandFactory};
use std::{path::PathBuf, time::Duration};

/// Who presses Tab does not wait for a cluster that does not answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// What kubectl is to do with the answers: it offers no files in their place (cobra's directive of that meaning).
const NO_FILES: &str = ":4";
/// The same, with files.
const FILES: &str = ":0";

/// What kubectl runs as `kubectl_complete-speech`, with the words of the line.
const FOR_KUBECTL: &str = "#!/bin/sh\nexec kubectl-speech __complete -- \"$@\"\n";

/// Prints a script.
pub fn script(shell: CompletionFor) -> Result<Outcome, KubectlError> {
    let text = match shell.shell() {
        None => FOR_KUBECTL.to_owned(),
        Some(shell) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "kubectl-speech", &mut script);
            String::from_utf8_lossy(&script).into_owned()
        }
    };
    print::text(&text)?;
    Ok(Outcome::Well)
}

/// What could stand next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    /// One of these words.
    Words(Vec<String>),
    /// The name of an object of these kinds.
    Names(Vec<Kind>),
    /// A file.
    Files,
}

/// Prints what could stand next on a line, as kubectl reads it. Trouble completes nothing.
pub async fn run(words: &[String]) -> Result<Outcome, KubectlError> {
    let words = words.strip_prefix(&["--".to_owned()]).unwrap_or(words);
    let (last, before) = words
        .split_last()
        .map_or(("", words), |(last, before)| (last.as_str(), before));
    let (found, directive) = match next(before, last) {
        Next::Words(words) => (words, NO_FILES),
        Next::Files => (Vec::new(), FILES),
        Next::Names(kinds) => {
            let cluster = cluster_of(before);
            let names = tokio::time::timeout(PATIENCE, names(&cluster, &kinds)).await;
            (names.unwrap_or_default(), NO_FILES)
        }
    };
    let mut text = String::new();
    for word in found.iter().filter(|word| word.starts_with(last)) {
        text.push_str(word);
        text.push('\n');
    }
    print::text(&format!("{text}{directive}\n"))?;
    Ok(Outcome::Well)
}

/// Which words name an object.
fn kinds_of(command: &str, option: &str) -> &'static [Kind] {
    match (command, option) {
        (_, "connection") => &[Kind::Connection],
        ("swap" | "approve" | "logs", "name" | "names") => &[Kind::Endpoint],
        ("retrain", "name" | "names") => &[Kind::Model],
        ("suspend" | "resume" | "fetch", "name" | "names") => &Kind::WITH_MODEL,
        (_, "name" | "names") => &Kind::ALL,
        _ => &[],
    }
}

/// Follows the line through the commands to what its last word may be.
fn next(before: &[String], last: &str) -> Next {
    let root = Cli::command();
    let mut command = &root;
    let mut awaited: Option<&Arg> = None;
    let mut positional = 0;
    for word in before {
        if awaited.take().is_some() {
            continue;
        }
        if word.starts_with('-') {
            awaited = option(&root, command, word)
                .filter(|_| !word.contains('='))
                .filter(|arg| takes_value(arg));
        } else if let Some(inner) = command.find_subcommand(word) {
            command = inner;
        } else {
            positional += 1;
        }
    }
    if let Some(arg) = awaited {
        return values(command, arg);
    }
    if last.starts_with('-') {
        let globals = root.get_arguments().filter(|arg| arg.is_global_set());
        let all = command.get_arguments().chain(globals).filter(|arg| !arg.is_hide_set());
        let mut options: Vec<String> = all
            .filter_map(|arg| arg.get_long().map(|long| format!("--{long}")))
            .collect();
        options.extend(["--help".to_owned()]);
        options.sort();
        options.dedup();
        return Next::Words(options);
    }
    if command.has_subcommands() {
        let commands = command.get_subcommands().filter(|inner| !inner.is_hide_set());
        return Next::Words(commands.map(|inner| inner.get_name().to_owned()).collect());
    }
    let positionals: Vec<&Arg> = command.get_positionals().collect();
    let many = positionals
        .last()
        .filter(|arg| arg.get_num_args().is_some_and(|range| range.max_values() > 1));
    match positionals.get(positional).or(many) {
        Some(arg) => values(command, arg),
        None => Next::Words(Vec::new()),
    }
}

/// The option that a word such as `-n` or `--namespace` names.
fn option<'a>(root: &'a Command, command: &'a Command, word: &str) -> Option<&'a Arg> {
    let name = word.trim_start_matches('-');
    let is_it = |arg: &&Arg| {
        let short = name.len() == 1 && arg.get_short().is_some_and(|short| name.starts_with(short));
        short || arg.get_long() == Some(name)
    };
    command.get_arguments().chain(root.get_arguments()).find(is_it)
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// What may stand for the value of an argument.
fn values(command: &Command, arg: &Arg) -> Next {
    let possible = arg.get_possible_values();
    if !possible.is_empty() {
        return Next::Words(possible.iter().map(|value| value.get_name().to_owned()).collect());
    }
    let kinds = kinds_of(command.get_name(), arg.get_id().as_str());
    if !kinds.is_empty() {
        return Next::Names(kinds.to_vec());
    }
    match arg.get_id().as_str() {
        "kubeconfig" | "directory" | "fetch" => Next::Files,
        _ => Next::Words(Vec::new()),
    }
}

/// The options of the line that say which cluster is meant.
fn cluster_of(words: &[String]) -> ClusterArgs {
    let value = |names: [&str; 2]| {
        let at = words.iter().position(|word| names.contains(&word.as_str()));
        let apart = at.and_then(|at| words.get(at + 1)).cloned();
        let within = || {
            words
                .iter()
                .find_map(|word| Some(word.strip_prefix(names[1])?.strip_prefix('=')?.to_owned()))
        };
        apart.or_else(within)
    };
    ClusterArgs {
        namespace: value(["-n", "--namespace"]),
        kubeconfig: value(["--kubeconfig", "--kubeconfig"]).map(PathBuf::from),
        context: value(["--context", "--context"]),
        development_clock: None,
    }
}

async fn names(cluster: &ClusterArgs, kinds: &[Kind]) -> Vec<String> {
    let Ok(fleet) = Fleet::read(cluster, false, None).await else {
        return Vec::new();
    };
    let mut names: Vec<String> = fleet.all(kinds).iter().map(|object| object.name()).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Next {
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let last = words.pop().unwrap();
        next(&words, &last)
    }

    fn words(line: &str) -> Vec<String> {
        let Next::Words(words) = of(line) else {
            panic!("{line} is completed by no words");
        };
        words
    }

    #[test]
    fn a_line_is_completed_by_commands_options_values_and_names() {
        assert!(words("").contains(&"status".to_owned()));
        assert!(!words("").contains(&"__complete".to_owned()));
        assert!(words("status --").contains(&"--all-namespaces".to_owned()));
        assert!(words("status --").contains(&"--namespace".to_owned()));
        assert_eq!(words("status -o "), ["table", "wide", "json", "yaml", "name"]);
        assert_eq!(of("swap "), Next::Names(vec![Kind::Endpoint]));
        assert_eq!(of("-n shop retrain "), Next::Names(vec![Kind::Model]));
        assert_eq!(of("suspend a b "), Next::Names(Kind::WITH_MODEL.to_vec()));
        assert_eq!(of("import --connection "), Next::Names(vec![Kind::Connection]));
        assert_eq!(of("logs hotline --fetch "), Next::Files);
        assert_eq!(of("swap hotline "), Next::Names(vec![Kind::Endpoint]));
        assert_eq!(of("logs endpoint "), Next::Names(vec![Kind::Endpoint]));
        assert_eq!(words("swap hotline --dry-run "), ["none", "server", "client"]);
        assert_eq!(words("completion k"), ["kubectl", "bash", "zsh", "fish"]);
    }

    #[test]
    fn the_options_of_the_line_say_which_cluster_is_meant() {
        let words: Vec<String> = ["-n", "shop", "--context=west", "swap"].map(str::to_owned).to_vec();
        let cluster = cluster_of(&words);
        assert_eq!(cluster.namespace.as_deref(), Some("shop"));
        assert_eq!(cluster.context.as_deref(), Some("west"));
        assert_eq!(cluster.kubeconfig, None);
    }
}
