//! What stands around every reconcile: a deadline, a boundary for panics, a growing delay per object, and measuring.
use super::{Context, passes::Passes, write::WriteError};
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

/// How often each object failed in a row.
#[derive(Debug)]
pub struct Backoff<K: Resource<DynamicType = ()>> {
    failures: Mutex<HashMap<ObjectRef<K>, u32>>,
}

impl<K: Resource<DynamicType = ()>> Default for Backoff<K> {
    fn default() -> Self {
        Self {
            failures: Mutex::default(),
        }
    }
}

impl<K: Resource<DynamicType = ()>> Backoff<K> {
    fn failed(&self, key: ObjectRef<K>, longest: Duration) -> Duration {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures
            .entry(key)
            .and_modify(|count| *count = count.saturating_add(1))
            .or_insert(1);
        (FIRST_DELAY * 2_u32.saturating_pow(count.saturating_sub(1).min(16))).min(longest)
    }

    fn succeeded(&self, key: &ObjectRef<K>) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Runs a pass within its boundaries. Always answers with an action, so that one object never disturbs another.
pub async fn guarded<K, F>(
    object: Arc<K>,
    context: Arc<Context>,
    (backoff, passes): (&Backoff<K>, &Passes<K>),
    pass: impl FnOnce(Arc<K>, Arc<Context>) -> F,
) -> Action
where
    K: Resource<DynamicType = ()>,
    F: Future<Output = Result<Action, ReconcileError>>,
{
    let key = ObjectRef::from_obj(&*object);
    let began = Instant::now();
    passes.begin(&key);
    let name = key.clone();
    let within = Arc::clone(&context);
    let whole = async move {
        poison::take_effect(&name);
        pass(object, within).await
    };
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
            backoff.succeeded(&key);
            action
        }
        Err(error) => {
            let delay = backoff.failed(key.clone(), error.longest_delay());
            tracing::error!(%kind, object = %key, error = %crate::telemetry::chain(&error), retry_in_seconds = delay.as_secs(), "reconcile failed");
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

/// An object whose every pass panics, for the proof that it costs the others nothing. A release build knows nothing of it.
#[cfg(debug_assertions)]
mod poison {
    use kube::{Resource, runtime::reflector::ObjectRef};
    use std::sync::LazyLock;

    /// `<namespace>/<name>`, from the variable that names the object.
    static NAMED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("SPEECH_OPERATOR_PANIC_AT").ok());

    #[allow(clippy::panic)] // on purpose
    pub fn take_effect<K: Resource<DynamicType = ()>>(key: &ObjectRef<K>) {
        if let Some((namespace, name)) = NAMED.as_deref().and_then(|named| named.split_once('/'))
            && key.namespace.as_deref() == Some(namespace)
            && key.name == name
        {
            panic!("this object is poison");
        }
    }
}

#[cfg(not(debug_assertions))]
mod poison {
    pub fn take_effect<T>(_: &T) {}
}
