//! The same manifests are applied again and again, as Flux and Argo CD do: there is nothing to fight about.
use crate::{
    law::{Expected, name_of},
    seed::{BASE_OLD, TEXT},
    tenant::{Tenant, is_ready},
    trial::{Patience, Trial},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An hour of applies, one a minute.
pub async fn run(trial: &mut Trial) {
    let (objects, minutes) = (trial.sized(5, 40), trial.times(8, 60));
    let tenant = trial.world.tenant("gitops", json!({})).await;
    trial.world.start_operator(&[]).await;
    declare(&tenant, objects).await;
    trial.converge(&[&tenant], &Patience::default()).await;
    trial.check(&[&tenant], &Expected::default()).await;
    // The connection counts what there is at its next look.
    tenant.control.advance("1m").await.unwrap();
    tenant
        .until("SpeechConnection", "speech", "has counted", |object| {
            object["status"]["endpoints"] == objects + 1 && object["status"]["models"] == objects + 1
        })
        .await;
    let looked = trial.world.evidence(&[&tenant]).await;
    trial.saw(format!("{} writes of ours before", looked.audit.len()));
    let (before, calls) = (versions(&tenant).await, tenant.writes().await);
    for _ in 0..minutes {
        declare(&tenant, objects).await;
        tenant.control.advance("1m").await.unwrap();
        let behind = tenant.objects().await.iter().filter(|object| !is_ready(object)).count();
        if behind > 0 {
            trial.violated(&tenant.name, format!("I5: {behind} objects are not Ready any more"));
        }
        trial.ran(None);
    }
    for (name, is) in versions(&tenant).await {
        let was = before.get(&name);
        if was != Some(&is) {
            trial.violated(name, format!("generation and version went from {was:?} to {is:?}"));
        }
    }
    let evidence = trial.world.evidence(&[&tenant]).await;
    for write in evidence.audit.iter().filter(|write| write.resource != "events") {
        trial.violated(
            &write.name,
            format!("a write of ours: {} {}", write.verb, write.resource),
        );
    }
    if tenant.writes().await != calls {
        trial.violated(&tenant.name, "a write to the service");
    }
    trial.saw(format!(
        "{} applies, 0 differences, 0 writes of ours",
        minutes * (2 * objects + 2)
    ));
}

async fn declare(tenant: &Tenant, objects: u64) {
    tenant
        .connect(json!({"pollInterval": "30s", "maxConcurrentTrainings": 50}))
        .await;
    for n in 0..objects {
        let spec = json!({"source": {"training": {"datasets": [TEXT]}}, "exportTo": {"configMap": {"name": format!("model-{n}")}}});
        tenant.model(&format!("claims-{n}"), spec).await;
        let model = match n % 2 {
            0 => json!({"base": {"id": BASE_OLD}}),
            _ => json!({"ref": {"name": format!("claims-{n}")}}),
        };
        let export = json!({"configMap": {"name": format!("line-{n}")}});
        tenant
            .endpoint(&format!("line-{n}"), json!({"model": model, "exportTo": export}))
            .await;
    }
}

/// Generation and resourceVersion: no write of anybody changed anything.
async fn versions(tenant: &Tenant) -> BTreeMap<String, (Value, Value)> {
    let objects = tenant.objects().await;
    let facts = |object: &Value| {
        let metadata = &object["metadata"];
        (
            format!("{} {}", object["kind"], name_of(object)),
            (metadata["generation"].clone(), metadata["resourceVersion"].clone()),
        )
    };
    objects.iter().map(facts).collect()
}
