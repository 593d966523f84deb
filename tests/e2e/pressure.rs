//! A service that refuses, fails and is slow: everything ends Ready, within the budget, and nothing exists twice.
use crate::{
    case::Case,
    harness::{eventually, in_time, is_ready},
    seed::BASE_OLD,
    stack::{alone, shared},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// Retries wait 5, 10, 20 s and so on.
const PATIENT: Duration = Duration::from_secs(100);

fn base() -> Value {
    json!({"model": {"base": {"id": BASE_OLD}}})
}

async fn all_ready(case: &Case, count: usize) {
    for number in 0..count {
        case.within(
            PATIENT,
            "SpeechEndpoint",
            &format!("line-{number}"),
            "is Ready",
            is_ready,
        )
        .await;
    }
    let remote = case.remote("endpoints").await;
    assert_eq!(remote.len(), count + 1, "one each, and the one that was there");
}

/// The most requests that arrived within any window of so many milliseconds.
fn busiest(journal: &[Value], window: i128) -> usize {
    let mut times: Vec<Timestamp> = journal
        .iter()
        .map(|entry| entry["at"].as_str().unwrap().parse().unwrap())
        .collect();
    times.sort();
    let follows = |from: &Timestamp, at: &Timestamp| at >= from && at.duration_since(*from).as_millis() < window;
    let within = |from: &Timestamp| times.iter().filter(|at| follows(from, at)).count();
    times.iter().map(within).max().unwrap_or(0)
}

#[test]
fn throttling_delays_and_breaks_nothing() {
    shared("pressure-429", async |case, _| {
        let limit = json!({"rateLimit": {"requests": 10, "perSeconds": 2}});
        case.control.put_resource("pressure-429", limit).await.unwrap();
        case.secret(&crate::seed::key("pressure-429", 1)).await;
        // What users change may take nearly half of the budget, which is nearly twice what the service lets through.
        case.connection(json!({"requestBudget": {"requests": 40, "per": "2s"}}))
            .await;
        for number in 0..30 {
            case.endpoint(&format!("line-{number}"), base()).await;
        }
        all_ready(case, 30).await;
        let journal = case.journal().await;
        assert!(
            journal.iter().any(|entry| entry["status"] == 429),
            "the limit was never met"
        );
        let created = journal
            .iter()
            .filter(|entry| entry["operation"] == "Endpoints_Create" && entry["status"] == 201);
        assert_eq!(created.count(), 30);
    });
}

#[test]
fn no_window_holds_more_requests_than_the_budget_allows() {
    shared("pressure-budget", async |case, _| {
        case.secret(&crate::seed::key("pressure-budget", 1)).await;
        case.connection(json!({"requestBudget": {"requests": 12, "per": "3s"}}))
            .await;
        for number in 0..25 {
            case.endpoint(&format!("line-{number}"), base()).await;
        }
        all_ready(case, 25).await;
        // The budget counts when requests leave; on a busy machine some arrive a little later than others.
        let busiest = busiest(&case.journal().await, 2_700);
        assert!(busiest <= 12, "{busiest} requests within 3 s");
    });
}

#[test]
fn a_storm_of_server_errors_passes_and_leaves_one_endpoint_each() {
    const COUNT: usize = 12;
    alone("pressure-500", async |case, _| {
        case.connect("5s").await;
        for (number, status) in [500, 502, 503, 504].into_iter().enumerate() {
            let fault = json!({
                "route": {"resource": "pressure-500"}, "action": {"status": status},
                "probability": 0.3, "seed": number, "times": 10,
            });
            case.control.add_fault(fault).await.unwrap();
        }
        let lost = json!({"route": {"resource": "pressure-500", "method": "POST"}, "action": {"loseResponse": true}, "times": 3});
        case.control.add_fault(lost).await.unwrap();
        for number in 0..COUNT {
            case.endpoint(&format!("line-{number}"), base()).await;
        }
        let struck = async || {
            case.journal()
                .await
                .iter()
                .filter(|entry| !entry["fault"].is_null())
                .count()
        };
        in_time("the storm is over", PATIENT, async || match struck().await {
            43.. => Ok(()),
            few => {
                // What may have been done is waited for, and what failed is tried again after growing times.
                case.control.advance("30s").await.unwrap();
                let faults = case
                    .control
                    .request(reqwest::Method::GET, "faults", None)
                    .await
                    .unwrap();
                if faults["faults"].as_array().unwrap().is_empty() {
                    Ok(())
                } else {
                    Err(format!("{few} struck"))
                }
            }
        })
        .await;
        // Orders in vain wait ever longer, four hours at most.
        for _ in 0..3 {
            case.control.advance("4h5m").await.unwrap();
            if eventually("all are there", Duration::from_secs(10), async || {
                let there = case.remote("endpoints").await.len();
                if there == COUNT + 1 {
                    Ok(())
                } else {
                    Err(there.to_string())
                }
            })
            .await
            .is_ok()
            {
                break;
            }
        }
        all_ready(case, COUNT).await;
        let twins = case.calls("Endpoints_Delete").await;
        assert_eq!(twins, 0, "nothing had to be deleted");
    });
}

#[test]
fn bodies_that_are_cut_broken_or_too_long_are_survived() {
    shared("pressure-bodies", async |case, _| {
        case.connect("5s").await;
        for action in [
            json!({"cutBody": {"afterBytes": 20}}),
            json!({"wrongJson": true}),
            json!({"oversizedBody": {"bytes": 20_000_000}}),
        ] {
            let fault =
                json!({"route": {"resource": "pressure-bodies", "method": "GET"}, "action": action, "times": 2});
            case.control.add_fault(fault).await.unwrap();
        }
        case.endpoint("line-0", base()).await;
        all_ready(case, 1).await;
        case.ready("SpeechConnection", "speech").await;
    });
}
