//! What an object finds in the Speech service that was made for a former object of its name.
//!
//! A uid is one life of an object. The restore of a backup, or a manifest that is applied again after a deletion with
//! `Retain`, begins another one; what the former life left behind is taken over instead of made a second time. Only the
//! cluster and `namespace/name` tell: there is never more than one living object of a kind with a name, so the mark of
//! another uid under our own name is that of an object that is gone.
use super::{
    Surroundings, Verdict,
    creation::GRACE,
    text::{after, day_time},
};
use jiff::{SignedDuration, Timestamp, Unit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::Resource;
use speech_api::{
    Reason,
    annotation::{self, CreationIntent, RESTORED_FROM},
    condition,
};
use speech_service::entity::{Header, OwnerTag};

/// How far the clock of another cluster and that of the service may be apart.
const CLOCKS_APART: SignedDuration = SignedDuration::from_hours(1);

/// How an object knows what was made for it in a former life.
#[derive(Clone, Copy, Debug)]
pub struct Predecessor<'a> {
    uid: &'a str,
    namespace: &'a str,
    name: &'a str,
    cluster: &'a str,
    /// The cluster from which a person says that the object was restored.
    restored_from: Option<&'a str>,
    /// An announcement on the object that is older than the object itself, so that a former object made it.
    announced: Option<CreationIntent>,
    locale: &'a str,
}

impl<'a> Predecessor<'a> {
    /// Reads the object.
    pub fn of<K: Resource>(object: &'a K, locale: &'a str, around: &Surroundings<'a>) -> Self {
        let meta = object.meta();
        Self {
            uid: meta.uid.as_deref().unwrap_or_default(),
            namespace: meta.namespace.as_deref().unwrap_or_default(),
            name: meta.name.as_deref().unwrap_or_default(),
            cluster: around.cluster,
            restored_from: annotation::value(object, RESTORED_FROM),
            announced: CreationIntent::of(object).filter(|intent| {
                let created = meta.creation_timestamp.as_ref();
                created.is_some_and(|created| after(intent.at, GRACE) < created.0)
            }),
            locale,
        }
    }

    /// Whether a mark is that of a former object of this name, in this cluster or in the one that it was restored from.
    pub fn bore(&self, tag: &OwnerTag) -> bool {
        let cluster = tag.cluster == self.cluster || Some(tag.cluster.as_str()) == self.restored_from;
        cluster && tag.uid != self.uid && self.is_named(tag)
    }

    /// Whether a mark may be left as it is: it is ours, or was ours in this cluster.
    pub fn stands_for(&self, tag: &OwnerTag) -> bool {
        tag.uid == self.uid || (tag.cluster == self.cluster && self.bore(tag))
    }

    /// Whether an entity was made for a former object of this name and can be continued with.
    pub fn left(&self, header: &Header) -> bool {
        &*header.locale == self.locale && header.owner.as_ref().is_some_and(|tag| self.bore(tag))
    }

    /// Something of another cluster that looks as if this object had been restored from there: the object bears an
    /// announcement that is older than itself, and of which the mark speaks. Whether the other cluster still lives only a
    /// person knows.
    pub fn elsewhere<'h>(&self, mut headers: impl Iterator<Item = &'h Header>) -> Option<Verdict> {
        let announced = self.announced.filter(|_| self.restored_from.is_none())?;
        let (header, tag) = headers.find_map(|header| {
            let tag = header.owner.as_deref()?;
            let same = tag.cluster != self.cluster && tag.attempt == announced.attempt && self.is_named(tag);
            let apart = header.created_at.duration_since(announced.at).abs();
            (same && apart <= CLOCKS_APART).then_some((header, tag))
        })?;
        let message = format!(
            "{} was made for an object of this name in cluster {}, and this object bears its announcement, so it seems to have been restored from there; annotate it with {RESTORED_FROM}={} to take over what was left there, or with {RESTORED_FROM}=none to begin anew",
            header.id, tag.cluster, tag.cluster
        );
        Some(Verdict::stalled(Reason::OwnedByAnother, message))
    }

    fn is_named(&self, tag: &OwnerTag) -> bool {
        tag.object.split_once('/') == Some((self.namespace, self.name))
    }
}

/// Since when an object is known, by our own clock and word.
pub fn known_since(before: &[Condition], now: Timestamp) -> Timestamp {
    condition::find(before, condition::RECONCILING).map_or_else(
        || now.round(Unit::Second).unwrap_or(now),
        |reconciling| reconciling.last_transition_time.0,
    )
}

/// Whether what a former object left behind is there for certain: a list may show for a while what the former object has
/// deleted, so only one that began late enough counts.
pub fn is_certain(before: &[Condition], swept_at: Option<Timestamp>, now: Timestamp) -> bool {
    swept_at.is_some_and(|at| at >= after(known_since(before, now), GRACE))
}

/// Waits until it is certain.
pub fn wait(what: &str, before: &[Condition], now: Timestamp) -> Verdict {
    let certain = after(known_since(before, now), GRACE);
    let message = format!(
        "found {what}, which was made for a former object of this name; it is taken over if the lists still show it after {}",
        day_time(certain)
    );
    let again = certain.max(after(now, SignedDuration::from_secs(1)));
    Verdict::working(Reason::AwaitingCreation, message)
        .until(again)
        .watching()
}

#[cfg(test)]
#[path = "predecessor/tests.rs"]
mod tests;
