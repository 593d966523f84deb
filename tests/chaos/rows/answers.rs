//! Answers that say nothing true: 5xx, and bodies that are slow, cut, too long, half, of another shape or no JSON at all.
use crate::{
    harness::condition,
    law::Expected,
    seed::{BASE_NEW, BASE_OLD, MODEL},
    tenant::Tenant,
    trial::{Patience, Trial},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Endpoints that are made and moved while the answers are wrong.
const BUSY: u64 = 12;
/// How fast the emulator's clock runs meanwhile.
const SPEED: f64 = 20.0;
/// Between two moves of the same endpoint.
const PAUSE: Duration = Duration::from_secs(1);
/// So many answers are spoilt long before.
const LONGEST: Duration = Duration::from_secs(600);

/// Half of all requests end in 5xx, a part of them after the work was done.
pub async fn errors(trial: &mut Trial) {
    let answers = usize::try_from(trial.sized(40, 600)).unwrap();
    let tenant = ready(trial, "errors-5xx").await;
    for (number, status) in [500, 502, 503, 504].into_iter().enumerate() {
        // One of two in all.
        let probability = 1.0 - 0.5_f64.powf(0.25);
        let how = json!({"probability": probability, "seed": trial.chance.below(1_000_000) + number as u64});
        tenant.strike_always("*", json!({"status": status}), how).await;
    }
    let lost = json!({"probability": 0.1, "seed": trial.chance.below(1_000_000)});
    tenant.strike_always("*", json!({"loseResponse": true}), lost).await;
    let began = Instant::now();
    let rounds = busy(&tenant, answers, 0).await;
    let seconds = began.elapsed().as_secs();
    over(trial, &tenant, "errors-5xx").await;
    let struck = struck(&tenant).await;
    trial.saw(format!(
        "{struck} answers spoilt in {seconds} s, {} moves wanted",
        rounds * BUSY
    ));
}

/// Each kind of wrong body in turn, on half of all requests.
pub async fn bodies(trial: &mut Trial) {
    let answers = usize::try_from(trial.sized(2, 30)).unwrap();
    let tenant = ready(trial, "bodies").await;
    let html = "<html><head><title>Sign in</title></head><body>Welcome to the airport</body></html>";
    let kinds = [
        json!({"cutBody": {"afterBytes": 20}}),
        json!({"oversizedBody": {"bytes": 20_000_000}}),
        json!({"wrongJson": true}),
        json!({"status": 200, "text": html, "headers": {"content-type": "text/html"}}),
        json!({"status": 200, "text": ""}),
        json!({"status": 200, "body": []}),
        json!({"status": 200, "body": {"values": 7}}),
        json!({"status": 200, "body": {"values": [{"self": 1}, null, {"self": "https://evil.example/models/1"}]}}),
        json!({"status": 200, "body": {"values": [], "@nextLink": "https://evil.example/speechtotext/endpoints"}}),
        json!({"status": 204}),
        json!({"status": 302, "headers": {"location": "https://evil.example/"}}),
        json!({"slowBody": {"bytesPerSecond": 2000}}),
    ];
    let count = kinds.len() as u64;
    for (round, action) in (0..).zip(kinds) {
        let how = json!({"probability": 0.5, "seed": trial.chance.below(1_000_000)});
        tenant.strike_always("*", action.clone(), how).await;
        let before = struck(&tenant).await;
        busy(&tenant, answers, round).await;
        if struck(&tenant).await < before + answers {
            trial.violated(
                "the row itself",
                format!("{action} struck fewer than {answers} answers"),
            );
        }
        tenant.control.clear_faults().await.unwrap();
    }
    let struck = struck(&tenant).await;
    over(trial, &tenant, "bodies").await;
    trial.saw(format!("{count} kinds of bodies, {struck} answers spoilt"));
}

/// A Speech resource with an endpoint that nobody touches, which must go on as it is.
async fn ready(trial: &mut Trial, name: &str) -> Tenant {
    let tenant = trial.world.tenant(name, json!({})).await;
    trial.world.start_operator(&[]).await;
    tenant.connect(json!({"pollInterval": "5s"})).await;
    tenant.endpoint("rest", json!({"model": {"id": MODEL}})).await;
    let patience = Patience {
        jump: Duration::ZERO,
        ..Patience::default()
    };
    trial.converge(&[&tenant], &patience).await;
    // So that there are many answers to spoil.
    tenant.control.set_rate(SPEED).await.unwrap();
    tenant
}

/// Makes endpoints and moves them to and fro until so many more answers are spoilt; tells how often.
async fn busy(tenant: &Tenant, answers: usize, from: u64) -> u64 {
    let wanted = struck(tenant).await + answers;
    let end = Instant::now() + LONGEST;
    let mut round = from;
    while Instant::now() < end && struck(tenant).await < wanted {
        let base = [BASE_OLD, BASE_NEW][usize::from(round % 2 == 1)];
        for number in 0..BUSY {
            let spec = json!({"model": {"base": {"id": base}}});
            tenant.endpoint(&format!("busy-{number}"), spec).await;
        }
        round += 1;
        tokio::time::sleep(PAUSE).await;
    }
    round - from
}

/// Ends the faults: everything comes to rest as declared, nothing came to an end that it should not have, and the operator
/// is the one that was started.
async fn over(trial: &mut Trial, tenant: &Tenant, name: &str) {
    tenant.control.clear_faults().await.unwrap();
    tenant.control.set_rate(1.0).await.unwrap();
    trial.converge(&[tenant], &Patience::default()).await;
    let expected = Expected {
        // The users of this row move endpoints back and forth.
        may_go_back: true,
        specs_are_edited: true,
        more_changes: 200,
        ..Expected::default()
    };
    trial.check(&[tenant], &expected).await;
    let rest = tenant.find("SpeechEndpoint", "rest").await.unwrap_or_default();
    if rest["status"]["active"]["model"] != MODEL || condition(&rest, "Ready")["status"] != "True" {
        trial.violated(
            "rest",
            format!("an endpoint that nobody touched is now {}", rest["status"]),
        );
    }
    let moved = tenant.journal().await;
    let id = rest["status"]["id"].as_str().unwrap_or_default().to_owned();
    let is_move = |entry: &&Value| entry["operation"] == "Endpoints_Update" && entry["path"].to_string().contains(&id);
    if let Some(entry) = moved.iter().find(is_move) {
        trial.violated("rest", format!("was changed though nobody asked: {entry}"));
    }
    let said = trial.world.operators[0].logs();
    if let Some(line) = said.lines().find(|line| line.contains("panicked")) {
        trial.violated(name, format!("a pass panicked: {line}"));
    }
    if let Err(error) = trial.world.operators[0].process().check_running() {
        trial.violated(name, error);
    }
    trial.world.terminate_all().await;
}

async fn struck(tenant: &Tenant) -> usize {
    let journal = tenant.journal().await;
    journal.iter().filter(|entry| !entry["fault"].is_null()).count()
}
