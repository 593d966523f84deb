//! How many objects are looked at for the sake of one.
use super::client;
use crate::controller::{
    Seen, connection_of, copy,
    observe::{self, Surrounding},
    testing::Parts,
    wake,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{core::ObjectMeta, runtime::reflector::ObjectRef};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel};
use speech_plan::{
    ConnectionState,
    testing::{World, base_id, id, remote, tag, with},
    view::{Changes, View},
};
use speech_resource::Resource as SpeechResource;
use std::sync::Arc;

fn object<K: DeserializeOwned>(kind: &str, namespace: &str, name: &str, spec: Value) -> K {
    let metadata = json!({
        "name": name, "namespace": namespace, "uid": format!("{kind}/{namespace}/{name}"), "labels": {"team": "a"},
    });
    let object = json!({"apiVersion": "customspeech.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec});
    serde_json::from_value(object).unwrap()
}

fn endpoint(namespace: &str, name: &str, model: Value, adopt: Value) -> SpeechEndpoint {
    let spec = json!({
        "connectionRef": {"name": "speech"}, "locale": "en-US", "model": model, "adopt": adopt,
        "exportTo": {"configMap": {"name": name}},
    });
    object("SpeechEndpoint", namespace, name, spec)
}

fn following(namespace: &str, name: &str) -> SpeechEndpoint {
    endpoint(namespace, name, json!({"ref": {"name": "trained"}}), Value::Null)
}

fn model(namespace: &str, name: &str, source: Value) -> SpeechModel {
    let spec = json!({"connectionRef": {"name": "speech"}, "locale": "en-US", "source": source});
    object("SpeechModel", namespace, name, spec)
}

/// Ten objects: a namespace with a connection, two models, and seven endpoints, of which one adopts.
fn add_tenant(parts: &mut Parts, number: u128) {
    let namespace = &format!("tenant-{number}");
    let spec = json!({
        "endpoint": format!("https://{namespace}.example"), "auth": {"keySecretRef": {"name": "key"}},
    });
    let connection = object("SpeechConnection", namespace, "speech", spec);
    parts.writers.connections.apply(connection);
    let training = json!({"training": {"datasets": [id(5).to_string()], "baseModel": {"id": id(1).to_string()}}});
    parts.writers.models.apply(model(namespace, "trained", training));
    let copied = json!({"copy": {"modelRef": {"name": "trained"}}});
    parts.writers.models.apply(model(namespace, "copied", copied));
    let labelled = json!({"selector": {"matchLabels": {"team": "a"}}});
    let adopted = json!({"id": id(number).to_string()});
    parts
        .writers
        .endpoints
        .apply(endpoint(namespace, "adopting", labelled, adopted));
    for n in 0..6 {
        parts
            .writers
            .endpoints
            .apply(following(namespace, &format!("following-{n}")));
    }
}

fn looked_at(parts: &Parts) -> usize {
    let stores = &parts.context.stores;
    let own = stores.connections.looked_at() + stores.models.looked_at() + stores.endpoints.looked_at();
    own + stores.exports.looked_at() + stores.secrets.looked_at() + stores.namespaces.looked_at()
}

/// A Speech resource whose endpoint bears the mark of an object that is gone.
fn view(number: u128) -> View {
    let endpoint = with(remote(number, base_id(1)), |e| {
        e.header.owner = Some(Arc::new(tag("gone", 1)))
    });
    World::new().remote(endpoint).view
}

fn observe_endpoint(parts: &Parts, endpoint: &SpeechEndpoint, number: u128) {
    let context = &parts.context;
    let view = view(number);
    let state = ConnectionState::Ready {
        view: &view,
        has_projects: true,
    };
    drop(Surrounding::of(context, endpoint).look());
    observe::referenced_models(context, endpoint);
    observe::holder(context, endpoint, &state);
    observe::is_abandoned(context, endpoint, &state);
    observe::deletions(context, &connection_of(endpoint));
}

fn observe_model(parts: &Parts, model: &SpeechModel) {
    let context = &parts.context;
    copy::source(context, model);
    observe::refusals(context, model);
    observe::follower(context, model);
    observe::deletions(context, &connection_of(model));
}

/// The answer to a request of our own: one endpoint changed.
fn answer(parts: &Parts, key: &ObjectRef<SpeechConnection>, number: u128) {
    let resource = SpeechResource::default();
    *resource.view_mut() = view(number);
    let changes = Changes {
        endpoints: [id(number)].into(),
        ..Changes::default()
    };
    wake::on_remote(&parts.context, key, &resource, &changes);
}

/// All that goes on around one tenant: a pass of each object, an event of each, and an answer.
fn live(parts: &Parts, number: u128) -> usize {
    let context = &parts.context;
    let namespace = &format!("tenant-{number}");
    let key = ObjectRef::new("speech").within(namespace);
    let connection = context.stores.connections.get(&key).unwrap();
    let (models, endpoints) = (context.stores.models.of(&key), context.stores.endpoints.of(&key));
    assert_eq!((models.len(), endpoints.len()), (2, 7));
    looked_at(parts);
    for endpoint in &endpoints {
        observe_endpoint(parts, endpoint, number);
        wake::on_endpoint(context, endpoint, Seen::Applied);
        wake::on_endpoint(context, endpoint, Seen::Deleted);
    }
    for model in &models {
        observe_model(parts, model);
        wake::on_model(context, model, Seen::Applied);
    }
    wake::on_connection(context, &connection, Seen::Applied);
    let secret = object("Secret", namespace, "key", Value::Null);
    wake::on_secret(context, &secret, Seen::Applied);
    let home = object("Namespace", "", namespace, Value::Null);
    wake::on_namespace(context, &home, Seen::Applied);
    let metadata = ObjectMeta {
        name: Some("following-1".to_owned()),
        namespace: Some(namespace.clone()),
        ..ObjectMeta::default()
    };
    let export = ConfigMap {
        metadata,
        ..ConfigMap::default()
    };
    wake::on_export(context, &export, Seen::Deleted);
    observe::dependents(context, &key);
    wake::uses(context, &key);
    wake::recorded(context, &key);
    wake::leaving(context, &key);
    wake::leaving_all(context);
    wake::on_model_freed(context, &key);
    answer(parts, &key, number);
    looked_at(parts)
}

#[tokio::test]
async fn what_is_looked_at_for_one_tenant_does_not_grow_with_the_fleet() {
    let mut parts = Parts::new(client());
    add_tenant(&mut parts, 1);
    let alone = live(&parts, 1);
    (2..=100).for_each(|number| add_tenant(&mut parts, number));
    let stores = &parts.context.stores;
    let all = stores.connections.state().len() + stores.models.state().len() + stores.endpoints.state().len();
    assert_eq!(all, 1_000);
    // Another one, whose objects are news.
    assert_eq!(live(&parts, 100), alone, "objects in a fleet of {all}, and alone");
    assert!(alone < 150, "{alone}");
}

#[tokio::test]
async fn a_pass_and_an_answer_look_at_few_of_a_thousand_that_share_a_connection() {
    let mut parts = Parts::new(client());
    add_tenant(&mut parts, 1);
    for n in 6..1_000 {
        parts
            .writers
            .endpoints
            .apply(following("tenant-1", &format!("following-{n}")));
    }
    let key = ObjectRef::new("following-3").within("tenant-1");
    let endpoint = parts.context.stores.endpoints.get(&key).unwrap();
    looked_at(&parts);
    observe_endpoint(&parts, &endpoint, 1);
    wake::on_endpoint(&parts.context, &endpoint, Seen::Applied);
    answer(&parts, &connection_of(&*endpoint), 1);
    let looked_at = looked_at(&parts);
    assert!(looked_at < 10, "{looked_at} objects for one endpoint");
}
