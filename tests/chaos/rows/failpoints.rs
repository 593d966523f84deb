//! The operator is killed at each named point between an intent and its status, one by one.
use crate::{
    harness::{condition, eventually, in_time},
    law::Expected,
    seed::{self, BASE_NEW, BASE_OLD, TEXT},
    tenant::Tenant,
    trial::{Patience, Trial},
};
use serde_json::{Value, json};
use speech_operator::controller::{Failpoint, STAND_STILL_AT};
use std::time::Duration;
use uuid::Uuid;

const AUDIO: &str = "20000000-0000-4000-8000-000000000003";

/// What goes wrong beside the death of the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variation {
    /// Nothing.
    Plain,
    /// The service acts, and its answer is lost.
    Lost,
    /// The service cuts the connection and acts a minute later.
    Late,
    /// Lists show what is new after 30 s.
    Lag,
}

const VARIATIONS: [Variation; 4] = [Variation::Plain, Variation::Lost, Variation::Late, Variation::Lag];

/// What an object is to live through so that its pass comes by a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    Create,
    Train,
    Copy,
    Swap,
    Gate,
    DeleteEndpoint,
    DeleteModel,
    Export,
}

/// The story of each point, the operation of the service that it is next to, and whether that one creates something.
fn story(point: Failpoint) -> (Story, Option<(&'static str, bool)>) {
    match point {
        Failpoint::BeforeAnnouncement | Failpoint::AfterAnnouncement => (Story::Create, None),
        Failpoint::BeforeStatus | Failpoint::AfterStatus => (Story::Create, None),
        Failpoint::BeforeCreateEndpoint => (Story::Create, None),
        Failpoint::AfterCreateEndpoint => (Story::Create, Some(("Endpoints_Create", true))),
        Failpoint::BeforeTrain => (Story::Train, None),
        Failpoint::AfterTrain => (Story::Train, Some(("Models_Create", true))),
        Failpoint::BeforeCopy | Failpoint::LeaveGiven | Failpoint::AfterFollow => (Story::Copy, None),
        Failpoint::AfterCopy => (Story::Copy, Some(("Models_Copy", true))),
        Failpoint::BeforeUpdateModel => (Story::Copy, None),
        Failpoint::AfterUpdateModel => (Story::Copy, Some(("Models_Update", false))),
        Failpoint::BeforeUpdateEndpoint => (Story::Swap, None),
        Failpoint::AfterUpdateEndpoint => (Story::Swap, Some(("Endpoints_Update", false))),
        Failpoint::BeforeEvaluate | Failpoint::BeforeDeleteEvaluation => (Story::Gate, None),
        Failpoint::AfterEvaluate => (Story::Gate, Some(("Evaluations_Create", true))),
        Failpoint::AfterDeleteEvaluation => (Story::Gate, Some(("Evaluations_Delete", false))),
        Failpoint::BeforeDeleteEndpoint | Failpoint::BeforeRelease | Failpoint::AfterRelease => {
            (Story::DeleteEndpoint, None)
        }
        Failpoint::AfterDeleteEndpoint => (Story::DeleteEndpoint, Some(("Endpoints_Delete", false))),
        Failpoint::BeforeDeleteModel => (Story::DeleteModel, None),
        Failpoint::AfterDeleteModel => (Story::DeleteModel, Some(("Models_Delete", false))),
        Failpoint::BeforeExport | Failpoint::AfterExport => (Story::Export, None),
    }
}

/// Whether a variation changes anything at a point: what concerns answers needs a request, what comes late is new.
fn applies(variation: Variation, point: Failpoint) -> bool {
    let (story, operation) = story(point);
    match variation {
        Variation::Plain => true,
        Variation::Lost => operation.is_some(),
        Variation::Late => operation.is_some_and(|(_, creates)| creates),
        Variation::Lag => matches!(story, Story::Create | Story::Train | Story::Copy),
    }
}

/// One Speech resource of its own for each variation, and the one that copies come from.
struct Stage {
    variation: Variation,
    tenant: Tenant,
    west: Tenant,
}

/// Bounded: every point plain, and the creations with each variation; the objects converge together at the end.
/// Full: every point with every variation that applies, each followed until it has converged.
pub async fn run(trial: &mut Trial) {
    let is_full = trial.is_full;
    let mut stages = Vec::new();
    for variation in VARIATIONS {
        stages.push(prepare(trial, variation).await);
    }
    trial.world.start_operator(&[]).await;
    for stage in &stages {
        for point in Failpoint::ALL {
            begin(stage, point).await;
        }
    }
    let everybody: Vec<&Tenant> = stages.iter().flat_map(|stage| [&stage.tenant, &stage.west]).collect();
    settle(trial, &everybody).await;
    let counted = trial.report.runs; // this was no fault
    trial.world.kill_all();
    for stage in stages.iter().filter(|stage| stage.variation == Variation::Lag) {
        stage
            .tenant
            .strike_always("*", json!({"listLag": {"seconds": 30}}), json!({}))
            .await;
        stage
            .west
            .strike_always("*", json!({"listLag": {"seconds": 30}}), json!({}))
            .await;
    }
    let mut kills = 0;
    for stage in &stages {
        for point in Failpoint::ALL
            .into_iter()
            .filter(|point| applies(stage.variation, *point))
        {
            let creates = story(point).1.is_some_and(|(_, creates)| creates);
            if !is_full && stage.variation != Variation::Plain && !creates {
                continue;
            }
            kill_at(trial, stage, point).await;
            kills += 1;
            if is_full {
                trial.world.start_operator(&[]).await;
                settle(trial, &[&stage.tenant, &stage.west]).await;
                trial.world.kill_all();
            }
        }
    }
    trial.world.start_operator(&[]).await;
    settle(trial, &everybody).await;
    trial.report.runs = if is_full {
        trial.report.runs - counted - 1
    } else {
        kills
    };
    trial.check(&everybody, &Expected::default()).await;
    for stage in &stages {
        no_evaluation_is_left(trial, &stage.tenant).await;
    }
    trial.saw(format!("{kills} kills at {} points", Failpoint::ALL.len()));
}

async fn settle(trial: &mut Trial, tenants: &[&Tenant]) {
    let patience = Patience {
        // A copy is looked for during half an hour, then made anew, which takes its time, found and marked; and the clock
        // moves on by a stride for each of these.
        bound: Duration::from_secs(2 * 3600),
        stride: Duration::from_secs(300),
        rest: Duration::from_millis(500),
        ..Patience::default()
    };
    trial.converge(tenants, &patience).await;
}

/// The id of the nth model that a point's object needs: to copy, to serve first, to serve next.
fn model_id(point: Failpoint, number: u128) -> String {
    Uuid::from_u128(0x3100_0000_0000_4000_8000_0000_0000_0000 + (point as u128) * 16 + number).to_string()
}

async fn prepare(trial: &mut Trial, variation: Variation) -> Stage {
    let name = format!("points-{variation:?}").to_lowercase();
    let now = trial.world.emulator.control().now().await.unwrap();
    let seed = seed::resource(&name, now);
    let mut models = seed["models"].as_array().unwrap().clone();
    let mut scores = serde_json::Map::new();
    let model = |id: &str, days: i64| {
        let mut model = seed["models"][0].clone();
        model["id"] = json!(id);
        model["displayName"] = json!(format!("model {id}"));
        model["transcriptionDateTime"] = json!(seed::days(now, days));
        model
    };
    for point in Failpoint::ALL {
        for (number, days) in [(0, 400), (1, 410), (2, 450)] {
            models.push(model(&model_id(point, number), days));
            scores.insert(
                format!("models/{}", model_id(point, number)),
                json!({"wordErrorRate": 0.1, "wordCount": 2000}),
            );
        }
    }
    let mut datasets = seed["datasets"].as_array().unwrap().clone();
    datasets.push(json!({
        "id": AUDIO, "displayName": "calls", "kind": "Acoustic", "locale": "en-US", "contentUrl": "https://contoso.example/calls.zip",
    }));
    let timings = json!({"endpointCreate": 0.2, "endpointUpdate": 0.2, "training": 0.2, "dataset": 0.1, "copy": 0.2, "evaluation": 0.2});
    let rate = json!({"requests": 0, "perSeconds": 10});
    let change = json!({"models": models, "datasets": datasets, "timings": timings, "rateLimit": rate});
    let tenant = trial.world.tenant(&name, change.clone()).await;
    tenant.control.set_scores(&name, Value::Object(scores)).await.unwrap();
    let west_name = format!("{name}-west");
    let mut west_change = change;
    west_change["key1"] = json!(seed::key(&west_name, 1));
    let west = trial.world.tenant(&west_name, west_change).await;
    tenant
        .connect(json!({"pollInterval": "60s", "requestBudget": {"requests": 1000, "per": "10s"}}))
        .await;
    let open = json!({
        "pollInterval": "60s", "requestBudget": {"requests": 1000, "per": "10s"}, "allowedNamespaces": {"from": "All"},
        "resourceId": west.resource_id(),
    });
    west.connect(open).await;
    Stage {
        variation,
        tenant,
        west,
    }
}

/// What must be there before the story of a point begins.
async fn begin(stage: &Stage, point: Failpoint) {
    if !applies(stage.variation, point) {
        return;
    }
    let (tenant, name) = (&stage.tenant, point.name());
    match story(point).0 {
        Story::Swap | Story::DeleteEndpoint => {
            tenant
                .endpoint(&name, json!({"model": {"base": {"id": BASE_OLD}}}))
                .await
        }
        Story::DeleteModel => {
            tenant
                .model(&name, json!({"source": {"training": {"datasets": [TEXT]}}}))
                .await
        }
        Story::Gate => {
            follow(tenant, point, 1).await;
            let evaluation =
                json!({"dataset": AUDIO, "maxWordErrorRate": 0.15, "maxRegression": 0.02, "minWords": 1000});
            let spec = json!({"model": {"ref": {"name": name}}, "swap": {"gate": {"evaluation": evaluation}}});
            tenant.endpoint(&name, spec).await;
        }
        Story::Create | Story::Train | Story::Copy | Story::Export => {}
    }
}

async fn follow(tenant: &Tenant, point: Failpoint, number: u128) {
    let source = json!({"source": {"existing": {"id": model_id(point, number)}}});
    tenant.model(&point.name(), source).await;
}

/// Begins the story.
async fn trigger(stage: &Stage, point: Failpoint) {
    let (tenant, name) = (&stage.tenant, point.name());
    let base = |id: &str| json!({"model": {"base": {"id": id}}});
    match story(point).0 {
        Story::Create => tenant.endpoint(&name, base(BASE_OLD)).await,
        Story::Train => {
            tenant
                .model(&name, json!({"source": {"training": {"datasets": [TEXT]}}}))
                .await
        }
        Story::Copy => {
            let connection = json!({"name": "speech", "namespace": stage.west.name});
            let copy = json!({"connectionRef": connection, "id": model_id(point, 0)});
            tenant.model(&name, json!({"source": {"copy": copy}})).await;
        }
        Story::Swap => tenant.endpoint(&name, base(BASE_NEW)).await,
        Story::Gate => follow(tenant, point, 2).await,
        Story::DeleteEndpoint => tenant.delete("SpeechEndpoint", &name).await,
        Story::DeleteModel => tenant.delete("SpeechModel", &name).await,
        Story::Export => {
            let mut spec = base(BASE_OLD);
            spec["exportTo"] = json!({"configMap": {"name": name}});
            tenant.endpoint(&name, spec).await;
        }
    }
}

/// Lets a new operator run into a point and kills it there.
async fn kill_at(trial: &mut Trial, stage: &Stage, point: Failpoint) {
    let is_by_connection = matches!(
        point,
        Failpoint::BeforeDeleteEvaluation | Failpoint::AfterDeleteEvaluation
    );
    let object = if is_by_connection {
        "speech".to_owned()
    } else {
        point.name()
    };
    let at = format!("{}@{}/{object}", point.name(), stage.tenant.name);
    let operation = story(point).1.map(|(operation, _)| operation);
    let action = match stage.variation {
        Variation::Lost => Some(json!({"loseResponse": true})),
        Variation::Late => Some(json!({"commitLate": {"delayMs": 3000}})),
        Variation::Plain | Variation::Lag => None,
    };
    let struck = if operation == Some("Models_Copy") {
        &stage.west
    } else {
        &stage.tenant
    };
    let before = delayed(struck, operation.unwrap_or_default()).await;
    if let (Some(operation), Some(action)) = (operation, action) {
        struck.strike(operation, action).await;
    }
    trigger(stage, point).await;
    let index = trial.world.start_operator_with(&[], &[(STAND_STILL_AT, &at)], None);
    let control = stage.tenant.control.clone();
    let mut looks = 0;
    let stood = eventually("the operator stands still", Duration::from_secs(30), async || {
        looks += 1;
        if looks % 40 == 0 {
            control.advance("20s").await.unwrap(); // lists that lag, and steps that wait for them
        }
        let logs = trial.world.operators[index].logs();
        if logs.contains("standing still") {
            Ok(())
        } else {
            Err("it does not".to_owned())
        }
    })
    .await;
    if stood.is_err() {
        let object = stage
            .tenant
            .objects()
            .await
            .into_iter()
            .find(|object| object["metadata"]["name"] == point.name().as_str());
        let says = object
            .map(|object| condition(&object, "Ready").to_string())
            .unwrap_or_default();
        trial.violated(at, format!("the point was never reached; the object says {says}"));
    }
    trial.world.kill(index);
    if let (Variation::Late, Some(operation)) = (stage.variation, operation) {
        // The next operator is there before what was sent takes effect, and must not send it again.
        trial.world.start_operator(&[]).await;
        control.advance("57s").await.unwrap();
        in_time("what was sent takes effect", Duration::from_secs(20), async || {
            if delayed(struck, operation).await > before {
                Ok(())
            } else {
                Err("not yet".to_owned())
            }
        })
        .await;
        trial.world.kill_all();
    }
}

/// How many requests of an operation the service has carried out in spite of a fault.
async fn delayed(tenant: &Tenant, operation: &str) -> usize {
    let journal = tenant.journal().await;
    let is_meant = |entry: &&Value| entry["operation"] == operation && !entry["fault"].is_null();
    journal.iter().filter(is_meant).count()
}

/// Evaluations that nobody waits for are deleted, one after the other.
async fn no_evaluation_is_left(trial: &mut Trial, tenant: &Tenant) {
    let gone =
        eventually(
            "no evaluation is left",
            Duration::from_secs(30),
            async || match tenant.remote().await["evaluations"].as_array().map_or(0, Vec::len) {
                0 => Ok(()),
                left => {
                    tenant.control.advance("10s").await.unwrap();
                    Err(format!("{left} left"))
                }
            },
        );
    if let Err(error) = gone.await {
        trial.violated(&tenant.name, error);
    }
}
