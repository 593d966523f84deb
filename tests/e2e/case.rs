//! What one test has for itself: a namespace, a Speech resource of the same name, a Secret and a SpeechConnection.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::{
    harness::{AuditEntry, Control, eventually},
    seed,
    stack::{OPERATOR_USER, SOON, Stack},
};

/// Every key that any test gave to an operator.
static KEYS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A test's own part of a stack.
pub struct Case {
    /// Name of the namespace and of the Speech resource.
    pub name: String,
    pub client: Client,
    pub control: Control,
    base_url: String,
}

impl Case {
    /// Makes the namespace and the Speech resource; no connection yet.
    pub async fn new(stack: &Stack, name: &str) -> Self {
        let control = stack.emulator.control().clone();
        let now = control.now().await.unwrap();
        control.put_resource(name, seed::resource(name, now)).await.unwrap();
        let case = Self {
            name: name.to_owned(),
            client: stack.client.clone(),
            control,
            base_url: stack.emulator.base_url().to_owned(),
        };
        case.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
            .await;
        case
    }

    /// Makes the Secret and a connection named `speech`, and waits until it is Ready.
    pub async fn connect(&self, poll_interval: &str) {
        self.secret(&seed::key(&self.name, 1)).await;
        self.connection(json!({"pollInterval": poll_interval})).await;
        self.ready("SpeechConnection", "speech").await;
    }

    /// Applies the Secret `speech-key`.
    pub async fn secret(&self, key: &str) {
        KEYS.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.to_owned());
        self.apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "speech-key"}, "stringData": {"key": key}}))
            .await;
    }

    /// Applies the connection `speech`, with what `spec` says beside or in place of the usual.
    pub async fn connection(&self, spec: Value) {
        let usual = json!({"endpoint": self.url(), "auth": {"keySecretRef": {"name": "speech-key"}}});
        self.declare("SpeechConnection", "speech", merged(usual, spec)).await;
    }

    /// Applies an endpoint of locale en-US.
    pub async fn endpoint(&self, name: &str, spec: Value) {
        let usual = json!({"connectionRef": {"name": "speech"}, "locale": "en-US"});
        self.declare("SpeechEndpoint", name, merged(usual, spec)).await;
    }

    /// Applies a model of locale en-US.
    pub async fn model(&self, name: &str, spec: Value) {
        let usual = json!({"connectionRef": {"name": "speech"}, "locale": "en-US"});
        self.declare("SpeechModel", name, merged(usual, spec)).await;
    }

    /// Applies a model of locale en-US with labels.
    pub async fn labelled_model(&self, name: &str, labels: Value, spec: Value) {
        let usual = json!({"connectionRef": {"name": "speech"}, "locale": "en-US"});
        self.apply(json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechModel",
            "metadata": {"name": name, "labels": labels}, "spec": merged(usual, spec),
        }))
        .await;
    }

    /// Sets an annotation of an object, or removes it with null.
    pub async fn annotate(&self, kind: &str, name: &str, key: &str, value: Value) {
        let annotations = json!({format!("customspeech.dev/{key}"): value});
        self.patch(kind, name, json!({"metadata": {"annotations": annotations}}))
            .await;
    }

    /// Waits until an endpoint is Ready with this model; returns it.
    pub async fn serves(&self, endpoint: &str, model: &str) -> Value {
        self.until("SpeechEndpoint", endpoint, &format!("serves {model}"), |object| {
            is_ready(object) && object["status"]["active"]["model"] == model
        })
        .await
    }

    /// Waits until an endpoint is Ready and says so with these words; returns it.
    pub async fn says(&self, endpoint: &str, words: &str) -> Value {
        self.until("SpeechEndpoint", endpoint, &format!("says {words:?}"), |object| {
            is_ready(object) && message(object, "Ready").contains(words)
        })
        .await
    }

    /// Has every list read and every endpoint looked at, so that whatever was to be done has begun.
    pub async fn look(&self, endpoint: &str) -> Value {
        let word = self.journal().await.len().to_string();
        for (kind, name) in [("SpeechConnection", "speech"), ("SpeechEndpoint", endpoint)] {
            self.annotate(kind, name, "reconcile-requested-at", word.clone().into())
                .await;
            self.until(kind, name, "is looked at", |object| {
                object["status"]["lastHandledReconcileAt"] == word.as_str()
            })
            .await;
        }
        self.get("SpeechEndpoint", endpoint).await
    }

    async fn declare(&self, kind: &str, name: &str, spec: Value) {
        self.apply(json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec,
        }))
        .await;
    }

    /// The same Speech resource, seen from another namespace.
    pub fn in_namespace(&self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            client: self.client.clone(),
            control: self.control.clone(),
            base_url: self.base_url.clone(),
        }
    }

    /// Base URL of the emulator.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Base URL of the Speech resource.
    pub fn url(&self) -> String {
        format!("{}/{}", self.base_url, self.name)
    }

    /// Applies an object; its namespace is the test's unless it says another. What an earlier apply said and this does
    /// not is removed.
    pub async fn apply(&self, object: Value) {
        let api = self.api_in(
            object["kind"].as_str().unwrap(),
            object["metadata"]["namespace"].as_str().unwrap_or(&self.name),
        );
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let params = PatchParams::apply("user").force();
        api.patch(&name, &params, &Patch::Apply(object)).await.unwrap();
    }

    /// Changes a part of an object.
    pub async fn patch(&self, kind: &str, name: &str, patch: Value) {
        let params = PatchParams::default();
        self.api(kind).patch(name, &params, &Patch::Merge(patch)).await.unwrap();
    }

    /// Deletes an object; waits for nothing.
    pub async fn delete(&self, kind: &str, name: &str) {
        self.api(kind).delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// The objects of a kind in the test's namespace.
    pub fn api(&self, kind: &str) -> Api<DynamicObject> {
        self.api_in(kind, &self.name)
    }

    fn api_in(&self, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let (group, version, plural) = match kind {
            "SpeechConnection" => ("customspeech.dev", "v1alpha1", "speechconnections"),
            "SpeechModel" => ("customspeech.dev", "v1alpha1", "speechmodels"),
            "SpeechEndpoint" => ("customspeech.dev", "v1alpha1", "speechendpoints"),
            "Namespace" => ("", "v1", "namespaces"),
            "Secret" => ("", "v1", "secrets"),
            "ConfigMap" => ("", "v1", "configmaps"),
            other => panic!("no test needs the kind {other}"),
        };
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
        if kind == "Namespace" {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), namespace, &resource)
        }
    }

    /// An object, if it exists.
    pub async fn find(&self, kind: &str, name: &str) -> Option<Value> {
        let object = self.api(kind).get_opt(name).await.unwrap()?;
        Some(serde_json::to_value(object).unwrap())
    }

    /// An object.
    pub async fn get(&self, kind: &str, name: &str) -> Value {
        self.find(kind, name)
            .await
            .unwrap_or_else(|| panic!("there is no {kind} {name}"))
    }

    /// Waits until an object is as `check` wants it; returns it.
    pub async fn until(&self, kind: &str, name: &str, what: &str, check: impl Fn(&Value) -> bool) -> Value {
        self.within(SOON, kind, name, what, check).await
    }

    /// The same with another deadline.
    pub async fn within(
        &self,
        deadline: Duration,
        kind: &str,
        name: &str,
        what: &str,
        check: impl Fn(&Value) -> bool,
    ) -> Value {
        eventually(&format!("{kind} {name} {what}"), deadline, async || {
            let object = self.get(kind, name).await;
            if check(&object) {
                Ok(object)
            } else {
                Err(object["status"].to_string())
            }
        })
        .await
        .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Waits until an object is Ready at its newest generation; returns it.
    pub async fn ready(&self, kind: &str, name: &str) -> Value {
        self.until(kind, name, "is Ready", is_ready).await
    }

    /// Waits until the reason of an object's `Ready` is this one; returns the object.
    pub async fn reason(&self, kind: &str, name: &str, reason: &str) -> Value {
        self.until(kind, name, reason, |object| {
            condition(object, "Ready")["reason"] == reason
        })
        .await
    }

    /// Waits until an object is gone.
    pub async fn gone(&self, kind: &str, name: &str) {
        eventually(&format!("{kind} {name} is gone"), SOON, async || {
            match self.find(kind, name).await {
                None => Ok(()),
                Some(object) => Err(object.to_string()),
            }
        })
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    }

    /// The requests to the test's Speech resource so far.
    pub async fn journal(&self) -> Vec<Value> {
        let path = format!("journal?resource={}&limit=100000", self.name);
        let answer = self.control.request(reqwest::Method::GET, &path, None).await.unwrap();
        answer["entries"].as_array().unwrap().clone()
    }

    /// How often an operation was called so far.
    pub async fn calls(&self, operation: &str) -> usize {
        let journal = self.journal().await;
        journal.iter().filter(|entry| entry["operation"] == operation).count()
    }

    /// The requests so far that could change something.
    pub async fn remote_writes(&self) -> Vec<Value> {
        let mut journal = self.journal().await;
        journal.retain(|entry| entry["method"] != "GET");
        journal
    }

    /// What the Speech resource holds of a kind, such as `endpoints`, in the form of a seed.
    pub async fn remote(&self, kind: &str) -> Vec<Value> {
        let resource = self.control.resource(&self.name).await.unwrap();
        resource[kind].as_array().unwrap().clone()
    }

    /// One entity of the Speech resource, in the form of a seed.
    pub async fn remote_entity(&self, kind: &str, id: &str) -> Option<Value> {
        self.remote(kind).await.into_iter().find(|entity| entity["id"] == id)
    }

    /// The entities of a kind that carry the mark of one of our objects.
    pub async fn marked(&self, kind: &str, object: &str) -> Vec<Value> {
        let mark = format!("{}/{object}", self.name);
        let mut all = self.remote(kind).await;
        all.retain(|entity| entity["customProperties"]["customspeech.dev/object"] == mark.as_str());
        all
    }

    /// How many entities of a kind carry the mark of any of our objects.
    pub async fn marked_all(&self, kind: &str) -> usize {
        let mark = format!("{}/", self.name);
        let is_ours = |entity: &Value| {
            let object = entity["customProperties"]["customspeech.dev/object"].as_str();
            object.is_some_and(|object| object.starts_with(&mark))
        };
        self.remote(kind).await.iter().filter(|entity| is_ours(entity)).count()
    }

    /// Has the connection and its lists looked at.
    pub async fn look_at_connection(&self) {
        let word = self.journal().await.len().to_string();
        self.annotate(
            "SpeechConnection",
            "speech",
            "reconcile-requested-at",
            word.clone().into(),
        )
        .await;
        self.until("SpeechConnection", "speech", "is looked at", |object| {
            object["status"]["lastHandledReconcileAt"] == word.as_str()
        })
        .await;
    }

    /// Which model answers a recognition at an endpoint, and whether it stands in for another.
    pub async fn who_answers(&self, endpoint: &str) -> (String, bool) {
        let url = format!("{}/stt/speech/universal/v2?cid={endpoint}", self.url());
        let request = reqwest::Client::builder().no_proxy().build().unwrap().post(url);
        let request = request.header("Ocp-Apim-Subscription-Key", seed::key(&self.name, 1));
        let response = request.send().await.unwrap().error_for_status().unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let model = header("x-emulator-answered-by");
        let path = model.split('?').next().unwrap();
        let id = path.rsplit('/').next().unwrap().to_owned();
        (id, header("x-emulator-fallback") == "true")
    }

    /// The reasons of the events about an object so far, in order.
    pub async fn events(&self, name: &str) -> Vec<String> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), &self.name);
        let mut events = api.list(&ListParams::default()).await.unwrap().items;
        events.retain(|event| event.regarding.as_ref().and_then(|r| r.name.as_deref()) == Some(name));
        events.sort_by_key(|event| event.event_time.clone().map(|time| time.0));
        events
            .into_iter()
            .map(|event| event.reason.unwrap_or_default())
            .collect()
    }

    /// Waits until there is an event of this reason about an object.
    pub async fn event(&self, name: &str, reason: &str) {
        eventually(&format!("an event {reason} about {name}"), SOON, async || {
            let events = self.events(name).await;
            if events.iter().any(|event| event == reason) {
                Ok(())
            } else {
                Err(format!("{events:?}"))
            }
        })
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    }

    /// The operator's writes in the test's namespace so far, events aside.
    pub fn writes(&self, stack: &Stack) -> Vec<AuditEntry> {
        let mut entries = stack.plane.audit().unwrap();
        entries
            .retain(|entry| entry.user == OPERATOR_USER && entry.namespace == self.name && entry.resource != "events");
        entries
    }

    /// Fails when the operator ever said a key: in its log, its metrics, or an object or event of this namespace.
    pub async fn no_key_was_told(&self, stack: &Stack) {
        let mut said = stack.said();
        said.push_str(&stack.operator.metrics().await.unwrap_or_default());
        for kind in ["SpeechConnection", "SpeechModel", "SpeechEndpoint", "ConfigMap"] {
            let objects = self.api(kind).list(&ListParams::default()).await.unwrap();
            said.push_str(&serde_json::to_string(&objects).unwrap());
        }
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.name);
        let events = events.list(&ListParams::default()).await.unwrap();
        said.push_str(&serde_json::to_string(&events).unwrap());
        let keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys.iter() {
            assert!(!said.contains(key), "the operator told the key {key}");
            let encoded = serde_json::to_string(&ByteString(key.clone().into_bytes())).unwrap();
            assert!(
                !said.contains(encoded.trim_matches('"')),
                "the operator told the key {key} as a Secret has it"
            );
        }
    }
}

/// A condition of an object; null when it has none of the kind.
pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array();
    let found = conditions.and_then(|all| all.iter().find(|condition| condition["type"] == kind));
    found.unwrap_or(&Value::Null)
}

/// What a condition of an object says.
pub fn message<'a>(object: &'a Value, kind: &str) -> &'a str {
    condition(object, kind)["message"].as_str().unwrap_or_default()
}

/// Whether an object's newest generation is Ready and nothing is under way.
pub fn is_ready(object: &Value) -> bool {
    condition(object, "Ready")["status"] == "True"
        && condition(object, "Reconciling").is_null()
        && object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

fn merged(mut usual: Value, special: Value) -> Value {
    let Value::Object(special) = special else {
        panic!("a spec is an object")
    };
    usual.as_object_mut().unwrap().extend(special);
    usual
}
