//! What a row acts on: a namespace, a Speech resource of the same name, a Secret and a SpeechConnection.
use crate::{
    harness::{self, KINDS, eventually, merged},
    seed,
    world::World,
};
use kube::api::ListParams;
use serde_json::{Value, json};
use std::{collections::BTreeSet, ops::Deref, time::Duration};

const SOON: Duration = Duration::from_secs(60);

/// A namespace and a Speech resource of one name.
#[derive(Clone)]
pub struct Tenant {
    own: harness::Tenant,
    /// Ids of the models and endpoints that were there at first.
    pub seeded: BTreeSet<String>,
}

impl Deref for Tenant {
    type Target = harness::Tenant;

    fn deref(&self) -> &harness::Tenant {
        &self.own
    }
}

impl Tenant {
    /// Makes both; no connection yet.
    pub(crate) async fn new(world: &World, name: &str, change: Value) -> Self {
        let now = world.emulator.control().now().await.unwrap();
        let resource = merged(seed::resource(name, now), change);
        let first = ["models", "endpoints"]
            .into_iter()
            .flat_map(|kind| resource[kind].as_array().unwrap());
        let seeded = first
            .filter_map(|entity| entity["id"].as_str().map(str::to_owned))
            .collect();
        let own = harness::Tenant::new(&world.client, &world.emulator, name, resource).await;
        Self { own, seeded }
    }

    /// Makes the Secret `speech-key` and the connection `speech`, whose spec says this beside the usual.
    pub async fn connect(&self, spec: Value) {
        self.secret(&seed::key(&self.name, 1)).await;
        self.connection("speech", spec).await;
    }

    /// Applies a connection to the tenant's Speech resource, with what `spec` says beside or in place of the usual. Rows delete
    /// many at once, and nobody is there to agree.
    pub async fn connection(&self, name: &str, spec: Value) {
        let guard = json!({"deletionGuard": {"maxDeletions": 100_000}});
        self.connection_named(name, merged(guard, spec)).await;
    }

    /// The ARM id that the emulator gives to the Speech resource.
    pub fn resource_id(&self) -> String {
        let subscription = "/subscriptions/11111111-2222-4333-8444-555555555555";
        let name = &self.name;
        format!("{subscription}/resourceGroups/rg-{name}/providers/Microsoft.CognitiveServices/accounts/{name}")
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
        self.within(SOON, kind, name, what, check).await
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

    /// How many requests that change something there were so far.
    pub async fn writes(&self) -> usize {
        self.remote_writes().await.len()
    }
}

/// Whether an object is Ready and stays.
pub fn is_ready(object: &Value) -> bool {
    harness::is_ready(object) && object["metadata"]["deletionTimestamp"].is_null()
}
