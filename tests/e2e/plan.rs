//! `speech-operator plan`: what a person is told about the days to come, from a live cluster.
use crate::{
    case::Case,
    harness::{OPERATOR, in_time},
    seed::{self, BASE_NEW, BASE_OLD, MODEL, TEXT},
    stack::{SOON, Stack, shared},
};
use icalendar::{Calendar, Component};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{path::Path, process::Output};
use tokio::process::Command;

/// Runs the command as whom a kubeconfig names.
async fn plan(kubeconfig: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(&*OPERATOR);
    command.arg("plan").arg("--kubeconfig").arg(kubeconfig).args(args);
    command.env_remove("KUBECONFIG").output().await.unwrap()
}

/// What it printed; it must have succeeded without a word of trouble.
async fn printed(stack: &Stack, args: &[&str]) -> String {
    let output = plan(stack.plane.kubeconfig(), args).await;
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What it said on its way to ending with 2.
async fn refused(kubeconfig: &Path, args: &[&str]) -> String {
    let output = plan(kubeconfig, args).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// One object of the printed document.
fn row<'a>(document: &'a Value, name: &str) -> &'a Value {
    let rows = document["objects"].as_array().unwrap();
    rows.iter().find(|row| row["name"] == name).unwrap()
}

fn step<'a>(row: &'a Value, action: &str) -> &'a Value {
    let steps = row["steps"].as_array().unwrap();
    let found = steps.iter().find(|step| step["action"] == action);
    found.unwrap_or_else(|| panic!("no {action} in {row:#}"))
}

/// When the service says that a model expires.
async fn expiry(case: &Case, path: &str) -> Timestamp {
    let url = format!("{}/speechtotext/{path}?api-version=2025-10-15", case.url());
    let request = reqwest::Client::builder().no_proxy().build().unwrap().get(url);
    let request = request.header("Ocp-Apim-Subscription-Key", seed::key(&case.name, 1));
    let answer = request.send().await.unwrap().error_for_status().unwrap();
    let model: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    date(&model["properties"]["deprecationDates"]["transcriptionDateTime"])
}

fn date(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// The day in the printed table.
fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// A trained model that is renewed, an endpoint that follows it, one of a fixed model, one of a base model.
async fn fleet(case: &Case) {
    case.connect("60s").await;
    let training = json!({"training": {"datasets": [TEXT], "baseModel": {"id": BASE_OLD}}});
    case.model(
        "claims",
        json!({"source": training, "renewal": {"on": ["BeforeExpiry"], "before": "90d"}}),
    )
    .await;
    case.endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}}))
        .await;
    case.endpoint("fixed", json!({"model": {"id": MODEL}})).await;
    case.endpoint("base", json!({"model": {"base": {}}})).await;
    case.ready("SpeechModel", "claims").await;
    for name in ["hotline", "fixed", "base"] {
        case.ready("SpeechEndpoint", name).await;
    }
}

#[test]
fn the_plan_has_the_dates_of_the_service_and_the_same_bytes_twice() {
    shared("plan", async |case, stack| {
        fleet(case).await;
        let now = case.control.now().await.unwrap();
        let at = now.to_string();
        let common = ["-n", "plan", "--until", "900d", "--now", &at];
        let with = |format| [&common[..], &["-o", format]].concat();
        let trained = case.marked("models", "claims").await[0]["id"].clone();
        let trained = expiry(case, &format!("models/{}", trained.as_str().unwrap())).await;
        let by_hand = expiry(case, &format!("models/{MODEL}")).await;
        let base = expiry(case, &format!("models/base/{BASE_NEW}")).await;

        let document: Value = serde_json::from_str(&printed(stack, &with("json")).await).unwrap();
        assert_eq!(document["objects"].as_array().unwrap().len(), 4);
        for (name, expiry) in [
            ("claims", trained),
            ("hotline", trained),
            ("fixed", by_hand),
            ("base", base),
        ] {
            let row = row(&document, name);
            assert_eq!(date(&step(row, "Expire")["at"]), expiry, "{row:#}");
            assert_eq!(row["connection"], "plan/speech");
            assert_eq!(date(&row["expiries"][0]["at"]), expiry);
        }
        let train = step(row(&document, "claims"), "Train");
        let status = case.get("SpeechModel", "claims").await;
        assert_eq!(train["at"], status["status"]["plan"][0]["at"]);

        let table = printed(stack, &with("table")).await;
        let line = |words: &[&str]| table.lines().any(|line| words.iter().all(|word| line.contains(word)));
        assert!(line(&[&minute(by_hand), "plan/fixed", "Expire", "by hand"]), "{table}");
        assert!(line(&[&minute(date(&train["at"])), "plan/claims", "Train"]), "{table}");
        for format in ["table", "json", "yaml", "ics", "svg"] {
            let once = printed(stack, &with(format)).await;
            assert_eq!(once, printed(stack, &with(format)).await, "{format}");
            assert!(once.ends_with('\n'), "{format}");
        }

        let calendar: Calendar = printed(stack, &with("ics")).await.parse().unwrap();
        let events: Vec<_> = calendar.components.iter().filter_map(|part| part.as_event()).collect();
        let steps = document["objects"].as_array().unwrap().iter();
        let steps = steps.map(|row| row["steps"].as_array().unwrap().len());
        assert_eq!(events.len(), steps.sum::<usize>());
        let summaries: Vec<_> = events.iter().filter_map(|event| event.get_summary()).collect();
        // Nothing follows it, which is a consequence told to programs, and no risk before the condition says so.
        assert!(summaries.contains(&"Expire plan/fixed: by hand"), "{summaries:?}");
        let alone = step(row(&document, "fixed"), "Expire");
        assert!(alone["risk"].is_null() && alone["consequence"].is_string(), "{alone}");
    });
}

#[test]
fn a_plan_can_be_cut_to_a_connection_and_fail_on_a_risk() {
    shared("plan-select", async |case, stack| {
        fleet(case).await;
        let now = case.control.now().await.unwrap();
        let at = now.to_string();
        let objects = async |args: &[&str]| {
            let args = [args, &["--until", "900d", "-o", "json", "--now", &at]].concat();
            let document: Value = serde_json::from_str(&printed(stack, &args).await).unwrap();
            document["objects"].as_array().unwrap().len()
        };
        assert_eq!(objects(&["--connection", "plan-select/speech"]).await, 4);
        // What is named has to be there: a slip would make a gate green for ever.
        for (args, words) in [
            (
                &["-n", "plan-select", "--connection", "speeech"][..],
                "there is no SpeechConnection \"speeech\"; did you mean \"speech\"?",
            ),
            (
                &["-n", "plan-selekt"],
                "there is no namespace \"plan-selekt\"; did you mean \"plan-select\"?",
            ),
            (&["-n", "plan-select", "-l", "fleet=nope"], "fleet=nope"),
            (&["--fail-on-risk"], "there is nothing to judge"),
        ] {
            let told = refused(stack.plane.kubeconfig(), args).await;
            assert!(told.contains(words), "{told}");
        }
        assert!(objects(&["-A"]).await >= 4);
        assert_eq!(objects(&[]).await, 0, "the namespace of the kubeconfig holds nothing");

        let here = ["-n", "plan-select", "--until", "300d", "--now", &at, "--fail-on-risk"];
        assert_eq!(
            plan(stack.plane.kubeconfig(), &here).await.status.code(),
            Some(0),
            "no risk yet"
        );
        // Seen from beyond the expiry of what serves, every endpoint is at risk.
        let late = seed::days(now, 1000);
        let late = ["-n", "plan-select", "--now", &late, "--fail-on-risk"];
        let output = plan(stack.plane.kubeconfig(), &late).await;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let table = String::from_utf8(output.stdout).unwrap();
        assert!(table.contains("expired: the newest base model answers"), "{table}");
    });
}

#[test]
fn who_may_not_list_is_told_what_to_ask_for_and_who_may_view_a_namespace_sees_its_plan() {
    shared("plan-forbidden", async |case, stack| {
        case.connect("60s").await;
        case.ready_endpoint("fixed", json!({"model": {"id": MODEL}})).await;
        let account = ["create", "serviceaccount", "guest", "-n", "plan-forbidden"];
        stack.plane.kubectl_ok(&account).await.unwrap();
        let guest = stack.plane.service_account_kubeconfig("plan-forbidden", "guest");
        let guest = guest.await.unwrap();
        let told = refused(&guest, &[]).await;
        assert!(told.starts_with("speech-operator: "), "{told}");
        for words in [
            "cannot list resource \"speechconnections\"",
            "in the namespace \"plan-forbidden\"",
            "bind the ClusterRole `view`",
        ] {
            assert!(told.contains(words), "{told}");
        }
        assert!(!told.contains("-n"), "{told}");
        let everywhere = refused(&guest, &["-A"]).await;
        assert!(everywhere.contains("or name one namespace with -n"), "{everywhere}");

        let binding = [
            "create",
            "rolebinding",
            "guest",
            "-n",
            "plan-forbidden",
            "--clusterrole=view",
            "--serviceaccount=plan-forbidden:guest",
        ];
        stack.plane.kubectl_ok(&binding).await.unwrap();
        // The roles are put together by a controller, in its own time.
        let table = in_time("the plan of one's own namespace", SOON, async || {
            let output = plan(&guest, &["--until", "900d"]).await;
            let said = String::from_utf8(output.stdout).unwrap();
            if output.status.success() {
                Ok(said)
            } else {
                Err(String::from_utf8(output.stderr).unwrap())
            }
        })
        .await;
        assert!(table.contains("plan-forbidden/fixed"), "{table}");
    });
}

#[test]
fn what_cannot_work_is_told_with_what_to_do() {
    shared("plan-refused", async |_, stack| {
        let kubeconfig = stack.plane.kubeconfig();
        let told = refused(kubeconfig, &["--until", "soon"]).await;
        assert!(
            told.contains("--until \"soon\" is neither a duration such as 180d"),
            "{told}"
        );
        let told = refused(kubeconfig, &["--context", "nowhere"]).await;
        assert!(told.contains("kubectl config get-contexts"), "{told}");
        let told = refused(Path::new("/nonexistent/kubeconfig"), &[]).await;
        assert!(told.contains("the kubeconfig cannot be used"), "{told}");
        let silent = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "none",
            "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:9"}}],
            "users": [], "contexts": [{"name": "none", "context": {"cluster": "none", "user": ""}}],
        });
        let silent = stack
            .plane
            .folder()
            .write("silent.kubeconfig", &silent.to_string())
            .unwrap();
        let told = refused(&silent, &[]).await;
        assert!(
            told.contains("the cluster at http://127.0.0.1:9/ does not answer"),
            "{told}"
        );
    });
}
