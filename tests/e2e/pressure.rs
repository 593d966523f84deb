//! A service that refuses, fails and is slow: everything ends Ready, within the budget, and nothing exists twice.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::case::{Case, condition, is_ready};
use crate::seed::BASE_OLD;
use crate::stack::shared;

/// Retries wait 5, 10, 20 s and so on.
const PATIENT: Duration = Duration::from_secs(100);

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

/// The most requests that arrived within any window of `seconds`.
fn busiest(journal: &[Value], seconds: i64) -> usize {
    let mut times: Vec<Timestamp> = journal
        .iter()
        .map(|entry| entry["at"].as_str().unwrap().parse().unwrap())
        .collect();
    times.sort();
    let until = |from: &Timestamp| {
        times
            .iter()
            .filter(|at| *at >= from && at.duration_since(*from).as_secs() < seconds)
            .count()
    };
    times.iter().map(until).max().unwrap_or(0)
}

#[test]
fn throttling_delays_and_breaks_nothing() {
    shared("pressure-429", async |case, _| {
        let limit = json!({"rateLimit": {"requests": 10, "perSeconds": 2}});
        case.control.put_resource("pressure-429", limit).await.unwrap();
        case.secret(&crate::seed::key("pressure-429", 1)).await;
        // Twice what the service lets through.
        case.connection(json!({"requestBudget": {"requests": 20, "per": "2s"}}))
            .await;
        for number in 0..30 {
            case.endpoint(&format!("line-{number}"), json!({"model": {"base": {"id": BASE_OLD}}}))
                .await;
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
            case.endpoint(&format!("line-{number}"), json!({"model": {"base": {"id": BASE_OLD}}}))
                .await;
        }
        all_ready(case, 25).await;
        let busiest = busiest(&case.journal().await, 3);
        assert!(busiest <= 12, "{busiest} requests within 3 s");
    });
}

#[test]
fn a_storm_of_server_errors_passes() {
    shared("pressure-500", async |case, _| {
        case.connect("60s").await;
        for (number, status) in [500, 502, 503].into_iter().enumerate() {
            let fault = json!({
                "route": {"resource": "pressure-500"}, "action": {"status": status}, "probability": 0.4, "seed": number, "times": 15,
            });
            case.control.add_fault(fault).await.unwrap();
        }
        for number in 0..10 {
            case.endpoint(&format!("line-{number}"), json!({"model": {"base": {"id": BASE_OLD}}}))
                .await;
        }
        // An answer of 500 may hide an effect, so some wait for the end of the grace period; none may have two.
        let mut certain = 0;
        for number in 0..10 {
            let name = format!("line-{number}");
            let endpoint = case
                .within(
                    PATIENT,
                    "SpeechEndpoint",
                    &name,
                    "is Ready or waits to be certain",
                    |endpoint| is_ready(endpoint) || condition(endpoint, "Ready")["reason"] == "AwaitingCreation",
                )
                .await;
            certain += usize::from(is_ready(&endpoint));
            assert!(case.marked("endpoints", &name).await.len() <= 1);
        }
        eprintln!("{certain} of 10 are certain");
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
        case.endpoint("line-0", json!({"model": {"base": {"id": BASE_OLD}}}))
            .await;
        all_ready(case, 1).await;
        case.ready("SpeechConnection", "speech").await;
    });
}
