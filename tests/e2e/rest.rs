//! A healthy fleet costs reads of whole lists and nothing else.
use crate::{
    case::Case,
    harness::{count_writes, in_time},
    seed::{self, BASE_OLD},
    stack::alone,
};
use serde_json::{Value, json};
use std::time::Duration;

const RESOURCES: usize = 5;
const ENDPOINTS: usize = 200;
const SWEEPS: usize = 15;

async fn deploy_fleet(case: &Case) {
    let now = case.control.now().await.unwrap();
    case.secret(&seed::key("rest", 1)).await;
    for number in 0..RESOURCES {
        let name = format!("rest-{number}");
        let mut resource = seed::resource("rest", now);
        resource["rateLimit"] = json!({"requests": 0, "perSeconds": 10});
        case.control.put_resource(&name, resource).await.unwrap();
        let spec = json!({
            "endpoint": case.url().replace("/rest", &format!("/{name}")), "auth": {"keySecretRef": {"name": "speech-key"}},
            "requestBudget": {"requests": 1000, "per": "10s"},
        });
        case.apply(json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechConnection", "metadata": {"name": name}, "spec": spec,
        }))
        .await;
    }
    for number in 0..ENDPOINTS {
        let connection = format!("rest-{}", number % RESOURCES);
        let spec = json!({
            "connectionRef": {"name": connection}, "model": {"base": {"id": BASE_OLD}}, "displayName": format!("Line {number}"),
            "exportTo": {"configMap": {"name": format!("line-{number}")}},
        });
        case.endpoint(&format!("line-{number}"), spec).await;
    }
}

/// The requests to all of the fleet's Speech resources with a greater number than `after`.
async fn requests(case: &Case, after: u64) -> Vec<Value> {
    let path = format!("journal?after={after}&limit=100000");
    let answer = case.control.request(reqwest::Method::GET, &path, None).await.unwrap();
    let mut entries = answer["entries"].as_array().unwrap().clone();
    entries.retain(|entry| entry["resource"].as_str().unwrap().starts_with("rest-"));
    entries
}

async fn last_request(case: &Case) -> u64 {
    let answer = case
        .control
        .request(reqwest::Method::GET, "journal?limit=1", None)
        .await
        .unwrap();
    answer["last"].as_u64().unwrap()
}

#[test]
fn two_hundred_ready_endpoints_are_read_by_list_and_never_written() {
    alone("rest", async |case, stack| {
        deploy_fleet(case).await;
        let wait = [
            "wait",
            "--for=condition=Ready",
            "spep",
            "--all",
            "-n",
            "rest",
            "--timeout=90s",
        ];
        stack.plane.kubectl_ok(&wait).await.unwrap();
        let sweep = async |jump: &str| {
            let before = last_request(case).await;
            case.control.advance(jump).await.unwrap();
            in_time("every resource is swept", Duration::from_secs(20), async || {
                let lists = requests(case, before).await;
                let swept = |number: &usize| {
                    lists.iter().any(|entry| {
                        entry["resource"] == format!("rest-{number}") && entry["operation"] == "Endpoints_List"
                    })
                };
                let count = (0..RESOURCES).filter(swept).count();
                if count == RESOURCES {
                    Ok(())
                } else {
                    Err(format!("{count} are"))
                }
            })
            .await;
        };
        // What the sweeps count and the durations that were learned settle in the connections' statuses; a write may come
        // after the lists that caused it.
        let (mut silent, mut left) = (0, SWEEPS);
        while silent < 2 {
            let writes = case.writes(stack).len();
            sweep("2m").await;
            let written = case.writes(stack).split_off(writes);
            silent = if written.is_empty() { silent + 1 } else { 0 };
            left -= 1;
            assert_ne!(left, 0, "no rest: {:#?}", count_writes(&written));
        }
        let (writes, request) = (case.writes(stack).len(), last_request(case).await);
        for number in 0..SWEEPS {
            sweep(if number % 5 == 4 { "11m" } else { "61s" }).await;
        }
        let writes = case.writes(stack).split_off(writes);
        assert!(writes.is_empty(), "{:#?}", count_writes(&writes));
        let requests = requests(case, request).await;
        assert!(requests.len() >= 2 * RESOURCES * SWEEPS, "{} requests", requests.len());
        for entry in &requests {
            let operation = entry["operation"].as_str().unwrap();
            assert!(entry["method"] == "GET" && operation.contains("_List"), "{entry}");
        }

        // An operator that starts anew finds everything as it is.
        stack.kill_operator();
        let before = last_request(case).await;
        let count = case.writes(stack).len();
        stack.restart_operator().await;
        sweep("61s").await;
        sweep("61s").await;
        let writes = case.writes(stack).split_off(count);
        assert!(writes.is_empty(), "{:#?}", count_writes(&writes));
        let after = self::requests(case, before).await;
        assert!(after.iter().all(|entry| entry["method"] == "GET"));
    });
}
