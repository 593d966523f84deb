//! Objects that are made, changed and deleted by chance while something else goes wrong.
use crate::{
    seed::{self, BASE_NEW, BASE_OLD, MORE_TEXT, TEXT},
    tenant::Tenant,
    trial::{Patience, Trial},
};
use serde_json::{Value, json};
use std::time::Duration;

/// Slots of one Speech resource, two objects each.
const SLOTS: u64 = 20;

/// What a slot is used for.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A trained model and an endpoint that follows it.
    Trained,
    /// An endpoint that serves base models, and one that exports.
    Base,
    /// A model copied from the next Speech resource, and an endpoint that follows it.
    Copied,
}

/// Two objects that live together: made, changed, deleted, and made anew under another name.
#[derive(Debug)]
struct Slot {
    tenant: usize,
    number: u64,
    kind: Kind,
    life: u64,
    /// 0 = absent; then the number of changes and one.
    age: u64,
}

/// Some Speech resources and the objects that live there.
pub struct Fleet {
    /// The Speech resources.
    pub tenants: Vec<Tenant>,
    slots: Vec<Slot>,
    /// How many changes were made.
    pub steps: u64,
}

impl Fleet {
    /// Room for so many objects, none of which is there yet. Names begin with `name`.
    pub async fn prepare(trial: &mut Trial, name: &str, objects: u64) -> Self {
        let mut tenants = Vec::new();
        for number in 0..objects.div_ceil(2 * SLOTS).max(2) {
            tenants.push(prepare(trial, &format!("{name}-{number}")).await);
        }
        let slots = (0..objects / 2).map(|number| slot(number, tenants.len())).collect();
        Self {
            tenants,
            slots,
            steps: 0,
        }
    }

    /// The Speech resources, as the laws take them.
    pub fn everybody(&self) -> Vec<&Tenant> {
        self.tenants.iter().collect()
    }

    /// Something happens to an object, or its first life begins.
    pub async fn step(&mut self, trial: &mut Trial) {
        let index = usize::try_from(trial.chance.below(self.slots.len() as u64)).unwrap();
        step(trial, &self.tenants, &mut self.slots[index]).await;
        self.steps += 1;
    }

    /// Deletes every object.
    pub async fn delete_all(&mut self) {
        for slot in self.slots.iter_mut().filter(|slot| slot.age > 0) {
            delete(&self.tenants, slot).await;
        }
    }

    /// After everything was deleted and came to rest: only what was there at first.
    pub async fn is_as_at_first(&self, trial: &mut Trial) {
        for tenant in &self.tenants {
            let remote = tenant.remote().await;
            let left = ["endpoints", "models"]
                .into_iter()
                .map(|kind| remote[kind].as_array().map_or(0, Vec::len));
            let left: usize = left.sum();
            if left != tenant.seeded.len() {
                let what = format!(
                    "{left} entities are left after everything was deleted, at first there were {}",
                    tenant.seeded.len()
                );
                trial.violated(&tenant.name, what);
            }
        }
    }

    /// How long to wait until all is at rest: a copy is looked for during half an hour, and one waits for another.
    pub fn patience() -> Patience {
        Patience {
            bound: Duration::from_secs(5400),
            stride: Duration::from_secs(300),
            rest: Duration::from_millis(600),
            ..Patience::default()
        }
    }

    /// Now and then the service does something wrong as well.
    pub async fn strike(&self, trial: &mut Trial) {
        let operations = [
            "Endpoints_Create",
            "Models_Create",
            "Models_Copy",
            "Endpoints_Update",
            "Models_Delete",
            "Endpoints_Delete",
        ];
        if !trial.chance.hits(0.4) {
            return;
        }
        let operation = *trial.chance.pick(&operations).unwrap();
        let creates = operation.ends_with("Create");
        let action: Value = match trial.chance.below(3) {
            0 => json!({"loseResponse": true}),
            1 if creates => json!({"commitLate": {"delayMs": 2000}}),
            _ => json!({"delayMs": 400}),
        };
        let tenant = trial.chance.pick(&self.tenants).unwrap();
        tenant.strike(operation, action).await;
    }
}

async fn prepare(trial: &mut Trial, name: &str) -> Tenant {
    let timings = json!({"endpointCreate": 0.3, "endpointUpdate": 0.3, "training": 0.5, "dataset": 0.1, "copy": 0.4});
    let now = trial.world.emulator.control().now().await.unwrap();
    // Models to copy for each slot: objects that copy the same model take turns.
    let mut models = seed::resource(name, now)["models"].as_array().unwrap().clone();
    for slot in 0..SLOTS * 4 {
        let mut model = models[0].clone();
        model["id"] = json!(model_id(slot));
        // Two and two look alike, and so do their copies.
        model["displayName"] = json!(format!("original {}", slot / 2));
        models.push(model);
    }
    let rate = json!({"requests": 0, "perSeconds": 10});
    let change = json!({"timings": timings, "rateLimit": rate, "latencyMs": 10, "models": models});
    let tenant = trial.world.tenant(name, change).await;
    let spec = json!({
        "pollInterval": "30s", "requestBudget": {"requests": 400, "per": "10s"}, "maxConcurrentTrainings": 50,
        "maxConcurrentSwaps": 50, "allowedNamespaces": {"from": "All"}, "resourceId": tenant.resource_id(),
    });
    tenant.connect(spec).await;
    tenant
}

fn model_id(number: u64) -> String {
    uuid::Uuid::from_u128(0x3200_0000_0000_4000_8000_0000_0000_0000 + u128::from(number)).to_string()
}

fn slot(number: u64, tenants: usize) -> Slot {
    let kinds = [Kind::Trained, Kind::Base, Kind::Copied, Kind::Trained];
    let kind = kinds[usize::try_from(number).unwrap() / tenants % kinds.len()];
    Slot {
        tenant: usize::try_from(number).unwrap() % tenants,
        number,
        kind,
        life: 0,
        age: 0,
    }
}

/// The next thing that happens to a slot.
async fn step(trial: &mut Trial, tenants: &[Tenant], slot: &mut Slot) {
    if slot.age > 0 && (slot.age > 3 || trial.chance.hits(0.15)) {
        return delete(tenants, slot).await;
    }
    if slot.age == 0 {
        slot.life += 1;
    }
    slot.age += 1;
    let tenant = &tenants[slot.tenant];
    let (line, claims) = names(slot);
    match slot.kind {
        Kind::Trained => {
            let datasets = if slot.age.is_multiple_of(2) {
                vec![TEXT, MORE_TEXT]
            } else {
                vec![TEXT]
            };
            let training = json!({"datasets": datasets, "customModelWeightPercent": 10 + slot.age});
            tenant.model(&claims, json!({"source": {"training": training}})).await;
        }
        Kind::Copied => {
            // Each life copies a model of its own, and the next change names another.
            let id = model_id((slot.number / tenants.len() as u64 * 4 + slot.age - 1) % (SLOTS * 4));
            let next = &tenants[(slot.tenant + 1) % tenants.len()];
            let connection = json!({"name": "speech", "namespace": next.name});
            tenant
                .model(
                    &claims,
                    json!({"source": {"copy": {"connectionRef": connection, "id": id}}}),
                )
                .await;
        }
        Kind::Base => {
            let export = json!({"configMap": {"name": claims}});
            tenant
                .endpoint(
                    &claims,
                    json!({"model": {"base": {"id": BASE_NEW}}, "exportTo": export}),
                )
                .await;
        }
    }
    let model = match (slot.kind, slot.age) {
        (Kind::Base, 1) => json!({"base": {"id": BASE_OLD}}),
        (Kind::Base, _) => json!({"base": {"id": BASE_NEW}}),
        (Kind::Trained | Kind::Copied, _) => json!({"ref": {"name": claims}}),
    };
    tenant
        .endpoint(
            &line,
            json!({"model": model, "description": format!("age {}", slot.age)}),
        )
        .await;
}

/// The names of a slot's objects in this life.
fn names(slot: &Slot) -> (String, String) {
    (
        format!("line-{}-{}", slot.number, slot.life),
        format!("claims-{}-{}", slot.number, slot.life),
    )
}

async fn delete(tenants: &[Tenant], slot: &mut Slot) {
    let (line, claims) = names(slot);
    let tenant = &tenants[slot.tenant];
    tenant.delete("SpeechEndpoint", &line).await;
    let kind = match slot.kind {
        Kind::Base => "SpeechEndpoint",
        Kind::Trained | Kind::Copied => "SpeechModel",
    };
    tenant.delete(kind, &claims).await;
    slot.age = 0;
}
