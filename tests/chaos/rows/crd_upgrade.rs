//! The CRDs go back to those before and forth again, under living objects and a running operator.
use crate::{
    harness::in_time,
    law::{Expected, name_of},
    seed::{BASE_OLD, TEXT},
    tenant::{Tenant, is_ready},
    trial::{Patience, Trial},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// A field that the CRDs before do not know.
const NEW: &str = "/spec/forceOrphanAfter";
/// Fields of the status that they do not know: a pass works them out once more, and the API server drops them again.
const NEW_STATUS: [&str; 2] = ["creations", "decision"];
const SOON: Duration = Duration::from_secs(120);

/// Each run is one way back and one forth.
pub async fn run(trial: &mut Trial) {
    let objects = trial.sized(50, 1000);
    let tenant = trial
        .world
        .tenant(
            "crd-upgrade",
            json!({"rateLimit": {"requests": 1000, "perSeconds": 10}}),
        )
        .await;
    tenant
        .connect(json!({"pollInterval": "30s", "maxConcurrentTrainings": 50}))
        .await;
    trial.world.start_operator(&[]).await;
    for n in 0..objects {
        match n {
            0..20 => {
                let spec = json!({"model": {"base": {"id": BASE_OLD}}, "forceOrphanAfter": "1h"});
                tenant.endpoint(&format!("line-{n}"), spec).await;
            }
            20..30 => {
                let spec = json!({"source": {"training": {"datasets": [TEXT]}}, "forceOrphanAfter": "2h"});
                tenant.model(&format!("claims-{n}"), spec).await;
            }
            _ => {
                tenant
                    .model(&format!("base-{n}"), json!({"source": {"base": {}}}))
                    .await
            }
        }
    }
    trial
        .converge(&[&tenant], &Patience::within(Duration::from_secs(900)))
        .await;
    trial.check(&[&tenant], &Expected::default()).await;
    let before = stored(&tenant).await;
    let writes = tenant.writes().await;
    let runs = trial.times(1, 4);
    for run in 0..runs {
        let began = Instant::now();
        for (folder, knows) in [("tests/crds/previous", false), ("crds", true)] {
            install(trial, &tenant, folder, knows).await;
            // What runs goes on, and what starts under these CRDs finds everything as it was.
            if run % 2 == 0 {
                trial.world.kill_all();
                trial.world.start_operator(&[]).await;
            }
            tenant.control.advance("1m").await.unwrap();
            let looks = format!("{run}-{knows}");
            let ask = json!({"metadata": {"annotations": {"customspeech.dev/reconcile-requested-at": looks}}});
            tenant.patch("SpeechConnection", "speech", ask).await;
            tenant
                .until("SpeechConnection", "speech", "is looked at", |object| {
                    object["status"]["lastHandledReconcileAt"] == looks.as_str() && is_ready(object)
                })
                .await;
            let now = stored(&tenant).await;
            for (name, was) in &before {
                let mut was = was.clone();
                if !knows {
                    if let Some(field) = was.pointer_mut(NEW) {
                        *field = Value::Null;
                    }
                    let status = was["status"].as_object_mut().unwrap();
                    status.retain(|field, _| !NEW_STATUS.contains(&field.as_str()));
                }
                let is = now.get(name);
                if is != Some(&was) {
                    trial.violated(name, format!("{folder}: {was} became {is:?}"));
                }
            }
        }
        trial.ran(Some(began.elapsed()));
    }
    if tenant.writes().await != writes {
        trial.violated(&tenant.name, "a write to the service");
    }
    let evidence = trial.world.evidence(&[&tenant]).await;
    let ours = evidence
        .audit
        .iter()
        .filter(|write| write.resource != "events" && write.resource != "speechconnections");
    let mut again = BTreeMap::<&str, u64>::new();
    for write in ours {
        // No version has changed, so that what was written can only be what was dropped.
        let is_dropped = |field: &str| !write.body["status"][field].is_null();
        if write.subresource == "status" && NEW_STATUS.into_iter().any(is_dropped) {
            *again.entry(&write.name).or_default() += 1;
            continue;
        }
        trial.violated(
            &write.name,
            format!(
                "a write of ours: {} {}/{}",
                write.verb, write.resource, write.subresource
            ),
        );
    }
    for (name, times) in again.iter().filter(|(_, times)| **times > runs) {
        trial.violated(name, format!("{times} writes of what is dropped in {runs} runs"));
    }
    trial.check(&[&tenant], &Expected::default()).await;
    trial.saw(format!(
        "{objects} objects, {runs} times back and forth, 0 remote writes, 0 lost fields"
    ));
}

/// Installs CRDs and waits until the API server serves them.
async fn install(trial: &mut Trial, tenant: &Tenant, folder: &str, knows: bool) {
    let path = format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut args = vec!["apply".to_owned()];
    for file in ["speechconnections.yaml", "speechmodels.yaml", "speechendpoints.yaml"] {
        args.extend(["-f".to_owned(), format!("{path}/{file}")]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    trial.world.plane.kubectl_ok(&args).await.unwrap();
    in_time("the CRDs are served", SOON, async || {
        for (kind, name) in [("SpeechEndpoint", "line-0"), ("SpeechModel", "claims-20")] {
            match tenant.api(kind).get(name).await {
                Ok(object) => {
                    let object = serde_json::to_value(object).unwrap();
                    if object.pointer(NEW).is_some() != knows {
                        return Err(format!("{kind}: {}", object["spec"]));
                    }
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    })
    .await;
}

/// Spec, status, generation and resourceVersion of every object but the connection, whose annotation is asked by.
async fn stored(tenant: &Tenant) -> BTreeMap<String, Value> {
    let objects = tenant.objects().await;
    let own = objects.iter().filter(|object| object["kind"] != "SpeechConnection");
    let facts = |object: &Value| {
        let mut spec = object["spec"].clone();
        let field = spec["forceOrphanAfter"].take();
        spec.as_object_mut().unwrap().remove("forceOrphanAfter");
        let metadata = &object["metadata"];
        let value = json!({
            "spec": {"rest": spec, "forceOrphanAfter": field}, "status": object["status"],
            "generation": metadata["generation"], "resourceVersion": metadata["resourceVersion"],
            "finalizers": metadata["finalizers"],
        });
        (format!("{} {}", object["kind"], name_of(object)), value)
    };
    own.map(facts).collect()
}
