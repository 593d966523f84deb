//! What a row acts on: a namespace, a Speech resource of the same name, a Secret and a SpeechConnection.

use std::collections::BTreeSet;
use std::time::Duration;

use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::{
    harness::{Control, eventually},
    seed,
    world::World,
};

/// Our kinds.
pub const KINDS: [&str; 3] = ["SpeechEndpoint", "SpeechModel", "SpeechConnection"];
const SOON: Duration = Duration::from_secs(60);

/// A namespace and a Speech resource of one name.
#[derive(Clone)]
pub struct Tenant {
    /// Name of both.
    pub name: String,
    /// A client with the administrator's rights.
    pub client: Client,
    /// The emulator's control API.
    pub control: Control,
    /// Ids of the models and endpoints that were there at first.
    pub seeded: BTreeSet<String>,
    base_url: String,
}

impl Tenant {
    /// Makes both; no connection yet.
    pub(crate) async fn new(world: &World, name: &str, change: Value) -> Self {
        let control = world.emulator.control().clone();
        let mut resource = seed::resource(name, control.now().await.unwrap());
        merge(&mut resource, change);
        let first = ["models", "endpoints"]
            .into_iter()
            .flat_map(|kind| resource[kind].as_array().unwrap());
        let seeded = first
            .filter_map(|entity| entity["id"].as_str().map(str::to_owned))
            .collect();
        control.put_resource(name, resource).await.unwrap();
        let tenant = Self {
            name: name.to_owned(),
            client: world.client.clone(),
            control,
            seeded,
            base_url: world.emulator.base_url().to_owned(),
        };
        tenant
            .apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
            .await;
        tenant
    }

    /// Makes the Secret `speech-key` and the connection `speech`, whose spec says this beside the usual.
    pub async fn connect(&self, spec: Value) {
        self.secret(&seed::key(&self.name, 1)).await;
        self.connection("speech", spec).await;
    }

    /// Applies the Secret `speech-key`.
    pub async fn secret(&self, key: &str) {
        self.apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "speech-key"}, "stringData": {"key": key}}))
            .await;
    }

    /// Applies a connection to the tenant's Speech resource, with what `spec` says beside or in place of the usual. Rows delete
    /// many at once, and nobody is there to agree.
    pub async fn connection(&self, name: &str, spec: Value) {
        let mut usual = json!({
            "endpoint": self.url(), "auth": {"keySecretRef": {"name": "speech-key"}}, "deletionGuard": {"maxDeletions": 100_000},
        });
        merge(&mut usual, spec);
        self.declare("SpeechConnection", name, usual).await;
    }

    /// Applies an endpoint of locale en-US at the connection `speech`.
    pub async fn endpoint(&self, name: &str, spec: Value) {
        let mut usual = json!({"connectionRef": {"name": "speech"}, "locale": "en-US"});
        merge(&mut usual, spec);
        self.declare("SpeechEndpoint", name, usual).await;
    }

    /// Applies a model of locale en-US at the connection `speech`.
    pub async fn model(&self, name: &str, spec: Value) {
        let mut usual = json!({"connectionRef": {"name": "speech"}, "locale": "en-US"});
        merge(&mut usual, spec);
        self.declare("SpeechModel", name, usual).await;
    }

    async fn declare(&self, kind: &str, name: &str, spec: Value) {
        self.apply(json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec,
        }))
        .await;
    }

    /// Base URL of the Speech resource.
    pub fn url(&self) -> String {
        format!("{}/{}", self.base_url, self.name)
    }

    /// The ARM id that the emulator gives to the Speech resource.
    pub fn resource_id(&self) -> String {
        let subscription = "/subscriptions/11111111-2222-4333-8444-555555555555";
        let name = &self.name;
        format!("{subscription}/resourceGroups/rg-{name}/providers/Microsoft.CognitiveServices/accounts/{name}")
    }

    /// Applies an object in the tenant's namespace. What an earlier apply said and this does not is removed. While the
    /// API server does not answer, or the namespace is not there yet, it is tried again.
    pub async fn apply(&self, object: Value) {
        let kind = object["kind"].as_str().unwrap().to_owned();
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let params = PatchParams::apply("user").force();
        let api = self.api(&kind);
        eventually(&format!("{kind} {name} is applied"), SOON, async || {
            let applied = api.patch(&name, &params, &Patch::Apply(&object)).await;
            applied.map(drop).map_err(|error| error.to_string())
        })
        .await
        .unwrap();
    }

    /// Changes a part of an object.
    pub async fn patch(&self, kind: &str, name: &str, patch: Value) {
        let params = PatchParams::default();
        self.api(kind).patch(name, &params, &Patch::Merge(patch)).await.unwrap();
    }

    /// Deletes an object and waits for nothing.
    pub async fn delete(&self, kind: &str, name: &str) {
        self.api(kind).delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// The objects of a kind in the tenant's namespace.
    pub fn api(&self, kind: &str) -> Api<DynamicObject> {
        api_of(&self.client, kind, Some(&self.name))
    }

    /// An object, if it exists.
    pub async fn find(&self, kind: &str, name: &str) -> Option<Value> {
        let object = self.api(kind).get_opt(name).await.unwrap()?;
        Some(serde_json::to_value(object).unwrap())
    }

    /// The tenant's objects of our kinds, each with its `kind`.
    pub async fn objects(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for kind in KINDS {
            let listed = self.api(kind).list(&ListParams::default()).await.unwrap();
            for object in listed {
                let mut object = serde_json::to_value(object).unwrap();
                object["kind"] = json!(kind);
                all.push(object);
            }
        }
        all
    }

    /// Waits until an object is as `check` wants it; returns it.
    pub async fn until(&self, kind: &str, name: &str, what: &str, check: impl Fn(&Value) -> bool) -> Value {
        eventually(
            &format!("{kind} {name} of {} {what}", self.name),
            SOON,
            async || match self.find(kind, name).await {
                Some(object) if check(&object) => Ok(object),
                Some(object) => Err(object["status"].to_string()),
                None => Err("there is none".to_owned()),
            },
        )
        .await
        .unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same where its absence in time is no reason to give up: the status as it was last.
    pub async fn find_until(
        &self,
        kind: &str,
        name: &str,
        deadline: Duration,
        check: impl Fn(&Value) -> bool,
    ) -> Result<Value, Value> {
        let mut last = Value::Null;
        let found = eventually("an object is as it should be", deadline, async || {
            let object = self.find(kind, name).await.unwrap_or_default();
            last = object["status"].clone();
            if check(&object) {
                Ok(object)
            } else {
                Err("not yet".to_owned())
            }
        });
        found.await.map_err(|_| last)
    }

    /// What the Speech resource holds, in the form of a seed.
    pub async fn remote(&self) -> Value {
        self.control.resource(&self.name).await.unwrap()
    }

    /// The requests to the Speech resource so far.
    pub async fn journal(&self) -> Vec<Value> {
        let path = format!("journal?resource={}&limit=200000", self.name);
        let mut answer = self.control.request(reqwest::Method::GET, &path, None).await.unwrap();
        serde_json::from_value(answer["entries"].take()).unwrap()
    }

    /// How many requests that change something there were so far.
    pub async fn writes(&self) -> usize {
        let journal = self.journal().await;
        journal.iter().filter(|entry| entry["method"] != "GET").count()
    }

    /// How often an operation was called so far.
    pub async fn calls(&self, operation: &str) -> usize {
        self.journal()
            .await
            .iter()
            .filter(|entry| entry["operation"] == operation)
            .count()
    }

    /// Does this to the next request of an operation; returns the fault's id.
    pub async fn strike(&self, operation: &str, action: Value) -> u64 {
        self.strike_always(operation, action, json!({"times": 1})).await
    }

    /// Does this to requests of an operation, or of all for `*`, as often as `how` says (`times`, `probability`, `seed`).
    pub async fn strike_always(&self, operation: &str, action: Value, how: Value) -> u64 {
        let mut fault = json!({"route": {"resource": self.name, "path": operation}, "action": action});
        merge(&mut fault, how);
        self.control.add_fault(fault).await.unwrap()["id"].as_u64().unwrap()
    }
}

/// The API of a kind, in one namespace or in all.
pub fn api_of(client: &Client, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    let (group, version, plural) = match kind {
        "SpeechConnection" => ("customspeech.dev", "v1alpha1", "speechconnections"),
        "SpeechModel" => ("customspeech.dev", "v1alpha1", "speechmodels"),
        "SpeechEndpoint" => ("customspeech.dev", "v1alpha1", "speechendpoints"),
        "Namespace" => ("", "v1", "namespaces"),
        "Secret" => ("", "v1", "secrets"),
        "ConfigMap" => ("", "v1", "configmaps"),
        "Lease" => ("coordination.k8s.io", "v1", "leases"),
        other => panic!("no row needs the kind {other}"),
    };
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
    match namespace {
        Some(namespace) if kind != "Namespace" => Api::namespaced_with(client.clone(), namespace, &resource),
        Some(_) | None => Api::all_with(client.clone(), &resource),
    }
}

/// Members of `special` replace those of `usual`.
fn merge(usual: &mut Value, special: Value) {
    let Value::Object(special) = special else {
        panic!("an object is needed, not {special}")
    };
    usual.as_object_mut().unwrap().extend(special);
}

/// A condition of an object; null when it has none of the kind.
pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array();
    let found = conditions.and_then(|all| all.iter().find(|condition| condition["type"] == kind));
    found.unwrap_or(&Value::Null)
}

/// Whether an object's newest generation is Ready and nothing is under way.
pub fn is_ready(object: &Value) -> bool {
    condition(object, "Ready")["status"] == "True"
        && condition(object, "Reconciling").is_null()
        && object["status"]["observedGeneration"] == object["metadata"]["generation"]
        && object["metadata"]["deletionTimestamp"].is_null()
}
