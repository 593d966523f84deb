//! Lets objects go where the operator or its kinds are removed: takes our finalizer off and leaves the Speech service alone.
//!
//! This needs neither the Lease, which goes with the operator's namespace, nor a pass, of which none begins after SIGTERM.
//! Every replica does it, by a client that no fence holds back: to let an object go that nobody will look after is right
//! whoever does it, and the resourceVersion sees to it that it is done once.
use super::{
    Context,
    context::MutationCaches,
    residence::{Finding, is_home_ending},
    store::{Indexed, Store},
    wake,
    watch::Kept,
    write::{self, WriteError},
};
use kube::{Client, Resource, core::NamespaceResourceScope};
use serde::de::DeserializeOwned;
use speech_api::{Reason, SpeechConnection, is_held};
use speech_plan::Notice;
use std::{fmt::Debug, sync::Arc, time::Duration};
use tokio::time::timeout;

/// The pause between two looks while something is being deleted.
const LOOK: Duration = Duration::from_secs(5);
/// The pause between two rounds of letting go.
const ROUND: Duration = Duration::from_secs(1);
/// How long the passes of a leader may take first: they tell more.
const PASSES: Duration = Duration::from_millis(300);
/// The longest that one object may take.
const ONE: Duration = Duration::from_secs(10);
/// How long a process that ends stays for it.
const STAYS: Duration = Duration::from_secs(20);

/// Looks on for ever while something is being deleted, else sleeps.
pub async fn run(context: Arc<Context>, client: Client) {
    loop {
        if !leaves(&context) && !is_home_ending(&context) {
            context.alarm.rung().await;
        }
        let Finding::Ends(why) = context.residence.now().await else {
            // Whether somebody removes a kind is seen at the next look at the latest.
            let _ = timeout(LOOK, context.alarm.rung()).await;
            continue;
        };
        wake::leaving_all(&context);
        tokio::time::sleep(PASSES).await;
        let left = round(&context, &client, &why).await;
        tokio::time::sleep(if left { ROUND } else { LOOK }).await;
    }
}

/// Whether a process that ends has objects to let go first; waits for their end, for a while.
pub async fn finished(context: &Context) {
    let ends = || async { leaves(context) && matches!(context.residence.now().await, Finding::Ends(_)) };
    if !is_home_ending(context) && !ends().await {
        return;
    }
    tracing::info!("the operator or its kinds are being removed; objects are let go before the end");
    let gone = async {
        while leaves(context) || (is_home_ending(context) && holds(context)) {
            tokio::time::sleep(ROUND / 10).await;
        }
    };
    if timeout(STAYS, gone).await.is_err() {
        tracing::warn!("some objects keep their finalizer; `kubectl speech release --all -A` takes it off");
    }
}

/// Whether an object is being deleted that waits for us.
fn leaves(context: &Context) -> bool {
    let stores = &context.stores;
    has_any(&stores.connections, false) || has_any(&stores.models, false) || has_any(&stores.endpoints, false)
}

/// Whether any object bears our finalizer.
fn holds(context: &Context) -> bool {
    let stores = &context.stores;
    has_any(&stores.connections, true) || has_any(&stores.models, true) || has_any(&stores.endpoints, true)
}

fn has_any<K: Indexed>(store: &Store<K>, all: bool) -> bool {
    !held(store, all).is_empty()
}

/// Lets go of all that has to go; tells whether there was something.
async fn round(context: &Context, client: &Client, why: &str) -> bool {
    let all = is_home_ending(context);
    let MutationCaches {
        connections,
        models,
        endpoints,
    } = &context.written;
    let stores = &context.stores;
    let mut some = false;
    for object in held(&stores.endpoints, all) {
        some |= one(context, client, &*endpoints.freshest(object), why).await;
    }
    for object in held(&stores.models, all) {
        some |= one(context, client, &*models.freshest(object), why).await;
    }
    // Others may live by a connection whose own kind stays.
    if all || context.residence.removes::<SpeechConnection>().await {
        for object in held(&stores.connections, all) {
            some |= one(context, client, &*connections.freshest(object), why).await;
        }
    }
    some
}

/// The objects that bear our finalizer: all, or those that are being deleted.
fn held<K: Indexed>(store: &Store<K>, all: bool) -> Vec<Arc<K>> {
    let mut objects = if all { store.state() } else { store.leaving() };
    objects.retain(|object| is_held(&**object));
    objects
}

async fn one<K>(context: &Context, client: &Client, object: &K, why: &str) -> bool
where
    K: Kept + Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    let kind = K::kind(&());
    let name = object.meta().name.as_deref().unwrap_or_default();
    let namespace = object.meta().namespace.as_deref().unwrap_or_default();
    match timeout(ONE, write::let_go(client, object)).await {
        Ok(Ok(())) => tell(context, object, why),
        // Somebody else was first, or the store is about to know a newer one.
        Ok(Err(WriteError::Conflict | WriteError::Gone)) => {}
        Ok(Err(error @ (WriteError::Api(_) | WriteError::Refused(_)))) => {
            let error = speech_service::error::chain(&error);
            tracing::error!(%kind, object = %format!("{namespace}/{name}"), error, "an object cannot be let go; it is tried again");
        }
        Err(_) => tracing::error!(%kind, object = %format!("{namespace}/{name}"), "the apiserver does not answer"),
    }
    true
}

/// Tells that an object was let go.
pub fn tell<K: Resource<DynamicType = ()>>(context: &Context, object: &K, why: &str) {
    let kind = K::kind(&());
    let name = object.meta().name.as_deref().unwrap_or_default();
    let namespace = object.meta().namespace.as_deref().unwrap_or_default();
    tracing::warn!(%kind, object = %format!("{namespace}/{name}"), reason = why, "let an object go; what it has in the Speech service stays");
    context.metrics.released(&kind);
    let note = format!("let go, and what it has in the Speech service stays: {why}");
    let notice = Notice {
        warning: true,
        reason: Reason::Released,
        note,
    };
    context.events.publish(object, &[notice]);
}
