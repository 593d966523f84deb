//! What is to be changed of an object that somebody asks something of. Pure: what stands in the object decides.
use super::{KubectlError, fleet::Object, status::named, wait::Until};
use jiff::Timestamp;
use serde_json::{Value, json};
use speech_api::{
    SpeechEndpoint, SpeechModel,
    annotation::{APPROVED_MODEL, CLEAR_QUARANTINE, RECONCILE_REQUESTED, SWAP_NOW, TRAIN_REVISION},
    endpoint::TargetModel,
    reference::ManagementPolicy,
    swap::{Approval, GateVerdict, SwapPolicy},
};
use speech_service::EntityId;

/// What becomes of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// A merge patch; absent where it is so already.
    pub patch: Option<Value>,
    /// What is told, behind the name of the object.
    pub words: String,
    /// What comes of it in the end.
    pub until: Option<Until>,
}

impl Change {
    fn nothing(words: String) -> Self {
        Self {
            patch: None,
            words,
            until: None,
        }
    }

    fn annotation(key: &str, value: &str, words: String, until: Option<Until>) -> Self {
        Self {
            patch: Some(json!({"metadata": {"annotations": {key: value}}})),
            words,
            until,
        }
    }
}

/// A model as an option names it.
pub fn model(text: &str) -> Result<EntityId, KubectlError> {
    text.parse()
        .map_err(|error| KubectlError::Option(format!("--to: {error}")))
}

/// Moves an endpoint to its candidate now.
pub fn swap(endpoint: &SpeechEndpoint, wanted: Option<EntityId>) -> Result<Change, KubectlError> {
    if let Some(serves) = serves_already(endpoint, wanted) {
        return Ok(Change::nothing(serves));
    }
    let candidate = candidate(endpoint, wanted)?;
    let words = format!(
        "moves to model {} now{}",
        of(candidate),
        gate_words(endpoint, candidate)
    );
    let until = Until::Serves(candidate.model);
    Ok(Change::annotation(
        SWAP_NOW,
        &candidate.model.to_string(),
        words,
        Some(until),
    ))
}

/// Agrees to the candidate of an endpoint.
pub fn approve(endpoint: &SpeechEndpoint, wanted: Option<EntityId>) -> Result<Change, KubectlError> {
    if let Some(serves) = serves_already(endpoint, wanted) {
        return Ok(Change::nothing(serves));
    }
    let candidate = candidate(endpoint, wanted)?;
    let swap = &endpoint.spec.swap;
    if swap.approval == Approval::None && swap.policy != SwapPolicy::Manual {
        let (object, name) = (Object::Endpoint(endpoint), Object::Endpoint(endpoint).name());
        return Err(KubectlError::NotNow(format!(
            "{object} asks for no approval; `kubectl speech why {name}` tells what {} waits for, and `kubectl speech swap \
             {name}` moves to it now",
            speech_plan::named(&candidate.name, candidate.revision),
        )));
    }
    let words = format!("approved: model {}{}", of(candidate), gate_words(endpoint, candidate));
    Ok(Change::annotation(
        APPROVED_MODEL,
        &candidate.model.to_string(),
        words,
        None,
    ))
}

fn of(model: &TargetModel) -> String {
    named(&model.name, model.revision, model.model)
}

/// The words for an endpoint that the wanted model serves.
fn serves_already(endpoint: &SpeechEndpoint, wanted: Option<EntityId>) -> Option<String> {
    let active = endpoint.status.as_ref()?.active.as_ref()?;
    (wanted? == active.model).then(|| {
        format!(
            "serves model {} already",
            named(&active.name, active.revision, active.model)
        )
    })
}

/// The candidate of an endpoint that may be changed; or what stands against it.
fn candidate(endpoint: &SpeechEndpoint, wanted: Option<EntityId>) -> Result<&TargetModel, KubectlError> {
    let object = Object::Endpoint(endpoint);
    let name = object.name();
    let not_now = |words: String| Err(KubectlError::NotNow(format!("{object} {words}")));
    if endpoint.spec.suspend {
        return not_now(format!("is suspended; `kubectl speech resume {name}` lets it move"));
    }
    if endpoint.spec.management_policy == ManagementPolicy::Observe {
        return not_now("is observed only; write managementPolicy: Full to have it moved".to_owned());
    }
    let status = endpoint.status.as_ref();
    let moving = status.and_then(|status| status.target.as_ref());
    if let Some(target) = moving {
        return not_now(format!(
            "is moving to model {} since {}; `kubectl speech wait {name}` shows it",
            of(target),
            target.since
        ));
    }
    let Some(candidate) = status.and_then(|status| status.candidate.as_ref()) else {
        let held = status.and_then(|status| status.quarantine.iter().max_by_key(|held| &held.at));
        return not_now(held.map_or_else(
            || {
                format!(
                    "has no candidate: its spec chooses no other model than the one that serves; `kubectl speech why {name}` \
                     has the details"
                )
            },
            |held| {
                format!(
                    "has no candidate: model {} ({}) is in quarantine ({}: {}); the annotation {CLEAR_QUARANTINE}={} lets \
                     it be tried again",
                    held.name, held.model, held.reason, held.message, held.model
                )
            },
        ));
    };
    match wanted {
        Some(wanted) if candidate.model != wanted => not_now(format!(
            "has another candidate: model {}, not {wanted}; spec.model chooses the candidate",
            of(candidate)
        )),
        Some(_) | None => Ok(candidate),
    }
}

/// What is not opened by any annotation.
fn gate_words(endpoint: &SpeechEndpoint, candidate: &TargetModel) -> String {
    let judged = endpoint.status.as_ref().and_then(|status| status.gate.as_ref());
    let passed = judged.is_some_and(|gate| gate.verdict == GateVerdict::Pass && gate.candidate == candidate.model);
    if endpoint.spec.swap.gate.is_none() || passed {
        return String::new();
    }
    ", as soon as it has passed its gate".to_owned()
}

/// Has the next revision of a model trained.
pub fn retrain(model: &SpeechModel, now: Timestamp) -> Result<Change, KubectlError> {
    let request = request(model)?;
    let (key, value, words) = match request {
        Training::Next(number) => (
            TRAIN_REVISION,
            number.to_string(),
            format!("trains revision {number} now"),
        ),
        Training::Again(number) => (
            RECONCILE_REQUESTED,
            now.to_string(),
            format!("trains again now: its revision {number} failed"),
        ),
    };
    let until = Until::Revision(request.number());
    Ok(Change::annotation(key, &value, words, Some(until)))
}

/// What to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Training {
    /// Another revision, of this number.
    Next(i32),
    /// Another attempt, the one of this number having failed.
    Again(i32),
}

impl Training {
    /// The least number of the revision that comes of it.
    fn number(self) -> i32 {
        match self {
            Self::Next(number) => number,
            Self::Again(number) => number.saturating_add(1),
        }
    }
}

fn request(model: &SpeechModel) -> Result<Training, KubectlError> {
    let object = Object::Model(model);
    let not_now = |words: &str| Err(KubectlError::NotNow(format!("{object} {words}")));
    let source = &model.spec.source;
    if source.training.is_none() {
        return not_now("is not trained here: its spec.source is no training");
    }
    if model.spec.suspend {
        return not_now(&format!(
            "is suspended; `kubectl speech resume model/{}` first",
            object.name()
        ));
    }
    if model.spec.management_policy == ManagementPolicy::Observe {
        return not_now("is observed only; write managementPolicy: Full to have it trained");
    }
    let Some(status) = &model.status else {
        return not_now("was not looked at by the operator yet");
    };
    if let Some(candidate) = &status.candidate {
        if candidate.state == "Failed" {
            return Ok(Training::Again(candidate.revision));
        }
        return not_now(&format!(
            "is being trained already: revision {}, since {}",
            candidate.revision, candidate.started_at
        ));
    }
    let current = status.current.iter().filter_map(|current| current.revision);
    let past = status.history.iter().map(|past| past.revision);
    match current.chain(past).chain(status.highest_revision).max() {
        Some(highest) => Ok(Training::Next(highest.saturating_add(1))),
        None => not_now("has no revision yet; the first one is trained without being asked for"),
    }
}

/// Suspends or resumes an object.
pub fn suspend(object: &Object<'_>, suspend: bool) -> Result<Change, KubectlError> {
    let is = match object {
        Object::Endpoint(endpoint) => endpoint.spec.suspend,
        Object::Model(model) => model.spec.suspend,
        Object::Connection(_) => return Err(KubectlError::Name(format!("{object} cannot be suspended"))),
    };
    let words = match (is, suspend) {
        (true, true) => "is suspended already",
        (false, false) => "is not suspended",
        (false, true) => "suspended",
        (true, false) => "resumed",
    };
    // What is not suspended does not say so, as in a manifest.
    let value = if suspend { Value::Bool(true) } else { Value::Null };
    Ok(Change {
        patch: (is != suspend).then(|| json!({"spec": {"suspend": value}})),
        words: words.to_owned(),
        until: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use speech_plan::testing::{endpoint, model};
    use std::fmt::Debug;

    fn told<T: Debug>(result: Result<T, KubectlError>) -> String {
        result.unwrap_err().to_string()
    }

    fn waiting(spec: &str) -> SpeechEndpoint {
        let mut object = endpoint(spec);
        object.metadata.name = Some("letters".to_owned());
        let status = json!({
            "active": {"model": "10000000-0000-4000-8000-000000000001", "name": "old", "since": "2026-03-01T10:00:00Z"},
            "candidate": {"model": "10000000-0000-4000-8000-000000000002", "name": "new", "since": "2026-03-01T10:00:00Z"},
        });
        object.status = Some(serde_json::from_value(status).unwrap());
        object
    }

    #[test]
    fn only_the_candidate_of_an_endpoint_that_may_be_changed_is_moved_to() {
        let new: EntityId = "10000000-0000-4000-8000-000000000002".parse().unwrap();
        let old: EntityId = "10000000-0000-4000-8000-000000000001".parse().unwrap();
        let object = waiting("model: {base: {}}");
        assert_eq!(candidate(&object, None).unwrap().name, "new");
        assert_eq!(candidate(&object, Some(new)).unwrap().name, "new");
        assert!(
            told(candidate(&object, Some(old)))
                .contains("speechendpoint.customspeech.dev/letters has another candidate: model new")
        );
        assert!(serves_already(&object, Some(old)).unwrap().contains("model old"));
        assert!(serves_already(&object, Some(new)).is_none());
        let suspended = waiting("model: {base: {}}\nsuspend: true");
        assert!(told(candidate(&suspended, None)).contains("`kubectl speech resume letters`"));
        let mut settled = object.clone();
        settled.status.as_mut().unwrap().candidate = None;
        assert!(told(candidate(&settled, None)).contains("chooses no other model"));
        let held = json!([{
            "model": "10000000-0000-4000-8000-000000000002", "name": "new", "reason": "GateFailed",
            "message": "word error rate 0.182", "at": "2026-03-01T10:00:00Z",
        }]);
        settled.status.as_mut().unwrap().quarantine = serde_json::from_value(held).unwrap();
        let words = told(candidate(&settled, None));
        assert!(words.contains("model new (10000000-0000-4000-8000-000000000002) is in quarantine (GateFailed"));
        assert!(words.contains("customspeech.dev/clear-quarantine=10000000-0000-4000-8000-000000000002"));
        let mut moving = object;
        let status = moving.status.as_mut().unwrap();
        status.target = status.candidate.take();
        assert!(told(candidate(&moving, None)).contains("is moving to model new"));
    }

    #[test]
    fn the_number_of_the_next_revision_follows_from_all_that_there_were() {
        let training = "source: {training: {datasets: [00000000-0000-0000-0000-000000000032]}}";
        let with_status = |status: Value| {
            let mut object = model(training);
            object.status = Some(serde_json::from_value(status).unwrap());
            object
        };
        let current = json!({"revision": 3, "id": "00000000-0000-0000-0000-000000000001", "self": "x", "name": "m", "createdAt": "2026-03-01T10:00:00Z"});
        assert_eq!(
            request(&with_status(json!({"current": current}))).unwrap(),
            Training::Next(4)
        );
        let failed = json!({"revision": 4, "id": "00000000-0000-0000-0000-000000000002", "state": "Failed", "startedAt": "2026-03-01T10:00:00Z"});
        let again = request(&with_status(json!({"current": current, "candidate": failed}))).unwrap();
        assert_eq!((again, again.number()), (Training::Again(4), 5));
        let runs = json!({"revision": 4, "id": "00000000-0000-0000-0000-000000000002", "state": "Running", "startedAt": "2026-03-01T10:00:00Z"});
        assert!(
            told(request(&with_status(json!({"current": current, "candidate": runs})))).contains("revision 4, since")
        );
        let past = json!({"revision": 7, "id": "00000000-0000-0000-0000-000000000003", "state": "Failed"});
        let after_past = request(&with_status(json!({"current": current, "history": [past]})));
        assert_eq!(after_past.unwrap(), Training::Next(8));
        assert!(told(request(&with_status(json!({})))).contains("has no revision yet"));
        assert!(told(request(&model("source: {base: {}}"))).contains("is not trained here"));
    }
}
