//! What people do when an endpoint asks for them: they agree, late; they clear what failed by accident; they train anew
//! what was judged bad.
use super::{cluster, event::Event};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use speech_api::{
    Reason, SpeechEndpoint,
    annotation::{APPROVED_MODEL, CLEAR_QUARANTINE},
    condition,
    swap::{Approval, SwapPolicy},
};
use speech_fuzz::Chance;
use speech_service::EntityId;
use std::collections::{BTreeMap, BTreeSet};

/// The longest that anybody lets an endpoint wait for an approval.
const LATE: SignedDuration = SignedDuration::from_hours(40 * 24);
/// So long before the expiry of what serves, even the last one has agreed.
const LAST_CALL: SignedDuration = SignedDuration::from_hours(3 * 24);
/// A look at the alarms is taken at least so often.
const ROUNDS: SignedDuration = SignedDuration::from_hours(3 * 24);
/// Whoever is on call sees to an alarm within this time.
const ON_CALL: SignedDuration = SignedDuration::from_hours(4);

/// What people have taken note of.
#[derive(Debug, Default)]
pub struct Users {
    /// The candidate that each endpoint was to be approved for.
    asked: BTreeMap<usize, EntityId>,
    /// Failures that were seen to, by endpoint and date.
    seen_to: BTreeSet<(usize, Timestamp)>,
    /// Models that were judged bad.
    bad: BTreeSet<EntityId>,
}

impl Users {
    /// What they will do about an endpoint as it is now, and when. `model` is the number of the SpeechModel that it names.
    pub fn react(
        &mut self,
        index: usize,
        endpoint: &SpeechEndpoint,
        model: Option<usize>,
        chance: &mut Chance,
        now: Timestamp,
    ) -> Vec<(Timestamp, Event)> {
        let mut deeds = Vec::new();
        let Some(status) = &endpoint.status else { return deeds };
        let hour = SignedDuration::from_hours(1);
        let mut soon = |most| now.saturating_add(chance.between(hour, most)).unwrap_or(now);
        if let Some(candidate) = status.candidate.as_ref().filter(|_| needs_approval(endpoint))
            && self.asked.get(&index) != Some(&candidate.model)
        {
            self.asked.insert(index, candidate.model);
            deeds.push((soon(patience(endpoint, now)), Event::Approve(index)));
        }
        if let Some(since) = failed_since(&status.conditions)
            && self.seen_to.insert((index, since))
        {
            deeds.push((soon(ON_CALL), Event::Clear(index)));
        }
        for entry in &status.quarantine {
            let failed = entry.reason == Reason::DeploymentFailed.as_str();
            if failed && self.seen_to.insert((index, entry.at)) {
                deeds.push((soon(ON_CALL), Event::Clear(index)));
            }
            if let Some(model) = model
                && !failed
                && self.bad.insert(entry.model)
            {
                deeds.push((soon(ROUNDS), Event::Edit(model)));
            }
        }
        deeds
    }
}

/// Whether a person has to agree to a swap.
pub fn needs_approval(endpoint: &SpeechEndpoint) -> bool {
    let swap = &endpoint.spec.swap;
    swap.approval == Approval::Required || swap.policy == SwapPolicy::Manual
}

/// How late an approval may come.
fn patience(endpoint: &SpeechEndpoint, now: Timestamp) -> SignedDuration {
    let active = endpoint.status.as_ref().and_then(|status| status.active.as_ref());
    let expiry = active.and_then(|active| active.expires_at);
    let left = expiry.map_or(LATE, |expiry| expiry.duration_since(now) - LAST_CALL);
    left.clamp(SignedDuration::from_hours(1), LATE)
}

/// Writes what was decided: agreement to the candidate, or the order to try again what failed.
pub fn annotate(endpoint: &mut SpeechEndpoint, agrees: bool, now: Timestamp) {
    let Some(status) = &endpoint.status else { return };
    if agrees {
        if let Some(candidate) = status.candidate.as_ref().map(|candidate| candidate.model) {
            cluster::annotate(endpoint, APPROVED_MODEL, candidate.to_string());
        }
        return;
    }
    let failed = status.quarantine.first().map(|entry| entry.model);
    if let Some(model) = failed.or(status.active.as_ref().map(|active| active.model)) {
        // The time makes it another value each time.
        cluster::annotate(endpoint, CLEAR_QUARANTINE, format!("{model},{now}"));
    }
}

/// Since when an endpoint says that what serves could not be deployed.
fn failed_since(conditions: &[Condition]) -> Option<Timestamp> {
    let stalled = condition::find(conditions, condition::STALLED)?;
    (stalled.reason == Reason::DeploymentFailed.as_str()).then_some(stalled.last_transition_time.0)
}
