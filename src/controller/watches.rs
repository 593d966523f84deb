//! Which watches there are: of each kind one for every part of the scope.
use super::{
    Context, Seen, export,
    part::Part,
    store::{Indexed, Writer, Writers},
    wake,
    watch::{self, Kept, Readable},
};
use kube::{Api, Client, api::ListParams, core::NamespaceResourceScope};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, sync::Arc};
use tokio::task::JoinSet;

/// Secrets that are never keys of a Speech resource; without them the watch is small.
const SECRET_FIELDS: &str = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token";
/// Objects of one page when a watch begins with a list. A page is in memory as text and parsed, beside the store.
const PAGE: u32 = 100;

/// Starts all watches. The client has to bear long silence.
pub fn start(tasks: &mut JoinSet<()>, context: &Arc<Context>, client: &Client, writers: Writers) {
    let all = || ListParams::default().limit(PAGE);
    let labelled = all().labels(&format!("{}={}", export::LABEL.0, export::LABEL.1));
    let secrets = all().fields(SECRET_FIELDS);
    of_kind(tasks, context, client, writers.connections, &all(), wake::on_connection);
    of_kind(tasks, context, client, writers.models, &all(), wake::on_model);
    of_kind(tasks, context, client, writers.endpoints, &all(), wake::on_endpoint);
    of_kind(tasks, context, client, writers.secrets, &secrets, wake::on_secret);
    of_kind(tasks, context, client, writers.exports, &labelled, wake::on_export);
    let parts = Part::with_home(&context.scope, context.residence.home());
    for writer in writers.namespaces.divided(parts) {
        let selection = writer.part().namespaces(all());
        let api = Api::all(client.clone());
        tasks.spawn(watch::run(
            api,
            selection,
            writer,
            Arc::clone(context),
            wake::on_namespace,
        ));
    }
}

/// Watches one kind that lives in namespaces.
fn of_kind<K, T>(
    tasks: &mut JoinSet<()>,
    context: &Arc<Context>,
    client: &Client,
    writer: Writer<K>,
    selection: &ListParams,
    tell: T,
) where
    K: Kept + Indexed + Debug + DeserializeOwned + Send + Sync,
    Readable<K>: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    T: Fn(&Context, &K, Seen) + Copy + Send + Sync + 'static,
{
    for writer in writer.divided(Part::of(&context.scope)) {
        let api = writer.part().api(client);
        tasks.spawn(watch::run(api, selection.clone(), writer, Arc::clone(context), tell));
    }
}
