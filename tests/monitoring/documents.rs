//! Rules, their unit tests, runbooks, metrics and dashboard fit together.
use crate::prometheus::promtool;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A file of the repository.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{ROOT}/{path}")).unwrap()
}

/// The only document of a YAML file of the repository.
pub fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap()
}

pub fn rules() -> Vec<Value> {
    let groups = yaml("deploy/monitoring/rules.yaml")["groups"]
        .as_array()
        .unwrap()
        .clone();
    groups
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap().clone())
        .collect()
}

/// The names of all alerts.
pub fn alerts() -> BTreeSet<String> {
    rules()
        .iter()
        .filter_map(|rule| rule["alert"].as_str().map(str::to_owned))
        .collect()
}

/// The expressions of all panels with the titles of the panels.
pub fn panels() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&read("deploy/monitoring/grafana-dashboard.json")).unwrap();
    let mut all = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            all.push((text(&panel["title"]), text(&target["expr"])));
        }
    }
    all
}

/// The words of an expression that begin like names of metrics.
fn metrics_in(expr: &str) -> BTreeSet<String> {
    let words = expr.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    let ours = |word: &&str| {
        ["speech_", "speech:", "kube_customresource_"]
            .iter()
            .any(|start| word.starts_with(start))
    };
    words.filter(ours).map(str::to_owned).collect()
}

/// What rules and panels may use: metrics of the document, what follows from them, and what kube-state-metrics is told to tell.
fn known() -> BTreeSet<String> {
    let mut known: BTreeSet<String> = crate::kube_state::names().into_iter().collect();
    for line in read("docs/metrics.md")
        .lines()
        .filter(|line| line.starts_with("| `speech_"))
    {
        let name = line.split('`').nth(1).unwrap();
        let parts: &[&str] = if line.contains("| histogram |") {
            &["_bucket", "_sum", "_count"]
        } else {
            &[""]
        };
        known.extend(parts.iter().map(|part| format!("{name}{part}")));
    }
    known.extend(
        rules()
            .iter()
            .filter_map(|rule| rule["record"].as_str().map(str::to_owned)),
    );
    known
}

#[test]
fn promtool_accepts_the_rules_and_every_unit_test_passes() {
    for args in [["check", "rules", "rules.yaml"], ["test", "rules", "rules-test.yaml"]] {
        let output = promtool(&args);
        let told = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.success(), "{told}");
    }
}

#[test]
fn every_metric_that_a_rule_or_a_panel_uses_exists() {
    let known = known();
    let mut used = BTreeSet::new();
    for rule in rules() {
        used.extend(metrics_in(rule["expr"].as_str().unwrap()));
    }
    for (_, expr) in panels() {
        used.extend(metrics_in(&expr));
    }
    assert!(used.len() > 30, "{used:?}");
    let unknown: Vec<_> = used.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_alert_has_a_runbook_that_says_what_it_means_what_to_look_at_and_what_to_do() {
    let document = read("docs/runbooks.md");
    let sections: BTreeMap<&str, &str> = document
        .split("\n## ")
        .skip(1)
        .filter_map(|part| part.split_once('\n'))
        .collect();
    for alert in alerts() {
        let section = sections
            .get(alert.as_str())
            .unwrap_or_else(|| panic!("{alert} has no section"));
        for part in [
            "**What it means.** ",
            "**What to look at.**\n\n- ",
            "**What to do.**\n\n- ",
        ] {
            assert!(section.contains(part), "{alert} lacks {part:?}");
        }
    }
    let without: Vec<_> = sections
        .keys()
        .filter(|section| !alerts().contains(**section))
        .collect();
    assert!(without.is_empty(), "{without:?}");
    for rule in rules().iter().filter(|rule| rule["alert"].is_string()) {
        let anchor = rule["alert"].as_str().unwrap().to_lowercase();
        assert_eq!(rule["annotations"]["runbook_url"], format!("docs/runbooks.md#{anchor}"));
        assert!(!rule["annotations"]["summary"].as_str().unwrap().is_empty());
        assert!(
            ["critical", "warning", "info", "none"].contains(&rule["labels"]["severity"].as_str().unwrap()),
            "{rule}"
        );
    }
}

#[test]
fn the_tables_of_alerts_name_each_with_its_severities() {
    let mut severities: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for rule in rules().iter().filter(|rule| rule["alert"].is_string()) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let of = severities.entry(text(&rule["alert"])).or_default();
        let severity = text(&rule["labels"]["severity"]);
        if !of.contains(&severity) {
            of.push(severity);
        }
    }
    for (document, name) in [
        ("docs/alerting.md", "| `NAME` | SEVERITIES | "),
        ("docs/runbooks.md", "| [NAME](#LINK) | SEVERITIES |\n"),
    ] {
        let document = read(document);
        let starts = name.split("NAME").next().unwrap();
        let table = document
            .lines()
            .filter(|line| line.starts_with(&format!("{starts}Speech")));
        assert_eq!(table.count(), severities.len());
        for (alert, of) in &severities {
            let line = name.replace("NAME", alert).replace("LINK", &alert.to_lowercase());
            let line = line.replace("SEVERITIES", &of.join(", "));
            assert!(document.contains(&line), "{line}");
        }
    }
}

#[test]
fn every_rule_of_an_alert_is_tested_not_to_fire_to_fire_and_to_end() {
    let tests = yaml("deploy/monitoring/rules-test.yaml");
    let mut seen: BTreeMap<(String, String), [bool; 3]> = BTreeMap::new();
    for test in tests["tests"].as_array().unwrap() {
        let looks = test["alert_rule_test"].as_array().unwrap();
        let alert = looks[0]["alertname"].as_str().unwrap().to_owned();
        let loud = looks
            .iter()
            .position(|look| !look["exp_alerts"].as_array().unwrap().is_empty())
            .unwrap();
        let severity = looks[loud]["exp_alerts"][0]["exp_labels"]["severity"]
            .as_str()
            .unwrap()
            .to_owned();
        let most = looks[loud]["exp_alerts"].as_array().unwrap().len();
        let fewer = |look: &Value| look["exp_alerts"].as_array().unwrap().len() < most;
        let stages = [loud > 0, true, looks[loud + 1..].iter().any(fewer)];
        let all = seen.entry((alert, severity)).or_default();
        *all = [all[0] | stages[0], all[1] | stages[1], all[2] | stages[2]];
    }
    for rule in rules().iter().filter(|rule| rule["alert"].is_string()) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let key = (text(&rule["alert"]), text(&rule["labels"]["severity"]));
        assert_eq!(seen.get(&key), Some(&[true; 3]), "{key:?}: does not fire, fires, ends");
    }
}
