//! The picture of `docs/swaps.md`: what the planners say of the fleet that the document declares.
//!
//! The objects are read from the document; what the Speech service would tell of them stands here, with a fixed present.
use jiff::Timestamp;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use speech_api::{FINALIZER, SpeechEndpoint, SpeechModel};
use speech_fleet::{
    self as calendar,
    fleet::{self, Filter, Objects},
};
use speech_plan::{
    self as plan, Agenda, ConnectionState, Surroundings,
    relations::means,
    view::{Remote, Shelf, View},
};
use speech_service::{
    EntityId, ModelId,
    entity::{BaseModel, CustomModel, Dataset, Endpoint, Header, OwnerTag, Status},
};
use std::{error::Error, sync::Arc};
use uuid::Uuid;

const DOCUMENT: &str = include_str!("../../../docs/swaps.md");
const NAMESPACE: &str = "contact-center";
const CLUSTER: &str = "cluster";
const LOCALE: &str = "en-US";
const NOW: &str = "2026-11-21T07:00:00Z";
const UNTIL: &str = "2027-06-01T00:00:00Z";
/// A status follows from the one before, as in the running operator: some passes later it says nothing new.
const PASSES: usize = 4;

/// Why the picture cannot be drawn.
pub type TimelineError = Box<dyn Error + Send + Sync>;

/// The picture.
pub fn drawing() -> Result<String, TimelineError> {
    let (now, until): (Timestamp, Timestamp) = (NOW.parse()?, UNTIL.parse()?);
    let objects = planned(now)?;
    let ahead = fleet::rows(&objects, now, until, &Filter::default());
    Ok(calendar::svg(&ahead.rows, now, until))
}

/// The YAML blocks of the document.
fn blocks() -> impl Iterator<Item = &'static str> {
    let parts = DOCUMENT.split("```yaml\n").skip(1);
    parts.filter_map(|part| part.split("```").next())
}

/// The objects of a kind that the document declares.
fn declared<K>(kind: &str) -> Result<Vec<K>, TimelineError>
where
    K: Resource<DynamicType = ()> + DeserializeOwned,
{
    let mut objects = Vec::new();
    for block in blocks() {
        let value: serde_json::Value = serde_saphyr::from_str(block)?;
        if value.get("kind").and_then(serde_json::Value::as_str) != Some(kind) {
            continue;
        }
        let mut object: K = serde_json::from_value(value)?;
        let name = object.name_any();
        let meta = object.meta_mut();
        meta.namespace = Some(NAMESPACE.to_owned());
        meta.uid = Some(format!("{kind} {name}"));
        meta.generation = Some(1);
        meta.finalizers = Some(vec![FINALIZER.to_owned()]);
        objects.push(object);
    }
    Ok(objects)
}

/// The objects with the status that the planners give them.
fn planned(now: Timestamp) -> Result<Objects, TimelineError> {
    let view = view(now)?;
    let agenda = Agenda::default();
    let around = Surroundings {
        now,
        cluster: CLUSTER,
        connection: ConnectionState::Ready {
            view: &view,
            has_projects: true,
        },
        learned: plan::Learned::default(),
        agenda: &agenda,
        stay: plan::Stay::Certain,
        hands: plan::Hands::Free,
        namespace_ends: false,
    };
    let mut models: Vec<SpeechModel> = declared("SpeechModel")?;
    let mut endpoints: Vec<SpeechEndpoint> = declared("SpeechEndpoint")?;
    for _ in 0..PASSES {
        for object in &mut models {
            let snapshot = plan::model::Snapshot {
                object,
                related: plan::model::Related {
                    source: None,
                    refusals: &[],
                    follower: None,
                },
                around,
            };
            object.status = Some(plan::model::plan(&snapshot).status);
        }
    }
    for object in &mut endpoints {
        let meant: Vec<&SpeechModel> = models.iter().filter(|model| means(object, model)).collect();
        for _ in 0..PASSES {
            let snapshot = plan::endpoint::Snapshot {
                object,
                related: plan::endpoint::Related {
                    models: &meant,
                    holder: None,
                    abandoned: false,
                },
                around,
            };
            object.status = Some(plan::endpoint::plan(&snapshot).status);
        }
    }
    Ok(Objects {
        connections: Vec::new(),
        models,
        endpoints,
    })
}

/// What the Speech service holds.
fn view(now: Timestamp) -> Result<View, TimelineError> {
    let mut view = View::default();
    let base_models = vec![
        base_model(1, "20251112", "2025-11-20T12:00:00Z", "2027-01-15T00:00:00Z")?,
        base_model(2, "20260901", "2026-09-08T12:00:00Z", "2027-10-15T00:00:00Z")?,
    ];
    let mut claims = custom_model(11, "claims", "2026-04-10T08:00:00Z", "2027-04-15T00:00:00Z")?;
    claims.header.owner = Some(tag("SpeechModel claims", "claims", 4, Some(4)));
    let models = vec![
        claims,
        custom_model(12, "dictation spring", "2026-03-02T08:00:00Z", "2027-01-15T00:00:00Z")?,
        custom_model(13, "dictation autumn", "2026-11-20T08:00:00Z", "2027-07-15T00:00:00Z")?,
        custom_model(14, "archive", "2025-12-01T08:00:00Z", "2027-01-15T00:00:00Z")?,
    ];
    let endpoints = vec![
        endpoint(21, "claims-hotline", ModelId::Custom(id(11)))?,
        endpoint(22, "letters", ModelId::Base(id(1)))?,
        endpoint(23, "dictation", ModelId::Custom(id(12)))?,
        endpoint(24, "archive", ModelId::Custom(id(14)))?,
    ];
    let recordings = Dataset {
        header: header(31, "datasets", "recordings", "2026-02-01T08:00:00Z")?,
        kind: "Acoustic".into(),
        accepted_lines: Some(2_000),
    };
    let phrases = Dataset {
        header: header(32, "datasets", "phrases", "2026-02-01T08:00:00Z")?,
        kind: "Language".into(),
        accepted_lines: Some(800),
    };
    sweep(&mut view.base_models, base_models, now);
    sweep(&mut view.models, models, now);
    sweep(&mut view.endpoints, endpoints, now);
    sweep(&mut view.datasets, vec![recordings, phrases], now);
    sweep(&mut view.evaluations, Vec::new(), now);
    Ok(view)
}

fn sweep<T: Remote>(shelf: &mut Shelf<T>, all: Vec<T>, now: Timestamp) {
    let began = shelf.begin();
    shelf.swept(all, began, now);
}

/// The ids of the document end in the number.
fn id(number: u128) -> EntityId {
    EntityId::from_uuid(Uuid::from_u128(0x1000_0000_0000_4000_8000_0000_0000_0000 + number))
}

fn tag(uid: &str, name: &str, attempt: u32, revision: Option<u32>) -> Arc<OwnerTag> {
    Arc::new(OwnerTag {
        uid: uid.to_owned(),
        object: format!("{NAMESPACE}/{name}"),
        cluster: CLUSTER.to_owned(),
        attempt,
        revision,
        inputs: None,
    })
}

fn header(number: u128, folder: &str, name: &str, created: &str) -> Result<Header, jiff::Error> {
    Ok(Header {
        id: id(number),
        self_uri: format!("https://westeurope.example/speechtotext/{folder}/{}", id(number)).into(),
        display_name: name.into(),
        description: "".into(),
        locale: LOCALE.into(),
        status: Status::Succeeded,
        created_at: created.parse()?,
        last_action_at: created.parse()?,
        project: None,
        owner: None,
        foreign_properties: Box::default(),
        error: None,
    })
}

fn base_model(number: u128, name: &str, created: &str, expires: &str) -> Result<BaseModel, jiff::Error> {
    Ok(BaseModel {
        header: header(number, "models/base", name, created)?,
        adaptation_until: Some(expires.parse()?),
        expires_at: Some(expires.parse()?),
        supports_endpoints: Some(true),
        supports_adaptations_with: Box::from(["Language".into(), "Acoustic".into()]),
    })
}

fn custom_model(number: u128, name: &str, created: &str, expires: &str) -> Result<CustomModel, jiff::Error> {
    Ok(CustomModel {
        header: header(number, "models", name, created)?,
        base_model: Some(ModelId::Base(id(1))),
        datasets: Box::default(),
        expires_at: Some(expires.parse()?),
        weight_percent: None,
        supports_endpoints: Some(true),
    })
}

fn endpoint(number: u128, name: &str, model: ModelId) -> Result<Endpoint, jiff::Error> {
    let mut header = header(number, "endpoints", name, "2026-04-11T08:00:00Z")?;
    header.owner = Some(tag(&format!("SpeechEndpoint {name}"), name, 1, None));
    Ok(Endpoint {
        header,
        model: Some(model),
        logging_enabled: false,
        links: Box::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Vec<String> {
        let (now, until) = (NOW.parse().unwrap(), UNTIL.parse().unwrap());
        let ahead = fleet::rows(&planned(now).unwrap(), now, until, &Filter::default());
        assert!(ahead.trouble.is_empty(), "{:?}", ahead.trouble);
        let table = calendar::table(&ahead.rows, now, until);
        table.lines().map(str::to_owned).collect()
    }

    /// What the document says about its picture.
    #[test]
    fn the_picture_shows_every_object_of_the_document_with_the_planners_dates() {
        insta::assert_snapshot!(steps().join("\n"));
        let drawing = drawing().unwrap();
        for block in blocks() {
            let object: serde_json::Value = serde_saphyr::from_str(block).unwrap();
            let name = object["metadata"]["name"].as_str().unwrap();
            assert!(drawing.contains(name), "{name} is not drawn");
        }
    }

    #[test]
    fn the_picture_is_the_same_in_every_run() {
        assert_eq!(drawing().unwrap(), drawing().unwrap());
    }

    #[test]
    fn what_is_created_first_waits_for_no_gate_window_or_approval() {
        let now = NOW.parse().unwrap();
        let mut view = view(now).unwrap();
        view.endpoints = Shelf::default();
        sweep(&mut view.endpoints, Vec::new(), now);
        let models = planned(now).unwrap().models;
        let agenda = Agenda::default();
        for mut object in declared::<SpeechEndpoint>("SpeechEndpoint").unwrap() {
            let name = object.name_any();
            let meant: Vec<&SpeechModel> = models.iter().filter(|model| means(&object, model)).collect();
            let around = Surroundings {
                now,
                cluster: CLUSTER,
                connection: ConnectionState::Ready {
                    view: &view,
                    has_projects: true,
                },
                learned: plan::Learned {
                    announced: Some(1),
                    ..Default::default()
                },
                agenda: &agenda,
                stay: plan::Stay::Certain,
                hands: plan::Hands::Free,
                namespace_ends: false,
            };
            let intent = speech_api::annotation::CreationIntent {
                attempt: 1,
                at: now,
                ..Default::default()
            };
            let annotations = object.annotations_mut();
            annotations.insert(speech_api::annotation::CREATION_INTENT.into(), intent.to_value());
            // Nothing of this can be met.
            object.spec.swap.windows = serde_saphyr::from_str("[{kind: Deny}]").unwrap();
            object.spec.swap.approval = speech_api::swap::Approval::Required;
            let plan = plan::endpoint::plan(&plan::endpoint::Snapshot {
                object: &object,
                related: plan::endpoint::Related {
                    models: &meant,
                    holder: None,
                    abandoned: false,
                },
                around,
            });
            let creates = matches!(plan.action, Some(plan::Action::CreateEndpoint(_)));
            assert!(creates, "{name}: {:?}", plan.status.conditions);
        }
    }
}
