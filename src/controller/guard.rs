//! What stands around every reconcile: a deadline, a boundary for panics, a growing delay per object, and measuring.
use super::{Context, workqueue::WorkQueue, write::WriteError};
use crate::lead::Withheld;
use futures::FutureExt;
use kube::{
    Resource,
    runtime::{controller::Action, reflector::ObjectRef},
};
use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The longest that one pass over an object may take.
const DEADLINE: Duration = Duration::from_secs(90);
/// The pause after a write that met a newer object.
const AFTER_CONFLICT: Duration = Duration::from_millis(100);
/// The first delay after a failed pass; doubled each time.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// The longest such delay.
const LONGEST_DELAY: Duration = Duration::from_secs(300);
/// The longest while the apiserver does not answer at all: that is no fault of the object, and is over for all at once.
const LONGEST_UNANSWERED: Duration = Duration::from_secs(5);

/// A pass over an object that did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// A write to the cluster failed.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// This replica must not change anything now.
    #[error(transparent)]
    Withheld(#[from] Withheld),
    /// The cluster could not be read.
    #[error("the apiserver could not be asked")]
    Read(#[source] Box<kube::Error>),
    /// It took too long.
    #[error("not done within {} s", DEADLINE.as_secs())]
    Deadline,
    /// Our own mistake; the other objects go on.
    #[error("panicked: {0}")]
    Panicked(String),
}

impl ReconcileError {
    /// A conflict means that a newer object is on its way and will wake us; a missing object needs nothing.
    pub fn settle(self) -> Result<Action, Self> {
        match self {
            Self::Write(WriteError::Conflict) => Ok(Action::requeue(AFTER_CONFLICT)),
            Self::Write(WriteError::Gone) => Ok(Action::await_change()),
            error @ (Self::Write(WriteError::Api(_) | WriteError::Refused(_))
            | Self::Withheld(_)
            | Self::Read(_)
            | Self::Deadline
            | Self::Panicked(_)) => Err(error),
        }
    }

    /// A word for metrics, of a closed list.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Write(_) | Self::Read(_) | Self::Withheld(_) => "error",
            Self::Deadline => "deadline",
            Self::Panicked(_) => "panic",
        }
    }

    /// The longest delay before the next pass.
    fn longest_delay(&self) -> Duration {
        match self {
            Self::Read(error) | Self::Write(WriteError::Api(error)) if !matches!(**error, kube::Error::Api(_)) => {
                LONGEST_UNANSWERED
            }
            Self::Read(_) | Self::Write(_) | Self::Withheld(_) | Self::Deadline | Self::Panicked(_) => LONGEST_DELAY,
        }
    }
}

/// How often each object failed in a row. One that is made anew begins anew.
#[derive(Debug)]
pub struct Backoff<K: Resource<DynamicType = ()>> {
    failures: Mutex<HashMap<ObjectRef<K>, Failures>>,
}

#[derive(Debug)]
struct Failures {
    /// Of which life of the object.
    uid: Option<String>,
    count: u32,
}

impl<K: Resource<DynamicType = ()>> Default for Backoff<K> {
    fn default() -> Self {
        Self {
            failures: Mutex::default(),
        }
    }
}

impl<K: Resource<DynamicType = ()>> Backoff<K> {
    fn failed(&self, object: &K, longest: Duration) -> Duration {
        let (key, uid) = (ObjectRef::from_obj(object), object.meta().uid.clone());
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let before = failures.get(&key).filter(|before| before.uid == uid);
        let count = before.map_or(1, |before| before.count.saturating_add(1));
        failures.insert(key, Failures { uid, count });
        (FIRST_DELAY * 2_u32.saturating_pow(count.saturating_sub(1).min(16))).min(longest)
    }

    /// A pass over the object went well, or the object is gone.
    pub fn forget(&self, key: &ObjectRef<K>) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Runs a pass within its boundaries, as soon as a worker is free. Always answers with an action, so that one object never
/// disturbs another.
pub async fn guarded<K, F>(
    object: Arc<K>,
    context: Arc<Context>,
    (backoff, passes): (&Backoff<K>, &Arc<WorkQueue<K>>),
    pass: impl FnOnce(Arc<K>, Arc<Context>, Arc<WorkQueue<K>>) -> F,
) -> Action
where
    K: Resource<DynamicType = ()>,
    F: Future<Output = Result<Action, ReconcileError>>,
{
    let key = ObjectRef::from_obj(&*object);
    let began = Instant::now();
    if !passes.begin(&key) {
        return Action::await_change(); // it is invited
    }
    let name = key.clone();
    let (within, workers) = (Arc::clone(&context), Arc::clone(passes));
    let looked_at = Arc::clone(&object);
    // On the heap, and only from here on: after a start every object waits, and what waits has to be small.
    let whole = Box::pin(async move {
        poison::take_effect(&name).await;
        pass(looked_at, within, workers).await
    });
    let outcome = match AssertUnwindSafe(tokio::time::timeout(DEADLINE, whole))
        .catch_unwind()
        .await
    {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(ReconcileError::Deadline),
        Err(panic) => Err(ReconcileError::Panicked(words(&*panic))),
    };
    passes.end(&key);
    let kind = K::kind(&());
    let label = outcome.as_ref().map_or_else(ReconcileError::outcome, |_| "success");
    context.metrics.reconciled(&kind, label, began.elapsed());
    match outcome {
        Ok(action) => {
            let namespace = key.namespace.as_deref().unwrap_or_default();
            context.metrics.accepted(&kind, namespace, &key.name);
            backoff.forget(&key);
            action
        }
        Err(error) => {
            let delay = backoff.failed(&object, error.longest_delay());
            tracing::error!(%kind, object = %crate::telemetry::name(&key), error = %speech_service::error::chain(&error), retry_in_seconds = delay.as_secs(), "reconcile failed");
            Action::requeue(delay)
        }
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use speech_api::SpeechModel;

    #[test]
    fn delays_grow_for_one_life_of_an_object_and_begin_anew_with_the_next() {
        let model = |uid: &str| {
            let spec =
                serde_json::json!({"connectionRef": {"name": "speech"}, "locale": "en-US", "source": {"base": {}}});
            let mut model = SpeechModel::new("line", serde_json::from_value(spec).unwrap());
            model.metadata.uid = Some(uid.into());
            model
        };
        let backoff = Backoff::default();
        let fails = |uid: &str| backoff.failed(&model(uid), LONGEST_DELAY).as_secs();
        assert_eq!([fails("a"), fails("a"), fails("a")], [1, 2, 4]);
        assert_eq!(
            [fails("b"), fails("b")],
            [1, 2],
            "the namesake's failures are not its own"
        );
        backoff.forget(&ObjectRef::from_obj(&model("b")));
        assert_eq!(fails("b"), 1);
        assert_eq!((0..40).map(|_| fails("b")).max(), Some(300));
    }
}

/// An object whose every pass panics or never ends, for the proof that it costs the others nothing. A release build knows
/// nothing of it.
#[cfg(debug_assertions)]
mod poison {
    use kube::{Resource, runtime::reflector::ObjectRef};
    use std::sync::LazyLock;

    /// `panic@<namespace>/<name>` or `hang@<namespace>/<name>`.
    static ASKED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("SPEECH_OPERATOR_POISON").ok());

    #[allow(clippy::panic)] // on purpose
    pub async fn take_effect<K: Resource<DynamicType = ()>>(key: &ObjectRef<K>) {
        let Some((effect, named)) = ASKED.as_deref().and_then(|asked| asked.split_once('@')) else {
            return;
        };
        if named != format!("{}/{}", key.namespace.as_deref().unwrap_or_default(), key.name) {
            return;
        }
        match effect {
            "hang" => std::future::pending().await,
            _ => panic!("this object is poison"),
        }
    }
}

#[cfg(not(debug_assertions))]
mod poison {
    pub async fn take_effect<T>(_: &T) {}
}
