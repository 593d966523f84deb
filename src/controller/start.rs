//! Starts everything in order: watches, then controllers once all stores are filled.
use super::{
    Context, Known, Stores,
    alarm::Alarm,
    catch_up::caught_up,
    connection,
    context::MutationCaches,
    event::{self, Events},
    farewell,
    flux::{self, Flux},
    guard::{Backoff, ReconcileError, guarded},
    predicate::Predicate,
    queues::{Sleepers, Wakes},
    reconcile,
    remote::Remotes,
    residence::Residence,
    routes::Routes,
    store::stores,
    wake, watches,
    workqueue::WorkQueue,
};
use crate::{
    lead::{Election, Leadership, Lost, Mandate, fence::Reach},
    metrics::Metrics,
};
use futures::{Stream, StreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, Resource, ResourceExt,
    runtime::{
        Controller, controller,
        reflector::{ObjectRef, Store},
        watcher,
    },
};
use speech_api::{SpeechEndpoint, SpeechModel};
use speech_plan::{Scope, connection::identity::Lending};
use speech_service::{AllowedHosts, clock::Clock, entra::Issuers};
use std::{
    future::Future,
    path::PathBuf,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::{JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

/// How long running passes may take to end when the process is told to stop.
const DRAIN: Duration = Duration::from_secs(25);
/// How far the watches of a replica that takes over may lag; one that is further behind lets another lead.
const LONGEST_LAG: Duration = Duration::from_secs(30);
/// The longest wait for the first answer of the apiserver.
const ANSWER: Duration = Duration::from_secs(15);
/// The pause before it is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// How long it may refuse us at the start: one that has just started refuses what it will allow once it has read its roles.
const REFUSED: Duration = Duration::from_secs(10);

/// What the caller decides.
pub struct Options {
    /// The cluster.
    pub client: Client,
    /// The same for watches, which may be silent for long.
    pub watches: Client,
    /// The present.
    pub clock: Clock,
    /// The way to the Speech service.
    pub reach: Reach,
    /// Which namespaces are looked after.
    pub scope: Scope,
    /// Whether plain http endpoints are accepted.
    pub allow_http: bool,
    /// Which hosts connections may name.
    pub allowed_hosts: AllowedHosts,
    /// The way to those who issue tokens.
    pub issuers: Issuers,
    /// What connections may use of the operator.
    pub lending: Lending,
    /// The file with the operator's own token for Entra ID, if it has one.
    pub own_token: Option<PathBuf>,
    /// How many objects of one kind are worked on at once.
    pub concurrency: u16,
    /// The namespace that the operator itself lives in, if any.
    pub home: Option<String>,
    /// Whether this process may act.
    pub leadership: Leadership,
    /// The name of this process in events.
    pub instance: String,
    /// Where events go besides the cluster.
    pub flux: Option<Flux>,
    /// What is measured.
    pub metrics: Arc<Metrics>,
    /// Takes what all parts share once the stores are filled.
    pub known: Known,
    /// Ends everything.
    pub shutdown: CancellationToken,
}

/// Why the operator cannot work, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The cluster's identity could not be read.
    #[error(
        "namespace kube-system cannot be read; the operator needs the permissions of deploy/base/cluster-roles.yaml"
    )]
    Cluster(#[source] Box<kube::Error>),
    /// The watches do not come after the cluster.
    #[error("the stores did not catch up with the cluster within {} s", LONGEST_LAG.as_secs())]
    Behind,
    /// Another replica acts from now on, or soon.
    #[error("this replica leads no more")]
    Leadership(#[from] Lost),
    /// A part of the operator ended though nobody asked it to.
    #[error("a part of the operator ended")]
    Ended(#[source] Option<JoinError>),
}

/// Watches at once, runs the controllers while this process leads, until `shutdown`.
pub async fn run(options: Options, election: Election) -> Result<(), StartError> {
    let shutdown = options.shutdown.clone();
    let concurrency = options.concurrency;
    let known = Arc::clone(&options.known);
    let cluster = tokio::select! {
        cluster = identity(&options.client) => cluster?,
        () = shutdown.cancelled() => return Ok(()),
    };
    let (context, sleepers, mut tasks) = assemble(options, cluster);
    tokio::select! {
        () = stores_filled(&context) => {}
        () = shutdown.cancelled() => return Ok(()),
        ended = tasks.join_next() => return Err(StartError::Ended(ended.and_then(Result::err))),
    }
    // Set once per process; a second time would change nothing.
    drop(known.set(Arc::clone(&context)));
    tracing::info!("watching; all stores are filled");
    let outcome = act(&context, election, sleepers, concurrency, &shutdown, &mut tasks).await;
    // The watches go on until then, and who lets objects go.
    farewell::finished(&context).await;
    outcome
}

/// Stands by, then leads.
async fn act(
    context: &Arc<Context>,
    election: Election,
    mut sleepers: Sleepers,
    concurrency: u16,
    shutdown: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Result<(), StartError> {
    let mut mandate = tokio::select! {
        mandate = election.win() => mandate,
        () = sleepers.doze() => return Ok(()),
        () = shutdown.cancelled() => return Ok(()),
        ended = tasks.join_next() => return Err(StartError::Ended(ended.and_then(Result::err))),
    };
    tracing::info!("leading");
    context.metrics.took_lease(mandate.transitions());
    let outcome = lead(context, sleepers, concurrency, shutdown, tasks, &mut mandate).await;
    // Who lost the Lease has nothing to give back, and must end at once.
    if !matches!(outcome, Err(StartError::Leadership(_))) {
        mandate.release().await;
    }
    outcome
}

/// Runs the controllers as long as we lead and nobody asks us to stop.
async fn lead(
    context: &Arc<Context>,
    sleepers: Sleepers,
    concurrency: u16,
    shutdown: &CancellationToken,
    tasks: &mut JoinSet<()>,
    mandate: &mut Mandate,
) -> Result<(), StartError> {
    // Dropped on every way out, and every pass with it.
    let mut controllers = JoinSet::new();
    let mut lost = pin!(mandate.keep());
    tokio::select! {
        () = caught_up(context) => {}
        () = tokio::time::sleep(LONGEST_LAG) => return Err(StartError::Behind),
        () = shutdown.cancelled() => return Ok(()),
        lost = &mut lost => return Err(lost.into()),
        ended = tasks.join_next() => return Err(StartError::Ended(ended.and_then(Result::err))),
    }
    // Whatever woke somebody while we stood by woke nobody.
    wake::all(context);
    start_controllers(context, sleepers, concurrency, shutdown, &mut controllers);
    let outcome = tokio::select! {
        biased; // idle controllers end at the very moment of the request to stop, which is no failure
        lost = &mut lost => return Err(lost.into()),
        () = shutdown.cancelled() => Ok(()),
        // Every task runs for ever: the end of one means that part of the work is done by nobody.
        ended = tasks.join_next() => Err(StartError::Ended(ended.and_then(Result::err))),
        ended = controllers.join_next() => Err(StartError::Ended(ended.and_then(Result::err))),
    };
    shutdown.cancel();
    let drained = async { while controllers.join_next().await.is_some() {} };
    tokio::select! {
        lost = &mut lost => return Err(lost.into()),
        drained = tokio::time::timeout(DRAIN, drained) => if drained.is_err() {
            tracing::warn!("some passes did not end in time; what they began is found again at the next start");
        }
    }
    outcome
}

/// The uid of the `kube-system` namespace. An apiserver that does not answer, or not yet, is waited for: an end would only
/// make the kubelet wait ever longer before it starts us again.
async fn identity(client: &Client) -> Result<String, StartError> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let mut refused_since = None;
    loop {
        let error = match tokio::time::timeout(ANSWER, namespaces.get("kube-system")).await {
            Ok(Ok(home)) => return Ok(home.uid().unwrap_or_default()),
            Ok(Err(error)) => error,
            Err(elapsed) => kube::Error::Service(elapsed.into()),
        };
        let refused = matches!(&error, kube::Error::Api(status) if status.code < 500 && status.code != 429);
        if !refused {
            refused_since = None;
        } else if refused_since.get_or_insert_with(Instant::now).elapsed() > REFUSED {
            return Err(StartError::Cluster(Box::new(error)));
        }
        tracing::warn!(error = %speech_service::error::chain(&error), "the apiserver does not tell who it is; it is asked again");
        tokio::time::sleep(ASK_AGAIN).await;
    }
}

/// Builds the shared context and starts the watches that fill its stores.
fn assemble(options: Options, cluster: String) -> (Arc<Context>, Sleepers, JoinSet<()>) {
    let (wakes, sleepers) = Wakes::new();
    let flux = options.flux.map(|flux| flux::queue(flux, Arc::clone(&options.metrics)));
    let (telling, courier) = flux.unzip();
    let (events, queue) = Events::new(options.clock.clone(), options.instance, telling);
    let (stores, writers) = stores();
    let (client, writes) = (options.watches, options.client.clone());
    let residence = Residence::new(client.clone(), options.home);
    let context = Arc::new(Context {
        client: options.client,
        clock: options.clock,
        leadership: options.leadership,
        cluster,
        scope: options.scope,
        allow_http: options.allow_http,
        allowed_hosts: options.allowed_hosts,
        hands: options.reach.hands(),
        transport: options.reach.transport(),
        issuers: options.issuers,
        lending: options.lending,
        own_token: options.own_token,
        stores,
        written: MutationCaches::default(),
        predicate: Predicate::default(),
        wakes,
        remotes: Remotes::default(),
        routes: Routes::new(options.concurrency),
        metrics: options.metrics,
        events,
        residence,
        alarm: Alarm::default(),
    });
    let mut tasks = JoinSet::new();
    watches::start(&mut tasks, &context, &client, writers);
    tasks.spawn(event::run(writes, queue));
    if let Some(courier) = courier {
        tasks.spawn(courier.run());
    }
    tasks.spawn(farewell::run(Arc::clone(&context), client));
    tasks.spawn(follow_jumps(Arc::clone(&context)));
    (context, sleepers, tasks)
}

/// After a jump of the development clock every date has to be looked at anew.
async fn follow_jumps(context: Arc<Context>) {
    let mut clock = context.clock.clone();
    loop {
        clock.jumped().await;
        wake::all(&context);
    }
}

async fn stores_filled(context: &Context) {
    let Stores {
        connections,
        models,
        endpoints,
        secrets,
        namespaces,
        exports,
    } = &context.stores;
    // A store whose writer is gone is noticed as the end of its watch.
    let _: (_, _, _, _, _, _) = futures::join!(
        connections.wait_until_ready(),
        models.wait_until_ready(),
        endpoints.wait_until_ready(),
        secrets.wait_until_ready(),
        namespaces.wait_until_ready(),
        exports.wait_until_ready(),
    );
}

fn start_controllers(
    context: &Arc<Context>,
    sleepers: Sleepers,
    concurrency: u16,
    shutdown: &CancellationToken,
    into: &mut JoinSet<()>,
) {
    let stores = &context.stores;
    into.spawn(control(
        stores.connections.objects(),
        sleepers.connections,
        Arc::clone(context),
        concurrency,
        shutdown,
        connection::reconcile,
    ));
    into.spawn(control(
        stores.models.objects(),
        sleepers.models,
        Arc::clone(context),
        concurrency,
        shutdown,
        reconcile::reconcile::<SpeechModel>,
    ));
    into.spawn(control(
        stores.endpoints.objects(),
        sleepers.endpoints,
        Arc::clone(context),
        concurrency,
        shutdown,
        reconcile::reconcile::<SpeechEndpoint>,
    ));
}

/// A pass over one object, which works among these workers.
type PassOver<K, F> = fn(Arc<K>, Arc<Context>, Arc<WorkQueue<K>>) -> F;

/// One controller: woken by its queue alone, each pass guarded.
fn control<K, F>(
    store: Store<K>,
    sleepers: UnboundedReceiver<ObjectRef<K>>,
    context: Arc<Context>,
    concurrency: u16,
    shutdown: &CancellationToken,
    pass: PassOver<K, F>,
) -> impl Future<Output = ()> + Send + use<K, F>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<controller::Action, ReconcileError>> + Send + 'static,
{
    let (invitations, invited) = unbounded_channel();
    let (backoff, passes) = (
        Arc::new(Backoff::default()),
        Arc::new(WorkQueue::new(concurrency, invitations)),
    );
    context
        .metrics
        .liveness()
        .queue(&K::kind(&()), Arc::<WorkQueue<K>>::clone(&passes));
    let (woken, ended, failures) = (Arc::clone(&passes), Arc::clone(&passes), Arc::clone(&backoff));
    let never: stream::Pending<Result<K, watcher::Error>> = stream::pending();
    // `WorkQueue` says how many work at once: a pass that waits for a Speech resource does not count.
    let runs = Controller::for_stream(never, store)
        .reconcile_on(queue(sleepers).inspect(move |key| woken.woken(key)))
        .reconcile_on(queue(invited))
        .graceful_shutdown_on(shutdown.clone().cancelled_owned())
        .run(
            move |object, context: Arc<Context>| {
                let (backoff, passes) = (Arc::clone(&backoff), Arc::clone(&passes));
                async move {
                    let guards = (&*backoff, &passes);
                    Ok::<_, std::convert::Infallible>(guarded(object, context, guards, pass).await)
                }
            },
            |_, never, _| match *never {},
            context,
        );
    // An object that went while it was queued needs nothing; a pass itself never fails here.
    runs.for_each(move |run| {
        if let Err(controller::Error::ObjectNotFound(key)) = run {
            let gone = ObjectRef::new(&key.name);
            let gone = match &key.namespace {
                Some(namespace) => gone.within(namespace),
                None => gone,
            };
            ended.gone(&gone);
            failures.forget(&gone);
        }
        std::future::ready(())
    })
}

fn queue<T: Send + 'static>(mut receiver: UnboundedReceiver<T>) -> impl Stream<Item = T> + Send {
    stream::poll_fn(move |context| receiver.poll_recv(context))
}
