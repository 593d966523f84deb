//! `kubectl speech wait`: until an object is as declared.
use super::{
    KubectlError, Outcome,
    args::{ClusterArgs, WaitArgs},
    fleet::{Fleet, Kind, Object},
    print,
    progress::Progress,
    status::{self, Row, State},
};
use crate::{api::duration, plan::lead_time::Work, speech::EntityId};
use jiff::Timestamp;
use std::time::{Duration, Instant};

/// How often the object is looked at.
const PAUSE: Duration = Duration::from_secs(1);

/// Waits as the options say.
pub async fn run(cluster: &ClusterArgs, args: &WaitArgs) -> Result<Outcome, KubectlError> {
    let wanted = args.model.as_deref().map(str::parse::<EntityId>).transpose();
    let wanted = wanted.map_err(|error| KubectlError::Option(format!("--model: {error}")))?;
    let is_there = |row: &Row, _: &Object<'_>| match wanted {
        Some(wanted) => row.model.as_ref().and_then(|id| id.parse().ok()) == Some(wanted),
        None => matches!(row.state, State::Ready | State::Waiting | State::AtRisk),
    };
    until(cluster, &args.name, &args.timeout, is_there).await
}

/// Waits until a revision of this number or a higher one is current.
pub async fn for_revision(
    cluster: &ClusterArgs,
    name: &str,
    number: i32,
    timeout: &str,
) -> Result<Outcome, KubectlError> {
    let is_there = |_: &Row, object: &Object<'_>| {
        let Object::Model(model) = object else { return false };
        let current = model.status.as_ref().and_then(|status| status.current.as_ref());
        current
            .and_then(|current| current.revision)
            .is_some_and(|revision| revision >= number)
    };
    until(cluster, &format!("model/{name}"), timeout, is_there).await
}

async fn until(
    cluster: &ClusterArgs,
    name: &str,
    timeout: &str,
    is_there: impl Fn(&Row, &Object<'_>) -> bool,
) -> Result<Outcome, KubectlError> {
    let limit = duration::parse(timeout).map_err(|error| KubectlError::Option(format!("--timeout: {error}")))?;
    let begun = Instant::now();
    let mut progress = Progress::new();
    loop {
        let fleet = Fleet::read(cluster, false, None).await?;
        let object = fleet.find(name, &Kind::ALL)?;
        let row = status::row(&object);
        if is_there(&row, &object) {
            progress.end();
            let serves = row.serves.map(|serves| format!(": {serves}")).unwrap_or_default();
            print::text(&format!(
                "{object} {}{serves}\n",
                if row.state == State::Ready {
                    "is ready"
                } else {
                    "is there"
                }
            ))?;
            return Ok(Outcome::Well);
        }
        progress.show(share(&object, Timestamp::now()), &format!("{object}: {}", row.message));
        if begun.elapsed() >= limit {
            progress.end();
            eprintln!("kubectl speech: {object} is not there after {timeout}: {}", row.message);
            return Ok(Outcome::Attention);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// How much of the usual time of what is under way is over; absent where nothing has a beginning.
fn share(object: &Object<'_>, now: Timestamp) -> Option<f64> {
    let (since, work) = match object {
        Object::Endpoint(endpoint) => (
            endpoint.status.as_ref()?.target.as_ref()?.since.clone(),
            Work::Deploying,
        ),
        Object::Model(model) => (
            model.status.as_ref()?.candidate.as_ref()?.started_at.clone(),
            Work::Training,
        ),
        Object::Connection(_) => return None,
    };
    let since: Timestamp = since.parse().ok()?;
    let usual = work.assumed().as_secs_f64();
    // What takes longer than usual is not yet done.
    Some((now.duration_since(since).as_secs_f64() / usual).clamp(0.0, 0.99))
}
