//! A namespace and a Speech resource of the same name, and what a user does there.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a step that fails ends the test
use super::{
    control::Control,
    emulator::EmulatorProcess,
    in_time,
    objects::{api_of, merged},
};
use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};
use std::time::Duration;

/// How long the API server may refuse what is applied, because it does not answer or has no such namespace yet.
const REFUSES: Duration = Duration::from_secs(60);

/// A namespace and a Speech resource.
#[derive(Clone)]
pub struct Tenant {
    /// Name of both.
    pub name: String,
    /// With the administrator's rights.
    pub client: Client,
    pub control: Control,
    base_url: String,
}

impl Tenant {
    /// Makes both; no connection yet.
    pub async fn new(client: &Client, emulator: &EmulatorProcess, name: &str, resource: Value) -> Self {
        let tenant = Self {
            name: name.to_owned(),
            client: client.clone(),
            control: emulator.control().clone(),
            base_url: emulator.base_url().to_owned(),
        };
        tenant.control.put_resource(name, resource).await.unwrap();
        tenant
            .apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
            .await;
        tenant
    }

    /// The same Speech resource, seen from another namespace.
    pub fn in_namespace(&self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..self.clone()
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

    /// Applies the Secret `speech-key`.
    pub async fn secret(&self, key: &str) {
        self.apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "speech-key"}, "stringData": {"key": key}}))
            .await;
    }

    /// Applies a connection to the Speech resource, with what `spec` says beside or in place of the usual.
    pub async fn connection_named(&self, name: &str, spec: Value) {
        let usual = json!({"endpoint": self.url(), "auth": {"keySecretRef": {"name": "speech-key"}}});
        self.declare("SpeechConnection", name, None, merged(usual, spec)).await;
    }

    /// Applies an endpoint of locale en-US at the connection `speech`.
    pub async fn endpoint(&self, name: &str, spec: Value) {
        self.declare("SpeechEndpoint", name, None, of_speech(spec)).await;
    }

    /// Applies a model of locale en-US at the connection `speech`.
    pub async fn model(&self, name: &str, spec: Value) {
        self.declare("SpeechModel", name, None, of_speech(spec)).await;
    }

    /// The same with labels.
    pub async fn labelled_model(&self, name: &str, labels: Value, spec: Value) {
        self.declare("SpeechModel", name, Some(labels), of_speech(spec)).await;
    }

    async fn declare(&self, kind: &str, name: &str, labels: Option<Value>, spec: Value) {
        let mut metadata = json!({"name": name});
        if let Some(labels) = labels {
            metadata["labels"] = labels;
        }
        self.apply(json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec,
        }))
        .await;
    }

    /// Applies an object; its namespace is the tenant's unless it says another. What an earlier apply said and this does
    /// not is removed.
    pub async fn apply(&self, object: Value) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (kind, name) = (text(&object["kind"]), text(&object["metadata"]["name"]));
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or(&self.name);
        let api = api_of(&self.client, &kind, Some(namespace));
        let params = PatchParams::apply("user").force();
        in_time(&format!("{kind} {name} is applied"), REFUSES, async || {
            let applied = api.patch(&name, &params, &Patch::Apply(&object)).await;
            applied.map(drop).map_err(|error| error.to_string())
        })
        .await;
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

    /// The objects of a kind in the namespace.
    pub fn api(&self, kind: &str) -> Api<DynamicObject> {
        api_of(&self.client, kind, Some(&self.name))
    }

    /// An object, if it exists.
    pub async fn find(&self, kind: &str, name: &str) -> Option<Value> {
        let object = self.api(kind).get_opt(name).await.unwrap()?;
        Some(serde_json::to_value(object).unwrap())
    }

    /// Waits until an object is as `check` wants it; returns it.
    pub async fn within(
        &self,
        deadline: Duration,
        kind: &str,
        name: &str,
        what: &str,
        check: impl Fn(&Value) -> bool,
    ) -> Value {
        let what = format!("{kind} {name} of {} {what}", self.name);
        in_time(&what, deadline, async || match self.find(kind, name).await {
            Some(object) if check(&object) => Ok(object),
            Some(object) => Err(object["status"].to_string()),
            None => Err("there is none".to_owned()),
        })
        .await
    }

    /// The requests to the Speech resource so far.
    pub async fn journal(&self) -> Vec<Value> {
        let path = format!("journal?resource={}&limit=200000", self.name);
        let mut answer = self.control.request(reqwest::Method::GET, &path, None).await.unwrap();
        serde_json::from_value(answer["entries"].take()).unwrap()
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

    /// Does this to the next request of an operation; returns the fault's id.
    pub async fn strike(&self, operation: &str, action: Value) -> u64 {
        self.strike_always(operation, action, json!({"times": 1})).await
    }

    /// Does this to requests of an operation, or of all for `*`, as often as `how` says (`times`, `probability`, `seed`).
    pub async fn strike_always(&self, operation: &str, action: Value, how: Value) -> u64 {
        let fault = json!({"route": {"resource": self.name, "path": operation}, "action": action});
        let fault = self.control.add_fault(merged(fault, how)).await.unwrap();
        fault["id"].as_u64().unwrap()
    }
}

fn of_speech(spec: Value) -> Value {
    merged(json!({"connectionRef": {"name": "speech"}, "locale": "en-US"}), spec)
}
