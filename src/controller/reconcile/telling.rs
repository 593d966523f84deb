//! What a pass tells beside the status: orphans, releases, drift, refusals of the cluster.
use super::{
    super::{observe, refusal},
    Managed, Reconciler,
};
use kube::core::Status;
use speech_api::{Reason, SubjectStatus};
use speech_plan::{Notice, Plan};

impl<K: Managed> Reconciler<'_, K> {
    /// Tells what stays behind where it outlives the object. A namespace that ends takes no events any more, so there it
    /// is told of the namespace itself.
    pub(super) fn tell_orphan(&self, orphan: &Notice) {
        let kind = K::kind(&());
        tracing::warn!(%kind, object = %self.name(), reason = orphan.note, "released an object and left an orphan behind");
        self.context.metrics.orphaned(&kind);
        if let Some(namespace) = self.object.meta().namespace.as_deref()
            && let Some(ending) = observe::ending(self.context, namespace)
        {
            let note = format!("{kind} {}: {}", self.name(), orphan.note);
            let told = Notice { note, ..orphan.clone() };
            self.context.events.publish(&ending, &[told]);
        }
    }

    /// Tells that an object was let go because the operator or its kinds are being removed, or because it only observes.
    pub(super) fn tell_released(&self, notices: &[Notice]) {
        let kind = K::kind(&());
        let reason = notices.first().map_or("", |notice| &notice.note);
        tracing::warn!(%kind, object = %self.name(), reason, "let an object go; what it has in the Speech service stays");
        self.context.metrics.released(&kind);
    }

    /// Tells what a step puts right: the plan that follows from the answer knows nothing of it.
    pub(super) fn tell_drift(&self, plan: &Plan<K::Status>) {
        let mut drift = plan.notices.clone();
        drift.retain(|notice| notice.reason == Reason::DriftCorrected);
        if !drift.is_empty() {
            let (kind, meta) = (K::kind(&()), self.object.meta());
            let (namespace, name) = (meta.namespace.as_deref(), meta.name.as_deref());
            let metrics = &self.context.metrics;
            let namespace = namespace.unwrap_or_default();
            metrics.drifted(&kind, namespace, name.unwrap_or_default(), self.uid());
        }
        self.context.events.publish(&*self.object, &drift);
    }

    /// Tells that the cluster does not let us write what has to be written.
    pub(super) async fn tell_refusal(&mut self, refused: &Status) {
        let (object, status) = (&*self.object, self.object.status());
        let told = refusal::tell(
            self.context,
            object,
            status,
            |status| {
                let fields = status.fields_mut();
                (fields.conditions, fields.decision)
            },
            refused,
        );
        if let Some(written) = told.await {
            self.keep(written);
        }
    }
}
