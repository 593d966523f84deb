//! All that a decision about an object depends on, and what all kinds ask of it.
use crate::{
    Surroundings,
    forecast::Forecast,
    hands,
    predecessor::Predecessor,
    retry::{self, Need},
    verdict::Verdict,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use speech_api::{Reason, Subject, SubjectStatus, annotation, condition, is_held, reference::DeletionPolicy};
use speech_service::entity::OwnerTag;

/// All that a decision about an object depends on.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a, K, R> {
    pub object: &'a K,
    /// What it refers to, and who refers to it.
    pub related: R,
    /// The rest.
    pub around: Surroundings<'a>,
}

/// Whether deleting an object deletes what it stands for.
pub fn deletes_remote(object: &impl Subject) -> bool {
    let declared = object.declared();
    object.makes_remote()
        && declared.may_act()
        && declared.deletion_policy == DeletionPolicy::Delete
        && !annotation::retains(object)
}

impl<'a, K: Subject, R> Snapshot<'a, K, R> {
    pub(crate) fn generation(&self) -> i64 {
        self.object.meta().generation.unwrap_or_default()
    }

    pub(crate) fn uid(&self) -> &'a str {
        self.object.meta().uid.as_deref().unwrap_or_default()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.around.now
    }

    pub(crate) fn old_status(&self) -> Option<&'a K::Status> {
        self.object.status()
    }

    /// The conditions as written.
    pub(crate) fn written(&self) -> &'a [Condition] {
        self.object.conditions()
    }

    pub(crate) fn has_finalizer(&self) -> bool {
        is_held(self.object)
    }

    /// Whether anything remote may be made, changed and deleted.
    pub(crate) fn may_act(&self) -> bool {
        self.object.declared().may_act() && self.around.hands.are_free()
    }

    /// Why nobody changes anything for it, where nobody may.
    pub(crate) fn why_not(&self) -> (Reason, &'static str) {
        let declared = self.object.declared();
        hands::why_not(declared.suspend, declared.management_policy)
    }

    /// The obstacle of an object that is changed by nobody now.
    pub(crate) fn untouched(&self, would: &str) -> Verdict {
        let (reason, word) = self.why_not();
        Verdict::stalled(reason, format!("{word}; would {would}"))
    }

    /// Whether deleting the object deletes what it stands for.
    pub(crate) fn deletes_remote(&self) -> bool {
        deletes_remote(self.object) && self.around.hands.are_free()
    }

    /// Whether something asks for an attempt whatever failed before. The attempt that failed in this pass was it.
    pub(crate) fn is_fresh(&self) -> bool {
        let handled = self.old_status().and_then(SubjectStatus::last_handled_reconcile_at);
        self.around.learned.failure.is_none() && annotation::reconcile_requested_anew(self.object, handled)
    }

    /// Asks for a step, for the dates for which it is needed.
    pub(crate) fn asking(&self, need: Option<Need>) -> retry::Asking {
        retry::Asking {
            generation: self.generation(),
            fresh: self.is_fresh(),
            need,
            now: self.now(),
        }
    }

    /// The name in the portal.
    pub(crate) fn display_name(&self) -> String {
        let named = self.object.declared().display_name.map(str::to_owned);
        named.unwrap_or_else(|| self.object.name_any())
    }

    pub(crate) fn connection_name(&self) -> &'a str {
        &self.object.declared().connection_ref.name
    }

    pub(crate) fn predecessor(&self) -> Predecessor<'a> {
        Predecessor::of(self.object, self.object.declared().locale, &self.around)
    }

    /// Our mark on what an attempt makes.
    pub(crate) fn mark(&self, attempt: u32) -> OwnerTag {
        OwnerTag {
            attempt,
            ..self.around.mark(self.object)
        }
    }

    /// Writes what every status says, with these statements as its conditions. The verdict it returns is looked at again for
    /// the sake of all that waits beside it.
    pub(crate) fn seal(
        &self,
        status: &mut K::Status,
        statements: Vec<condition::Statement>,
        verdict: Verdict,
        forecast: Option<Forecast>,
        contested_until: Option<Timestamp>,
    ) -> Verdict {
        let look_again = forecast.as_ref().and_then(|forecast| forecast.look_again);
        let aside = status.side_failures().iter().map(retry::again_at);
        let aside = aside.filter(|at| *at > self.now()).chain(contested_until);
        let verdict = look_again.into_iter().chain(aside).fold(verdict, Verdict::until);
        let fields = status.fields_mut();
        if let Some(forecast) = forecast {
            *fields.plan = forecast.steps;
        }
        *fields.conditions = condition::stamp(self.written(), statements, self.generation(), self.now());
        *fields.observed_generation = self.generation();
        fields.accepted_change.clone_from(&verdict.accepted);
        *fields.last_handled_reconcile_at = annotation::reconcile_requested(self.object).map(str::to_owned);
        verdict
    }
}
