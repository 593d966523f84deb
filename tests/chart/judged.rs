//! The chart as text: what helm, helm-unittest, kube-score and the API server say of it.
use crate::{
    chart, documents,
    harness::{HarnessError, Plane, XTASK, installed},
    release::{done, run},
    repository, values,
};
use serde_json::Value;
use std::process::Command;

/// What is not asked of the operator, and why.
const NOT_SCORED: [(&str, &str); 4] = [
    (
        "container-image-pull-policy",
        "a tag of a release never changes, and a digest cannot",
    ),
    ("container-resources", "a CPU limit would only delay swaps"),
    (
        "container-ephemeral-storage-request-and-limit",
        "it writes nothing: its root is read-only",
    ),
    (
        "deployment-has-host-podantiaffinity",
        "topologySpreadConstraints spread the replicas",
    ),
];

fn template(more: &[&str]) -> String {
    let chart = chart();
    done(
        "helm",
        &[
            &["template", "speech-operator", &chart, "--namespace", "speech-system"],
            more,
        ]
        .concat(),
    )
}

#[test]
fn helm_finds_nothing_to_complain_of() {
    for file in values() {
        done("helm", &["lint", "--strict", &chart(), "--values", &file]);
    }
}

#[test]
fn the_suites_of_the_chart_pass() {
    let told = done("helm-unittest", &["--strict", &chart()]);
    assert!(told.contains("6 passed, 6 total"), "six suites ran:\n{told}");
}

#[test]
fn kube_score_finds_nothing_critical() {
    let mut args = vec!["score", "--output-format", "ci", "-"];
    for (name, _) in &NOT_SCORED {
        args.extend(["--ignore-test", name]);
    }
    // What leaves PodDisruptionBudget and NetworkPolicy to others lacks them.
    for file in values().iter().filter(|file| !file.ends_with("/least.yaml")) {
        let manifest = template(&["--values", file]);
        let score = run("kube-score", None, &args, &manifest);
        assert!(score.success(), "{file}\n{}{}", score.stdout, score.stderr);
        assert!(
            score.stdout.contains("[OK]"),
            "{file}: nothing was scored\n{}",
            score.stdout
        );
    }
}

#[test]
fn a_wrong_value_is_refused_with_its_name() {
    for (set, told) in [
        ("replica=2", "additional properties 'replica' not allowed"),
        ("image.tags=v1", "additional properties 'tags' not allowed"),
        ("image.digest=sha1:abc", "/image/digest"),
        ("concurrency=0", "/concurrency"),
        ("scope.namespaces={Team}", "/scope/namespaces/0"),
        ("scope.namespaces=team", "/scope/namespaces"),
        ("scope.namespaces={a,a}", "/scope/namespaces"),
        ("log.format=xml", "/log/format"),
        ("fleetPage.audience=all", "/fleetPage/audience"),
        (
            "networkPolicy.apiServer.cidrs={10.0.0.1}",
            "/networkPolicy/apiServer/cidrs/0",
        ),
        ("networkPolicy.proxy.port=99999", "/networkPolicy/proxy/port"),
        ("leaderElection.leaseDuration=15", "/leaderElection/leaseDuration"),
        ("fluxEvents.url=http://user:password@host/", "/fluxEvents/url"),
        ("extraArgs={run}", "/extraArgs/0"),
    ] {
        let output = run("helm", None, &["template", "x", &chart(), "--set", set], "");
        assert!(!output.success(), "{set} was accepted");
        assert!(output.stderr.contains(told), "{set}: {}", output.stderr);
    }
}

#[test]
fn what_is_rendered_from_the_chart_is_up_to_date() {
    let root = repository().display().to_string();
    let output = Command::new(&*XTASK)
        .args(["render", "--check", "--root", &root])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_value_is_in_the_schema_and_in_the_table() {
    let read = |name: &str| std::fs::read_to_string(format!("{}/{name}", chart())).unwrap();
    let defaults: Value = serde_saphyr::from_str(&read("values.yaml")).unwrap();
    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    let table = read("README.md");
    for (key, value) in defaults.as_object().unwrap() {
        let declared = &schema["properties"][key];
        assert!(declared.is_object(), "{key} is not in the schema");
        let Some(inner) = declared["properties"].as_object() else {
            assert!(table.contains(&format!("| {key} |")), "{key} is not in the table");
            continue;
        };
        assert_eq!(declared["additionalProperties"], false, "{key}");
        for name in inner.keys() {
            assert!(!value[name].is_null() || name == "port", "{key}.{name} has no default");
            assert!(
                table.contains(&format!("| {key}.{name}")),
                "{key}.{name} is not in the table"
            );
        }
    }
    for key in schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|key| *key != "global")
    {
        assert!(defaults.get(key).is_some(), "{key} has no default");
    }
}

#[test]
fn the_chart_is_of_the_programs_version() {
    let text = std::fs::read_to_string(format!("{}/Chart.yaml", chart())).unwrap();
    let chart: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["appVersion"], concat!("v", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_chart_has_the_definitions_rules_and_dashboard_of_the_repository() {
    let on = ["serviceMonitor", "prometheusRule", "dashboard"].map(|name| format!("{name}.enabled=true"));
    let all = documents(&template(&["--set", &on.join(",")]));
    let read = |path: &str| std::fs::read_to_string(repository().join(path)).unwrap();
    let of_kind = |kind: &str| all.iter().find(|object| object["kind"] == kind).unwrap();
    for file in ["speechconnections", "speechmodels", "speechendpoints"] {
        let shipped = &documents(&read(&format!("crds/{file}.yaml")))[0];
        let name = &shipped["metadata"]["name"];
        let ours = all.iter().find(|object| object["metadata"]["name"] == *name).unwrap();
        assert_eq!(ours["spec"], shipped["spec"], "{file}");
    }
    let rules = &documents(&read("deploy/monitoring/prometheus-rule.yaml"))[0];
    assert_eq!(of_kind("PrometheusRule")["spec"], rules["spec"]);
    let monitor = &documents(&read("deploy/monitoring/service-monitor.yaml"))[0];
    assert_eq!(of_kind("ServiceMonitor")["spec"], monitor["spec"]);
    let dashboard = of_kind("ConfigMap")["data"]["speech-operator.json"].as_str().unwrap();
    assert_eq!(
        dashboard.trim(),
        read("deploy/monitoring/grafana-dashboard.json").trim()
    );
}

/// Strictly: a field that the API server does not know is an error, and a warning too.
#[tokio::test]
async fn a_real_api_server_accepts_what_every_file_of_values_gives() -> Result<(), HarnessError> {
    let plane = Plane::start().await?;
    for name in ["speech-system", "team-a", "team-b"] {
        plane.kubectl_ok(&["create", "namespace", name]).await?;
    }
    let definitions = installed("tests/prometheus-operator")?;
    let args = ["create", "--filename", &definitions.display().to_string()];
    plane.kubectl_ok(&args).await?;
    plane.know_all_kinds().await?;
    for file in values() {
        let manifest = template(&["--values", &file]);
        let args = ["create", "--dry-run=server", "--validate=strict", "--filename", "-"];
        let output = plane.kubectl_stdin(&args, &manifest).await?;
        assert!(output.success() && output.stderr.is_empty(), "{file}: {output:?}");
        let accepted = output
            .stdout
            .lines()
            .filter(|line| line.ends_with("(server dry run)"))
            .count();
        assert_eq!(accepted, documents(&manifest).len(), "{file}");
    }
    Ok(())
}
