//! A backup is restored that holds the objects and no status: other uids, the same names.
use crate::{
    harness::KINDS,
    law::{Expected, name_of},
    seed::{BASE_OLD, ENDPOINT, MODEL, TEXT},
    tenant::{Tenant, is_ready},
    trial::{Patience, Trial},
};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use std::time::Duration;

/// What the service was asked to change.
const WRITES: [&str; 6] = [
    "Endpoints_Create",
    "Endpoints_Update",
    "Endpoints_Delete",
    "Models_Create",
    "Models_Update",
    "Models_Delete",
];

/// Each run: everything serves, the cluster is lost, the backup is restored, and everything serves again as before.
pub async fn run(trial: &mut Trial) {
    let (lines, models) = (trial.sized(6, 40), trial.sized(3, 20));
    let runs = trial.times(1, 3);
    for run in 0..runs {
        // Requests wait in real time, and the clock jumps meanwhile: so many deletions would seem to take minutes.
        let rate = json!({"rateLimit": {"requests": 1000, "perSeconds": 10}});
        let tenant = trial.world.tenant(&format!("restore-{run}"), rate).await;
        let budget = json!({"requests": 400, "per": "10s"});
        let spec = json!({"pollInterval": "30s", "maxConcurrentTrainings": 50, "requestBudget": budget});
        tenant.connect(spec).await;
        trial.world.start_operator(&[]).await;
        for n in 0..models {
            let spec = json!({"source": {"training": {"datasets": [TEXT]}}});
            tenant.model(&format!("claims-{n}"), spec).await;
        }
        for n in 0..lines {
            let model = match n % 2 {
                0 => json!({"base": {"id": BASE_OLD}}),
                _ => json!({"ref": {"name": format!("claims-{}", n % models)}}),
            };
            tenant.endpoint(&format!("line-{n}"), json!({"model": model})).await;
        }
        tenant
            .endpoint("adopted", json!({"model": {"id": MODEL}, "adopt": {"id": ENDPOINT}}))
            .await;
        trial.converge(&[&tenant], &Patience::default()).await;
        let before = standing(&tenant).await;
        let writes = written(&tenant).await;
        // The cluster is lost with its operator; what comes back has annotations or not, and finalizers or not.
        trial.world.kill_all();
        trial.check(&[&tenant], &Expected::default()).await;
        lose_and_restore(trial, &tenant).await;
        trial.forget_what_was_told();
        trial.world.start_operator(&[]).await;
        trial
            .converge(&[&tenant], &Patience::within(Duration::from_secs(900)))
            .await;
        let after = written(&tenant).await;
        if after != writes {
            trial.violated(&tenant.name, format!("writes went from {writes:?} to {after:?}"));
        }
        for (name, stood) in before {
            let stands = standing(&tenant).await.into_iter().find(|(other, _)| *other == name);
            if stands.as_ref().map(|(_, ids)| ids) != Some(&stood) {
                trial.violated(name, format!("stood for {stood}, now for {stands:?}"));
            }
        }
        let expected = Expected {
            more_changes: 1,
            ..Expected::default()
        };
        trial.check(&[&tenant], &expected).await;
        // What was taken over is deleted like what was made.
        for object in tenant.objects().await {
            if object["kind"] != "SpeechConnection" {
                tenant
                    .delete(
                        object["kind"].as_str().unwrap(),
                        object["metadata"]["name"].as_str().unwrap(),
                    )
                    .await;
            }
        }
        trial.converge(&[&tenant], &Patience::default()).await;
        trial.check(&[&tenant], &expected).await;
        trial.world.kill_all();
    }
    trial.saw(format!(
        "{} objects restored, 0 creates, 0 patches",
        runs * (lines + models + 2)
    ));
}

/// What each object stands for.
async fn standing(tenant: &Tenant) -> Vec<(String, Value)> {
    let objects = tenant.objects().await;
    let ids = |object: &Value| {
        let status = &object["status"];
        let past = status["history"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|past| past["id"].clone());
        json!([status["id"], status["current"]["id"], past.collect::<Vec<_>>()])
    };
    objects
        .iter()
        .map(|object| (format!("{} {}", object["kind"], name_of(object)), ids(object)))
        .collect()
}

async fn written(tenant: &Tenant) -> Vec<usize> {
    let mut counts = Vec::new();
    for operation in WRITES {
        counts.push(tenant.calls(operation).await);
    }
    counts
}

async fn lose_and_restore(trial: &mut Trial, tenant: &Tenant) {
    let backup = tenant.objects().await;
    let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    for object in &backup {
        let (kind, name) = (
            object["kind"].as_str().unwrap(),
            object["metadata"]["name"].as_str().unwrap(),
        );
        let api = tenant.api(kind);
        api.patch(name, &PatchParams::default(), &free).await.unwrap();
        api.delete(name, &DeleteParams::default()).await.unwrap();
    }
    assert_eq!(KINDS.len(), 3, "every kind is restored");
    for object in backup {
        let mut metadata = json!({"name": object["metadata"]["name"]});
        if trial.chance.below(2) == 0 {
            metadata["annotations"] = object["metadata"]["annotations"].clone();
        }
        if trial.chance.below(2) == 0 {
            metadata["finalizers"] = object["metadata"]["finalizers"].clone();
        }
        let restored = json!({
            "apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": metadata, "spec": object["spec"],
        });
        tenant.apply(restored).await;
    }
    let objects = tenant.objects().await;
    assert!(objects.iter().all(|object| !is_ready(object)), "no status came back");
}
