//! Many endpoints that are to move at the same time take turns, first those that expire first.
use crate::{
    case::Case,
    harness::{condition, in_time},
    seed,
    stack::{SOON, shared},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ENDPOINTS: usize = 8;
const AT_ONCE: usize = 2;
/// How long the first two deployments take, and the others (s).
const LONG: f64 = 4.0;
const SHORT: f64 = 0.6;

fn model(number: usize) -> String {
    format!("30000000-0000-4000-8000-0000000001{number:02}")
}

/// Applies the endpoint `line-{number}`, with its own model or the successor of all. It expires the later, the lower
/// its number, so that neither names nor the order of creation can make the order of the swaps.
async fn line(case: &Case, number: usize, own: bool) {
    let model = if own {
        json!({"id": model(number)})
    } else {
        json!({"base": {}})
    };
    case.endpoint(&format!("line-{number}"), json!({"model": model})).await;
}

async fn deploy(case: &Case) {
    let now = case.control.now().await.unwrap();
    let mut resource = seed::resource(&case.name, now);
    let models = (0..ENDPOINTS).map(|number| {
        json!({
            "id": model(number), "displayName": format!("line {number}"), "locale": "en-US",
            "createdDateTime": seed::days(now, -50), "transcriptionDateTime": seed::days(now, 100 - number as i64),
            "baseModel": seed::BASE_OLD,
        })
    });
    resource["models"].as_array_mut().unwrap().extend(models);
    resource["updateStatus"] = json!("Running");
    case.control.put_resource(&case.name, resource).await.unwrap();
    case.secret(&seed::key(&case.name, 1)).await;
    case.connection(json!({"maxConcurrentSwaps": AT_ONCE})).await;
    case.ready("SpeechConnection", "speech").await;
    for number in 0..ENDPOINTS {
        line(case, number, true).await;
    }
    for number in 0..ENDPOINTS {
        case.serves(&format!("line-{number}"), &model(number)).await;
    }
}

async fn deployments_take(case: &Case, seconds: f64) {
    let timings = json!({"timings": {"endpointCreate": 0.3, "endpointUpdate": seconds}});
    case.control.put_resource(&case.name, timings).await.unwrap();
}

/// Which endpoint was to be changed, and when, in order.
async fn changes(case: &Case) -> Vec<(String, Timestamp)> {
    let ids: BTreeMap<String, String> = case.remote("endpoints").await.iter().map(id_and_name).collect();
    let mut journal = case.journal().await;
    journal.retain(|entry| entry["operation"] == "Endpoints_Update");
    journal
        .iter()
        .map(|entry| {
            let path = entry["path"].as_str().unwrap();
            let id = path.split('?').next().unwrap().rsplit('/').next().unwrap();
            (ids[id].clone(), entry["at"].as_str().unwrap().parse().unwrap())
        })
        .collect()
}

fn id_and_name(endpoint: &Value) -> (String, String) {
    let text = |member: &str| endpoint[member].as_str().unwrap().to_owned();
    (text("id"), text("displayName"))
}

#[test]
fn only_so_many_endpoints_move_at_a_time_and_those_that_expire_first_go_first() {
    shared("turns", async |case, _| {
        deploy(case).await;
        deployments_take(case, LONG).await;
        for number in 0..AT_ONCE {
            line(case, number, false).await;
        }
        in_time("the first are moving", SOON, async || match changes(case).await.len() {
            AT_ONCE => Ok(()),
            other => Err(format!("{other} are")),
        })
        .await;
        deployments_take(case, SHORT).await;
        for number in AT_ONCE..ENDPOINTS {
            line(case, number, false).await;
        }
        for number in AT_ONCE..ENDPOINTS {
            let name = format!("line-{number}");
            case.until("SpeechEndpoint", &name, "waits for its turn", |endpoint| {
                condition(endpoint, "Reconciling")["reason"] == "AwaitingTurn"
            })
            .await;
        }
        assert_eq!(
            changes(case).await.len(),
            AT_ONCE,
            "the six began to wait too late to tell"
        );
        for number in 0..ENDPOINTS {
            case.serves(&format!("line-{number}"), seed::BASE_NEW).await;
        }
        let changes = changes(case).await;
        assert_eq!(changes.len(), ENDPOINTS, "{changes:?}");
        for (index, three) in changes.windows(AT_ONCE + 1).enumerate() {
            let takes = if index == 0 { LONG } else { SHORT };
            let apart = three[AT_ONCE].1.duration_since(three[0].1).as_secs_f64();
            assert!(takes <= apart + 0.05, "three at a time: {three:?}");
        }
        // Two turns that come free together may begin in either order.
        for (place, (name, _)) in changes.iter().enumerate().skip(AT_ONCE) {
            let expected = ENDPOINTS + AT_ONCE - 1 - place;
            let number: usize = name.trim_start_matches("line-").parse().unwrap();
            assert!(number.abs_diff(expected) < AT_ONCE, "{changes:?}");
        }
    });
}
