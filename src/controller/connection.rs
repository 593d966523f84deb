//! The reconcile of a SpeechConnection: from spec and Secret to a client, and from contact to conditions.
use super::{
    Context,
    guard::ReconcileError,
    observe,
    passes::Passes,
    point::Point,
    refusal,
    remote::{self, Link, LinkSource, Remote},
    residence::{Finding, is_home_ending},
    wake,
    write::{self, WriteError},
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Resource, ResourceExt,
    runtime::{controller::Action, reflector::ObjectRef},
};
use speech_api::{
    Reason, SpeechConnection, SpeechConnectionSpec, annotation,
    connection::{ApiVersionName, RequestBudget},
    duration,
    reference::SecretKeyRef,
};
use speech_plan::{
    self as plan,
    connection::{Contact, Snapshot, Step},
    evaluation::{self, Unneeded},
    line::Limits,
    skew::Skew,
};
use speech_resource::{Undone, act};
use speech_service::{ApiVersion, BaseUrl, Budget, Client, EntityId, InvalidKey, SubscriptionKey};
use std::{sync::Arc, time::Duration};

/// The pause between two deletions of what nobody needs.
const NEXT_COLLECTION: Duration = Duration::from_secs(1);
/// How long a deletion of what nobody needs may take.
const COLLECTION_PATIENCE: Duration = Duration::from_secs(3);
/// The pause after a deletion that failed.
const COLLECTION_DELAY: SignedDuration = SignedDuration::from_mins(10);

/// Why no client can be made.
struct Obstacle {
    reason: Reason,
    message: String,
}

/// Looks after one connection.
pub async fn reconcile(
    connection: Arc<SpeechConnection>,
    context: Arc<Context>,
    workers: Arc<Passes<SpeechConnection>>,
) -> Result<Action, ReconcileError> {
    let connection = context.recent.connections.freshest(connection);
    if connection.meta().deletion_timestamp.is_none() && is_home_ending(&context) {
        return Ok(Action::await_change());
    }
    let key = ObjectRef::from_obj(&*connection);
    let remote = remote_of(&context, &key, &connection);
    let mut last_key_until = None;
    if let Err(obstacle) = relink(&context, &connection, &remote).await? {
        last_key_until = remote.retire(context.clock.now());
        let contact = Contact::Broken {
            reason: obstacle.reason,
            message: obstacle.message,
            transient: false,
            counts: None,
        };
        remote.set_contact(&context, &key, contact);
    }
    // Another resource may have been accepted by now.
    if requested_anew(&connection) || !remote.is_recognised() {
        remote.resource.look_soon();
    }
    let ended = report(&context, &workers, Arc::clone(&connection), &remote, last_key_until).await;
    if let Err(WriteError::Refused(refused)) = &ended {
        let newest = context.recent.connections.freshest(connection);
        if let Some(written) = refusal::tell(&context, &*newest, newest.status.as_ref(), refused).await {
            context.recent.connections.wrote(written);
        }
    }
    match ended {
        // A newer object is on its way and will wake us.
        Err(WriteError::Conflict) => Ok(Action::requeue(Duration::from_millis(100))),
        Err(WriteError::Gone) => Ok(Action::await_change()),
        other => Ok(other?),
    }
}

/// Decides, writes what is new, and holds or releases the object.
async fn report(
    context: &Context,
    workers: &Passes<SpeechConnection>,
    mut connection: Arc<SpeechConnection>,
    remote: &Remote,
    last_key_until: Option<Timestamp>,
) -> Result<Action, WriteError> {
    let key = ObjectRef::from_obj(&*connection);
    let dependents = observe::dependents(context, &key);
    let contact = remote.contact().clone();
    observe::look_at_deletions(context, &connection, remote);
    let held = remote.agenda().guard.held();
    let (durations, skew) = (remote.agenda().durations.clone(), remote.agenda().skew);
    let plan = plan::connection::plan(&Snapshot {
        object: &connection,
        contact: &contact,
        dependents,
        last_key_until,
        durations: &durations,
        skew,
        throttled: remote.budget.usage().is_throttled,
        sharing: &remote.sharing(&key),
        unneeded: unneeded(context, remote, skew),
        collect_from: remote.collect_from(),
        held,
        resource: remote.known().as_ref(),
        hands: context.hands,
        now: context.clock.now(),
    });
    if let Some(step) = plan.step {
        let written = write::set_finalizer(context, &*connection, step == Step::Hold).await?;
        if step == Step::Release {
            return Ok(Action::await_change());
        }
        context.news.is_news(&*written, written.status.as_ref());
        context.recent.connections.wrote(Arc::clone(&written));
        connection = written;
    }
    if connection.status.as_ref() != Some(&plan.status) {
        let written = write::status(context, &*connection, &plan.status).await?;
        context.news.is_news(&*written, written.status.as_ref());
        context.recent.connections.wrote(written);
        context.events.publish(&*connection, &plan.notices);
    }
    // What nobody needs because its kind is being removed is not deleted.
    if let Some(id) = plan.collect
        && context.residence.now().await == Finding::Stays
    {
        return Ok(workers.away(collect(context, &key, remote, id)).await);
    }
    Ok(plan
        .look_again
        .map_or_else(Action::await_change, |at| Action::requeue(context.clock.wait_for(at))))
}

/// What the gates have left behind in the Speech resource.
fn unneeded(context: &Context, remote: &Remote, skew: Skew) -> Unneeded {
    let view = remote.view();
    if view.evaluations.is_empty() {
        return Unneeded::default();
    }
    let endpoints = context.stores.endpoints.that_may_need_evaluations(&view);
    let endpoints = endpoints.iter().map(|endpoint| &**endpoint);
    let now = skew.earlier(context.clock.now());
    let found = evaluation::unneeded(&view, &context.cluster, endpoints, now);
    let look_again = found.look_again.map(|at| skew.local_of_earlier(at));
    Unneeded { look_again, ..found }
}

/// Deletes an evaluation that nobody needs; one that cannot be deleted is left for a while.
async fn collect(context: &Context, key: &ObjectRef<SpeechConnection>, remote: &Remote, id: EntityId) -> Action {
    let Some(link) = remote.link() else {
        return Action::await_change();
    };
    let name = || format!("{}/{}", key.namespace.as_deref().unwrap_or_default(), key.name);
    let action = plan::Action::DeleteEvaluation(id);
    Point::BeforeDeleteEvaluation.reached(name);
    // Where requests are scarce, this is not what they are kept for; and meanwhile nobody would look at the Secret.
    let deletion = tokio::time::timeout(COLLECTION_PATIENCE, act(&remote.resource, &link.client, &action));
    let deleted = deletion.await.unwrap_or(Err(Undone::Withheld));
    Point::AfterDeleteEvaluation.reached(name);
    match deleted {
        Ok(()) => {
            tracing::info!(connection = %crate::telemetry::name(key), evaluation = %id, "deleted an evaluation that nobody needs");
            Action::requeue(NEXT_COLLECTION)
        }
        Err(Undone::Withheld) => Action::requeue(NEXT_COLLECTION * 10),
        Err(Undone::Failed(failure)) => {
            tracing::warn!(connection = %crate::telemetry::name(key), evaluation = %id, code = failure.code, reason = failure.message, "an evaluation that nobody needs could not be deleted");
            let from = context.clock.now() + COLLECTION_DELAY;
            remote.collect_no_sooner(from);
            Action::requeue(context.clock.wait_for(from))
        }
    }
}

/// The Speech resource of the connection, with its settings brought up to date.
fn remote_of(context: &Arc<Context>, key: &ObjectRef<SpeechConnection>, connection: &SpeechConnection) -> Arc<Remote> {
    let interval = duration::parse(&connection.spec.poll_interval).unwrap_or(Duration::from_secs(60));
    let (requests, per) = budget(&connection.spec.request_budget);
    let limits = limits(&connection.spec);
    let ends_since = connection.meta().deletion_timestamp.as_ref().map(|time| time.0);
    if let Some(remote) = context.remotes.get(key) {
        remote.set_poll_interval(interval);
        remote.agenda_mut().limits = limits;
        remote.agenda_mut().ends_since = ends_since;
        remote.set_rate(requests, per);
        context.remotes.settle_budget(key);
        return remote;
    }
    context.metrics.begins(key);
    let (remote, token) = context.remotes.add(key.clone(), Budget::new(requests, per), interval);
    remote.set_rate(requests, per);
    let mut agenda = remote.agenda_mut();
    agenda.limits = limits;
    agenda.ends_since = ends_since;
    // What was learned before a restart, before anything is planned.
    if let Some(status) = &connection.status {
        agenda.durations.learn_from_status(&status.durations);
        status
            .resource
            .clone()
            .into_iter()
            .for_each(|known| remote.know_by(known));
    }
    drop(agenda);
    tokio::spawn(remote::run(
        Arc::clone(context),
        key.clone(),
        Arc::clone(&remote),
        token,
    ));
    remote
}

fn limits(spec: &SpeechConnectionSpec) -> Limits {
    let at_least_one = |number: i32| usize::try_from(number).unwrap_or(1).max(1);
    Limits {
        swaps: at_least_one(spec.max_concurrent_swaps),
        trainings: at_least_one(spec.max_concurrent_trainings),
    }
}

/// The budget of a spec. One that was stored before there was a least one counts as the least, so that no object waits for
/// ever.
fn budget(spec: &RequestBudget) -> (u32, Duration) {
    let per = duration::parse(&spec.per).unwrap_or(Duration::from_secs(10));
    let least = u32::try_from(per.as_secs().div_ceil(10)).unwrap_or(u32::MAX);
    (u32::try_from(spec.requests).unwrap_or(1).max(least), per)
}

/// Makes a client when spec or Secret say something new; the Secret is read only then.
async fn relink(
    context: &Context,
    connection: &SpeechConnection,
    remote: &Remote,
) -> Result<Result<(), Obstacle>, ReconcileError> {
    let base = match BaseUrl::parse(&connection.spec.endpoint, context.allow_http) {
        Ok(base) => base,
        Err(error) => {
            return Ok(Err(Obstacle {
                reason: Reason::EndpointInvalid,
                message: format!("spec.endpoint: {error}"),
            }));
        }
    };
    if let Err(refusal) = context.allowed_hosts.check(&base) {
        return Ok(Err(Obstacle {
            reason: Reason::HostNotAllowed,
            message: format!("spec.endpoint: {refusal}"),
        }));
    }
    let Some(reference) = &connection.spec.auth.key_secret_ref else {
        return Ok(Err(Obstacle {
            reason: Reason::SecretKeyInvalid,
            message: "spec.auth needs keySecretRef".into(),
        }));
    };
    let namespace = connection.namespace().unwrap_or_default();
    let known = context
        .stores
        .secrets
        .get(&ObjectRef::new(&reference.name).within(&namespace));
    let Some(known) = known else {
        return Ok(Err(Obstacle {
            reason: Reason::SecretNotFound,
            message: format!(
                "Secret {} does not exist in namespace {namespace}; it is used as soon as it appears",
                reference.name
            ),
        }));
    };
    let version = api_version(connection.spec.api_version);
    let made_from = LinkSource {
        address: format!("{base} {version}"),
        secret: (
            known.uid().unwrap_or_default(),
            known.resource_version().unwrap_or_default(),
        ),
        key: reference.key.clone(),
    };
    if remote
        .link()
        .is_some_and(|link| link.made_from == made_from && link.retired.is_none())
    {
        return Ok(Ok(()));
    }
    let key = match read_key(context, &namespace, reference).await? {
        Ok(key) => key,
        Err(obstacle) => return Ok(Err(obstacle)),
    };
    let same_place = remote.link().filter(|link| link.made_from.address == made_from.address);
    if let Some(Link { client, .. }) = same_place {
        if client.is_trusted() && client.has_key(&key) {
            // The Secret was written, and holds the same key: nothing else is reached by it.
            remote.stays(made_from.reaches(&client));
        }
        // The other key may be that of another resource, for which nothing must leave that waits for its turn.
        client.trust(is_known(remote, &made_from, &client));
        // Another key for the same place: what waits for its turn takes it, what is under way ends with the old one.
        return Ok(match client.rekey(key) {
            Ok(()) => {
                use_link(context, connection, remote, client, made_from);
                Ok(())
            }
            Err(error) => Err(unusable(reference, &error)),
        });
    }
    let client = Client::new(
        Arc::clone(&context.transport),
        base,
        version,
        key,
        Arc::clone(&remote.budget),
        context.metrics.clone(),
    );
    let client = client.map(|client| measuring(context, remote, client.patient()));
    Ok(match client {
        Ok(client) => {
            let replaces = remote.link().is_some();
            use_link(context, connection, remote, client, made_from);
            if replaces {
                // What they decided may depend on what the connection was: another API version has projects.
                wake::dependents(context, &ObjectRef::from_obj(connection));
            }
            Ok(())
        }
        Err(error) => Err(unusable(reference, &error)),
    })
}

/// Whether what is reached so is the resource that is known, by the way to it. The first one that is reached is.
fn is_known(remote: &Remote, made_from: &LinkSource, client: &Client) -> bool {
    let reached = made_from.reaches(client);
    match remote.known() {
        Some(known) => known.is_reached_as(&reached),
        None => {
            remote.know_by(reached);
            true
        }
    }
}

/// Uses a client from now on.
fn use_link(context: &Context, connection: &SpeechConnection, remote: &Remote, client: Client, made_from: LinkSource) {
    if is_about_spec(&remote.contact()) {
        remote.set_contact(context, &ObjectRef::from_obj(connection), Contact::Pending);
    }
    client.trust(is_known(remote, &made_from, &client));
    remote.relink(Link {
        client,
        made_from,
        retired: None,
    });
}

fn unusable(reference: &SecretKeyRef, error: &InvalidKey) -> Obstacle {
    Obstacle {
        reason: Reason::SecretKeyInvalid,
        message: format!("Secret {}, key {}: {error}", reference.name, reference.key),
    }
}

/// Compares the service's clock with ours at every answer, where they are two.
fn measuring(context: &Context, remote: &Remote, client: Client) -> Client {
    if context.clock.is_the_services() {
        return client;
    }
    let clock = context.clock.clone();
    client.measuring(Arc::clone(&remote.meter), move || clock.now())
}

/// Whether the present trouble was found without asking the service, so that it ends without asking it.
fn is_about_spec(contact: &Contact) -> bool {
    matches!(
        contact,
        Contact::Broken {
            reason: Reason::EndpointInvalid
                | Reason::HostNotAllowed
                | Reason::SecretNotFound
                | Reason::SecretKeyInvalid,
            ..
        }
    )
}

async fn read_key(
    context: &Context,
    namespace: &str,
    reference: &SecretKeyRef,
) -> Result<Result<SubscriptionKey, Obstacle>, ReconcileError> {
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    let secret = api
        .get_opt(&reference.name)
        .await
        .map_err(|error| ReconcileError::Read(Box::new(error)))?;
    let SecretKeyRef { name, key } = reference;
    let Some(secret) = secret else {
        return Ok(Err(Obstacle {
            reason: Reason::SecretNotFound,
            message: format!("Secret {name} does not exist in namespace {namespace}"),
        }));
    };
    let entries = secret.data.unwrap_or_default();
    let value = entries.get(key);
    Ok(match value.map(|value| SubscriptionKey::parse(&value.0)) {
        Some(Ok(key)) => Ok(key),
        Some(Err(error)) => Err(Obstacle {
            reason: Reason::SecretKeyInvalid,
            message: format!("Secret {name}, key {key}: {error}"),
        }),
        None => Err(Obstacle {
            reason: Reason::SecretKeyInvalid,
            message: format!(
                "Secret {name} has no entry {key:?}{}; the operator uses it as soon as it is added",
                entries_of(entries.keys())
            ),
        }),
    })
}

/// The names of what a Secret has instead; a few, because a message has an end.
fn entries_of<'a>(mut names: impl Iterator<Item = &'a String>) -> String {
    let few: Vec<&str> = names.by_ref().take(5).map(String::as_str).collect();
    let more = if names.next().is_some() { ", ..." } else { "" };
    if few.is_empty() {
        " and no other".to_owned()
    } else {
        format!(" (it has {}{more})", few.join(", "))
    }
}

fn api_version(name: ApiVersionName) -> ApiVersion {
    match name {
        ApiVersionName::V2025_10_15 => ApiVersion::V2025_10_15,
        ApiVersionName::V2024_11_15 => ApiVersion::V2024_11_15,
        ApiVersionName::V3_2 => ApiVersion::V3_2,
    }
}

fn requested_anew(connection: &SpeechConnection) -> bool {
    let handled = connection
        .status
        .as_ref()
        .and_then(|status| status.last_handled_reconcile_at.as_deref());
    annotation::reconcile_requested_anew(connection, handled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_that_no_object_could_live_on_is_raised_to_the_least_one() {
        for (requests, per, expected) in [
            (80, "10s", (80, 10)),
            (1, "10s", (1, 10)),
            (1, "11s", (2, 11)),
            (1, "1h", (360, 3600)),
            (400, "1h", (400, 3600)),
            (0, "1s", (1, 1)),
        ] {
            let per = per.to_owned();
            let (most, window) = budget(&RequestBudget { requests, per });
            assert_eq!((most, window.as_secs()), expected, "{requests} {window:?}");
        }
    }
}
