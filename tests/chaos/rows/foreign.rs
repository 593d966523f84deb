//! A remote endpoint with the mark of another owner: told, never fought.
use super::claims::{claim, connected};
use crate::{
    harness::{condition, eventually},
    law::Expected,
    seed::{BASE_OLD, ENDPOINT},
    tenant::Tenant,
    trial::Trial,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(60);

/// The mark of another owner is told and never touched, whatever the object asks for.
pub async fn run(trial: &mut Trial) {
    let mut told = 0;
    for run in 0..trial.times(1, 5) {
        let tenant = connected(trial, &format!("foreign-{run}")).await;
        let mark = json!({"customProperties": {
            "customspeech.dev/uid": "7d3c6f62-0000-4000-8000-000000000000", "customspeech.dev/object": "theirs/line",
            "customspeech.dev/cluster": "another", "customspeech.dev/attempt": "1",
        }});
        tenant
            .control
            .patch_entity(&tenant.name, "endpoints", ENDPOINT, mark)
            .await
            .unwrap();
        let before = entity(&tenant).await;
        for (n, spec) in [
            json!({}),
            json!({"displayName": "ours"}),
            json!({"model": {"base": {"id": BASE_OLD}}}),
            json!({"deletionPolicy": "Delete"}),
        ]
        .into_iter()
        .enumerate()
        {
            let mut all = claim();
            all.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
            tenant.endpoint(&format!("claim-{n}"), all).await;
        }
        // Who has nothing to write learns of the mark by the next regular look.
        tenant.control.advance("61s").await.unwrap();
        let began = Instant::now();
        for n in 0..4 {
            let name = format!("claim-{n}");
            tenant
                .until("SpeechEndpoint", &name, "tells the owner", |object| {
                    condition(object, "Stalled")["reason"] == "OwnedByAnother"
                })
                .await;
            told += 1;
            tenant.delete("SpeechEndpoint", &name).await;
        }
        let gone = eventually("the claims are gone", SOON, async || {
            let left = tenant.objects().await.len();
            if left == 1 {
                Ok(())
            } else {
                Err(format!("{left} objects"))
            }
        });
        if let Err(error) = gone.await {
            trial.violated(&tenant.name, format!("I6: {error}"));
        }
        trial.ran(Some(began.elapsed()));
        if entity(&tenant).await != before {
            trial.violated(&tenant.name, "the other owner's endpoint was touched");
        }
        let writes = tenant.journal().await;
        for write in writes.iter().filter(|entry| entry["method"] != "GET") {
            trial.violated(&tenant.name, format!("a write: {}", write["operation"]));
        }
        let expected = Expected {
            retained: ["theirs/line".to_owned()].into(),
            ..Expected::default()
        };
        trial.check(&[&tenant], &expected).await;
    }
    trial.saw(format!("{told} claims told, 0 writes"));
}

async fn entity(tenant: &Tenant) -> Option<Value> {
    let remote = tenant.remote().await;
    remote["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["id"] == ENDPOINT)
        .cloned()
}
