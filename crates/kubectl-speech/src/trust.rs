//! Whether the lists of a Speech resource can be believed: what objects of this cluster name there has to be in them, or be
//! proven gone.
//!
//! A gateway can answer for the service with an empty list, and another address or key can lead to another resource. What
//! is told from such lists would be wrong in every line.
use kube::ResourceExt;
use speech_api::{Reason, SpeechConnection, condition};
use speech_fleet::fleet::{Objects, connection_of};
use speech_service::{
    Client, EntityId, Error, Kind, Lane, Listing, Presence,
    entity::{CustomModel, Endpoint},
};
use std::collections::BTreeMap;

/// So many entities of a kind that a list lacks are asked for by their ids.
const ASKED: usize = 10;

/// The entities that the statuses of a connection's objects name as their own and not as gone, with who names each.
#[derive(Clone, Debug, Default)]
pub struct Named {
    pub endpoints: BTreeMap<EntityId, String>,
    /// Custom models. Base models are the same in all resources.
    pub models: BTreeMap<EntityId, String>,
}

impl Named {
    /// Reads the objects that refer to this connection.
    pub fn of(objects: &Objects, path: &str) -> Self {
        let mut named = Self::default();
        for endpoint in &objects.endpoints {
            let (home, Some(status)) = (endpoint.namespace().unwrap_or_default(), &endpoint.status) else {
                continue;
            };
            let id = status.standing_id();
            if let Some(id) = id.filter(|_| connection_of(endpoint) == path) {
                let who = format!("SpeechEndpoint {home}/{}", endpoint.name_any());
                named.endpoints.insert(id, who);
            }
        }
        for model in &objects.models {
            let (home, Some(status)) = (model.namespace().unwrap_or_default(), &model.status) else {
                continue;
            };
            let is_base = model.spec.source.base.is_some();
            let id = status.current.as_ref().map(|current| current.id);
            if let Some(id) = id.filter(|_| !is_base && connection_of(model) == path) {
                let who = format!("SpeechModel {home}/{}", model.name_any());
                named.models.insert(id, who);
            }
        }
        named
    }

    fn count(&self) -> usize {
        self.endpoints.len() + self.models.len()
    }
}

/// What speaks against both lists, one sentence each; nothing where they can be believed.
pub async fn doubts(
    client: &Client,
    home: &SpeechConnection,
    named: &Named,
    endpoints: &Listing<Endpoint>,
    models: &Listing<CustomModel>,
) -> Vec<String> {
    let mut doubts: Vec<String> = distrust(home).into_iter().collect();
    let found = listed(endpoints, &named.endpoints) + listed(models, &named.models);
    if let Some(words) = strangers(named, found, endpoints.values.len() + models.values.len()) {
        doubts.push(words);
    }
    let counted = home.status.as_ref();
    let counted_endpoints = counted.and_then(|status| status.endpoints);
    let counted_models = counted.and_then(|status| status.models);
    doubts.extend(uncounted("endpoints", endpoints, counted_endpoints));
    doubts.extend(uncounted("models", models, counted_models));
    if doubts.is_empty() {
        doubts.extend(lacks(client, "endpoint", endpoints, &named.endpoints).await);
        doubts.extend(lacks(client, "model", models, &named.models).await);
    }
    doubts
}

/// The operator's own word that this is not the resource that is meant.
fn distrust(home: &SpeechConnection) -> Option<String> {
    let conditions = &home.status.as_ref()?.conditions;
    let ready = condition::find(conditions, condition::READY)?;
    let reasons = [Reason::DifferentResource, Reason::NotASpeechResource];
    let is_it = reasons.iter().any(|reason| reason.as_str() == ready.reason);
    is_it.then(|| format!("SpeechConnection {}: {}", home.name_any(), ready.message))
}

fn listed<T: Kind>(list: &Listing<T>, named: &BTreeMap<EntityId, String>) -> usize {
    let witness = list.witness();
    named.keys().filter(|id| witness.has(**id)).count()
}

/// Nothing that is known is there.
fn strangers(named: &Named, found: usize, shown: usize) -> Option<String> {
    let count = named.count();
    if count == 0 || found > 0 {
        return None;
    }
    let what = match shown {
        0 => "the list is empty".to_owned(),
        1 => "the lists hold 1 entity and none that is known".to_owned(),
        number => format!("the lists hold {number} entities and none that is known"),
    };
    let who = match count {
        1 => "1 object of this cluster names an entity there".to_owned(),
        number => format!("{number} objects of this cluster name entities there"),
    };
    Some(format!(
        "{what}, but {who}: something else may answer for the service, or this is another Speech resource"
    ))
}

/// An empty list where the operator counted some.
fn uncounted<T>(kind: &str, list: &Listing<T>, counted: Option<i32>) -> Option<String> {
    let counted = counted.filter(|number| *number > 0 && list.values.is_empty() && list.unreadable == 0)?;
    Some(format!(
        "the list of {kind} is empty, but the operator counted {counted} there when it looked last: something else may \
         answer for the service; if they were deleted since, try again after the operator's next look"
    ))
}

/// What a list lacks though it is there, or though nothing proves that it is gone.
async fn lacks<T: Kind>(
    client: &Client,
    kind: &str,
    list: &Listing<T>,
    named: &BTreeMap<EntityId, String>,
) -> Vec<String> {
    let witness = list.witness();
    let missing: Vec<_> = named.iter().filter(|(id, _)| !witness.has(**id)).collect();
    let mut doubts = Vec::new();
    for (id, who) in missing.iter().take(ASKED) {
        let words = match client.look_up_beside::<T>(Lane::Sweep, **id, &witness).await {
            Ok(Presence::Absent(_)) => continue,
            Ok(Presence::Found(_)) => {
                "but the service shows it when it is asked for: the list is not complete".to_owned()
            }
            Err(error) => unproven(&error),
        };
        doubts.push(format!("the list lacks {kind} {id} of {who}, {words}"));
    }
    if missing.len() > ASKED {
        let more = missing.len() - ASKED;
        doubts.push(format!(
            "the list lacks {more} more {kind}s that objects of this cluster name"
        ));
    }
    doubts
}

fn unproven(error: &Error) -> String {
    format!("and nothing proves that it is gone: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use speech_plan::testing::{endpoint, id, model};

    fn objects() -> Objects {
        let mut objects = Objects::default();
        for (name, connection, number, reason) in [
            ("hotline", "west", 10, "Serving"),
            ("letters", "west", 11, "RemoteDeleted"),
            ("claims", "north", 12, "Serving"),
        ] {
            let mut one = endpoint("model: {base: {}}");
            one.metadata.name = Some(name.to_owned());
            one.metadata.namespace = Some("shop".to_owned());
            one.spec.connection_ref.name = connection.to_owned();
            let stalled = json!({"type": "Stalled", "status": "True", "reason": reason, "message": "",
                "lastTransitionTime": "2026-03-01T10:00:00Z"});
            let status = json!({"id": id(number).to_string(), "conditions": [stalled]});
            one.status = Some(serde_json::from_value(status).unwrap());
            objects.endpoints.push(one);
        }
        for (number, source) in [(20, "training: {datasets: []}"), (21, "base: {}")] {
            let mut one = model(&format!("source: {{{source}}}"));
            one.metadata.namespace = Some("shop".to_owned());
            one.spec.connection_ref.name = "west".to_owned();
            let current =
                json!({"id": id(number).to_string(), "self": "x", "name": "m", "createdAt": "2026-03-01T10:00:00Z"});
            one.status = Some(serde_json::from_value(json!({"current": current})).unwrap());
            objects.models.push(one);
        }
        objects
    }

    #[test]
    fn what_is_expected_is_what_objects_of_this_connection_name_as_theirs() {
        let named = Named::of(&objects(), "shop/west");
        assert_eq!(named.endpoints.keys().copied().collect::<Vec<_>>(), [id(10)]);
        assert_eq!(named.endpoints[&id(10)], "SpeechEndpoint shop/hotline");
        assert_eq!(named.models.keys().copied().collect::<Vec<_>>(), [id(20)]);
    }

    #[test]
    fn lists_that_hold_nothing_that_is_known_are_not_believed() {
        let named = Named::of(&objects(), "shop/west");
        let told = strangers(&named, 0, 0).unwrap();
        assert!(
            told.starts_with("the list is empty, but 2 objects of this cluster name entities there"),
            "{told}"
        );
        assert!(
            strangers(&named, 0, 3)
                .unwrap()
                .starts_with("the lists hold 3 entities")
        );
        assert_eq!(strangers(&named, 1, 1), None);
        assert_eq!(strangers(&Named::default(), 0, 0), None);
    }

    #[test]
    fn a_connection_that_the_operator_does_not_trust_is_not_trusted_here() {
        let of = |reason: &str| -> SpeechConnection {
            let ready = json!({"type": "Ready", "status": "False", "reason": reason, "message": "another one",
                "lastTransitionTime": "2026-03-01T10:00:00Z"});
            serde_json::from_value(json!({"metadata": {"name": "west"},
                "spec": {"endpoint": "https://x.example", "auth": {"keySecretRef": {"name": "k", "key": "k"}}},
                "status": {"conditions": [ready]}}))
            .unwrap()
        };
        assert!(distrust(&of("DifferentResource")).unwrap().contains("another one"));
        assert!(distrust(&of("NotASpeechResource")).is_some());
        assert_eq!(distrust(&of("Throttled")), None);
    }
}
