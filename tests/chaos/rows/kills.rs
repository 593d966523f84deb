//! The operator is killed at random, over the whole life of many objects.

use std::time::Duration;

use serde_json::{Value, json};

use crate::law::Expected;
use crate::seed::{self, BASE_NEW, BASE_OLD, MORE_TEXT, TEXT};
use crate::tenant::Tenant;
use crate::trial::{Patience, Trial};

/// Kills between two looks at whether everything has come to rest as declared.
const ROUND: u64 = 25;
/// Objects of one Speech resource, two to a slot.
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

/// Each run is a round of kills. Bounded: 15 kills over 20 objects; full: 1,000 over 200.
pub async fn run(trial: &mut Trial) {
    let kills = trial.times(15, 1000);
    let objects = trial.sized(20, 200);
    let tenants = prepare(trial, objects.div_ceil(2 * SLOTS)).await;
    let mut slots: Vec<Slot> = (0..objects / 2).map(|number| slot(number, tenants.len())).collect();
    let everybody: Vec<&Tenant> = tenants.iter().collect();
    let mut steps = 0;
    for kill in 0..kills {
        if kill % ROUND == 0 {
            let lag = trial.chance.below(tenants.len() as u64 + 1);
            if let Some(tenant) = tenants.get(usize::try_from(lag).unwrap()) {
                tenant
                    .strike_always("*", json!({"listLag": {"seconds": 30}}), json!({}))
                    .await;
            }
        }
        for _ in 0..=trial.chance.below(4) {
            let index = usize::try_from(trial.chance.below(slots.len() as u64)).unwrap();
            step(trial, &tenants, &mut slots[index]).await;
            steps += 1;
        }
        strike(trial, &tenants).await;
        live_a_while(trial).await;
        trial.world.kill_all();
        if kill % ROUND == ROUND / 2 {
            trial.world.emulator.control().advance("45s").await.unwrap();
        }
        if (kill + 1) % ROUND == 0 || kill + 1 == kills {
            trial.learn(&everybody).await;
            rest(trial, &everybody).await;
            println!("{} kills, {} violations", kill + 1, trial.report.violations.len());
        }
    }
    let made = everybody.len();
    trial.saw(format!(
        "{kills} kills over {objects} objects of {made} Speech resources, {steps} changes"
    ));
    trial.world.start_operator(&[]).await;
    for slot in &mut slots {
        if slot.age > 0 {
            delete(&tenants, slot).await;
        }
    }
    rest(trial, &everybody).await;
    let mut count = 0;
    for tenant in &everybody {
        let remote = tenant.remote().await;
        count += ["endpoints", "models"]
            .into_iter()
            .map(|kind| remote[kind].as_array().map_or(0, Vec::len))
            .sum::<usize>();
    }
    let seeded: usize = everybody.iter().map(|tenant| tenant.seeded.len()).sum();
    if count != seeded {
        trial.violated(
            "the services",
            format!("{count} entities are left, {seeded} were there at first, after everything was deleted"),
        );
    }
}

async fn prepare(trial: &mut Trial, count: u64) -> Vec<Tenant> {
    let mut tenants = Vec::new();
    for number in 0..count.max(2) {
        let name = format!("kills-{number}");
        let timings =
            json!({"endpointCreate": 0.3, "endpointUpdate": 0.3, "training": 0.5, "dataset": 0.1, "copy": 0.4});
        let now = trial.world.emulator.control().now().await.unwrap();
        // One model to copy for each slot: objects that copy the same model take turns.
        let mut models = seed::resource(&name, now)["models"].as_array().unwrap().clone();
        for slot in 0..SLOTS * 4 {
            let mut model = models[0].clone();
            model["id"] = json!(model_id(slot));
            models.push(model);
        }
        let rate = json!({"requests": 0, "perSeconds": 10});
        let change = json!({"timings": timings, "rateLimit": rate, "latencyMs": 10, "models": models});
        let tenant = trial.world.tenant(&name, change).await;
        let spec = json!({
            "pollInterval": "30s", "requestBudget": {"requests": 400, "per": "10s"}, "maxConcurrentTrainings": 50,
            "maxConcurrentSwaps": 50, "allowedNamespaces": {"from": "All"}, "resourceId": tenant.resource_id(),
        });
        tenant.connect(spec).await;
        tenants.push(tenant);
    }
    tenants
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

/// Now and then the service does something wrong as well.
async fn strike(trial: &mut Trial, tenants: &[Tenant]) {
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
    let tenant = trial.chance.pick(tenants).unwrap();
    tenant.strike(operation, action).await;
}

/// Starts an operator and lets it work for a moment: sometimes not even until it is ready.
async fn live_a_while(trial: &mut Trial) {
    let moment = if trial.chance.hits(0.2) {
        trial.world.start_operator_with(&[], &[], None);
        trial.chance.below(300)
    } else {
        trial.world.start_operator(&[]).await;
        trial.chance.below(500)
    };
    tokio::time::sleep(Duration::from_millis(moment)).await;
}

/// No more faults: everything comes to rest as declared.
async fn rest(trial: &mut Trial, everybody: &[&Tenant]) {
    trial.world.emulator.control().clear_faults().await.unwrap();
    if trial.world.operators.is_empty() {
        trial.world.start_operator(&[]).await;
    }
    let patience = Patience {
        bound: Duration::from_secs(5400), // a copy is looked for during half an hour, and one waits for another
        jump: Duration::from_secs(60),
        rest: Duration::from_millis(600),
    };
    trial.converge(everybody, &patience).await;
    trial.check(everybody, &Expected::default()).await;
    trial.world.kill_all();
}
