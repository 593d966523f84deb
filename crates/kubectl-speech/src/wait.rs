//! `kubectl speech wait`: until objects are as declared.
use super::{
    KubectlError, Outcome,
    args::ClusterArgs,
    fleet::{Fleet, Kind, Object},
    options::WaitArgs,
    print,
    progress::Progress,
    status::{self, Row, State},
};
use jiff::Timestamp;
use speech_api::duration;
use speech_plan::lead_time::Work;
use speech_service::EntityId;
use std::time::{Duration, Instant};

/// How often the objects are looked at.
const PAUSE: Duration = Duration::from_secs(1);

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Until {
    /// The object is as declared, and nothing is under way.
    AsDeclared,
    /// This model serves, or is current.
    Serves(EntityId),
    /// A revision of this number or a higher one is current.
    Revision(i32),
}

/// One object, and what is waited for.
pub struct Awaited {
    kind: Kind,
    namespace: String,
    name: String,
    until: Until,
}

/// How long to wait, in the words of whoever waits.
pub struct Limit {
    words: String,
    time: Duration,
}

/// Reads how long to wait.
pub fn limit(words: &str) -> Result<Limit, KubectlError> {
    let time = duration::parse(words).map_err(|error| KubectlError::Option(format!("--timeout: {error}")))?;
    let words = words.to_owned();
    Ok(Limit { words, time })
}

/// Waits as the options say.
pub async fn run(cluster: &ClusterArgs, args: &WaitArgs) -> Result<Outcome, KubectlError> {
    let limit = limit(&args.timeout)?;
    let target = match args.model.as_deref().map(str::parse::<EntityId>).transpose() {
        Ok(Some(model)) => Until::Serves(model),
        Ok(None) => Until::AsDeclared,
        Err(error) => return Err(KubectlError::Option(format!("--model: {error}"))),
    };
    let fleet = args.selection.read(cluster).await?;
    let (objects, outcome) = args.selection.of(&fleet, &Kind::ALL)?;
    let of = |object| Awaited::of(object, target.clone());
    let awaited: Vec<Awaited> = objects.iter().map(of).collect();
    let stalled = if args.through_stalled {
        Stalled::MayPass
    } else {
        Stalled::Ends
    };
    let waited = until(cluster, args.selection.all_namespaces, &awaited, &limit, stalled).await?;
    Ok(outcome.max(waited))
}

/// Looks at the objects until all are there at one moment, one can only be helped by a person, or the time is over. What was
/// there a moment ago and is not any more counts for nothing.
pub async fn until(
    cluster: &ClusterArgs,
    everywhere: bool,
    awaited: &[Awaited],
    limit: &Limit,
    stalled: Stalled,
) -> Result<Outcome, KubectlError> {
    let begun = Instant::now();
    let mut progress = Progress::new();
    loop {
        let fleet = Fleet::read(cluster, everywhere, None).await?;
        let now = cluster.now(None).await?;
        let seen: Vec<Seen> = awaited.iter().map(|one| one.look(&fleet, now)).collect();
        let is_late = begun.elapsed() >= limit.time;
        match judge(&seen, stalled, is_late) {
            Some(outcome) => {
                progress.end();
                tell(&seen, stalled, limit)?;
                return Ok(outcome);
            }
            None => show(&mut progress, &seen),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What is seen at one moment; `None` as long as it is worth waiting.
fn judge(seen: &[Seen], stalled: Stalled, is_late: bool) -> Option<Outcome> {
    let is_gone = |seen: &Seen| matches!(seen, Seen::Gone(_));
    let needs_a_person = |seen: &Seen| stalled == Stalled::Ends && matches!(seen, Seen::NotYet { stalled: true, .. });
    if seen.iter().any(is_gone) {
        return Some(Outcome::Failed);
    }
    if seen.iter().all(|seen| matches!(seen, Seen::There(_))) {
        return Some(Outcome::Well);
    }
    (is_late || seen.iter().any(needs_a_person)).then_some(Outcome::Attention)
}

/// Tells how each object is in the end.
fn tell(seen: &[Seen], ends: Stalled, limit: &Limit) -> Result<(), KubectlError> {
    let is_stalled = |seen: &Seen| matches!(seen, Seen::NotYet { stalled: true, .. });
    let by_stall = ends == Stalled::Ends && seen.iter().any(is_stalled);
    for one in seen {
        match one {
            Seen::There(words) => print::text(&format!("{words}\n"))?,
            Seen::Gone(words) => print::trouble(words),
            Seen::NotYet {
                called,
                message,
                stalled,
                ..
            } if *stalled && by_stall => {
                print::trouble(&format!(
                    "{called} needs a person: {message}; --through-stalled waits on"
                ));
            }
            Seen::NotYet { called, message, .. } if by_stall => {
                print::trouble(&format!("{called} is not ready yet: {message}"));
            }
            Seen::NotYet { called, message, .. } => {
                print::trouble(&format!("{called} is not ready after {}: {message}", limit.words));
            }
        }
    }
    Ok(())
}

/// Shows what is waited for.
fn show(progress: &mut Progress, seen: &[Seen]) {
    let there = seen.iter().filter(|seen| matches!(seen, Seen::There(_))).count();
    let first = seen.iter().find_map(|seen| match seen {
        Seen::NotYet {
            called, message, share, ..
        } => Some((called, message, share)),
        Seen::There(_) | Seen::Gone(_) => None,
    });
    let Some((called, message, share)) = first else { return };
    let count = match seen.len() {
        0 | 1 => String::new(),
        whole => format!("{there} of {whole} ready; "),
    };
    progress.show(*share, &format!("{count}{called}: {message}"));
}

/// What it means that only a person can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stalled {
    /// The wait is over.
    Ends,
    /// Somebody is about to.
    MayPass,
}

/// What is seen of an object that is waited for.
#[derive(Clone, Debug)]
enum Seen {
    There(String),
    /// It is on its way.
    NotYet {
        called: String,
        message: String,
        share: Option<f64>,
        /// Only a person can help.
        stalled: bool,
    },
    /// It was deleted.
    Gone(String),
}

impl Awaited {
    /// What is waited for of an object.
    pub fn of(object: &Object<'_>, until: Until) -> Self {
        Self {
            kind: object.kind(),
            namespace: object.namespace(),
            name: object.name(),
            until,
        }
    }

    fn look(&self, fleet: &Fleet, now: Timestamp) -> Seen {
        let is_it = |object: &Object<'_>| self.namespace == object.namespace() && self.name == object.name();
        let Some(object) = fleet.all(&[self.kind]).into_iter().find(is_it) else {
            return Seen::Gone(format!("{}/{} was deleted meanwhile", self.kind.resource(), self.name));
        };
        let row = status::row(&object, now);
        let called = fleet.called(&object);
        if self.is_there(&row, &object) {
            return Seen::There(format!("{called} {}", arrived(&row)));
        }
        Seen::NotYet {
            called,
            share: share(&object, now),
            stalled: row.standing().is_stalled,
            message: row.message,
        }
    }

    fn is_there(&self, row: &Row, object: &Object<'_>) -> bool {
        match &self.until {
            Until::AsDeclared => row.standing().is_settled,
            Until::Serves(model) => row.model == Some(*model),
            Until::Revision(number) => {
                let Object::Model(model) = object else { return false };
                let current = model.status.as_ref().and_then(|status| status.current.as_ref());
                let revision = current.and_then(|current| current.revision);
                revision.is_some_and(|revision| revision >= *number)
            }
        }
    }
}

/// What is told of an object that is there, behind its name.
pub fn arrived(row: &Row) -> String {
    let words = match row.state {
        State::Ready => "is ready".to_owned(),
        State::Waiting => format!("is ready, and a swap waits ({})", row.reason),
        State::AtRisk => format!("is ready, but at risk ({})", row.reason),
        State::Suspended => "is suspended".to_owned(),
        State::Expired | State::Stalled | State::Unknown | State::Pending | State::Working => "is there".to_owned(),
    };
    let serves = row
        .serves
        .as_ref()
        .map(|serves| format!(": {serves}"))
        .unwrap_or_default();
    format!("{words}{serves}")
}

/// How much of the usual time of what is under way is over; absent where nothing has a beginning.
fn share(object: &Object<'_>, now: Timestamp) -> Option<f64> {
    let (since, work) = match object {
        Object::Endpoint(endpoint) => (endpoint.status.as_ref()?.target.as_ref()?.since, Work::Deploying),
        Object::Model(model) => (model.status.as_ref()?.candidate.as_ref()?.started_at, Work::Training),
        Object::Connection(_) => return None,
    };
    let usual = work.assumed().as_secs_f64();
    // What takes longer than usual is not yet done.
    Some((now.duration_since(since).as_secs_f64() / usual).clamp(0.0, 0.99))
}

#[cfg(test)]
mod tests;
