//! Somebody deletes endpoints, models and evaluations in the service again and again: what is made anew is bounded, told,
//! and comes to rest when he stops.
use crate::{
    law::{Expected, making},
    seed::{BASE_OLD, TEXT, days},
    tenant::Tenant,
    trial::{Patience, Trial},
};
use serde_json::{Value, json};
use std::time::Duration;

const OLD: &str = "35000000-0000-4000-8000-000000000001";
const NEW: &str = "35000000-0000-4000-8000-000000000002";
const AUDIO: &str = "20000000-0000-4000-8000-000000000003";

/// Each run is a step of time after which whatever is there goes again. Bounded: two hours; full: three days, with the
/// operator killed in between.
pub async fn run(trial: &mut Trial) {
    let now = trial.world.emulator.control().now().await.unwrap();
    let model = |id: &str, name: &str, valid: i64| {
        json!({
            "id": id, "displayName": name, "locale": "en-US", "createdDateTime": days(now, -50),
            "transcriptionDateTime": days(now, valid), "baseModel": BASE_OLD,
        })
    };
    let datasets = json!([
        {"id": AUDIO, "displayName": "calls", "kind": "Acoustic", "locale": "en-US", "contentUrl": "https://contoso.example/calls.zip"},
        {"id": TEXT, "displayName": "phrases", "kind": "Language", "locale": "en-US", "contentUrl": "https://contoso.example/text.txt"},
    ]);
    let change =
        json!({"models": [model(OLD, "old", 300), model(NEW, "new", 400)], "endpoints": [], "datasets": datasets});
    let tenant = trial.world.tenant("vanish", change).await;
    tenant.connect(json!({"pollInterval": "5s"})).await;
    trial.world.start_operator(&[]).await;
    tenant
        .endpoint(
            "line",
            json!({"model": {"base": {"id": BASE_OLD}}, "recreate": "WhenDeleted"}),
        )
        .await;
    tenant
        .model("claims", json!({"source": {"training": {"datasets": [TEXT]}}}))
        .await;
    tenant
        .endpoint(
            "follows",
            json!({"model": {"ref": {"name": "claims"}}, "recreate": "WhenDeleted"}),
        )
        .await;
    tenant
        .model(
            "named",
            json!({"source": {"existing": {"id": OLD}}, "deletionPolicy": "Retain"}),
        )
        .await;
    let gate = json!({"evaluation": {"dataset": AUDIO, "maxWordErrorRate": 0.2, "minWords": 1}});
    tenant
        .endpoint(
            "gated",
            json!({"model": {"ref": {"name": "named"}}, "swap": {"gate": gate}}),
        )
        .await;
    trial.converge(&[&tenant], &Patience::default()).await;
    let first = first_id(&tenant).await;
    // From here on an evaluation is wanted, and never there for long.
    let slow = json!({"timings": {"evaluation": 3600.0}});
    tenant.control.put_resource(&tenant.name, slow).await.unwrap();
    tenant
        .patch(
            "SpeechModel",
            "named",
            json!({"spec": {"source": {"existing": {"id": NEW}}}}),
        )
        .await;

    // Densely at first, so that whoever makes anew at once is seen; then as hours go by.
    let (dense, wide) = (trial.sized(12, 60), trial.sized(24, 72));
    for step in 0..dense + wide {
        remove_all(&tenant).await;
        trial.live(if step < dense { "5s" } else { "5m" }, 1).await;
        if trial.is_full && step % 20 == 10 {
            trial.world.kill_all();
            trial.world.start_operator(&[]).await;
        }
    }
    let expected = Expected {
        may_be_recreated: true,
        more_changes: 200,
        is_under_way: true,
        ..Expected::default()
    };
    trial.check(&[&tenant], &expected).await;
    for purpose in ["Endpoints_Create", "Models_Create", "Evaluations_Create"] {
        let orders = tenant.calls(purpose).await;
        trial.saw(format!("{orders} {purpose}"));
    }
    first_id_is_kept(trial, &tenant, &first).await;
    is_told(trial, &tenant).await;

    let patience = Patience {
        bound: Duration::from_secs(3 * 24 * 3600),
        jump: Duration::from_secs(600),
        stride: Duration::from_secs(2 * 3600),
        ..Patience::default()
    };
    trial.converge(&[&tenant], &patience).await;
    let expected = Expected {
        is_under_way: false,
        ..expected
    };
    trial.check(&[&tenant], &expected).await;
    let bounds: Vec<String> = making::BOUNDS
        .iter()
        .map(|(span, most)| format!("{most} in {span:#}"))
        .collect();
    trial.saw(format!("gone {} times; at most {}", dense + wide, bounds.join(", ")));
    trial.world.terminate_all().await;
}

/// Whatever bears our mark, or is an evaluation, goes behind our back; but for the endpoint that wants evaluations.
async fn remove_all(tenant: &Tenant) {
    let remote = tenant.remote().await;
    for kind in ["endpoints", "models", "evaluations"] {
        let marked = |one: &&Value| {
            let object = one["customProperties"]["customspeech.dev/object"].as_str();
            kind == "evaluations" || object.is_some_and(|object| !object.ends_with("/gated"))
        };
        for entity in remote[kind].as_array().into_iter().flatten().filter(marked) {
            let id = entity["id"].as_str().unwrap_or_default();
            // It may have gone in this moment.
            let _ = tenant.control.delete_entity(&tenant.name, kind, id).await;
        }
    }
}

async fn first_id(tenant: &Tenant) -> String {
    let line = tenant.find("SpeechEndpoint", "line").await.unwrap_or_default();
    line["status"]["id"].as_str().unwrap_or_default().to_owned()
}

/// The id that applications know is never forgotten.
async fn first_id_is_kept(trial: &mut Trial, tenant: &Tenant, first: &str) {
    let line = tenant.find("SpeechEndpoint", "line").await.unwrap_or_default();
    let status = &line["status"];
    let is_kept = status["id"] == first
        || status["formerIds"]
            .as_array()
            .is_some_and(|ids| ids.iter().any(|id| id == first));
    if !is_kept {
        trial.violated("vanish/line", format!("its first id {first} is forgotten: {status}"));
    }
}

/// That others delete what is ours is told by Warning events, for endpoints and models.
async fn is_told(trial: &mut Trial, tenant: &Tenant) {
    use k8s_openapi::api::events::v1::Event;
    let events: kube::Api<Event> = kube::Api::namespaced(tenant.client.clone(), &tenant.name);
    let all = events.list(&kube::api::ListParams::default()).await.unwrap();
    for (kind, name) in [("SpeechEndpoint", "line"), ("SpeechModel", "claims")] {
        let warns = |event: &&Event| {
            let about = event.regarding.as_ref();
            event.type_.as_deref() == Some("Warning")
                && about.is_some_and(|about| about.name.as_deref() == Some(name) && about.kind.as_deref() == Some(kind))
        };
        if !all.iter().any(|event| warns(&event)) {
            trial.violated(
                format!("vanish/{name}"),
                "no Warning tells that others delete what it has",
            );
        }
    }
}
