//! What an endpoint's rules decide from: its snapshot, read once.
use super::{
    Snapshot, contest,
    course::Dates,
    fields, gate, identity,
    identity::Identity,
    in_flight,
    next::{self, Obstacle},
    quarantine,
    record::Record,
    status,
    target::Move,
};
use crate::{
    Action, ConnectionState, Verdict,
    model_choice::parse_id,
    view::{Entry, View},
    window::Calendar,
};
use speech_api::{
    Reason, SpeechEndpointStatus,
    decision::{RuleName, Saw},
};
use speech_service::{EntityId, entity::Endpoint, request::UpdateEndpoint};

/// The windows of a spec, or why they cannot be read.
pub struct Windows {
    pub calendar: Calendar,
    pub trouble: Option<String>,
}

impl Windows {
    /// Windows that cannot be read are shut: what is not allowed for certain waits, but not past the deadline.
    pub fn read(s: &Snapshot<'_>) -> Self {
        match Calendar::parse(&s.object.spec.swap.windows) {
            Ok(calendar) => Self {
                calendar,
                trouble: None,
            },
            Err(error) => Self {
                calendar: Calendar::shut(),
                trouble: Some(error.to_string()),
            },
        }
    }
}

/// All that the rules look at.
pub struct Facts<'a> {
    pub s: Snapshot<'a>,
    /// The status as far as no decision changes it.
    pub status: SpeechEndpointStatus,
    /// What is remembered, with what was observed in this pass.
    pub record: Record,
    pub windows: &'a Windows,
    pub identity: Identity<'a>,
    /// The Speech resource, if nothing keeps the object from it.
    pub reach: Result<Reach<'a>, Obstacle>,
    /// Whether the remote endpoint, if there is one, is the object's to manage.
    pub own: Result<(), Verdict>,
    /// What follows from the remote endpoint, once it is there and the object's own.
    pub known: Option<Known<'a>>,
}

/// The Speech resource of an object.
#[derive(Clone, Copy)]
pub struct Reach<'a> {
    pub view: &'a View,
    /// The project that the endpoint is to be in, where the API version has projects.
    pub project: Option<EntityId>,
}

/// A remote endpoint that is there and the object's own.
pub struct Known<'a> {
    pub entry: &'a Entry<Endpoint>,
    pub dates: Dates<'a>,
    /// Whether the service is at work on it, or no read has shown what came of the last request.
    pub under_way: bool,
    /// Another endpoint that an earlier request made as well, and what becomes of it.
    pub duplicate: Option<Verdict>,
    /// Which model it moves to.
    pub next: Result<Move<'a>, Obstacle>,
    /// What the rules about the next model saw.
    pub saw: Vec<(RuleName, Saw)>,
    /// What else differs from the spec, without our mark.
    pub changes: Vec<UpdateEndpoint>,
    /// Our mark, if the endpoint lacks it: the request, or what it waits for.
    pub mark: Option<Result<Verdict, Verdict>>,
    /// What is to be remembered if nothing else is decided.
    pub record: Record,
}

impl<'a> Facts<'a> {
    /// Reads a snapshot.
    pub fn read(s: &Snapshot<'a>, windows: &'a Windows) -> Self {
        let mut status = s.object.status.clone().unwrap_or_default();
        status::remember_failure(s, &mut status);
        contest::count(s, &mut status);
        let identity = identity::find(s);
        let reach = reach(s);
        let is_wanted = s.object.metadata.deletion_timestamp.is_none();
        if is_wanted {
            quarantine::clear_on_request(s, &mut status);
            status::describe(s, &identity, &mut status);
            gate::note(s, &mut status);
            if let Identity::Lost(id) = identity
                && reach.is_ok()
                && unlisted_yet(s).is_none()
            {
                status::forget(&mut status, id.to_string());
            }
        }
        let own = match identity {
            Identity::Known(entry) => identity::ours_to_manage(s, &entry.entity),
            Identity::Unseen | Identity::Missing(_) | Identity::Lost(_) | Identity::Left(_) | Identity::None => Ok(()),
        };
        let mut facts = Self {
            s: s.clone(),
            record: Record::take(&mut status),
            status,
            windows,
            identity,
            reach,
            own,
            known: None,
        };
        if let (Ok(reach), Identity::Known(entry), true) = (&facts.reach, identity, is_wanted && facts.own.is_ok()) {
            facts.known = Some(Known::read(&facts, *reach, entry));
        }
        facts
    }

    /// The dates of what serves.
    pub fn dates(&self) -> Dates<'a> {
        Dates::of(&self.s, self.record.active.as_ref(), &self.windows.calendar)
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
    // What the API version does not have is told beside, and holds nothing back.
    let project = project.filter(|_| has_projects);
    Ok(Reach { view, project })
}

/// Waits where the endpoint that the status names is missing from a list that may be older than it.
pub fn unlisted_yet(s: &Snapshot<'_>) -> Option<Verdict> {
    let creation = s.creation(&s.old_status().cloned().unwrap_or_default());
    let intent = creation
        .open()
        .filter(|intent| creation.unlisted && !creation.is_void(*intent))?;
    Some(creation.wait(intent))
}

impl<'a> Known<'a> {
    fn read(f: &Facts<'a>, reach: Reach<'a>, entry: &'a Entry<Endpoint>) -> Self {
        let (s, endpoint) = (&f.s, &*entry.entity);
        let duplicate = duplicate(f, endpoint);
        let mut record = f.record.clone().at_rest();
        if duplicate.is_none() {
            record
                .side_failures
                .retain(|failure| failure.operation != Action::DELETE);
        }
        let record = quarantine::taken_back(s, reach.view, endpoint, record);
        let record = quarantine::with_failed_deployment(f, endpoint, record);
        let dates = Dates::of(s, record.active.as_ref(), &f.windows.calendar);
        let judged = record.gate.clone();
        let mut found = next::find(f, reach.view, endpoint, &dates, record);
        let under_way = !(entry.confirmed && endpoint.header.status.is_terminal());
        let mut known = Self {
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
            known.compare(f, reach.project);
        }
        known
    }

    /// Compares with the spec.
    fn compare(&mut self, f: &Facts<'_>, project: Option<EntityId>) {
        let endpoint = &*self.entry.entity;
        self.changes = fields::differences(&f.s, endpoint, project);
        self.record = fields::without_settled(&self.changes, endpoint, std::mem::take(&mut self.record));
        let unmarked = matches!(self.changes.first(), Some(UpdateEndpoint::Owner(..)));
        if f.s.may_act() && unmarked {
            let mark = self.changes.remove(0);
            let (verdict, record) = fields::mark(f, endpoint, mark, std::mem::take(&mut self.record));
            (self.mark, self.record) = (Some(verdict), record);
        }
    }
}

/// Another endpoint with the object's mark is deleted. One that cannot be deleted now keeps nothing else back.
fn duplicate(f: &Facts<'_>, endpoint: &Endpoint) -> Option<Verdict> {
    let duplicate = identity::duplicate(&f.s, endpoint.header.id).filter(|_| f.s.may_act())?;
    let message = format!("deleting endpoint {duplicate}, which an earlier request made as well");
    let verdict = Verdict::working(Reason::Updating, message);
    let last = f.record.failure(Action::DELETE);
    Some(f.s.asking(None).gate(last, Action::DeleteEndpoint(duplicate), verdict))
}
