//! The order of the next copy.
use super::{
    super::{
        facts::{Facts, Made, Material},
        lineage::NextRevision,
        record::{Record, Ruling},
        revision::Revision,
    },
    Copied, Wanted, source,
};
use crate::{
    Action, CopyModel, Verdict,
    lead_time::{Took, Work},
    text::{after, day_time},
    verdict::Phase,
};
use jiff::{SignedDuration, Timestamp};
use speech_api::Reason;

/// The time that a copy took whose end this plan sees: from the order until it bears our mark.
pub fn took(f: &Facts<'_>, ruling: &Ruling) -> Option<Took> {
    let copying = f.told.copying.as_ref()?;
    let made = ruling.current(f).filter(|_| ruling.record.copying.is_none())?;
    let is_it = copying.model == Some(made.id);
    is_it.then(|| Took {
        work: Work::Copying,
        time: f.s.now().duration_since(copying.started_at),
    })
}

/// A copy is listed, and the service is still at work on it.
pub fn under_way(running: &Revision<'_>) -> Verdict {
    let message = format!(
        "revision {} ({}) is {}",
        running.number,
        running.id(),
        running.model().header.status.as_str()
    );
    Verdict::working(Reason::Copying, message).watching()
}

/// The newest copy failed: again after a growing delay.
pub fn failed(copied: &Copied<'_>, newest: &Revision<'_>, again: Timestamp) -> Verdict {
    let of = copied.wanted.as_ref().map(|wanted| format!(" of {}", wanted.id));
    let (of, cause) = (of.unwrap_or_default(), newest.cause());
    let message = format!("the copy{of} failed: {cause}; copied again at {}", day_time(again));
    Verdict::working(Reason::CopyFailed, message).until(again)
}

/// The order of the next revision.
pub struct Order<'a> {
    f: &'a Facts<'a>,
    wanted: &'a Wanted<'a>,
    pub number: u32,
}

impl<'a> Order<'a> {
    /// The order, where one is due.
    pub fn of(f: &'a Facts<'a>) -> Option<Self> {
        let Made { lineage, from, .. } = f.made()?;
        let Material::Model(Copied { wanted: Ok(wanted), .. }) = from else {
            return None;
        };
        let is_due = matches!(wanted.next, NextRevision::Order { .. });
        is_due.then(|| Self {
            f,
            wanted,
            number: lineage.highest.saturating_add(1),
        })
    }

    /// What would be done.
    pub fn words(&self) -> String {
        format!("copy model {} as revision {}", self.wanted.id, self.number)
    }

    /// Why the model cannot be copied now.
    pub fn lacks(&self) -> Option<Verdict> {
        let Wanted { id, found, .. } = self.wanted;
        if let Err(missing) = source::copyable(self.f.s, found, *id) {
            return Some(missing);
        }
        let rival = found.rival.as_ref()?;
        let message = format!("waiting for {rival}, which has the same model copied into the same Speech resource");
        Some(Verdict::working(Reason::AwaitingCreation, message).until(self.soon(5)))
    }

    /// The order, or what waits after those before it; `Err` while an announcement of another model is withdrawn.
    pub fn place(&self, record: &Record) -> Result<Verdict, Verdict> {
        let Wanted { id, found, .. } = self.wanted;
        let resource_id = source::copyable(self.f.s, found, *id)?;
        let message = format!(
            "copying model {id} of SpeechConnection {} as revision {}",
            found.connection, self.number
        );
        let verdict = Verdict::working(Reason::Copying, message);
        let creation = record.creation(self.f).copying(Some(*id));
        let unsent = creation.unsent();
        if unsent.is_some_and(|intent| intent.copy_of != Some(*id)) {
            return Err(verdict.until(self.soon(1)));
        }
        let ordered = self.f.order(&record.failures, &creation, verdict, |attempt| {
            Action::CopyModel(Box::new(CopyModel {
                attempt,
                source: *id,
                resource_id: resource_id.to_owned(),
            }))
        })?;
        Ok(told_as_copy(ordered, record))
    }

    fn soon(&self, seconds: i64) -> Timestamp {
        after(self.f.s.now(), SignedDuration::from_secs(seconds))
    }
}

/// What holds a copy back has its own words: a refusal is for a person to heal, though it is tried again.
fn told_as_copy(verdict: Verdict, record: &Record) -> Verdict {
    let last = record.failures.last.as_ref();
    let Some(last) = last.filter(|_| verdict.reason == Reason::Retrying) else {
        return verdict;
    };
    if last.terminal {
        return Verdict {
            phase: Phase::Stalled,
            reason: Reason::CopyRefused,
            ..verdict
        };
    }
    Verdict {
        reason: Reason::CopyFailed,
        ..verdict
    }
}
