use super::*;
use clap::CommandFactory;

#[test]
fn the_command_line_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn the_help_tells_everything() {
    let mut command = Cli::command().term_width(120);
    let mut text = command.render_long_help().to_string();
    command.build();
    for inner in command
        .get_subcommands_mut()
        .filter(|inner| !inner.is_hide_set() && inner.get_name() != "help")
    {
        let help = inner.clone().term_width(120).render_long_help();
        text.push_str(&format!("\n==== {}\n{help}", inner.get_name()));
    }
    let text: Vec<&str> = text.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(text.join("\n"));
}

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("kubectl-speech").chain(line.split(' ')))
}

#[test]
fn the_usual_options_of_kubectl_stand_before_or_behind_the_command() {
    for line in ["-n shop status", "status -n shop", "status --namespace=shop"] {
        assert_eq!(
            parse(line).unwrap().cluster.namespace.as_deref(),
            Some("shop"),
            "{line}"
        );
    }
    for line in ["-n shop plan", "plan -n shop", "--context west plan -n shop"] {
        let Command::Plan(plan) = parse(line).unwrap().command else {
            panic!("{line}")
        };
        assert_eq!(plan.namespace.as_deref(), Some("shop"), "{line}");
    }
    let line = "logs hotline --kubeconfig f --context west";
    let cluster = parse(line).unwrap().cluster;
    assert_eq!(
        (cluster.context.as_deref(), cluster.kubeconfig),
        (Some("west"), Some("f".into()))
    );
}

#[test]
fn what_contradicts_itself_is_refused() {
    for line in [
        "status hotline -A",
        "status hotline -l a=b",
        "why",
        "wait -A",
        "suspend -A",
        "suspend hotline --all",
        "resume -l a=b --all",
        "approve --dry-run hotline",
        "swap hotline --wait --dry-run=server",
        "logs hotline --delete a",
        "logs hotline --delete-all",
        "logs hotline --fetch . --delete-all --yes",
        "swap",
        "retrain",
        "approve",
        "suspend",
        "import",
        "swap hotline --timeout 1h",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
    for line in [
        "logs hotline --delete a b --yes",
        "status -A -l a=b",
        "suspend -A --all",
        "why a b model/c",
        "approve -A -l a=b --dry-run=server -o name",
    ] {
        assert!(parse(line).is_ok(), "{line}");
    }
    let nothing = Cli::try_parse_from(["kubectl-speech", "suspend", "-l", ""]);
    assert!(
        nothing.is_err(),
        "labels that are empty by mistake would mean all objects"
    );
}

#[test]
fn every_command_has_long_help_with_an_example() {
    let mut command = Cli::command();
    command.build();
    let is_told = |inner: &&clap::Command| !inner.is_hide_set() && inner.get_name() != "help";
    let mut seen = 0;
    for inner in command.get_subcommands().filter(is_told) {
        let name = inner.get_name();
        let help = inner.clone().render_long_help().to_string();
        let example = format!("  kubectl speech {name}");
        assert!(
            help.lines().any(|line| line.starts_with(&example)),
            "{name} has no example:\n{help}"
        );
        assert!(
            inner.get_long_about().is_some(),
            "{name} tells no more in its long help than in the list"
        );
        seen += 1;
    }
    assert_eq!(seen, 15, "the commands of docs/kubectl-speech.md");
    let help = Cli::try_parse_from(["kubectl-speech", "help", "swap"]).unwrap_err();
    assert_eq!(help.kind(), clap::error::ErrorKind::DisplayHelp);
    assert!(help.to_string().contains("kubectl speech swap hotline"), "{help}");
}

#[test]
fn help_is_wrapped_to_the_width_of_the_terminal() {
    let mut command = Cli::command().term_width(60);
    command.build();
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        let help = inner.clone().term_width(60).render_long_help().to_string();
        let examples = |line: &&str| !line.trim_start().starts_with("kubectl speech") && !line.contains("Usage:");
        for line in help.lines().filter(examples) {
            assert!(line.chars().count() <= 60, "{}: {line}", inner.get_name());
        }
    }
}
