//! What one test has for itself: a namespace, a Speech resource of the same name, a Secret and a SpeechConnection.
use crate::{
    harness::{AuditEntry, KINDS, OPERATOR_USER, Tenant, condition, in_time, is_ready, message},
    seed,
    stack::{SOON, Stack},
};
use k8s_openapi::{ByteString, api::events::v1::Event};
use kube::{Api, api::ListParams};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    ops::Deref,
    sync::{Mutex, PoisonError},
};

/// Every key and client secret that any test gave to an operator.
static KEYS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// How tokens begin: the emulator's, and those of ServiceAccounts.
const TOKENS: [&str; 2] = ["emulated-token.", "eyJhbGciOi"];

/// Remembers what no operator may tell.
fn keep(secret: &str) {
    KEYS.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(secret.to_owned());
}

/// A test's own part of a stack.
pub struct Case(Tenant);

impl Deref for Case {
    type Target = Tenant;

    fn deref(&self) -> &Tenant {
        &self.0
    }
}

impl Case {
    /// Makes the namespace and the Speech resource; no connection yet.
    pub async fn new(stack: &Stack, name: &str) -> Self {
        let now = stack.emulator.control().now().await.unwrap();
        let resource = seed::resource(name, now);
        Self(Tenant::new(&stack.client, &stack.emulator, name, resource).await)
    }

    /// Makes the Secret and a connection named `speech`, and waits until it is Ready.
    pub async fn connect(&self, poll_interval: &str) {
        self.secret(&seed::key(&self.name, 1)).await;
        self.connection(json!({"pollInterval": poll_interval})).await;
        self.ready("SpeechConnection", "speech").await;
    }

    /// Applies the model `claims`, which is this base model.
    pub async fn claims(&self, base: &str) {
        self.model("claims", json!({"source": {"base": {"id": base}}})).await;
    }

    /// Connects, makes the endpoint `hotline`, and moves it to a model to which its deployment fails.
    pub async fn failing_swap(&self) {
        self.connect("60s").await;
        self.claims(seed::BASE_OLD).await;
        self.endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}}))
            .await;
        self.serves("hotline", seed::BASE_OLD).await;
        let fault = json!({
            "route": {"resource": self.name},
            "action": {"failNext": {"kind": "endpoint", "code": "DeploymentError", "message": "no room left"}},
        });
        self.control.add_fault(fault).await.unwrap();
        self.claims(seed::BASE_NEW).await;
    }

    /// Applies the Secret `speech-key`.
    pub async fn secret(&self, key: &str) {
        keep(key);
        self.0.secret(key).await;
    }

    /// Applies a Secret of one entry, whose value is never to be told.
    pub async fn secret_named(&self, name: &str, key: &str, value: &str) {
        keep(value);
        self.apply(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {key: value}}),
        )
        .await;
    }

    /// Applies the connection `speech`, with what `spec` says beside or in place of the usual.
    pub async fn connection(&self, spec: Value) {
        self.connection_named("speech", spec).await;
    }

    /// Applies an endpoint and waits until it is Ready; returns it.
    pub async fn ready_endpoint(&self, name: &str, spec: Value) -> Value {
        self.endpoint(name, spec).await;
        self.ready("SpeechEndpoint", name).await
    }

    /// Applies a model and waits until it is Ready; returns it.
    pub async fn ready_model(&self, name: &str, spec: Value) -> Value {
        self.model(name, spec).await;
        self.ready("SpeechModel", name).await
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
        self.look_at("SpeechConnection", "speech").await;
        self.look_at("SpeechEndpoint", endpoint).await
    }

    /// The same Speech resource, seen from another namespace.
    pub fn in_namespace(&self, name: &str) -> Self {
        Self(self.0.in_namespace(name))
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
        in_time(&format!("{kind} {name} is gone"), SOON, async || {
            match self.find(kind, name).await {
                None => Ok(()),
                Some(object) => Err(object.to_string()),
            }
        })
        .await;
    }

    /// Deletes an object and waits until it is gone.
    pub async fn remove(&self, kind: &str, name: &str) {
        self.delete(kind, name).await;
        self.gone(kind, name).await;
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
        self.look_at("SpeechConnection", "speech").await;
    }

    async fn look_at(&self, kind: &str, name: &str) -> Value {
        let word = self.journal().await.len().to_string();
        self.annotate(kind, name, "reconcile-requested-at", word.clone().into())
            .await;
        self.until(kind, name, "is looked at", |object| {
            object["status"]["lastHandledReconcileAt"] == word.as_str()
        })
        .await
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
        in_time(&format!("an event {reason} about {name}"), SOON, async || {
            let events = self.events(name).await;
            if events.iter().any(|event| event == reason) {
                Ok(())
            } else {
                Err(format!("{events:?}"))
            }
        })
        .await;
    }

    /// The operator's writes in the test's namespace so far, events aside.
    pub fn writes(&self, stack: &Stack) -> Vec<AuditEntry> {
        let mut entries = stack.plane.audit().unwrap();
        entries
            .retain(|entry| entry.user == OPERATOR_USER && entry.namespace == self.name && entry.resource != "events");
        entries
    }

    /// Fails when the operator ever said a key, a client secret or a token: in its log, its metrics, or an object or event of this namespace.
    pub async fn no_key_was_told(&self, stack: &Stack) {
        let mut said = stack.said();
        said.push_str(&stack.operator.metrics().await.unwrap_or_default());
        for kind in KINDS.into_iter().chain(["ConfigMap"]) {
            let objects = self.api(kind).list(&ListParams::default()).await.unwrap();
            said.push_str(&serde_json::to_string(&objects).unwrap());
        }
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.name);
        let events = events.list(&ListParams::default()).await.unwrap();
        said.push_str(&serde_json::to_string(&events).unwrap());
        for token in TOKENS {
            assert!(
                !said.contains(token),
                "the operator told a token that begins with {token}"
            );
        }
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
