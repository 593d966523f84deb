//! A gateway answers for the service: nothing is taken for gone, made anew or deleted by its word; what was to be deleted
//! is held, and deleted when the service itself answers again, or told as an orphan when its time is over.
use super::lie::{self, Lie};
use crate::{
    law::Expected,
    seed::{BASE_OLD, TEXT},
    tenant::Tenant,
    trial::{Patience, Trial},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

/// What is deleted while somebody else answers, first in passing, then for good.
const LEAVING: [(&str, &str); 4] = [
    ("SpeechEndpoint", "leaving"),
    ("SpeechModel", "leaving-model"),
    ("SpeechEndpoint", "lost"),
    ("SpeechModel", "lost-model"),
];

/// Each run is a lie, told to a Speech resource of its own, in passing and then until the deletions give up.
pub async fn run(trial: &mut Trial) {
    let lies = if trial.is_full { lie::many() } else { lie::few() };
    trial.world.start_operator(&[]).await;
    let mut told = Vec::new();
    for lie in lies {
        let tenant = trial.world.tenant(&format!("gateway-{}", lie.name), json!({})).await;
        declare(&tenant).await;
        told.push((tenant, lie));
    }
    let all: Vec<&Tenant> = told.iter().map(|(tenant, _)| tenant).collect();
    trial.converge(&all, &Patience::default()).await;
    trial.check(&all, &Expected::default()).await;

    passes(trial, &told, &LEAVING[..2], 10).await;
    trial.converge(&all, &Patience::default()).await;
    trial.check(&all, &expected()).await;

    passes(trial, &told, &LEAVING[2..], 45).await;
    trial.converge(&all, &Patience::default()).await;
    trial.check(&all, &expected()).await;
    trial.saw(format!(
        "{} lies, each in passing and until deletions gave up",
        told.len()
    ));
    trial.world.terminate_all().await;
}

fn expected() -> Expected {
    Expected {
        may_be_orphaned: true,
        // Connections break and heal, and with them what they serve.
        more_changes: 6,
        ..Expected::default()
    }
}

async fn declare(tenant: &Tenant) {
    tenant
        .connect(json!({"pollInterval": "5s", "requestBudget": {"requests": 400, "per": "10s"}}))
        .await;
    let base = json!({"model": {"base": {"id": BASE_OLD}}, "recreate": "WhenDeleted"});
    let training = json!({"source": {"training": {"datasets": [TEXT]}}});
    tenant.endpoint("stays", base.clone()).await;
    tenant.model("stays-model", training.clone()).await;
    for (kind, name) in LEAVING {
        if kind == "SpeechModel" {
            tenant.model(name, training.clone()).await;
        } else {
            tenant.endpoint(name, base.clone()).await;
        }
    }
}

/// Somebody else answers for so many half-minutes while these are deleted; then the service answers again.
async fn passes(trial: &mut Trial, told: &[(Tenant, Lie)], leaving: &[(&str, &str)], times: u32) {
    let mut before = Vec::new();
    for (tenant, lie) in told {
        before.push((entities(&tenant.remote().await), orders(tenant).await));
        lie.begin(tenant).await;
        for (kind, name) in leaving {
            tenant.delete(kind, name).await;
        }
    }
    trial.live("30s", times).await;
    for ((tenant, lie), (was, ordered)) in told.iter().zip(&before) {
        let is = entities(&tenant.remote().await);
        let name = format!("{} ({})", tenant.name, lie.name);
        if let Some(new) = is.difference(was).next() {
            trial.violated(&name, format!("{new} was made while somebody else answered"));
        }
        let more = orders(tenant).await.saturating_sub(*ordered);
        if more > 0 {
            trial.violated(&name, format!("{more} orders left while somebody else answered"));
        }
        let leaving: BTreeSet<String> = leaving
            .iter()
            .map(|(_, name)| format!("{}/{name}", tenant.name))
            .collect();
        for gone in was.difference(&is).filter(|entity| !leaving.contains(&entity.object)) {
            trial.violated(&name, format!("{gone} was deleted, and its object lives"));
        }
        vanished(trial, tenant, &is, &leaving).await;
    }
    trial.world.emulator.control().clear_faults().await.unwrap();
}

/// Objects that went while their entity is there said what they left.
async fn vanished(trial: &mut Trial, tenant: &Tenant, is: &BTreeSet<Entity>, leaving: &BTreeSet<String>) {
    let evidence = trial.world.evidence_of_orphans(&[tenant]).await;
    let objects: BTreeSet<String> = tenant.objects().await.iter().map(crate::law::name_of).collect();
    for entity in is.iter().filter(|entity| leaving.contains(&entity.object)) {
        if !objects.contains(&entity.object) && !evidence.contains(&entity.object) {
            trial.violated(
                &entity.object,
                format!("is gone, {entity} is there, and nothing told of an orphan"),
            );
        }
    }
}

/// An entity with our mark.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entity {
    kind: &'static str,
    id: String,
    /// `namespace/name` of the object in its mark.
    pub object: String,
}

impl std::fmt::Display for Entity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} of {}", self.kind, self.id, self.object)
    }
}

/// What a Speech resource holds that bears our mark.
pub fn entities(remote: &Value) -> BTreeSet<Entity> {
    let mut found = BTreeSet::new();
    for (kind, list) in [("endpoint", "endpoints"), ("model", "models")] {
        for entity in remote[list].as_array().into_iter().flatten() {
            let object = entity["customProperties"]["customspeech.dev/object"].as_str();
            if let (Some(object), Some(id)) = (object, entity["id"].as_str()) {
                found.insert(Entity {
                    kind,
                    id: id.to_owned(),
                    object: object.to_owned(),
                });
            }
        }
    }
    found
}

/// How many orders have left.
async fn orders(tenant: &Tenant) -> usize {
    let journal = tenant.journal().await;
    journal.iter().filter(|entry| entry["method"] == "POST").count()
}

/// How long a moment is in which an operator acts on what is new.
const MOMENT: Duration = Duration::from_millis(250);

impl Trial {
    /// Lets time pass in steps, with a moment after each for what follows from it.
    pub async fn live(&self, step: &str, times: u32) {
        for _ in 0..times {
            self.world.emulator.control().advance(step).await.unwrap();
            tokio::time::sleep(MOMENT).await;
        }
    }
}
