//! The dates of an endpoint that serves: when its model expires, and what has to happen how long before.
use super::{
    Snapshot,
    timing::{Terms, Timing},
};
use crate::{
    lead_time::{Durations, Work},
    retry::Need,
    risk::{Deadline, alarm_from},
    spread::share,
    text::{after, before},
    window::Calendar,
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{SpeechEndpoint, duration, endpoint::ActiveModel, swap::SwapPolicy};

/// So close to the expiry of what serves, a swap goes before all other requests.
const URGENT: SignedDuration = SignedDuration::from_hours(24);
/// Where windows are never overridden, a gate is given up so long before the expiry.
const GATE_DEADLINE: SignedDuration = SignedDuration::from_hours(24);

/// Whether a swap of an endpoint may have to go before all other requests by then (UTC): room is kept for it.
pub fn may_be_urgent(endpoint: &SpeechEndpoint, durations: &Durations, by: Timestamp) -> bool {
    let active = endpoint.status.as_ref().and_then(|status| status.active.as_ref());
    let expires_at = active.and_then(|active| active.expires_at);
    let lead = deployment(durations, &endpoint.spec.locale);
    expires_at.is_some_and(|expires_at| is_near(expires_at, lead, by))
}

/// How long a deployment has to be expected to take.
fn deployment(durations: &Durations, locale: &str) -> SignedDuration {
    durations.lead(locale, &[Work::Deploying]).needed
}

fn is_near(expires_at: Timestamp, lead: SignedDuration, now: Timestamp) -> bool {
    expires_at <= after(now, URGENT.max(lead))
}

/// The dates of an endpoint that serves.
pub struct Dates<'a> {
    /// When the active model expires.
    pub expires_at: Option<Timestamp>,
    /// `swap.before`.
    pub before: SignedDuration,
    /// `swap.deadlineOverride`.
    pub deadline_override: SignedDuration,
    /// How long a deployment has to be expected to take.
    pub lead: SignedDuration,
    calendar: &'a Calendar,
}

impl<'a> Dates<'a> {
    /// Reads the spec, what serves, and what was seen of deployments here.
    pub fn of(s: &Snapshot<'_>, active: Option<&ActiveModel>, calendar: &'a Calendar) -> Self {
        let swap = &s.object.spec.swap;
        // The schema has refused what cannot be read.
        let span = |text: &str| {
            duration::parse(text)
                .ok()
                .and_then(|span| SignedDuration::try_from(span).ok())
        };
        Self {
            expires_at: active.and_then(|active| active.expires_at),
            before: span(&swap.before).unwrap_or_default(),
            deadline_override: span(&swap.deadline_override).unwrap_or_default(),
            lead: deployment(&s.around.agenda.durations, &s.object.spec.locale),
            calendar,
        }
    }

    /// Whether the active model has expired.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    /// Whether a swap goes before all other requests.
    pub fn is_urgent(&self, now: Timestamp) -> bool {
        self.expires_at
            .is_some_and(|expires_at| is_near(expires_at, self.lead, now))
    }

    /// What the active model's expiry asks for.
    pub fn deadline(&self, now: Timestamp) -> Option<Deadline<'static>> {
        Some(Deadline {
            subject: "the active model",
            now,
            expires_at: self.expires_at?,
            alarm: self.alarm()?,
            latest: self.latest()?,
        })
    }

    /// The dates for which a swap is needed.
    pub fn need(&self) -> Option<Need> {
        Some(Need {
            latest: self.latest()?,
            expires_at: self.expires_at?,
        })
    }

    fn ahead(&self, span: SignedDuration) -> Option<Timestamp> {
        self.expires_at.map(|expires_at| before(expires_at, span))
    }

    /// From when on whatever blocks a swap is reported as a risk.
    pub fn alarm(&self) -> Option<Timestamp> {
        self.expires_at
            .map(|expires_at| alarm_from(expires_at, self.before, self.lead))
    }

    /// The latest start that leaves time for the deployment.
    pub fn latest(&self) -> Option<Timestamp> {
        self.ahead(self.lead)
    }

    /// From when on a gate that still blocks is given up, where the spec says so, and clocks that differ block no more.
    pub fn gate_deadline(&self) -> Option<Timestamp> {
        let ahead = if self.deadline_override.is_zero() {
            GATE_DEADLINE
        } else {
            self.deadline_override
        };
        self.ahead(ahead.max(self.lead))
    }

    /// When the swap to a model may begin that is there since then.
    pub fn timing(&self, s: &Snapshot<'_>, since: Timestamp, policy: SwapPolicy) -> Timing {
        self.terms(s, since, policy).timing()
    }

    fn terms(&self, s: &Snapshot<'_>, since: Timestamp, policy: SwapPolicy) -> Terms<'a> {
        Terms {
            now: s.now(),
            since,
            expires_at: self.expires_at,
            policy,
            before: self.before,
            deadline_override: self.deadline_override,
            lead: self.lead,
            calendar: self.calendar,
            share: share(s.uid()),
        }
    }

    /// When a swap to a model that comes at `since` could begin, if nothing but dates and windows counted.
    pub fn expected(&self, s: &Snapshot<'_>, since: Timestamp) -> Option<Timestamp> {
        self.timing(s, since, s.object.spec.swap.policy).at
    }
}
