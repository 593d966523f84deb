//! Several replicas: one acts, the others are ready and keep their hands off, and one of them takes over.
use crate::{
    case::Case,
    crash::struck,
    harness::{AuditEntry, OperatorProcess, POD, in_time},
    seed::BASE_OLD,
    stack::{SOON, Stack, replicated},
};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api,
    api::{DeleteParams, PostParams},
};
use serde_json::{Value, json};
use std::time::Duration;

const STANDBY: &str = "speech-operator-1";

fn base() -> Value {
    json!({"model": {"base": {"id": BASE_OLD}}})
}

fn leases(stack: &Stack) -> Api<Lease> {
    Api::namespaced(stack.client.clone(), "speech-system")
}

/// Waits until a pod holds the Lease; returns since when, by the clock that we share.
async fn taken_by(stack: &Stack, pod: &str, deadline: Duration) -> Timestamp {
    let mine = format!("{pod}_");
    in_time(&format!("{pod} holds the Lease"), deadline, async || {
        let lease = leases(stack).get("speech-operator").await;
        let spec = lease.map_err(|error| error.to_string())?.spec.unwrap();
        match spec.holder_identity {
            Some(holder) if holder.starts_with(&mine) => Ok(spec.acquire_time.unwrap().0),
            other => Err(format!("{other:?}")),
        }
    })
    .await
}

/// What a pod has written to the cluster since then, or tried to.
fn cluster_writes(stack: &Stack, pod: &str, since: Timestamp) -> Vec<AuditEntry> {
    let mut entries = stack.plane.audit().unwrap();
    entries.retain(|entry| entry.agent.contains(&format!("({pod})")) && entry.time > since);
    entries
}

/// What a pod asked of the Speech service.
async fn requests(case: &Case, pod: &str) -> Vec<Value> {
    let mut journal = case.journal().await;
    journal.retain(|entry| {
        entry["userAgent"]
            .as_str()
            .is_some_and(|agent| agent.contains(&format!("({pod})")))
    });
    journal
}

fn at(entry: &Value) -> Timestamp {
    entry["at"].as_str().unwrap().parse().unwrap()
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// What is published about a replica: the word of `/readyz`, and the gauge.
async fn says(operator: &OperatorProcess, word: &str, gauge: u8) {
    assert_eq!(operator.get("/readyz").await.unwrap(), (200, format!("{word}\n")));
    let metrics = operator.metrics().await.unwrap();
    assert!(metrics.contains(&format!("\nspeech_leader {gauge}")), "{metrics}");
    // Who never took the Lease does not know how often it changed hands.
    assert_eq!(
        metrics.contains("\nspeech_leader_transitions "),
        gauge == 1,
        "{metrics}"
    );
}

/// Ends the test's own replica and gives the stack its operator back.
async fn tidy(stack: &mut Stack, mut replica: OperatorProcess) {
    replica.terminate(SOON).await.unwrap();
    stack.said_before.push_str(&replica.logs());
    stack.restart_operator().await;
}

/// Waits until a replica has made an endpoint Ready; returns when its first request for anything arrived.
async fn acts(case: &Case, endpoint: &str, pod: &str) -> Timestamp {
    case.ready("SpeechEndpoint", endpoint).await;
    at(&requests(case, pod).await[0])
}

#[test]
fn a_standby_is_ready_writes_nothing_and_takes_over_within_2_s_of_a_sigterm() {
    replicated("lead-term", async |case, stack| {
        case.connect("5s").await;
        let began = Timestamp::now();
        let standby = stack.start_replica(STANDBY, &[]).await;
        case.ready_endpoint("before", base()).await;
        says(&stack.operator, "leader", 1).await;
        says(&standby, "standby", 0).await;
        assert_eq!(cluster_writes(stack, STANDBY, began), []);
        assert_eq!(requests(case, STANDBY).await, [] as [Value; 0]);

        let told = Timestamp::now();
        case.endpoint("after", base()).await;
        let ended = stack.operator.terminate(SOON).await.unwrap();
        assert!(ended.success(), "{ended}");
        stack.note_what_was_said();
        let took = seconds(told, taken_by(stack, STANDBY, SOON).await);
        let acted = seconds(told, acts(case, "after", STANDBY).await);
        println!("after SIGTERM: Lease taken after {took:.3} s, first request to the service after {acted:.3} s");
        assert!(took < 2.0 && acted < 4.0, "{took} s, {acted} s");
        assert_eq!(case.marked("endpoints", "after").await.len(), 1);
        says(&standby, "leader", 1).await;
        tidy(stack, standby).await;
    });
}

#[test]
fn a_standby_takes_over_within_20_s_of_a_sigkill() {
    replicated("lead-kill", async |case, stack| {
        case.connect("5s").await;
        let standby = stack.start_replica(STANDBY, &[]).await;
        case.ready_endpoint("before", base()).await;
        stack.kill_operator();
        let killed = Timestamp::now();
        case.endpoint("after", base()).await;
        let taken = taken_by(stack, STANDBY, Duration::from_secs(25)).await;
        let acted = seconds(killed, acts(case, "after", STANDBY).await);
        let took = seconds(killed, taken);
        println!("after SIGKILL: Lease taken after {took:.1} s, first request to the service after {acted:.1} s");
        assert!(took < 20.0, "{took} s");
        assert_eq!(case.marked("endpoints", "after").await.len(), 1);
        tidy(stack, standby).await;
    });
}

#[test]
fn a_leader_stopped_in_the_midst_of_a_creation_finds_its_term_over_and_touches_nothing_more() {
    replicated("lead-stop", async |case, stack| {
        case.connect("5s").await;
        case.ready_endpoint("swapped", base()).await;
        let mut standby = stack.start_replica(STANDBY, &[]).await;
        let slow = case.strike("Endpoints_Create", json!({"delayMs": 1500})).await;
        case.endpoint("begun", base()).await;
        struck(case, slow).await;
        stack.operator.process().pause().unwrap();
        case.endpoint("later", base()).await;
        case.endpoint("swapped", json!({"model": {"id": crate::seed::MODEL}}))
            .await;
        let taken = taken_by(stack, STANDBY, Duration::from_secs(25)).await;
        case.serves("swapped", crate::seed::MODEL).await;
        for endpoint in ["begun", "later"] {
            case.ready("SpeechEndpoint", endpoint).await;
        }
        stack.operator.process().resume().unwrap();
        let ended = in_time("the old leader ends", SOON, async || {
            stack.operator.process().exit_status().ok_or("it runs".to_owned())
        })
        .await;
        assert_eq!(ended.code(), Some(1), "{}", stack.operator.logs());
        stack.note_what_was_said();
        assert!(stack.said().contains("this replica leads no more"), "{}", stack.said());
        for endpoint in ["begun", "later"] {
            assert_eq!(case.marked("endpoints", endpoint).await.len(), 1);
        }
        assert_eq!(case.calls("Endpoints_Create").await, 3, "none was made twice");
        let late: Vec<_> = requests(case, POD)
            .await
            .into_iter()
            .filter(|entry| at(entry) > taken)
            .collect();
        assert_eq!(
            late.iter().filter(|entry| entry["method"] != "GET").count(),
            0,
            "{late:#?}"
        );
        let mut written = cluster_writes(stack, POD, taken);
        written.retain(|write| write.code < 400);
        assert_eq!(written, []);
        // It comes back as a standby.
        stack.restart_operator().await;
        says(&stack.operator, "standby", 0).await;
        standby.terminate(SOON).await.unwrap();
        stack.said_before.push_str(&standby.logs());
        taken_by(stack, POD, SOON).await;
    });
}

#[test]
fn whatever_the_clock_of_the_holder_says_only_silence_counts() {
    replicated("lead-skew", async |_, stack| {
        stack.kill_operator();
        for (number, days) in [-2_i64, 2].into_iter().enumerate() {
            let name = format!("skewed-{number}");
            let elsewhere = Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
            let lease = json!({
                "metadata": {"name": name},
                "spec": {"holderIdentity": "another_1", "leaseDurationSeconds": 4, "leaseTransitions": 7,
                    "acquireTime": format!("{elsewhere:.6}"), "renewTime": format!("{elsewhere:.6}")},
            });
            let lease: Lease = serde_json::from_value(lease).unwrap();
            leases(stack).create(&PostParams::default(), &lease).await.unwrap();
            let created = Timestamp::now();
            let replica = stack
                .start_replica(STANDBY, &["--leader-elect-resource-name", &name])
                .await;
            in_time("the Lease is taken", SOON, async || {
                let lease = leases(stack).get(&name).await.map_err(|error| error.to_string())?;
                let holder = lease.spec.and_then(|spec| spec.holder_identity).unwrap_or_default();
                if holder.starts_with(STANDBY) {
                    Ok(())
                } else {
                    Err(holder)
                }
            })
            .await;
            let took = seconds(created, Timestamp::now());
            println!("a Lease of 4 s whose renewTime is {days} days off was taken after {took:.1} s");
            assert!(took >= 4.0, "{took} s");
            drop(replica);
            leases(stack).delete(&name, &DeleteParams::default()).await.unwrap();
        }
    });
}
