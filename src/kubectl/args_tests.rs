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
        "logs hotline --delete a",
        "logs hotline --delete-all",
        "logs hotline --fetch . --delete-all --yes",
        "swap",
        "suspend",
        "import",
        "swap hotline --timeout 1h",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
    assert!(parse("logs hotline --delete a b --yes").is_ok());
}
