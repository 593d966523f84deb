//! Endpoints by the thousand: 50 per connection, which is what the service allows in one Speech resource.
use crate::{Outcome, harness::api_of, stack::Stack, subject::Subject};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, ResourceExt,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;
use std::{collections::HashSet, ops::Range, time::Duration};
use tokio::time::{Instant, timeout};

/// Endpoints of one connection.
pub const PER_CONNECTION: usize = 50;
/// Where everything lives.
pub const NAMESPACE: &str = "default";
/// The key of every Speech resource.
pub const KEY: &str = "benchmark-key";
/// So many requests of the user are on their way at once.
const CONCURRENCY: usize = 32;
/// The longest wait for anything to become Ready.
const DEADLINE: Duration = Duration::from_secs(600);

/// What exists.
#[derive(Debug, Default)]
pub struct Fleet {
    /// How many endpoints.
    pub endpoints: usize,
    /// How many connections.
    pub connections: usize,
}

impl Fleet {
    /// Makes Speech resources for so many endpoints, and Ready connections where the operator knows some.
    pub async fn connect(&mut self, stack: &Stack, endpoints: usize) -> Outcome<()> {
        let wanted = endpoints.div_ceil(PER_CONNECTION);
        let added = self.connections..wanted;
        for index in added.clone() {
            let resource = json!({
                "key1": KEY,
                "latencyMs": 5,
                // Neither operator is held up by a limit: a wait would tell nothing of its speed.
                "rateLimit": { "requests": 0, "perSeconds": 10 },
                "timings": { "endpointCreate": 2, "endpointUpdate": 2 },
                "baseModels": [{
                    "id": base_model(index)?,
                    "displayName": "20260115", "description": "en-US base model", "locale": "en-US",
                    "createdDateTime": jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24),
                }],
            });
            let name = connection(index);
            stack.emulator.control().put_resource(&name, resource).await?;
        }
        if stack.subject == Subject::Here && !added.is_empty() {
            apply_connections(stack, added).await?;
        }
        self.connections = wanted;
        Ok(())
    }

    /// Creates endpoints until there are so many, all at once, and waits until all are Ready; tells when the apiserver
    /// had taken the last one, and when the last one was Ready.
    pub async fn grow(&mut self, stack: &Stack, endpoints: usize) -> Outcome<(Duration, Duration)> {
        let api = stack.subject.endpoints(&stack.client);
        let ready = tokio::spawn(until_ready(api.clone(), endpoints));
        let objects = (self.endpoints..endpoints).map(|index| {
            let manifest = stack.subject.manifest(index, stack.emulator.base_url())?;
            Ok(serde_json::from_value(manifest)?)
        });
        let objects: Vec<DynamicObject> = objects.collect::<Outcome<_>>()?;
        let began = Instant::now();
        let created = stream::iter(objects)
            .map(Ok)
            .try_for_each_concurrent(CONCURRENCY, |object| {
                let api = api.clone();
                // A POST, which is what `kubectl apply` sends for what does not exist.
                async move { api.create(&PostParams::default(), &object).await.map(drop) }
            });
        created.await?;
        let applied = began.elapsed();
        let done = ready.await??;
        self.endpoints = endpoints;
        Ok((applied, done - began))
    }
}

/// Applies connections to Speech resources that exist, and waits until all there are up to the last are Ready.
async fn apply_connections(stack: &Stack, added: Range<usize>) -> Outcome<()> {
    let secrets: Api<Secret> = Api::namespaced(stack.client.clone(), NAMESPACE);
    let key =
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "speech" }, "stringData": { "key": KEY } });
    secrets.patch("speech", &applying(), &Patch::Apply(key)).await?;
    let api = api_of(&stack.client, "SpeechConnection", Some(NAMESPACE));
    let ready = until_ready(api.clone(), added.end);
    let base_url = stack.emulator.base_url();
    let apply = stream::iter(added).map(Ok).try_for_each_concurrent(CONCURRENCY, |index| {
        let (api, name) = (api.clone(), connection(index));
        let manifest = json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechConnection", "metadata": { "name": name },
            "spec": {
                "endpoint": format!("{base_url}/{name}"), "auth": { "keySecretRef": { "name": "speech", "key": "key" } },
            },
        });
        async move { api.patch(&name, &applying(), &Patch::Apply(manifest)).await.map(drop) }
    });
    apply.await?;
    ready.await.map(drop)
}

/// The name of an endpoint.
pub fn endpoint(index: usize) -> String {
    format!("endpoint-{index:05}")
}

/// The name of a connection and of its Speech resource.
pub fn connection(index: usize) -> String {
    format!("speech-{index:03}")
}

/// The id of the base model of a Speech resource.
pub fn base_model(connection: usize) -> Outcome<uuid::Uuid> {
    Ok(uuid::Uuid::from_u128(0x5eec_0000 + u128::try_from(connection)?))
}

/// As `kubectl apply --server-side` does.
fn applying() -> PatchParams {
    PatchParams::apply("benchmark")
}

/// Whether an object is Ready for its present generation.
fn is_ready(object: &DynamicObject) -> bool {
    let conditions = object.data.pointer("/status/conditions").and_then(|all| all.as_array());
    let ready = conditions.and_then(|all| {
        all.iter()
            .find(|condition| condition.get("type") == Some(&json!("Ready")))
    });
    ready.is_some_and(|ready| {
        let observed = ready.get("observedGeneration").and_then(serde_json::Value::as_i64);
        ready.get("status") == Some(&json!("True")) && observed == object.metadata.generation
    })
}

/// Watches until so many objects are Ready; tells when.
async fn until_ready(api: Api<DynamicObject>, count: usize) -> Outcome<Instant> {
    let mut ready = HashSet::new();
    let mut objects = watcher(api, watcher::Config::default()).applied_objects().boxed();
    let all = async {
        while ready.len() < count {
            let object = objects.try_next().await?.ok_or("the watch ended")?;
            if is_ready(&object) {
                ready.insert(object.name_any());
            }
        }
        Outcome::Ok(Instant::now())
    };
    match timeout(DEADLINE, all).await {
        Ok(done) => done,
        Err(_) => Err(format!("only {} of {count} are Ready after {DEADLINE:?}", ready.len()).into()),
    }
}
