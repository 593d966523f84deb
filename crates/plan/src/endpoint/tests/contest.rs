//! What somebody else changes again each time it is put back; and a process that only observes.
use super::*;
use crate::{
    Action, Hands, Notice,
    drift::{MOST_PER_DAY, MOST_PER_HOUR},
};
use jiff::{SignedDuration, Timestamp};
use speech_api::Reason;
use speech_service::{ModelId, entity::Status, request::UpdateEndpoint};

const OURS: u128 = 3;
const THEIRS: u128 = 4;

/// An endpoint that two parties declare, and what was done to it.
struct Contest {
    case: Case,
    corrections: Vec<Timestamp>,
    told: Vec<Notice>,
}

impl Contest {
    /// Endpoint 10 serves our model; theirs expires at a time of its own.
    fn new(theirs: &str) -> Self {
        let world = World::new()
            .custom(custom_model(OURS, LATER))
            .custom(custom_model(THEIRS, theirs))
            .remote(owned(remote(10, custom_id(OURS)), 1));
        let object = endpoint(&format!("model: {{id: {}}}", id(OURS)));
        Self {
            case: Case::of(world, object),
            corrections: Vec::new(),
            told: Vec::new(),
        }
    }

    /// A pass: the request is accepted, and what follows is written with the count.
    fn pass(&mut self) {
        let first = self.case.plan();
        if let Some(Action::UpdateEndpoint { change, .. }) = &first.action {
            assert!(self.case.world.view.endpoints.get(id(10)).unwrap().confirmed);
            self.told.extend(drift_notices(&first.notices));
            self.corrections.push(self.case.world.now);
            self.case.remote(10, |endpoint| match &**change {
                UpdateEndpoint::Model(model) => endpoint.model = Some(*model),
                UpdateEndpoint::DisplayName(name) => endpoint.header.display_name = name.as_str().into(),
                UpdateEndpoint::Description(_)
                | UpdateEndpoint::Project(_)
                | UpdateEndpoint::LoggingEnabled(_)
                | UpdateEndpoint::Owner(..) => panic!("not contested: {change:?}"),
            });
            self.case
                .world
                .view
                .accepted
                .extend(change.model().map(|model| (id(10), model)));
            self.case.world.unconfirm(10);
            self.case.world.pass.asked = first.action.as_ref().map(Action::operation);
            self.case.world.pass.corrected = first.corrects;
        }
        let written = self.case.show();
        self.told.extend(contest_notices(&written.notices));
        (self.case.world.pass.asked, self.case.world.pass.corrected) = (None, None);
    }

    /// The lists are read, and what they show is looked at.
    fn look(&mut self, after: SignedDuration) {
        self.case.world.now += after;
        self.case.remote(10, |_| ());
        self.case.world.view.note_served();
        self.pass();
    }

    /// The other party moves it, and the service is at work before it shows the end.
    fn moved_by_them(&mut self, is_seen_at_work: bool) {
        let serves = self.case.world.view.endpoints.get(id(10)).unwrap().entity.model;
        if serves != Some(custom_id(OURS)) {
            return;
        }
        let state = |status, now: Timestamp| {
            move |endpoint: &mut Endpoint| {
                endpoint.model = Some(custom_id(THEIRS));
                put_state(&mut endpoint.header, status, now);
            }
        };
        if is_seen_at_work {
            self.case.remote(10, state(Status::Running, self.case.world.now));
            self.pass();
        }
        self.case.remote(10, state(Status::Succeeded, self.case.world.now));
    }

    fn most_within(&self, span: SignedDuration) -> usize {
        let within = |from: &Timestamp| {
            let same = self
                .corrections
                .iter()
                .filter(|at| *at >= from && at.duration_since(*from) < span);
            same.count()
        };
        self.corrections.iter().map(within).max().unwrap_or(0)
    }

    fn conditions(&self) -> String {
        said(&self.case.object.status.as_ref().unwrap().conditions)
    }
}

fn drift_notices(notices: &[Notice]) -> Vec<Notice> {
    of(notices, Reason::DriftCorrected)
}

fn contest_notices(notices: &[Notice]) -> Vec<Notice> {
    of(notices, Reason::DriftRepeated)
}

fn of(notices: &[Notice], reason: Reason) -> Vec<Notice> {
    let mut notices = notices.to_vec();
    notices.retain(|notice| notice.reason == reason);
    notices
}

#[test]
fn a_move_that_is_undone_each_time_is_made_ever_more_rarely_and_told_once() {
    // Their move may come before ours was ever seen to serve.
    for (ours_is_seen, is_seen_at_work) in [(true, false), (true, true), (false, false), (false, true)] {
        let mut contest = Contest::new(LATER);
        for _ in 0..24 * 60 * 2 {
            contest.look(SignedDuration::from_secs(30));
            if ours_is_seen {
                contest.look(SignedDuration::ZERO);
            }
            contest.moved_by_them(is_seen_at_work);
        }
        let (hour, day) = (contest.most_within(minutes(60)), contest.most_within(minutes(24 * 60)));
        let all: Vec<_> = contest.corrections.iter().take(12).collect();
        assert!(
            (3..=MOST_PER_HOUR).contains(&hour),
            "{hour} {ours_is_seen} {is_seen_at_work}: {all:?}"
        );
        assert!(
            (15..=MOST_PER_DAY).contains(&day),
            "{day} {ours_is_seen} {is_seen_at_work}: {all:?}"
        );
        let count = |reason| contest.told.iter().filter(|notice| notice.reason == reason).count();
        assert_eq!(count(Reason::DriftRepeated), 1, "{:?}", contest.told);
        assert!(
            count(Reason::DriftCorrected) >= day - 1,
            "each is told, but perhaps the first"
        );
        if !ours_is_seen {
            assert!(
                contest.conditions().ends_with("Contested=True DriftRepeated"),
                "{}",
                contest.conditions()
            );
            continue;
        }
        let waits =
            "Ready=True Serving, Reconciling DriftRepeated, ModelValid=True ModelServes, Contested=True DriftRepeated";
        assert_eq!(contest.conditions(), waits);
        // The other one ends: it is put back once more, and forgotten after a while.
        contest.look(minutes(60));
        contest.look(minutes(1));
        assert!(
            contest
                .conditions()
                .starts_with("Ready=True Serving, ModelValid=True ModelServes, Contested=True")
        );
        let again = contest.case.plan().look_again.unwrap();
        contest.look(again.duration_since(contest.case.world.now));
        assert_eq!(contest.conditions(), "Ready=True Serving, ModelValid=True ModelServes");
        assert!(contest.case.object.status.as_ref().unwrap().drift.is_empty());
    }
}

#[test]
fn a_move_that_is_held_costs_no_write_and_an_edit_makes_it_at_once() {
    let mut contest = Contest::new(LATER);
    while !contest.conditions().contains("Reconciling DriftRepeated") {
        contest.look(SignedDuration::from_secs(5));
        contest.moved_by_them(false);
        contest.case.remote(10, |_| ());
        contest.pass();
    }
    let written = contest.case.object.status.clone();
    contest.look(SignedDuration::from_secs(5));
    assert_eq!(contest.case.object.status, written, "at rest nothing is written");
    assert_eq!(contest.case.plan().action, None);
    assert_eq!(written.unwrap().target, None, "it was not asked for");
    contest
        .case
        .edit(&format!("model: {{id: {}}}\ndescription: calls", id(OURS)));
    assert!(
        contest.case.line().starts_with("update 10 model"),
        "{}",
        contest.case.line()
    );
}

#[test]
fn a_contest_never_costs_a_date() {
    // Theirs expires in three hours, which is inside the lead time for the last 30 minutes.
    let expiry = at(NOW) + minutes(180);
    let mut contest = Contest::new(&expiry.to_string());
    for _ in 0..170 {
        contest.look(minutes(1));
        contest.look(SignedDuration::ZERO);
        contest.moved_by_them(true);
    }
    let late = expiry - minutes(45);
    let mut near: Vec<_> = contest.corrections.iter().copied().filter(|at| *at >= late).collect();
    near.push(contest.case.world.now);
    let longest = near
        .windows(2)
        .map(|pair| pair[1].duration_since(pair[0]))
        .max()
        .unwrap();
    assert!(near.len() > 2 && longest <= minutes(17), "{near:?}");
}

#[test]
fn a_name_that_is_changed_each_time_is_put_back_ever_more_rarely() {
    let mut contest = Contest::new(LATER);
    for _ in 0..12 * 60 {
        contest.look(SignedDuration::from_secs(5));
        contest.look(SignedDuration::from_secs(0));
        contest
            .case
            .remote(10, |endpoint| endpoint.header.display_name = "theirs".into());
        contest.pass();
    }
    let hour = contest.most_within(minutes(60));
    assert!((5..=MOST_PER_HOUR).contains(&hour), "{hour}");
    assert!(
        contest.conditions().contains("Contested=True DriftRepeated"),
        "{}",
        contest.conditions()
    );
    assert!(
        contest.conditions().starts_with("Ready=True"),
        "{}",
        contest.conditions()
    );
}

#[test]
fn a_rollback_and_a_newer_model_are_no_contest() {
    let served: ModelId = custom_id(OURS);
    let world = World::new()
        .custom(custom_model(OURS, "2026-04-15T00:00:00Z"))
        .custom(custom_model(THEIRS, LATER))
        .remote(owned(remote(10, served), 1));
    let object = endpoint("model: {ref: {name: m}}\nswap: {policy: OnNewModel}");
    let mut case = Case::of(world, object).with(|c| c.related.model = Some(model_with_current(OURS)));
    case.show();
    case.related.model = Some(model_with_current(THEIRS));
    let plan = case.plan();
    assert_eq!(
        (step(plan.action.as_ref()).as_str(), plan.corrects),
        ("update 10 model", None)
    );
}

#[test]
fn a_process_that_only_observes_says_what_it_would_do() {
    let tied = |case: Case| case.with(|c| c.world.hands = Hands::Tied);
    let model = |n| format!("model: {{id: {}}}", id(n));
    let serving = || Contest::new(LATER).case;
    let valid = "ModelValid=True ModelServes";
    for (what, case, expected) in [
        ("at rest", serving(), format!("- | Ready=True ObserveOnly, {valid}")),
        (
            "before a swap",
            serving().with(|c| c.edit(&model(THEIRS))),
            format!("- | Ready=True Serving, Stalled ObserveOnly, {valid}"),
        ),
        (
            "before a creation",
            Case::new(World::new(), endpoint("model: {base: {}}")),
            "- | Ready=False ObserveOnly, Stalled ObserveOnly".into(),
        ),
        (
            "suspended, too",
            serving().with(|c| c.edit(&format!("{}\nsuspend: true", model(THEIRS)))),
            format!("- | Ready=False Suspended, Stalled Suspended, {valid}"),
        ),
        (
            "deleted",
            serving().with(|c| c.object = c.object.clone().deleted(NOW)),
            format!("release | Ready=False ObserveOnly, Reconciling ObserveOnly, {valid}"),
        ),
        (
            "deleted, and to stay anyhow",
            serving().with(|c| {
                c.edit(&format!("{}\ndeletionPolicy: Retain", model(OURS)));
                c.object = c.object.clone().deleted(NOW);
            }),
            format!("release | Ready=False Deleting, Reconciling Deleting, {valid}"),
        ),
    ] {
        assert_eq!(tied(case).line(), expected, "{what}");
    }
    let deleted = tied(serving().with(|c| c.object = c.object.clone().deleted(NOW)));
    let told = of(&deleted.plan().notices, Reason::ObserveOnly);
    assert!(
        told[0].warning && told[0].note.contains(&id(10).to_string()),
        "{told:?}"
    );
}
