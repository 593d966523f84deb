//! Whether the swap to a model may begin, and what it waits for if not.
use super::{Snapshot, choice::Choice, gate, observed::Observed, record::Record, timing};
use crate::{
    Action, List,
    lead_time::{Durations, Work},
    model_choice,
    queue::{self, Want},
    retry::Need,
    risk::{Deadline, alarm_from},
    spread::share,
    text::{after, before, day_time},
    view::{ModelFacts, View},
    window::Calendar,
};
use jiff::{SignedDuration, Timestamp};
use speech_api::{
    Reason, SpeechEndpoint,
    annotation::{self, APPROVED_MODEL, SWAP_NOW},
    decision::{Fact, RuleName, Saw},
    duration,
    endpoint::ActiveModel,
    reference::BaseModelChoice,
    swap::{Approval, GateVerdict, Judgement, OnDeadline, SwapPolicy},
};
use speech_service::{EntityId, entity::Endpoint};
use timing::{By, Terms, Timing};

/// So close to the expiry of what serves, a swap goes before all other requests.
const URGENT: SignedDuration = SignedDuration::from_hours(24);
/// Where windows are never overridden, a gate is given up so long before the expiry.
const GATE_DEADLINE: SignedDuration = SignedDuration::from_hours(24);
/// Who waits for a turn is woken when one comes free; this is for the case that nobody does it.
const TURN: SignedDuration = SignedDuration::from_mins(1);

/// What a swap waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Whose rule it is.
    pub rule: RuleName,
    /// Why.
    pub reason: Reason,
    /// The same for a person.
    pub words: String,
}

/// The rollout of a model: when the swap to it may begin, and what it waits for.
#[derive(Clone, Debug)]
pub struct Rollout {
    /// When the swap may begin, or could have begun; absent if never.
    pub at: Option<Timestamp>,
    /// What the date follows from.
    pub by: By,
    /// What it waits for; nothing means that it begins now.
    pub blocks: Vec<Block>,
    /// What each rule saw that was asked.
    pub saw: Vec<(RuleName, Saw)>,
    /// Whether it goes before all other requests.
    pub urgent: bool,
    /// A step that the gate asks for.
    pub action: Option<Action>,
    /// When time alone may change the decision.
    pub look_again: Option<Timestamp>,
    /// The place in the queue.
    pub wants: Option<Want>,
    /// The list that is about to change.
    pub awaits: Option<List>,
    /// Whether the windows are shut for good.
    pub never_opens: bool,
}

/// Whether a swap of an endpoint may have to go before all other requests by then (UTC): room is kept for it.
pub fn may_be_urgent(endpoint: &SpeechEndpoint, durations: &Durations, by: Timestamp) -> bool {
    let active = endpoint.status.as_ref().and_then(|status| status.active.as_ref());
    let expiry = active.and_then(|active| active.expires_at);
    let lead = deployment(durations, &endpoint.spec.locale);
    expiry.is_some_and(|expiry| is_near(expiry, lead, by))
}

/// How long a deployment has to be expected to take.
fn deployment(durations: &Durations, locale: &str) -> SignedDuration {
    durations.lead(locale, &[Work::Deploying]).needed
}

fn is_near(expiry: Timestamp, lead: SignedDuration, now: Timestamp) -> bool {
    expiry <= after(now, URGENT.max(lead))
}

/// The dates of an endpoint that serves.
pub struct Dates<'a> {
    /// When the active model expires.
    pub expiry: Option<Timestamp>,
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
            expiry: active.and_then(|active| active.expires_at),
            before: span(&swap.before).unwrap_or_default(),
            deadline_override: span(&swap.deadline_override).unwrap_or_default(),
            lead: deployment(&s.around.agenda.durations, &s.object.spec.locale),
            calendar,
        }
    }

    /// Whether the active model has expired.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expiry.is_some_and(|expiry| expiry <= now)
    }

    /// Whether a swap goes before all other requests.
    pub fn is_urgent(&self, now: Timestamp) -> bool {
        self.expiry.is_some_and(|expiry| is_near(expiry, self.lead, now))
    }

    /// What the active model's expiry asks for.
    pub fn deadline(&self, now: Timestamp) -> Option<Deadline<'static>> {
        Some(Deadline {
            subject: "the active model",
            now,
            expires: self.expiry?,
            alarm: self.alarm()?,
            latest: self.latest()?,
        })
    }

    /// The dates for which a swap is needed.
    pub fn need(&self) -> Option<Need> {
        Some(Need {
            latest: self.latest()?,
            by: self.expiry?,
        })
    }

    fn ahead(&self, span: SignedDuration) -> Option<Timestamp> {
        self.expiry.map(|expiry| before(expiry, span))
    }

    /// From when on what blocks a swap is told as a risk.
    pub fn alarm(&self) -> Option<Timestamp> {
        self.expiry.map(|expiry| alarm_from(expiry, self.before, self.lead))
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

    fn terms(&self, s: &Snapshot<'_>, since: Timestamp, policy: SwapPolicy) -> Terms<'a> {
        Terms {
            now: s.now(),
            since,
            expiry: self.expiry,
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
        self.terms(s, since, s.object.spec.swap.policy).timing().at
    }
}

/// What stands between an endpoint that serves and the model that is to follow, and what its gate found.
pub fn plot(
    f: &Observed<'_>,
    view: &View,
    endpoint: &Endpoint,
    choice: &Choice<'_>,
    dates: &Dates<'_>,
    record: &Record,
) -> (Rollout, Option<Judgement>) {
    let s = &f.s;
    let swap = &s.object.spec.swap;
    // A model that is named by its id is the user's own word, and so is what stands in for another at the end.
    let declared = choice.named || choice.interim;
    let asked = is_asked_for(s, choice);
    let policy = if declared || asked {
        SwapPolicy::OnNewModel
    } else {
        swap.policy
    };
    let since = record.candidate.as_ref().map_or(s.now(), |candidate| candidate.since);
    let timing = if asked {
        Timing::at_once(since)
    } else {
        dates.terms(s, since, policy).timing()
    };
    let mut rollout = Rollout {
        at: timing.at,
        by: timing.by,
        blocks: Vec::new(),
        saw: Vec::new(),
        urgent: dates.is_urgent(s.now()),
        action: None,
        look_again: None,
        wants: None,
        awaits: None,
        never_opens: timing.never_opens,
    };
    let judged = match declared {
        true => rollout.pass(RuleName::Gate, Fact::NotAsked),
        false => rollout.pass_gate(f, view, endpoint, choice, dates, record),
    };
    if choice.named || asked {
        rollout.pass(RuleName::Approval, if asked { Fact::Given } else { Fact::NotAsked });
    } else {
        rollout.await_approval(s, view, choice, policy, record);
    }
    rollout.await_date(s);
    if choice.named || asked {
        rollout.pass(RuleName::Clocks, Fact::NotAsked);
    } else {
        rollout.await_clock(s, dates);
    }
    rollout.await_turn(s, view, endpoint, dates);
    (rollout, judged)
}

/// Whether a person asked for the move to this very model, whatever its day.
fn is_asked_for(s: &Snapshot<'_>, choice: &Choice<'_>) -> bool {
    let asked = annotation::value(s.object, SWAP_NOW).map(str::parse::<EntityId>);
    matches!(asked, Some(Ok(id)) if id == choice.facts.model.entity())
}

impl Rollout {
    /// Whether the swap may begin now.
    pub fn is_clear(&self) -> bool {
        self.blocks.is_empty()
    }

    fn block(&mut self, rule: RuleName, reason: Reason, words: impl Into<String>) {
        self.saw.push((rule, Saw::Reason(reason)));
        self.blocks.push(Block {
            rule,
            reason,
            words: words.into(),
        });
    }

    /// A rule holds nothing back. No judgement comes of it.
    fn pass(&mut self, rule: RuleName, fact: Fact) -> Option<Judgement> {
        self.saw.push((rule, Saw::Fact(fact)));
        None
    }

    fn look(&mut self, at: Timestamp) {
        self.look_again = Some(self.look_again.map_or(at, |before| before.min(at)));
    }

    /// The gate is asked as soon as there is a candidate, so that its answer is there on the day.
    fn pass_gate(
        &mut self,
        f: &Observed<'_>,
        view: &View,
        endpoint: &Endpoint,
        choice: &Choice<'_>,
        dates: &Dates<'_>,
        record: &Record,
    ) -> Option<Judgement> {
        let s = &f.s;
        let Some(gate) = &s.object.spec.swap.gate else {
            return self.pass(RuleName::Gate, Fact::NotAsked);
        };
        // Once the active model has expired, the newest base model is what answers, and the measure.
        let locale = &s.object.spec.locale;
        let newest = || model_choice::base_model(view, &BaseModelChoice::default(), locale, s.now(), |_| false).ok();
        let answers = dates
            .has_expired(s.now())
            .then(newest)
            .flatten()
            .map(|facts| facts.model);
        // Where nothing answers there is nothing to compare with.
        let active = answers.or(endpoint.model)?;
        let (ruling, judged) = gate::judge(f, view, &gate.evaluation, &choice.facts, active, record);
        if ruling.verdict == GateVerdict::Pass {
            self.pass(RuleName::Gate, Fact::Passed);
            return judged;
        }
        let late = dates.gate_deadline();
        let promote = gate.on_deadline == OnDeadline::Promote && ruling.verdict != GateVerdict::Fail;
        if promote && late.is_some_and(|late| late <= s.now()) {
            self.pass(RuleName::Gate, Fact::Overruled);
            return judged;
        }
        if let Some(late) = late.filter(|late| *late > s.now()) {
            self.look(late);
        }
        self.block(RuleName::Gate, ruling.reason, ruling.message);
        self.action = ruling.action;
        self.wants = ruling.wants;
        self.awaits = ruling.awaits;
        if let Some(at) = ruling.look_again {
            self.look(at);
        }
        judged
    }

    /// A person agrees to one model, by its id.
    fn await_approval(
        &mut self,
        s: &Snapshot<'_>,
        view: &View,
        choice: &Choice<'_>,
        policy: SwapPolicy,
        record: &Record,
    ) {
        const RULE: RuleName = RuleName::Approval;
        if s.object.spec.swap.approval == Approval::None && policy != SwapPolicy::Manual {
            self.pass(RULE, Fact::NotAsked);
            return;
        }
        let candidate = choice.facts.model.entity();
        let name = super::choice::named(&choice.facts);
        let approved = annotation::value(s.object, APPROVED_MODEL);
        match approved.map(str::parse::<EntityId>) {
            Some(Ok(id)) if id == candidate => {
                self.pass(RULE, Fact::Given);
            }
            // What serves was approved once.
            Some(Ok(id)) if record.active.as_ref().is_none_or(|active| active.model != id) => {
                let what = view.model_by_id(id).map_or_else(
                    || format!("{id}, which the Speech resource does not have"),
                    |facts: ModelFacts<'_>| format!("{} ({id})", super::choice::named(&facts)),
                );
                let words = format!("approval of {name} ({candidate}); the annotation {APPROVED_MODEL} names {what}");
                self.block(RULE, Reason::ApprovalOfOther, words);
            }
            Some(Err(_)) => {
                let words = format!("approval of {name} ({candidate}); the annotation {APPROVED_MODEL} holds no id");
                self.block(RULE, Reason::ApprovalOfOther, words);
            }
            Some(Ok(_)) | None => {
                let words = format!("approval of {name}: annotation {APPROVED_MODEL}={candidate}");
                self.block(RULE, Reason::ApprovalAwaited, words);
            }
        }
    }

    fn await_date(&mut self, s: &Snapshot<'_>) {
        match self.at {
            Some(at) if at <= s.now() => {
                self.pass(RuleName::Date, Fact::Come);
            }
            Some(at) => {
                self.look(at);
                let (reason, words) = match self.by {
                    By::Window => (
                        Reason::WindowClosed,
                        format!("the next window, which opens on {}", day_time(at)),
                    ),
                    By::Override if self.never_opens => (
                        Reason::WindowNeverOpens,
                        format!(
                            "the end of what windows may block, on {}: they never open",
                            day_time(at)
                        ),
                    ),
                    By::Override => (
                        Reason::WindowClosed,
                        format!("the end of what windows may block, on {}", day_time(at)),
                    ),
                    By::Share | By::NewModel | By::Expired => {
                        (Reason::SwapScheduled, format!("its day, {}", day_time(at)))
                    }
                };
                self.block(RuleName::Date, reason, words);
            }
            None => self.block(
                RuleName::Date,
                Reason::WindowNeverOpens,
                "a window, but none opens before the active model expires",
            ),
        }
    }

    /// While the clocks differ widely nothing moves by itself, unless the end of what may keep it back has come by the
    /// later of both. What expires by no clock has no such end.
    fn await_clock(&mut self, s: &Snapshot<'_>, dates: &Dates<'_>) {
        let deadline = dates.gate_deadline();
        if !s.around.agenda.skew.holds() {
            self.pass(RuleName::Clocks, Fact::Agree);
            return;
        }
        if deadline.is_some_and(|deadline| deadline <= s.now()) {
            self.pass(RuleName::Clocks, Fact::Overruled);
            return;
        }
        if let Some(deadline) = deadline {
            self.look(deadline);
        }
        self.block(
            RuleName::Clocks,
            Reason::ClocksDifferWidely,
            "the clocks of the service and the operator to agree",
        );
    }

    /// At most so many at a time, first those that expire first. Whose latest start has come waits for nobody.
    fn await_turn(&mut self, s: &Snapshot<'_>, view: &View, endpoint: &Endpoint, dates: &Dates<'_>) {
        let latest = dates.latest();
        if !self.is_clear() {
            return;
        }
        if latest.is_some_and(|latest| latest <= s.now()) {
            self.pass(RuleName::Turn, Fact::Overruled);
            return;
        }
        let agenda = s.around.agenda;
        let deadline = dates.expiry.unwrap_or(Timestamp::MAX);
        let moving = queue::swaps_under_way(view, agenda, s.around.cluster, endpoint.header.id, s.now());
        let ahead = agenda.queue.swaps_before(deadline, s.uid());
        if moving + ahead < agenda.limits.swaps {
            self.pass(RuleName::Turn, Fact::Free);
            return;
        }
        self.block(
            RuleName::Turn,
            Reason::AwaitingTurn,
            format!("its turn: {} swaps at a time on this connection", agenda.limits.swaps),
        );
        self.wants = Some(Want::Swap(deadline));
        self.look(latest.map_or(after(s.now(), TURN), |latest| latest.min(after(s.now(), TURN))));
    }
}
