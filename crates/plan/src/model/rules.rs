//! The rules for a model in their order: the first that has something to say decides.
use super::{
    copy, deletion,
    facts::{Facts, Made, Material, Origin},
    lineage::NextRevision,
    record::{Record, Ruling},
    revision, training,
    turn::UNDER_WAY,
    upkeep::{delete_twin, discard, keep},
};
use crate::{
    Action, Verdict, model_choice, predecessor,
    rule::{Answer, Rule, Rules},
    text::day_time,
};
use speech_api::{
    Reason,
    decision::{Fact, RuleName},
};

impl Facts<'_> {
    /// The rules of a model. Those after the connection look at what is listed; those after `Settled` are about the order of
    /// another revision.
    pub const RULES: Rules<Self, Ruling, 15> = Rules {
        list: [
            Rule::new(RuleName::Deletion, deletion),
            Rule::new(RuleName::Connection, connection),
            Rule::new(RuleName::Owner, owner),
            Rule::new(RuleName::Spec, spec),
            Rule::new(RuleName::Finalizer, finalizer),
            Rule::new(RuleName::Duplicate, duplicate),
            Rule::new(RuleName::Work, work),
            Rule::new(RuleName::Choice, choice),
            Rule::new(RuleName::Fitness, fitness),
            Rule::new(RuleName::Failure, failure),
            Rule::new(RuleName::Settled, settled),
            Rule::new(RuleName::Hands, hands),
            Rule::new(RuleName::Inputs, inputs),
            Rule::new(RuleName::Pace, pace),
            Rule::new(RuleName::Turn, turn),
        ],
        last: (RuleName::Entity, entity),
    };
}

/// The names of the rules, in their order.
pub fn chain() -> Vec<RuleName> {
    Facts::RULES.names()
}

fn decided(f: &Facts<'_>, verdict: Verdict, record: Record) -> Answer<Ruling> {
    Answer::Decided(Ruling::new(f, verdict, record))
}

/// A rule that decides where there is an obstacle.
fn unless(
    f: &Facts<'_>,
    obstacle: Option<Verdict>,
    record: fn(&Facts<'_>) -> Record,
    passed: Answer<Ruling>,
) -> Answer<Ruling> {
    match obstacle {
        Some(obstacle) => decided(f, obstacle, record(f)),
        None => passed,
    }
}

/// Is it wanted?
fn deletion(f: &Facts<'_>) -> Answer<Ruling> {
    match f.is_deleted() {
        true => Answer::Decided(deletion::decide(f)),
        false => Answer::Passed(Fact::Wanted),
    }
}

/// Does its connection work, and has the Speech resource been looked at?
fn connection(f: &Facts<'_>) -> Answer<Ruling> {
    if f.seen.is_some() {
        return Answer::Passed(Fact::Works);
    }
    let message = "waiting for the first look at the Speech resource";
    let obstacle = f.s.around.connection.obstacle(f.s.connection_name());
    let verdict = obstacle.unwrap_or_else(|| Verdict::working(Reason::Connecting, message));
    decided(f, verdict, Record::unseen(f))
}

/// Is what a former object of its name left behind certainly there, and its own?
fn owner(f: &Facts<'_>) -> Answer<Ruling> {
    let Some(made) = f.made() else { return Answer::Silent };
    let (s, models) = (f.s, &made.view.models);
    let left = revision::left(s, made.view, &f.told);
    if let Some(newest) = left.last()
        && !predecessor::is_certain(s.written(), models.swept_at(), s.now())
    {
        let waits = predecessor::wait(&format!("model {}", newest.id()), s.written(), s.now());
        return decided(f, waits, Record::unseen(f));
    }
    if !made.lineage.all.is_empty() {
        return Answer::Passed(Fact::Own);
    }
    let restored = s
        .predecessor()
        .elsewhere(models.iter().map(|entry| &entry.entity.header));
    unless(f, restored, Record::unseen, Answer::Passed(Fact::Free))
}

/// Can its spec be used?
fn spec(f: &Facts<'_>) -> Answer<Ruling> {
    match (&f.seen, f.made().map(|made| &made.from)) {
        (Some(Origin::Unnamed), _) => decided(f, unnamed(), Record::unseen(f)),
        (_, Some(Material::Datasets(Err(invalid)))) => decided(f, invalid.clone(), Record::seen(f)),
        (_, Some(Material::Datasets(Ok(_)))) => Answer::Passed(Fact::Usable),
        (_, Some(Material::Model(_)) | None) => Answer::Silent,
    }
}

fn unnamed() -> Verdict {
    Verdict::stalled(
        Reason::SpecInvalid,
        "spec.source needs exactly one of training, base, existing, copy",
    )
}

/// Does the finalizer keep the object while it has revisions?
fn finalizer(f: &Facts<'_>) -> Answer<Ruling> {
    let Some(made) = f.made().filter(|made| !made.lineage.revisions.is_empty()) else {
        return Answer::Silent;
    };
    if f.s.has_finalizer() {
        return Answer::Passed(Fact::Held);
    }
    if !f.s.may_act() {
        return Answer::Silent;
    }
    let verdict = match made.from {
        Material::Datasets(_) => Verdict::working(Reason::Training, "taking over the trained revisions"),
        Material::Model(_) => Verdict::working(Reason::Copying, "taking over the copied revisions"),
    };
    decided(f, verdict.with(Action::Claim(None)), Record::seen(f))
}

/// Is each revision there only once?
fn duplicate(f: &Facts<'_>) -> Answer<Ruling> {
    let Some(made) = f.made().filter(|made| !made.lineage.all.is_empty()) else {
        return Answer::Silent;
    };
    let record = Record::seen(f);
    match delete_twin(f, made, &record.failures) {
        Some(verdict) => decided(f, verdict, record),
        None if made.lineage.all.len() == made.lineage.revisions.len() => Answer::Passed(Fact::Single),
        None => Answer::Silent,
    }
}

/// Has the service ended its work on it?
fn work(f: &Facts<'_>) -> Answer<Ruling> {
    let Some(made) = f.made() else { return Answer::Silent };
    if let Some(running) = made.lineage.under_way() {
        let verdict = match made.from {
            Material::Datasets(_) => training::under_way(f.s, &running),
            Material::Model(_) => copy::under_way(&running),
        };
        return decided(f, verdict, Record::seen(f));
    }
    match &made.from {
        Material::Model(copied) if f.s.may_act() => match copy::follow(&copied.attempt, f, Record::settled(f)) {
            Some((verdict, record)) => decided(f, verdict, record),
            None => Answer::Passed(Fact::Idle),
        },
        Material::Model(_) | Material::Datasets(_) => Answer::Passed(Fact::Idle),
    }
}

/// Is there a model that the spec chooses?
fn choice(f: &Facts<'_>) -> Answer<Ruling> {
    match &f.seen {
        Some(Origin::Followed(found)) => unless(f, found.as_ref().err().cloned(), Record::unseen, chosen()),
        Some(Origin::Made(Made {
            from: Material::Model(copied),
            ..
        })) => unless(f, copied.wanted.as_ref().err().cloned(), Record::settled, chosen()),
        Some(Origin::Made(_) | Origin::Unnamed) | None => Answer::Silent,
    }
}

fn chosen() -> Answer<Ruling> {
    Answer::Passed(Fact::Chosen)
}

/// Can the model that is followed serve?
fn fitness(f: &Facts<'_>) -> Answer<Ruling> {
    let Some(Origin::Followed(Ok(model))) = &f.seen else {
        return Answer::Silent;
    };
    match model_choice::deployable(model, f.s.now()) {
        Ok(()) => Answer::Passed(Fact::Fits),
        // An expired model, or one for batch transcription only, is still what the user named.
        Err(verdict) if matches!(verdict.reason, Reason::ModelExpired | Reason::ModelNotDeployable) => Answer::Silent,
        Err(verdict) => decided(f, verdict, Record::unseen(f)),
    }
}

/// Is the pause after a failed revision over?
fn failure(f: &Facts<'_>) -> Answer<Ruling> {
    let Some((made, newest)) = f.made().and_then(|made| Some((made, made.lineage.newest()?))) else {
        return Answer::Silent;
    };
    let Some(NextRevision::Repeat { at }) = made.next() else {
        return Answer::Silent;
    };
    let record = Record::settled(f);
    let verdict = match &made.from {
        Material::Datasets(_) => discard(f, made, &record.failures).unwrap_or_else(|| {
            let (number, cause, again) = (newest.number, newest.cause(), day_time(at));
            let message = format!("training of revision {number} failed: {cause}; trained again at {again}");
            Verdict::working(Reason::TrainingFailed, message).until(at)
        }),
        Material::Model(copied) => copy::failed(copied, &newest, at),
    };
    decided(f, verdict, record)
}

/// Is everything as declared?
fn settled(f: &Facts<'_>) -> Answer<Ruling> {
    if let Some(Origin::Followed(Ok(model))) = &f.seen {
        let verdict = Verdict::done(Reason::Synced, format!("model {} is current", model.name));
        return decided(f, verdict, Record::seen(f));
    }
    let Some((made, NextRevision::Keep { until })) = f.made().and_then(|made| Some((made, made.next()?))) else {
        return Answer::Silent;
    };
    let record = Record::settled(f);
    let (verdict, failures) = keep(f, made, record.failures.clone());
    let verdict = until.into_iter().fold(verdict, Verdict::until);
    decided(f, verdict, record.failing(failures))
}

/// May the operator have another revision made?
fn hands(f: &Facts<'_>) -> Answer<Ruling> {
    if f.s.may_act() {
        return Answer::Passed(Fact::Allowed);
    }
    let trained = || training::Order::of(f).map(|order| format!("train revision {}", order.number));
    match copy::Order::of(f).map(|order| order.words()).or_else(trained) {
        Some(would) => decided(f, f.s.untouched(&would), Record::settled(f)),
        None => Answer::Silent,
    }
}

/// Is there all that it is made from?
fn inputs(f: &Facts<'_>) -> Answer<Ruling> {
    if let Some(order) = training::Order::of(f) {
        let passed = match order.base {
            Ok(_) => Answer::Passed(Fact::Complete),
            Err(_) => Answer::Silent,
        };
        return unless(f, order.lacks(), Record::settled, passed);
    }
    match copy::Order::of(f) {
        Some(order) => unless(f, order.lacks(), Record::settled, Answer::Passed(Fact::Complete)),
        None => Answer::Silent,
    }
}

/// May the next request leave, after those before it?
fn pace(f: &Facts<'_>) -> Answer<Ruling> {
    let record = Record::settled(f);
    match place(f, &record) {
        Some(Ok(held)) if held.action.is_none() => decided(f, held, record),
        Some(Ok(_)) => Answer::Passed(Fact::Come),
        Some(Err(_)) | None => Answer::Silent,
    }
}

/// Is it its turn among the trainings of the connection?
fn turn(f: &Facts<'_>) -> Answer<Ruling> {
    let record = Record::settled(f);
    let Some(order) = training::Order::of(f) else {
        return Answer::Silent;
    };
    let Ok(placed) = order.place(&record) else {
        return Answer::Silent;
    };
    let taken = order.take_turn(&record, placed);
    match taken.action {
        None => decided(f, taken, record),
        Some(_) => Answer::Passed(Fact::Come),
    }
}

/// Is another revision there that is due? It is ordered, or what came of an order before is waited for.
fn entity(f: &Facts<'_>) -> Ruling {
    let record = Record::settled(f);
    let trains = matches!(f.made().map(|made| &made.from), Some(Material::Datasets(_)));
    let verdict = match place(f, &record) {
        Some(Ok(order) | Err(order)) if trains => order.wanting(UNDER_WAY),
        Some(Ok(order) | Err(order)) => order,
        None => unnamed(),
    };
    Ruling::new(f, verdict, record)
}

/// The order of a revision that is due, whatever it is made from.
fn place(f: &Facts<'_>, record: &Record) -> Option<Result<Verdict, Verdict>> {
    let copied = || copy::Order::of(f).map(|order| order.place(record));
    training::Order::of(f).map(|order| order.place(record)).or_else(copied)
}
