//! Work that never ends: a deployment, a training, an evaluation. It takes no turn from the others, and each endpoint that
//! waits for it says so in time.
use super::due;
use crate::{
    harness::condition,
    law::Expected,
    seed::{BASE_OLD, TEXT, days},
    tenant::Tenant,
    trial::{Patience, Trial},
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::time::Duration;

const OLD: &str = "34000000-0000-4000-8000-000000000001";
const NEW: &str = "34000000-0000-4000-8000-000000000002";
const AUDIO: &str = "20000000-0000-4000-8000-000000000003";
/// How many days what serves is valid at first.
const VALID: i64 = 40;
/// `swap.before` where nothing is said.
const BEFORE: SignedDuration = SignedDuration::from_hours(24 * 14);

/// What never ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Deployment,
    Training,
    Evaluation,
}

impl Work {
    fn timing(self) -> &'static str {
        match self {
            Self::Deployment => "endpointUpdate",
            Self::Training => "training",
            Self::Evaluation => "evaluation",
        }
    }
}

/// Each run is a kind of work, for a Speech resource of its own whose connection lets one swap and one training happen at a
/// time.
pub async fn run(trial: &mut Trial) {
    trial.world.start_operator(&[]).await;
    let now = trial.world.emulator.control().now().await.unwrap();
    let mut tenants = Vec::new();
    for work in [Work::Deployment, Work::Training, Work::Evaluation] {
        let tenant = prepare(trial, work, now).await;
        tenants.push((tenant, work));
    }
    let all: Vec<&Tenant> = tenants.iter().map(|(tenant, _)| tenant).collect();
    trial.converge(&all, &Patience::default()).await;

    let ends = now + SignedDuration::from_hours(24 * VALID);
    for (tenant, work) in &tenants {
        if *work == Work::Training {
            age(tenant, ends).await;
        }
        begin(tenant, *work).await;
    }
    let left = (ends - BEFORE).duration_since(now).as_secs() + 3600;
    trial.live(&format!("{}s", left / 40 + 1), 40).await;
    for (tenant, work) in &tenants {
        if !told(tenant, "stuck").await {
            trial.violated(
                format!("{}/stuck", tenant.name),
                format!("I9: its {work:?} never ends, and nothing tells"),
            );
        }
    }
    // The others have moved meanwhile, though their turn never came free.
    trial.live("12h", 30).await;
    for (tenant, work) in &tenants {
        let due = due::landed(tenant, NEW, ends).await;
        if *work != Work::Evaluation && due == 0 {
            let line = tenant.find("SpeechEndpoint", "free").await.unwrap_or_default();
            trial.violated(
                format!("{}/free", tenant.name),
                format!(
                    "did not move before its expiry while the {work:?} of another never ends: {}",
                    line["status"]
                ),
            );
        }
    }
    let expected = Expected {
        is_under_way: true,
        more_changes: 6,
        alarm_ahead: Some(BEFORE),
        ..Expected::default()
    };
    trial.check(&all, &expected).await;
    let reached = reached(&all).await;
    trial.saw(format!("3 kinds of work; {reached}"));
    leave(trial, &all).await;
    trial.world.terminate_all().await;
}

/// What the endpoints say at the end, in a few words.
async fn reached(tenants: &[&Tenant]) -> String {
    let mut words = Vec::new();
    for tenant in tenants {
        let stuck = tenant.find("SpeechEndpoint", "stuck").await.unwrap_or_default();
        let reason = condition(&stuck, "AtRisk")["reason"]
            .as_str()
            .unwrap_or("nothing")
            .to_owned();
        words.push(format!("{}: {reason}", tenant.name));
    }
    words.join(", ")
}

/// Everything is deleted while the work goes on: no object stays for ever.
async fn leave(trial: &mut Trial, all: &[&Tenant]) {
    for tenant in all {
        for (kind, name) in [
            ("SpeechEndpoint", "stuck"),
            ("SpeechEndpoint", "free"),
            ("SpeechModel", "claims"),
        ] {
            if tenant.find(kind, name).await.is_some() {
                tenant.delete(kind, name).await;
            }
        }
    }
    let patience = Patience {
        bound: Duration::from_secs(3 * 24 * 3600),
        jump: Duration::from_secs(300),
        stride: Duration::from_secs(3600),
        ..Patience::default()
    };
    trial.converge(all, &patience).await;
}

async fn prepare(trial: &Trial, work: Work, now: jiff::Timestamp) -> Tenant {
    let model = |id: &str, name: &str, valid: i64| {
        json!({
            "id": id, "displayName": name, "locale": "en-US", "createdDateTime": days(now, -50),
            "transcriptionDateTime": days(now, valid), "baseModel": BASE_OLD,
        })
    };
    let audio = json!({
        "id": AUDIO, "displayName": "calls", "kind": "Acoustic", "locale": "en-US", "contentUrl": "https://contoso.example/calls.zip",
    });
    let text = json!({
        "id": TEXT, "displayName": "phrases", "kind": "Language", "locale": "en-US", "contentUrl": "https://contoso.example/text.txt",
    });
    let change = json!({
        "models": [model(OLD, "old", VALID), model(NEW, "new", 400)], "endpoints": [], "datasets": [audio, text],
        "updateStatus": "Running",
    });
    let name = format!("endless-{}", work.timing()).to_lowercase();
    let tenant = trial.world.tenant(&name, change).await;
    let spec = json!({"pollInterval": "60s", "maxConcurrentSwaps": 1, "maxConcurrentTrainings": 1});
    tenant.connect(spec).await;
    let existing = json!({"source": {"existing": {"id": OLD}}, "deletionPolicy": "Retain"});
    match work {
        Work::Deployment => {
            tenant.endpoint("stuck", json!({"model": {"id": OLD}})).await;
        }
        Work::Training => {
            let training = json!({"training": {"datasets": [TEXT]}});
            tenant
                .model("claims", json!({"source": training, "deletionPolicy": "Retain"}))
                .await;
            tenant
                .endpoint("stuck", json!({"model": {"ref": {"name": "claims"}}}))
                .await;
        }
        Work::Evaluation => {
            tenant.model("claims", existing).await;
            let gate = json!({"evaluation": {"dataset": AUDIO, "maxWordErrorRate": 0.2, "minWords": 1}});
            let spec = json!({"model": {"ref": {"name": "claims"}}, "swap": {"gate": gate}});
            tenant.endpoint("stuck", spec).await;
        }
    }
    tenant.endpoint("free", json!({"model": {"id": OLD}})).await;
    tenant
}

/// Lets what was trained expire then, as the custom models of the others do.
async fn age(tenant: &Tenant, ends: jiff::Timestamp) {
    let model = tenant.find("SpeechModel", "claims").await.unwrap_or_default();
    let id = model["status"]["current"]["id"].as_str().unwrap();
    let expires = json!({"transcriptionDateTime": ends.to_string()});
    let aged = tenant.control.patch_entity(&tenant.name, "models", id, expires).await;
    aged.unwrap();
}

/// From now on the work never ends, and it begins; then others want to move.
async fn begin(tenant: &Tenant, work: Work) {
    let timings = json!({"timings": {work.timing(): 999_999_999.0}});
    tenant.control.put_resource(&tenant.name, timings).await.unwrap();
    let asked = tenant.writes().await;
    match work {
        Work::Deployment => {
            let patch = json!({"spec": {"model": {"id": NEW}}});
            tenant.patch("SpeechEndpoint", "stuck", patch).await;
        }
        Work::Training => {
            let training = json!({"source": {"training": {"datasets": [TEXT, AUDIO]}}});
            tenant.patch("SpeechModel", "claims", json!({"spec": training})).await;
        }
        Work::Evaluation => {
            let patch = json!({"spec": {"source": {"existing": {"id": NEW}}}});
            tenant.patch("SpeechModel", "claims", patch).await;
        }
    }
    let has_begun = crate::harness::eventually("the work has begun", Duration::from_secs(30), async || {
        match tenant.writes().await {
            now if now > asked => Ok(()),
            now => Err(format!("{now} changing requests")),
        }
    });
    has_begun.await.unwrap();
    if work == Work::Deployment {
        // Only the first never ends.
        let timings = json!({"timings": {work.timing(): 0.3}});
        tenant.control.put_resource(&tenant.name, timings).await.unwrap();
    }
    let patch = json!({"spec": {"model": {"id": NEW}}});
    tenant.patch("SpeechEndpoint", "free", patch).await;
}

/// Whether an endpoint says that it is at risk.
async fn told(tenant: &Tenant, name: &str) -> bool {
    let is_told = |object: &Value| condition(object, "AtRisk")["status"] == "True";
    let found = tenant
        .find_until("SpeechEndpoint", name, Duration::from_secs(15), is_told)
        .await;
    if let Err(last) = &found {
        println!("{}/{name}: {last}", tenant.name);
    }
    found.is_ok()
}
