//! When a swap may begin: plain arithmetic on dates and windows.
//!
//! ```text
//!          expiry - before            expiry - deadlineOverride    expiry - lead     expiry
//! ───────────────┼────────────────────────────────┼────────────────────┼───────────────┼──▶
//!                └── BeforeExpiry: each at its     └── windows count    └── the latest  └── windows do not
//!                    own share of the open time        no longer            start           count either
//!                    in the first two thirds
//! ```
use crate::{
    text::{after, before},
    window::Calendar,
};
use jiff::{SignedDuration, Timestamp};
use speech_api::swap::SwapPolicy;

/// How far ahead an opening is looked for where nothing expires.
const HORIZON: SignedDuration = SignedDuration::from_hours(2 * 366 * 24);
/// A calendar that is shut for so long never opens.
pub const NEVER: SignedDuration = SignedDuration::from_hours(400 * 24);

/// This part of the time for swaps is kept for second tries.
const RESERVE: i32 = 3;

/// What the date of a swap depends on.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The present (UTC).
    pub now: Timestamp,
    /// Since when there is a model to move to.
    pub since: Timestamp,
    /// When the active model expires.
    pub expires_at: Option<Timestamp>,
    /// What begins a swap.
    pub policy: SwapPolicy,
    /// The earliest start with [`SwapPolicy::BeforeExpiry`].
    pub before: SignedDuration,
    /// How long before the expiry windows no longer count; zero means never.
    pub deadline_override: SignedDuration,
    /// How long a deployment has to be expected to take.
    pub lead: SignedDuration,
    /// The windows.
    pub calendar: &'a Calendar,
    /// Where this object stands among all: a share of `u64::MAX`, the same for ever.
    pub share: u64,
}

/// The date of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// When it may begin: in the past if it could have begun already; absent if never.
    pub at: Option<Timestamp>,
    /// What the date follows from.
    pub by: By,
    /// Whether the windows are shut for good.
    pub never_opens: bool,
}

impl Timing {
    /// A person asked for it, so that neither dates nor windows count.
    pub fn at_once(since: Timestamp) -> Self {
        Self {
            at: Some(since),
            by: By::NewModel,
            never_opens: false,
        }
    }
}

/// What the date of a swap follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The active model has expired.
    Expired,
    /// There is a newer model.
    NewModel,
    /// The object's own share of the time before the expiry.
    Share,
    /// The next opening of a window.
    Window,
    /// The end of what windows may block.
    Override,
}

impl Terms<'_> {
    /// When the swap may begin.
    pub fn timing(&self) -> Timing {
        let never_opens =
            !self.calendar.is_always_open() && self.calendar.never_opens(self.now, after(self.now, NEVER));
        let (at, by) = self.date();
        Timing { at, by, never_opens }
    }

    fn date(&self) -> (Option<Timestamp>, By) {
        let Some(expires_at) = self.expires_at else {
            return match self.policy {
                // Nothing is known to expire, so there is nothing to be ahead of.
                SwapPolicy::OnNewModel | SwapPolicy::Manual | SwapPolicy::BeforeExpiry => {
                    self.opening(self.since, None)
                }
            };
        };
        if expires_at <= self.now {
            return (Some(self.since.max(expires_at)), By::Expired);
        }
        match self.policy {
            SwapPolicy::OnNewModel | SwapPolicy::Manual => self.opening(self.since, Some(expires_at)),
            SwapPolicy::BeforeExpiry => match self.slot(expires_at) {
                Some(slot) if self.now <= slot && self.since <= slot => (Some(slot), By::Share),
                Some(slot) => self.opening(slot.max(self.since), Some(expires_at)),
                None => self.opening(self.earliest(expires_at).max(self.since), Some(expires_at)),
            },
        }
    }

    /// The latest start that leaves time for the deployment.
    pub fn latest(&self, expires_at: Timestamp) -> Timestamp {
        before(expires_at, self.lead)
    }

    fn earliest(&self, expires_at: Timestamp) -> Timestamp {
        before(expires_at, self.before.max(self.lead))
    }

    /// From when on windows no longer count.
    pub fn overridden_from(&self, expires_at: Timestamp) -> Option<Timestamp> {
        (!self.deadline_override.is_zero()).then(|| before(expires_at, self.deadline_override.max(self.lead)))
    }

    /// The object's own moment: its share of the open time between the earliest start and the last resort. The last third
    /// is left free where windows open before it: a deployment that fails leaves people time to help.
    fn slot(&self, expires_at: Timestamp) -> Option<Timestamp> {
        let earliest = self.earliest(expires_at);
        let last = self
            .overridden_from(expires_at)
            .unwrap_or_else(|| self.latest(expires_at));
        let last = last.max(earliest);
        let reserve = last.duration_since(earliest) / RESERVE;
        let point = |to| self.calendar.point(earliest, to, self.share);
        point(before(last, reserve)).or_else(|| point(last))
    }

    /// The first moment, not before `from`, at which a window is open or no longer counts.
    fn opening(&self, from: Timestamp, expires_at: Option<Timestamp>) -> (Option<Timestamp>, By) {
        if self.calendar.is_always_open() {
            return (Some(from), By::NewModel);
        }
        let start = from.max(self.now);
        let overridden = expires_at.and_then(|expires_at| self.overridden_from(expires_at));
        let end = overridden.or(expires_at).unwrap_or_else(|| after(self.now, HORIZON));
        match (self.calendar.next_open(start, end.max(start)), overridden) {
            // Open now: it is due since it could first have begun.
            (Some(at), _) if at == start => (Some(from), By::NewModel),
            (Some(at), _) => (Some(at), By::Window),
            (None, Some(at)) => (Some(at.max(from)), By::Override),
            (None, None) => (None, By::Window),
        }
    }
}
