//! What an endpoint's rules decide from: its snapshot, read once.
use super::{
    Snapshot, contest,
    dates::Dates,
    duplicate, fields, gate, identity,
    identity::Identity,
    known::{Known, NextModel},
    observed::{Observed, Reach, Windows, unlisted_yet},
    quarantine,
    record::{Record, Upcoming},
    status,
};
use crate::{Action, ConnectionState, Verdict, model_choice::parse_id, rule::Obstacle, view::Entry};
use speech_api::{Reason, decision::RuleName, reference::LastFailure};
use speech_service::{entity::Endpoint, request::UpdateEndpoint};
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
    /// Reads a snapshot. Which model comes next is not known yet.
    pub fn read(s: &Snapshot<'a>, windows: &'a Windows) -> Self {
        let mut observed = observe(s, windows);
        let known = match (&observed.reach, observed.identity) {
            (Ok(reach), Identity::Known(entry)) if is_served(&observed) => Some((*reach, entry)),
            _ => None,
        };
        let known = known.map(|(reach, entry)| know(&mut observed, reach, entry));
        Self { observed, known }
    }

    /// Compares with the spec what has a model and is not being worked on: of the requests that failed, those count whose
    /// change is still wanted.
    pub fn compare(&mut self) {
        let Some(k) = self.known.as_ref() else { return };
        if k.under_way || matches!(k.next, NextModel::None(_)) {
            return;
        }
        let failures = std::mem::take(&mut self.observed.record.failures);
        let wanted = k.mark.iter().chain(&k.changes);
        let failures = fields::without_settled(wanted, k.endpoint(), failures);
        self.observed.record.failures = match &k.mark {
            Some(mark) => fields::unapplied(&self.observed, k.endpoint(), mark, failures),
            None => failures,
        };
    }
}

fn observe<'a>(s: &Snapshot<'a>, windows: &'a Windows) -> Observed<'a> {
    let mut status = s.object.status.clone().unwrap_or_default();
    status::remember_failure(s, &mut status);
    contest::count(s, &mut status);
    let identity = identity::find(s);
    let reach = reach(s);
    let (own, duplicate) = match identity {
        Identity::Known(entry) => (
            identity::ours_to_manage(s, &entry.entity),
            identity::duplicate(s, entry.entity.header.id).filter(|_| s.may_act()),
        ),
        Identity::Unseen | Identity::Missing(_) | Identity::Lost(_) | Identity::Left(_) | Identity::None => {
            (Ok(()), None)
        }
    };
    if s.object.metadata.deletion_timestamp.is_none() {
        quarantine::clear_on_request(s, &mut status);
        if let Identity::Known(entry) = identity
            && own.is_ok()
        {
            status::describe(s, entry, &mut status);
        }
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
    let record = Record::take(&mut status);
    Observed {
        s: s.clone(),
        dates: Dates::of(s, record.active.as_ref(), &windows.calendar),
        record,
        upcoming: Upcoming::take(&mut status),
        status,
        windows,
        identity,
        reach,
        own,
        duplicate,
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

/// Whether the remote endpoint is the object's own and there once: what is to be said of it follows from nothing else.
fn is_served(f: &Observed<'_>) -> bool {
    let s = &f.s;
    let is_wanted = s.object.metadata.deletion_timestamp.is_none();
    let is_held = s.has_finalizer() || !s.may_act();
    is_wanted && f.own.is_ok() && is_held && duplicate::deletion(f).is_none_or(|waits| waits.action.is_none())
}

/// What follows from the remote endpoint.
fn know<'a>(f: &mut Observed<'a>, reach: Reach<'a>, entry: &'a Entry<Endpoint>) -> Known<'a> {
    let endpoint = &*entry.entity;
    let mut record = std::mem::take(&mut f.record);
    if f.duplicate.is_none() {
        let is_other = |failure: &LastFailure| failure.operation != Action::DELETE;
        record.failures.aside.retain(is_other);
    }
    let record = quarantine::taken_back(&f.s, reach.view, endpoint, record);
    f.dates.expires_at = record.active.as_ref().and_then(|active| active.expires_at);
    f.record = quarantine::with_failed_deployment(f, endpoint, record);
    let mut changes = fields::differences(&f.s, endpoint, reach.project);
    let unmarked = matches!(changes.first(), Some(UpdateEndpoint::Owner(..)));
    let mark = unmarked.then(|| changes.remove(0));
    Known {
        entry,
        view: reach.view,
        under_way: !(entry.confirmed && endpoint.header.status.is_terminal()),
        next: NextModel::Stay,
        held: Vec::new(),
        waiting: None,
        refused: None,
        mark,
        changes,
    }
}
