//! What people on call change: by annotations and `spec.suspend` of the cluster's own objects.
use super::{
    KubectlError, Outcome,
    args::{ApproveArgs, ClusterArgs, RetrainArgs, SwapArgs, WaitArgs},
    fleet::{Fleet, Kind, Object},
    print,
    status::label,
    wait,
};
use crate::{
    api::{
        SpeechEndpoint, SpeechModel,
        annotation::{APPROVED_MODEL, RECONCILE_REQUESTED, SWAP_NOW, TRAIN_REVISION},
        endpoint::TargetModel,
        reference::ManagementPolicy,
        swap::{Approval, GateVerdict, SwapPolicy},
    },
    speech::EntityId,
};
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Resource,
    api::{Patch, PatchParams},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;

/// The field manager of all changes from here.
const MANAGER: &str = "kubectl-speech";

/// Moves an endpoint to its candidate now.
pub async fn swap(cluster: &ClusterArgs, args: &SwapArgs) -> Result<Outcome, KubectlError> {
    let fleet = Fleet::read(cluster, false, None).await?;
    let endpoint = fleet.endpoint(&args.name)?;
    let wanted = args.to.as_deref().map(parse).transpose()?;
    if let Some(serves) = serves_already(endpoint, wanted) {
        print::text(&format!("{} serves {serves} already\n", Object::Endpoint(endpoint)))?;
        return Ok(Outcome::Well);
    }
    let candidate = candidate(endpoint, wanted)?;
    annotate(&fleet, &Object::Endpoint(endpoint), SWAP_NOW, &candidate.model).await?;
    print::text(&format!(
        "{} moves to model {} ({}) now{}\n",
        Object::Endpoint(endpoint),
        label(&candidate.name, candidate.revision),
        candidate.model,
        gate_words(endpoint, candidate),
    ))?;
    if !args.wait {
        return Ok(Outcome::Well);
    }
    let wanted = WaitArgs {
        name: format!("endpoint/{}", Object::Endpoint(endpoint).name()),
        model: Some(candidate.model.clone()),
        timeout: args.timeout.clone(),
    };
    wait::run(cluster, &wanted).await
}

/// Agrees to the candidate of an endpoint.
pub async fn approve(cluster: &ClusterArgs, args: &ApproveArgs) -> Result<Outcome, KubectlError> {
    let fleet = Fleet::read(cluster, false, None).await?;
    let endpoint = fleet.endpoint(&args.name)?;
    let wanted = args.to.as_deref().map(parse).transpose()?;
    if let Some(serves) = serves_already(endpoint, wanted) {
        print::text(&format!("{} serves {serves} already\n", Object::Endpoint(endpoint)))?;
        return Ok(Outcome::Well);
    }
    let candidate = candidate(endpoint, wanted)?;
    let swap = &endpoint.spec.swap;
    let name = label(&candidate.name, candidate.revision);
    if swap.approval == Approval::None && swap.policy != SwapPolicy::Manual {
        return Err(KubectlError::NotNow(format!(
            "{} asks for no approval; `kubectl speech why {}` tells what {name} waits for, and `kubectl speech swap {}` moves to it now",
            Object::Endpoint(endpoint),
            args.name,
            args.name
        )));
    }
    annotate(&fleet, &Object::Endpoint(endpoint), APPROVED_MODEL, &candidate.model).await?;
    print::text(&format!(
        "{} approved: model {name} ({}){}\n",
        Object::Endpoint(endpoint),
        candidate.model,
        gate_words(endpoint, candidate),
    ))?;
    Ok(Outcome::Well)
}

fn parse(text: &str) -> Result<EntityId, KubectlError> {
    text.parse()
        .map_err(|error| KubectlError::Option(format!("--to: {error}")))
}

/// The model that serves, where it is the one that is wanted.
fn serves_already(endpoint: &SpeechEndpoint, wanted: Option<EntityId>) -> Option<String> {
    let active = endpoint.status.as_ref()?.active.as_ref()?;
    let is_wanted = active.model.parse::<EntityId>().ok() == Some(wanted?);
    is_wanted.then(|| format!("model {} ({})", label(&active.name, active.revision), active.model))
}

/// The candidate of an endpoint that may be changed; or what stands against it.
fn candidate(endpoint: &SpeechEndpoint, wanted: Option<EntityId>) -> Result<&TargetModel, KubectlError> {
    let object = Object::Endpoint(endpoint);
    let name = object.name();
    if endpoint.spec.suspend {
        return Err(KubectlError::NotNow(format!(
            "{object} is suspended; `kubectl speech resume {name}` lets it move"
        )));
    }
    if endpoint.spec.management_policy == ManagementPolicy::Observe {
        return Err(KubectlError::NotNow(format!(
            "{object} is observed only; write managementPolicy: Full to have it moved"
        )));
    }
    let status = endpoint.status.as_ref();
    let moving = status.and_then(|status| status.target.as_ref());
    if let Some(target) = moving {
        return Err(KubectlError::NotNow(format!(
            "{object} is moving to model {} ({}) since {}; `kubectl speech wait {name}` shows it",
            target.name, target.model, target.since
        )));
    }
    let Some(candidate) = status.and_then(|status| status.candidate.as_ref()) else {
        return Err(KubectlError::NotNow(format!(
            "{object} has no candidate: its spec chooses no other model than the one that serves; `kubectl speech why {name}` tells more"
        )));
    };
    match wanted {
        Some(wanted) if candidate.model.parse::<EntityId>().ok() != Some(wanted) => Err(KubectlError::NotNow(format!(
            "the candidate of {object} is model {} ({}), not {wanted}: which model may follow is the spec's to say (spec.model)",
            candidate.name, candidate.model
        ))),
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
pub async fn retrain(cluster: &ClusterArgs, args: &RetrainArgs) -> Result<Outcome, KubectlError> {
    let fleet = Fleet::read(cluster, false, None).await?;
    let found = fleet.find(&args.name, &[Kind::Model])?;
    let Object::Model(model) = found else {
        return Err(KubectlError::Name(format!("{found} is no model")));
    };
    let request = request(model)?;
    let (key, value) = match &request {
        Training::Next(number) => (TRAIN_REVISION, number.to_string()),
        Training::Again(_) => (RECONCILE_REQUESTED, Timestamp::now().to_string()),
    };
    annotate(&fleet, &found, key, &value).await?;
    let words = match request {
        Training::Next(number) => format!("{found}: revision {number} is trained now\n"),
        Training::Again(number) => format!("{found}: revision {number} failed and is trained again now\n"),
    };
    print::text(&words)?;
    if !args.wait {
        return Ok(Outcome::Well);
    }
    wait::for_revision(cluster, &found.name(), request.number(), &args.timeout).await
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
    match current.chain(past).max() {
        Some(highest) => Ok(Training::Next(highest.saturating_add(1))),
        None => not_now("has no revision yet; the first one is trained without being asked for"),
    }
}

/// Suspends or resumes objects.
pub async fn suspend(cluster: &ClusterArgs, names: &[String], suspend: bool) -> Result<Outcome, KubectlError> {
    let fleet = Fleet::read(cluster, false, None).await?;
    let found: Result<Vec<Object<'_>>, _> = names.iter().map(|name| fleet.find(name, &Kind::WITH_MODEL)).collect();
    for object in found? {
        let is = match object {
            Object::Endpoint(endpoint) => endpoint.spec.suspend,
            Object::Model(model) => model.spec.suspend,
            Object::Connection(_) => continue,
        };
        let word = if suspend { "suspended" } else { "resumed" };
        if is == suspend {
            let words = if suspend {
                "is suspended already"
            } else {
                "is not suspended"
            };
            print::text(&format!("{object} {words}\n"))?;
            continue;
        }
        // What is not suspended does not say so, as in a manifest.
        let value = if suspend { Value::Bool(true) } else { Value::Null };
        change(&fleet, &object, json!({"spec": {"suspend": value}})).await?;
        print::text(&format!("{object} {word}\n"))?;
    }
    Ok(Outcome::Well)
}

async fn annotate(fleet: &Fleet, object: &Object<'_>, key: &str, value: &str) -> Result<(), KubectlError> {
    change(fleet, object, json!({"metadata": {"annotations": {key: value}}})).await
}

async fn change(fleet: &Fleet, object: &Object<'_>, patch: Value) -> Result<(), KubectlError> {
    match object {
        Object::Endpoint(_) => send::<SpeechEndpoint>(fleet, object, &patch).await,
        Object::Model(_) => send::<SpeechModel>(fleet, object, &patch).await,
        Object::Connection(_) => Err(KubectlError::Name(format!("{object} is not changed from here"))),
    }
}

async fn send<K>(fleet: &Fleet, object: &Object<'_>, patch: &Value) -> Result<(), KubectlError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(fleet.cluster.client().clone(), &object.namespace());
    let params = PatchParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let sent = api.patch(&object.name(), &params, &Patch::Merge(patch)).await;
    sent.map(drop).map_err(|source| KubectlError::Change {
        object: object.to_string(),
        source: Box::new(source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::{endpoint, model};

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
                .contains("the candidate of speechendpoint.customspeech.dev/letters is model new")
        );
        assert!(serves_already(&object, Some(old)).unwrap().contains("model old"));
        assert!(serves_already(&object, Some(new)).is_none());
        let suspended = waiting("model: {base: {}}\nsuspend: true");
        assert!(told(candidate(&suspended, None)).contains("`kubectl speech resume letters`"));
        let mut settled = object.clone();
        settled.status.as_mut().unwrap().candidate = None;
        assert!(told(candidate(&settled, None)).contains("has no candidate"));
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
        let current = json!({"revision": 3, "id": "x", "self": "x", "name": "m", "createdAt": "2026-03-01T10:00:00Z"});
        assert_eq!(
            request(&with_status(json!({"current": current}))).unwrap(),
            Training::Next(4)
        );
        let failed = json!({"revision": 4, "id": "y", "state": "Failed", "startedAt": "2026-03-01T10:00:00Z"});
        let again = request(&with_status(json!({"current": current, "candidate": failed}))).unwrap();
        assert_eq!((again, again.number()), (Training::Again(4), 5));
        let runs = json!({"revision": 4, "id": "y", "state": "Running", "startedAt": "2026-03-01T10:00:00Z"});
        assert!(
            told(request(&with_status(json!({"current": current, "candidate": runs})))).contains("revision 4, since")
        );
        let past = json!({"revision": 7, "id": "z", "state": "Failed"});
        let after_past = request(&with_status(json!({"current": current, "history": [past]})));
        assert_eq!(after_past.unwrap(), Training::Next(8));
        assert!(told(request(&with_status(json!({})))).contains("has no revision yet"));
        assert!(told(request(&model("source: {base: {}}"))).contains("is not trained here"));
    }
}
