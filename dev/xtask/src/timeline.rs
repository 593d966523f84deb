//! The picture of `docs/swaps.md`: what the planners say of the fleet that the document declares.
//!
//! The objects are read from the document; what the Speech service would tell of them stands here, with a fixed present.
use crate::scene::{
    Scene, SceneError, add,
    entity::{self, About, Held, id},
};
use jiff::Timestamp;
use speech_fleet::{
    self as calendar,
    fleet::{self, Filter, Objects},
};
use speech_service::ModelId;

const DOCUMENT: &str = include_str!("../../../docs/swaps.md");
const NAMESPACE: &str = "contact-center";
const CONNECTION: &str = "contact-center/westeurope";
const LOCALE: &str = "en-US";
const NOW: &str = "2026-11-21T07:00:00Z";
const UNTIL: &str = "2027-06-01T00:00:00Z";

/// The picture.
pub fn drawing() -> Result<String, SceneError> {
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

/// The models and endpoints that the document declares.
fn declared() -> Result<Objects, SceneError> {
    let mut objects = Objects::default();
    for block in blocks() {
        let mut value: serde_json::Value = serde_saphyr::from_str(block)?;
        if let Some(metadata) = value
            .pointer_mut("/metadata")
            .and_then(serde_json::Value::as_object_mut)
        {
            metadata.insert("namespace".to_owned(), NAMESPACE.into());
        }
        add(&mut objects, value)?;
    }
    Ok(objects)
}

/// The objects with the status that the planners give them.
fn planned(now: Timestamp) -> Result<Objects, SceneError> {
    let mut scene = Scene::new(now, declared()?);
    scene.resources.insert(CONNECTION.to_owned(), held()?);
    scene.play();
    Ok(scene.objects)
}

/// What the Speech service holds.
fn held() -> Result<Held, SceneError> {
    let base_model = |number, name, created, expires: &str| -> Result<_, SceneError> {
        Ok(about(number, name, created)?.base_model(expires.parse()?))
    };
    let custom_model = |number, name, created, expires: &str| -> Result<_, SceneError> {
        Ok(about(number, name, created)?.custom_model(1, expires.parse()?))
    };
    let claims = about(11, "claims", "2026-04-10T08:00:00Z")?;
    let claims = claims.revision("contact-center/claims", 4, 1, "2027-04-15T00:00:00Z".parse()?);
    let endpoint = |number, name: &'static str, model| -> Result<_, SceneError> {
        let about = about(number, name, "2026-04-11T08:00:00Z")?;
        Ok(about.endpoint(&format!("{NAMESPACE}/{name}"), model, &[]))
    };
    Ok(Held {
        base_models: vec![
            base_model(1, "20251112", "2025-11-20T12:00:00Z", "2027-01-15T00:00:00Z")?,
            base_model(2, "20260901", "2026-09-08T12:00:00Z", "2027-10-15T00:00:00Z")?,
        ],
        models: vec![
            claims,
            custom_model(12, "dictation spring", "2026-03-02T08:00:00Z", "2027-01-15T00:00:00Z")?,
            custom_model(13, "dictation autumn", "2026-11-20T08:00:00Z", "2027-07-15T00:00:00Z")?,
            custom_model(14, "archive", "2025-12-01T08:00:00Z", "2027-01-15T00:00:00Z")?,
        ],
        endpoints: vec![
            endpoint(21, "claims-hotline", ModelId::Custom(id(11)))?,
            endpoint(22, "letters", ModelId::Base(id(1)))?,
            endpoint(23, "dictation", ModelId::Custom(id(12)))?,
            endpoint(24, "archive", ModelId::Custom(id(14)))?,
        ],
        datasets: vec![
            about(31, "recordings", "2026-02-01T08:00:00Z")?.dataset("Acoustic", 2_000),
            about(32, "phrases", "2026-02-01T08:00:00Z")?.dataset("Language", 800),
        ],
        evaluations: Vec::new(),
    })
}

fn about<'a>(number: u128, name: &'a str, created: &str) -> Result<About<'a>, jiff::Error> {
    entity::about(number, name, LOCALE, created)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::CLUSTER;
    use kube::ResourceExt;
    use speech_api::SpeechModel;
    use speech_plan::{self as plan, Agenda, ConnectionState, Surroundings, relations::means};

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
        let mut held = held().unwrap();
        held.endpoints.clear();
        let view = held.view(now);
        let models = planned(now).unwrap().models;
        let agenda = Agenda::default();
        for mut object in declared().unwrap().endpoints {
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
