//! What is decided about a model, and what its status is to remember of it.
use super::{
    copy::Attempt,
    facts::{Facts, Material},
    told::Current,
};
use crate::{
    Action, Verdict,
    creation::{Creation, withdrawn},
    export,
    failures::Failures,
    retry,
    rule::Decides,
    text::day_time,
    verdict::Phase,
};
use speech_api::{Reason, SpeechModelStatus, model::CopyUnderWay, tally::CreationTally};

/// A decision.
#[derive(Clone, Debug)]
pub struct Ruling {
    pub verdict: Verdict,
    pub record: Record,
}

impl Decides for Ruling {
    fn reason(&self) -> Reason {
        self.verdict.reason
    }
}

impl Ruling {
    /// What a rule says, and what follows from it whatever the rule.
    pub fn new(f: &Facts<'_>, verdict: Verdict, record: Record) -> Self {
        let record = record.without_lost_announcement(f, &verdict);
        let verdict = with_expiry(f, record.current(f), verdict);
        let last = record.failures.last.as_ref();
        let verdict = export::trouble(f.s.around.learned.failure, last, verdict, f.s.now());
        let mut record = record;
        // Before anything follows from it: the next look would not know of a failure that is forgotten now.
        if verdict.action.is_none() && verdict.phase == Phase::Done {
            record.failures.last = None;
        }
        Self { verdict, record }
    }

    /// The model that the status shows as the current one.
    pub fn current<'f>(&self, f: &'f Facts<'_>) -> Option<&'f Current> {
        self.record.current(f)
    }
}

/// The moment of expiry is a reason to look again; past it, the user has to act.
fn with_expiry(f: &Facts<'_>, current: Option<&Current>, verdict: Verdict) -> Verdict {
    match current.and_then(|current| current.expires_at) {
        Some(at) if at > f.s.now() => verdict.until(at),
        Some(at) if verdict.phase == Phase::Done => {
            let message = format!(
                "the current model expired on {}; train or choose a newer one",
                day_time(at)
            );
            Verdict {
                look_again: verdict.look_again,
                ..Verdict::stalled(Reason::ModelExpired, message)
            }
        }
        Some(_) | None => verdict,
    }
}

/// What the status remembers after a decision. All else in it follows from the facts.
#[derive(Clone, Debug)]
pub struct Record {
    /// Whether the rule has looked at what is listed: then the status shows that, else what it showed before.
    pub seen: bool,
    /// The copy that is in progress.
    pub copying: Option<CopyUnderWay>,
    /// The last attempt whose end is known.
    pub closed_attempt: Option<i32>,
    /// How often in a row a model was asked for.
    pub creations: Option<CreationTally>,
    /// What failed and is tried again.
    pub failures: Failures,
}

impl Record {
    /// What is remembered where nothing is looked at.
    pub fn unseen(f: &Facts<'_>) -> Self {
        Self {
            seen: false,
            copying: f.base.copying.clone(),
            closed_attempt: f.base.closed_attempt,
            creations: f.base.creations.clone(),
            failures: Failures::of(&f.base),
        }
    }

    /// The same where the revisions are looked at: an attempt that made one is over.
    pub fn seen(f: &Facts<'_>) -> Self {
        Self {
            seen: true,
            closed_attempt: f.creation.closed_attempt,
            ..Self::unseen(f)
        }
    }

    /// The same where it is known what came of the copy that was under way.
    pub fn settled(f: &Facts<'_>) -> Self {
        let seen = Self::seen(f);
        match f.made().map(|made| &made.from) {
            Some(Material::Model(copied)) if f.s.may_act() => seen.after(f, &copied.attempt),
            Some(Material::Model(_) | Material::Datasets(_)) | None => seen,
        }
    }

    /// The same after what came of a copy.
    pub fn after(self, f: &Facts<'_>, attempt: &Attempt<'_>) -> Self {
        match attempt {
            Attempt::Over => Self { copying: None, ..self },
            Attempt::Unsent => self,
            Attempt::Failed { attempt, failure } => {
                let (generation, now) = (f.s.generation(), f.s.now());
                let last = retry::remember(self.failures.last.as_ref(), failure, generation, now);
                let mut record = self.closing(*attempt);
                record.failures.last = Some(last);
                record
            }
            Attempt::Open(open) => Self {
                copying: open.copying.clone(),
                ..self
            },
        }
    }

    /// Whether a request may leave after what is remembered.
    pub fn creation(&self, f: &Facts<'_>) -> Creation {
        Creation {
            closed_attempt: self.closed_attempt,
            ..f.creation
        }
    }

    /// The same with other failures.
    pub fn failing(self, failures: Failures) -> Self {
        Self { failures, ..self }
    }

    /// The same after the end of an attempt of which nothing can come any more.
    pub fn closing(self, attempt: u32) -> Self {
        Self {
            copying: None,
            closed_attempt: i32::try_from(attempt).ok().max(self.closed_attempt),
            ..self
        }
    }

    /// What was announced in this pass and led to no request never will: whoever comes later need not look for it.
    fn without_lost_announcement(self, f: &Facts<'_>, verdict: &Verdict) -> Self {
        let copies = matches!(f.made().map(|made| &made.from), Some(Material::Model(_)));
        let sends = matches!(verdict.action, Some(Action::CopyModel(_)));
        let creation = self.creation(f).copying(None);
        match creation.unsent() {
            Some(intent) if self.seen && copies && !sends => {
                let creations = withdrawn(self.creations.as_ref());
                Self { creations, ..self }.closing(intent.attempt)
            }
            Some(_) | None => self,
        }
    }

    fn current<'f>(&self, f: &'f Facts<'_>) -> Option<&'f Current> {
        match self.seen {
            true => f.current.as_ref(),
            false => f.told.current.as_ref(),
        }
    }

    /// Writes it down.
    pub fn write(self, status: &mut SpeechModelStatus) {
        status.copying = self.copying;
        status.closed_attempt = self.closed_attempt;
        status.creations = self.creations;
        self.failures.write(status);
    }
}
