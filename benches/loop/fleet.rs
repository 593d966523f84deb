//! Endpoints by the thousand: 50 per connection, which is what the service allows in one Speech resource.
use crate::{Outcome, stack::Stack};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;
use speech_api::{SpeechConnection, SpeechEndpoint, condition};
use std::{collections::HashSet, time::Duration};
use tokio::time::{Instant, timeout};

/// Endpoints of one connection.
pub const PER_CONNECTION: usize = 50;
/// Where everything lives.
pub const NAMESPACE: &str = "default";
/// So many requests of the user are on their way at once.
const CONCURRENCY: usize = 32;
/// The longest wait for anything to become Ready.
const DEADLINE: Duration = Duration::from_secs(600);
const KEY: &str = "benchmark-key";

/// What exists.
#[derive(Debug, Default)]
pub struct Fleet {
    /// How many endpoints.
    pub endpoints: usize,
    /// How many connections.
    pub connections: usize,
}

impl Fleet {
    /// Makes Speech resources and Ready connections for so many endpoints.
    pub async fn connect(&mut self, stack: &Stack, endpoints: usize) -> Outcome<()> {
        let wanted = endpoints.div_ceil(PER_CONNECTION);
        let added = self.connections..wanted;
        if added.is_empty() {
            return Ok(());
        }
        for index in added.clone() {
            let resource = json!({
                "key1": KEY,
                "latencyMs": 5,
                "timings": { "endpointCreate": 2, "endpointUpdate": 2 },
                "baseModels": [{
                    "id": uuid::Uuid::from_u128(0x5eec_0000 + u128::try_from(index)?),
                    "displayName": "20260115", "description": "en-US base model", "locale": "en-US",
                    "createdDateTime": jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24),
                }],
            });
            stack
                .emulator
                .control()
                .put_resource(&connection(index), resource)
                .await?;
        }
        let secrets: Api<Secret> = Api::namespaced(stack.client.clone(), NAMESPACE);
        let key = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "speech" }, "stringData": { "key": KEY } });
        secrets.patch("speech", &applying(), &Patch::Apply(key)).await?;
        let api: Api<SpeechConnection> = Api::namespaced(stack.client.clone(), NAMESPACE);
        let base_url = stack.emulator.base_url();
        let ready = until_ready(api.clone(), wanted, |c: &SpeechConnection| {
            c.status.as_ref().map(|status| status.conditions.as_slice())
        });
        let apply = stream::iter(added).map(Ok).try_for_each_concurrent(CONCURRENCY, |index| {
            let (api, name) = (api.clone(), connection(index));
            let manifest = json!({
                "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechConnection", "metadata": { "name": name },
                "spec": { "endpoint": format!("{base_url}/{name}"), "auth": { "keySecretRef": { "name": "speech", "key": "key" } } },
            });
            async move { api.patch(&name, &applying(), &Patch::Apply(manifest)).await.map(drop) }
        });
        apply.await?;
        ready.await?;
        self.connections = wanted;
        Ok(())
    }

    /// Creates endpoints until there are so many, all at once, and waits until all are Ready; tells when the apiserver
    /// had taken the last one, and when the last one was Ready.
    pub async fn grow(&mut self, stack: &Stack, endpoints: usize) -> Outcome<(Duration, Duration)> {
        let api: Api<SpeechEndpoint> = Api::namespaced(stack.client.clone(), NAMESPACE);
        let ready = until_ready(api.clone(), endpoints, |e: &SpeechEndpoint| {
            e.status.as_ref().map(|status| status.conditions.as_slice())
        });
        let ready = tokio::spawn(ready);
        let began = Instant::now();
        let created = stream::iter(self.endpoints..endpoints).map(Ok).try_for_each_concurrent(CONCURRENCY, |index| {
            let name = endpoint(index);
            let manifest = json!({
                "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint", "metadata": { "name": name },
                "spec": { "connectionRef": { "name": connection(index / PER_CONNECTION) }, "locale": "en-US", "model": { "base": {} } },
            });
            let api = api.clone();
            async move {
                // A POST, which is what `kubectl apply` sends for what does not exist.
                api.create(&PostParams::default(), &serde_json::from_value(manifest)?).await?;
                Outcome::Ok(())
            }
        });
        created.await?;
        let applied = began.elapsed();
        let done = ready.await??;
        self.endpoints = endpoints;
        Ok((applied, done - began))
    }
}

/// The name of an endpoint.
pub fn endpoint(index: usize) -> String {
    format!("endpoint-{index:05}")
}

/// The name of a connection and of its Speech resource.
pub fn connection(index: usize) -> String {
    format!("speech-{index:03}")
}

/// As `kubectl apply --server-side` does.
fn applying() -> PatchParams {
    PatchParams::apply("benchmark")
}

type Conditions = [k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition];

/// Watches until so many objects are Ready for their present generation; tells when.
async fn until_ready<K>(api: Api<K>, count: usize, conditions: fn(&K) -> Option<&Conditions>) -> Outcome<Instant>
where
    K: kube::Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
{
    let mut ready = HashSet::new();
    let mut objects = watcher(api, watcher::Config::default()).applied_objects().boxed();
    let all = async {
        while ready.len() < count {
            let object = objects.try_next().await?.ok_or("the watch ended")?;
            let is_ready = conditions(&object)
                .and_then(|conditions| condition::find(conditions, condition::READY))
                .is_some_and(|ready| ready.status == "True" && ready.observed_generation == object.meta().generation);
            if is_ready && let Some(name) = object.meta().name.clone() {
                ready.insert(name);
            }
        }
        Outcome::Ok(Instant::now())
    };
    match timeout(DEADLINE, all).await {
        Ok(done) => done,
        Err(_) => Err(format!("only {} of {count} are Ready after {DEADLINE:?}", ready.len()).into()),
    }
}
