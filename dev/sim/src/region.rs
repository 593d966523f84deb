//! One Speech resource, its objects and its operator through the years: time jumps to whatever happens next.
use super::{
    cluster::{Cluster, Key},
    event::{Event, Place},
    fleet::{self, Manifests},
    follow::Story,
    impolite::Manners,
    law::Laws,
    network::{Habits, Network},
    operator::{Operator, POLL},
    report::Report,
    users::{self, Users},
    world::{self, World},
};
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use speech_fuzz::Chance;
use speech_plan::{connection::Contact, endpoint::may_be_urgent};
use speech_service::{Lane, Shares};
use std::{collections::BTreeMap, sync::Arc};

/// How long the deletion of everything may take in the end: a training that seems never to end holds its model up.
const FAREWELL: SignedDuration = SignedDuration::from_hours(24 * 100);
/// A new leader is elected so long after the last one died.
const ELECTION: (SignedDuration, SignedDuration) = (SignedDuration::from_secs(15), SignedDuration::from_secs(40));
/// A leader that is to die in the midst of a step dies at rest when there was no step for so long.
const LAST_CHANCE: SignedDuration = SignedDuration::from_hours(24);
/// The base models are read so often.
const BASE_MODEL_INTERVAL: SignedDuration = SignedDuration::from_mins(10);
/// Leaders that die in a year.
const DEATHS_PER_YEAR: i64 = 12;

/// Which part of the simulation a region is.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// When it begins (UTC).
    pub start: Timestamp,
    /// How long it lasts, in days.
    pub days: i64,
}

/// One Speech resource and all around it.
pub struct Region {
    pub(super) now: Timestamp,
    pub(super) network: Arc<Network>,
    pub(super) cluster: Cluster,
    pub(super) operator: Option<Operator>,
    pub(super) report: Report,
    pub(super) laws: Laws,
    pub(super) doom: Option<Place>,
    pub(super) world: World,
    pub(super) story: Option<Story>,
    habits: Manners,
    manifests: Manifests,
    users: Users,
    events: BTreeMap<(Timestamp, usize), Event>,
    pub(super) chance: Chance,
    end: Timestamp,
}

/// What keeps a simulation from beginning.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The world does not fit the emulator.
    #[error(transparent)]
    World(#[from] speech_emulator::SeedError),
    /// The manifests do not fit the API.
    #[error("the manifests cannot be read")]
    Manifests(#[from] serde_json::Error),
}

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

impl Region {
    /// A region whose every chance follows from the seed. `deaths` is the seed of what happens to all regions at a time.
    ///
    /// # Errors
    /// When the world or the manifests do not fit the code.
    pub fn begin(seed: u64, deaths: u64, span: Span, draft: fleet::Draft, habits: Habits) -> Result<Self, BeginError> {
        let world = world::begin(seed, span.start, span.days)?;
        let network = Network::new(
            world.emulator.clone(),
            world::RESOURCE.to_owned(),
            seed,
            habits,
            span.start,
        );
        let manifests = Manifests::new(seed, draft);
        let cluster = manifests.cluster(span.start)?;
        let budget = usize::try_from(cluster.connection.spec.request_budget.requests).unwrap_or(1);
        let network = Arc::new(network);
        let mut region = Self {
            now: span.start,
            operator: Operator::begin(&network, span.start),
            network,
            cluster,
            report: Report {
                endpoints: manifests.draft().endpoints.len(),
                budget,
                ..Report::default()
            },
            laws: Laws::default(),
            doom: None,
            world,
            story: None,
            habits: habits.manners,
            manifests,
            users: Users::default(),
            events: BTreeMap::new(),
            chance: Chance::fork(seed, "events"),
            end: span.start + days(span.days) + FAREWELL,
        };
        region.schedule(span, deaths);
        Ok(region)
    }

    fn schedule(&mut self, span: Span, deaths: u64) {
        let close = span.start + days(span.days);
        let draft = self.manifests.draft().clone();
        // What would come after the end never comes.
        let in_time = draft.applications().filter(|(after, _)| *after < days(span.days));
        for (after, key) in in_time {
            self.happens(span.start + after, Event::Apply(key));
            let farewell = self.chance.between(SignedDuration::ZERO, days(1));
            self.happens(close + farewell, Event::Delete(key));
        }
        for (index, model) in draft.models.iter().enumerate() {
            for after in &model.edits {
                self.happens(span.start + *after, Event::Edit(index));
            }
        }
        for at in self.world.appearances.clone() {
            self.happens(at, Event::BaseModel);
        }
        for at in quarter_days(span.start, close) {
            self.happens(at, Event::QuarterDay);
        }
        let vanishings = self.habits.vanishings * span.days as f64 / 365.0;
        for number in 0..1000 {
            let share = vanishings - f64::from(number);
            if share <= 0.0 || !self.chance.hits(share.min(1.0)) {
                break;
            }
            let at = span.start + self.chance.between(days(1), days(span.days));
            self.happens(at, Event::Vanish);
        }
        // Leaders die for all regions at the same times, and in each at its own next step.
        let mut chance = Chance::fork(deaths, "deaths");
        for _ in 0..(DEATHS_PER_YEAR * span.days / 365) {
            let at = span.start + chance.between(SignedDuration::ZERO, days(span.days));
            let places = [
                Place::AfterClaim,
                Place::AfterRequest,
                Place::BeforeStatus,
                Place::AtRest,
            ];
            let place = *chance.pick(&places).unwrap_or(&Place::AtRest);
            self.happens(at, Event::Doom(place));
            self.report.leaders += 1;
        }
    }

    fn happens(&mut self, at: Timestamp, event: Event) {
        let number = self.events.len();
        let next = (number..).find(|number| !self.events.contains_key(&(at, *number)));
        self.events.insert((at, next.unwrap_or(number)), event);
    }

    /// Lives to the end, or to the first moments of trouble.
    pub fn run(mut self) -> Report {
        while let Some(at) = self.next_time().filter(|at| *at <= self.end) {
            self.now = at.max(self.now);
            self.network.advance(self.now);
            self.witness();
            self.look();
            self.work();
            self.judge_requests();
            if !self.report.violations.is_empty() {
                // What follows from a broken law tells little.
                break;
            }
        }
        if self.report.violations.is_empty() {
            self.now = self.end;
            self.network.advance(self.now);
            self.laws
                .close(&mut self.report, &self.world.emulator, &self.cluster, self.now);
        }
        self.report.tally = self.network.tally();
        self.report.story = self.story.map(Story::lines).unwrap_or_default();
        self.report
    }

    /// When anything happens next.
    fn next_time(&self) -> Option<Timestamp> {
        let event = self.events.keys().next().map(|(at, _)| *at);
        let operator = self.operator.as_ref();
        let times = [
            event,
            self.network.next_effect(),
            operator.and_then(Operator::next_look),
            operator.and_then(Operator::next_sweep),
            operator.and_then(|operator| {
                operator
                    .collection
                    .at
                    .map(|at| at.max(operator.blocked_until.unwrap_or(at)))
            }),
            operator.and_then(|operator| {
                operator
                    .blocked_until
                    .filter(|at| *at > self.now && (!operator.woken.is_empty() || operator.collection.woken))
            }),
        ];
        times.into_iter().flatten().min()
    }

    /// Lets the events of this moment happen.
    fn witness(&mut self) {
        while let Some(entry) = self.events.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let event = entry.remove();
            self.let_happen(event);
        }
    }

    fn let_happen(&mut self, event: Event) {
        match event {
            Event::Apply(key @ Key::Model(index)) => {
                let object = self.manifests.model(index, self.now);
                self.cluster
                    .models
                    .iter_mut()
                    .skip(index)
                    .take(1)
                    .for_each(|slot| slot.clone_from(&object));
                self.changed(key);
            }
            Event::Apply(key @ Key::Endpoint(index)) => {
                let object = self.manifests.endpoint(index, self.now);
                self.cluster
                    .endpoints
                    .iter_mut()
                    .skip(index)
                    .take(1)
                    .for_each(|slot| slot.clone_from(&object));
                self.changed(key);
            }
            Event::Edit(index) => {
                if let Some(Some(model)) = self.cluster.models.get_mut(index) {
                    fleet::change_datasets(model);
                    self.network
                        .request_log()
                        .begins_anew(model.metadata.uid.as_deref().unwrap_or_default());
                    self.wake(Key::Model(index));
                }
            }
            Event::Approve(index) | Event::Clear(index) => {
                if let Some(Some(endpoint)) = self.cluster.endpoints.get_mut(index) {
                    users::annotate(endpoint, event == Event::Approve(index), self.now);
                    self.wake(Key::Endpoint(index));
                }
            }
            Event::BaseModel => {
                let at = self.now + self.chance.between(SignedDuration::ZERO, BASE_MODEL_INTERVAL);
                if let Some(operator) = &mut self.operator {
                    let due = operator.sweeps.schedule.base_models_due();
                    operator.look_at_all(due.map_or(at, |due| due.max(at)));
                }
            }
            Event::QuarterDay => {
                self.report.quarter_days += 1;
                self.laws
                    .audit(&mut self.report, &self.world.emulator, &self.cluster, self.now);
                let request_log = self.network.request_log();
                let hampered = |what: &str| request_log.is_hampered(what);
                let (report, emulator) = (&mut self.report, &self.world.emulator);
                self.laws.expire(report, emulator, &self.cluster, hampered, self.now);
            }
            Event::Doom(Place::AtRest) => self.die(),
            Event::Doom(place) => {
                self.doom = Some(place);
                self.happens(self.now + LAST_CHANCE, Event::Death);
            }
            Event::Death if self.doom.is_some() => self.die(),
            Event::Death => {}
            Event::Election => {
                self.operator = Operator::begin(&self.network, self.now);
                if let (Some(operator), Some(status)) = (&self.operator, &self.cluster.connection.status) {
                    operator
                        .resource
                        .agenda_mut()
                        .durations
                        .learn_from_status(&status.durations);
                }
            }
            Event::Vanish => self.vanish(),
            Event::Delete(key) => {
                self.report.unrecovered += u64::from(self.cluster.has_failure(key));
                self.cluster.delete(key, self.now);
                self.changed(key);
            }
        }
    }

    /// People see what an endpoint says, and will do something about it.
    pub(super) fn show(&mut self, index: usize) {
        let Some(Some(endpoint)) = self.cluster.endpoints.get(index) else {
            return;
        };
        let model = self
            .manifests
            .draft()
            .endpoints
            .get(index)
            .and_then(|draft| draft.model);
        for (at, deed) in self.users.react(index, endpoint, model, &mut self.chance, self.now) {
            self.happens(at, deed);
        }
    }

    /// An object came, went or was marked as deleted: itself, and those that refer to it.
    fn changed(&mut self, key: Key) {
        self.wake(key);
        if let Some(operator) = &mut self.operator {
            operator.collection.woken = true;
        }
        if let Key::Model(_) = key {
            self.wake_followers(&fleet::name(key));
        }
    }

    /// An object has to be looked at.
    pub(super) fn wake(&mut self, key: Key) {
        if let Some(operator) = &mut self.operator {
            operator.woken.insert(key);
        }
    }

    /// The endpoints that follow a SpeechModel have to be looked at.
    pub(super) fn wake_followers(&mut self, name: &str) {
        let followers = self.cluster.followers(name);
        if let Some(operator) = &mut self.operator {
            operator.woken.extend(followers);
        }
    }

    /// The leader dies, and with it all that it knew.
    pub(super) fn die(&mut self) {
        self.doom = None;
        if self.operator.take().is_some() {
            let (least, most) = ELECTION;
            let at = self.now + self.chance.between(least, most);
            self.happens(at, Event::Election);
        }
    }

    /// Whether the leader dies at this place of a pass.
    pub(super) fn dies(&mut self, place: Place) -> bool {
        let dies = self.doom == Some(place);
        if dies {
            self.die();
        }
        dies
    }

    /// Whether nothing of this lane may leave now: the service asked for a rest, or the budget has no room.
    pub(super) fn is_held_back(&mut self, lane: Lane) -> bool {
        let blocked = self.operator.as_ref().and_then(|operator| operator.blocked_until);
        if blocked.is_some_and(|at| at > self.now) {
            return true;
        }
        let limit = u32::try_from(self.report.budget).unwrap_or(u32::MAX);
        let dated = self.operator.as_ref().map(|operator| {
            let by = self
                .now
                .saturating_add(POLL.saturating_mul(2))
                .unwrap_or(Timestamp::MAX);
            let agenda = operator.resource.agenda();
            let endpoints = self.cluster.endpoints.iter().flatten();
            let dated = endpoints.filter(|endpoint| may_be_urgent(endpoint, &agenda.durations, by));
            u32::try_from(dated.count()).unwrap_or(u32::MAX)
        });
        // The network does not tell lanes apart: as if none of the starts was a look, which leaves changes the least.
        let room = usize::try_from(Shares::of(limit, dated).room(lane, 0)).unwrap_or(usize::MAX);
        let Some(until) = self.network.full_until(room) else {
            return false;
        };
        if let Some(operator) = &mut self.operator {
            operator.rest(until.duration_since(self.now), self.now);
        }
        true
    }

    /// Looks at all objects that were woken, one after the other.
    fn work(&mut self) {
        while let Some(operator) = &self.operator {
            let idle = operator.woken.is_empty() && !operator.is_collection_due(self.now);
            if operator.contact == Contact::Pending || idle || self.is_held_back(Lane::UserChange) {
                return;
            }
            let Some(operator) = &mut self.operator else { return };
            match operator.woken.pop_first() {
                Some(key) => self.pass_over(key),
                None if operator.is_collection_due(self.now) => self.pass_over_connection(),
                None => return,
            }
            if !self.report.violations.is_empty() {
                return;
            }
        }
    }
}

/// The days on which models expire: 15 January, April, July and October at 00:00 UTC.
pub fn quarter_days(start: Timestamp, end: Timestamp) -> Vec<Timestamp> {
    let year = |at: Timestamp| at.to_zoned(TimeZone::UTC).year();
    let mut found = Vec::new();
    for year in year(start)..=year(end) {
        for month in [1, 4, 7, 10] {
            let day = civil::Date::new(year, month, 15).ok();
            let at = day
                .and_then(|day| day.to_zoned(TimeZone::UTC).ok())
                .map(|day| day.timestamp());
            found.extend(at.filter(|at| *at >= start && *at < end));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_years_and_a_day_have_thirteen_quarter_days() {
        let start: Timestamp = "2027-01-14T00:00:00Z".parse().unwrap();
        let found = quarter_days(start, start + days(3 * 365 + 3));
        assert_eq!(found.len(), 13);
        assert_eq!(found[0].to_string(), "2027-01-15T00:00:00Z");
        assert_eq!(found[12].to_string(), "2030-01-15T00:00:00Z");
    }
}
