//! What an endpoint's rules decide from: its snapshot, read once.
use super::{
    Snapshot, contest, fields, gate, identity,
    identity::Identity,
    in_flight,
    known::Known,
    next,
    observed::{Observed, Obstacle, Reach, Windows, unlisted_yet},
    quarantine,
    record::Record,
    rollout::Dates,
    status,
};
use crate::{Action, ConnectionState, Verdict, model_choice::parse_id, view::Entry};
use speech_api::{Reason, decision::RuleName};
use speech_service::{EntityId, entity::Endpoint, request::UpdateEndpoint};
use std::ops::Deref;

/// All that the rules look at.
pub struct Facts<'a> {
    pub observed: Observed<'a>,
    /// What follows from the remote endpoint, once it is there and the object's own.
    pub known: Option<Known<'a>>,
}

impl<'a> Deref for Facts<'a> {
    type Target = Observed<'a>;

    fn deref(&self) -> &Observed<'a> {
        &self.observed
    }
}

impl<'a> Facts<'a> {
    /// Reads a snapshot.
    pub fn read(s: &Snapshot<'a>, windows: &'a Windows) -> Self {
        let observed = observe(s, windows);
        let is_wanted = s.object.metadata.deletion_timestamp.is_none();
        let known = match (&observed.reach, observed.identity, &observed.own) {
            (Ok(reach), Identity::Known(entry), Ok(())) if is_wanted => Some(know(&observed, *reach, entry)),
            _ => None,
        };
        Self { observed, known }
    }
}

fn observe<'a>(s: &Snapshot<'a>, windows: &'a Windows) -> Observed<'a> {
    let mut status = s.object.status.clone().unwrap_or_default();
    status::remember_failure(s, &mut status);
    contest::count(s, &mut status);
    let identity = identity::find(s);
    let reach = reach(s);
    if s.object.metadata.deletion_timestamp.is_none() {
        quarantine::clear_on_request(s, &mut status);
        status::describe(s, &identity, &mut status);
        gate::note(s, &mut status);
        if let Identity::Lost(id) = identity
            && reach.is_ok()
            && unlisted_yet(s).is_none()
        {
            status::forget(&mut status, id);
        }
    } else {
        status::end_attempts(s, &mut status);
    }
    let own = match identity {
        Identity::Known(entry) => identity::ours_to_manage(s, &entry.entity),
        Identity::Unseen | Identity::Missing(_) | Identity::Lost(_) | Identity::Left(_) | Identity::None => Ok(()),
    };
    Observed {
        s: s.clone(),
        record: Record::take(&mut status),
        status,
        windows,
        identity,
        reach,
        own,
    }
}

/// What must hold before anything can be said of the remote endpoint.
fn reach<'a>(s: &Snapshot<'a>) -> Result<Reach<'a>, Obstacle> {
    let waits = || Verdict::working(Reason::Connecting, "waiting for the connection");
    let by = |rule| move |verdict| Obstacle { rule, verdict };
    if let Some(obstacle) = s.around.connection.obstacle(s.connection_name()) {
        return Err(by(RuleName::Connection)(obstacle));
    }
    let ConnectionState::Ready { view, has_projects } = s.around.connection else {
        return Err(by(RuleName::Connection)(waits()));
    };
    let spec = &s.object.spec;
    let project = spec
        .project
        .as_deref()
        .map(|text| parse_id("project", text))
        .transpose();
    let project = project.map_err(by(RuleName::Spec))?;
    if let Some(adopt) = &spec.adopt {
        parse_id("adopt.id", &adopt.id).map_err(by(RuleName::Spec))?;
    }
    if let Some(holder) = s.related.holder {
        let words = format!("SpeechEndpoint {holder} holds this remote endpoint already; delete one of the two");
        return Err(by(RuleName::Owner)(Verdict::stalled(Reason::OwnedByAnother, words)));
    }
    // A project that the API version does not have is reported by `FieldsRefused` and holds nothing back.
    let project = project.filter(|_| has_projects);
    Ok(Reach { view, project })
}

/// What follows from the remote endpoint.
fn know<'a>(f: &Observed<'a>, reach: Reach<'a>, entry: &'a Entry<Endpoint>) -> Known<'a> {
    let (s, endpoint) = (&f.s, &*entry.entity);
    let duplicate = duplicate(f, endpoint);
    let mut record = f.record.clone().at_rest();
    if duplicate.is_none() {
        record
            .failures
            .aside
            .retain(|failure| failure.operation != Action::DELETE);
    }
    let record = quarantine::taken_back(s, reach.view, endpoint, record);
    let record = quarantine::with_failed_deployment(f, endpoint, record);
    let dates = Dates::of(s, record.active.as_ref(), &f.windows.calendar);
    let judged = record.gate.clone();
    let mut found = next::find(f, reach.view, endpoint, &dates, record);
    let under_way = !(entry.confirmed && endpoint.header.status.is_terminal());
    let mut known = Known {
        entry,
        dates,
        under_way,
        duplicate,
        changes: Vec::new(),
        mark: None,
        saw: std::mem::take(&mut found.saw),
        record: found.record,
        next: found.outcome,
    };
    if under_way {
        // Whom the next candidate has to be compared with is known at the end.
        known.record.gate = judged;
        known.record = in_flight::deploying(f, reach.view, endpoint, known.next.as_ref().ok(), known.record);
    } else if known.next.is_ok() {
        compare(f, &mut known, reach.project);
    }
    known
}

/// Compares with the spec.
fn compare(f: &Observed<'_>, known: &mut Known<'_>, project: Option<EntityId>) {
    let endpoint = &*known.entry.entity;
    known.changes = fields::differences(&f.s, endpoint, project);
    known.record = fields::without_settled(&known.changes, endpoint, std::mem::take(&mut known.record));
    let unmarked = matches!(known.changes.first(), Some(UpdateEndpoint::Owner(..)));
    if f.s.may_act() && unmarked {
        let mark = known.changes.remove(0);
        let (verdict, record) = fields::mark(f, endpoint, mark, std::mem::take(&mut known.record));
        (known.mark, known.record) = (Some(verdict), record);
    }
}

/// Another endpoint with the object's mark is deleted. One that cannot be deleted now keeps nothing else back.
fn duplicate(f: &Observed<'_>, endpoint: &Endpoint) -> Option<Verdict> {
    let duplicate = identity::duplicate(&f.s, endpoint.header.id).filter(|_| f.s.may_act())?;
    let message = format!("deleting endpoint {duplicate}, which an earlier request made as well");
    let verdict = Verdict::working(Reason::Updating, message);
    let last = f.record.failures.recall(Action::DELETE);
    Some(f.s.asking(None).gate(last, Action::DeleteEndpoint(duplicate), verdict))
}
