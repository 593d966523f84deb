//! `speech-operator plan`: prints what lies ahead of a fleet, from a live cluster.
use super::{
    cluster::{Access, Cluster, ClusterError},
    fleet::{self, Ahead, Filter},
};
use crate::{
    api::duration,
    cli::{PlanArgs, PlanFormat},
};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use std::{
    collections::HashSet,
    io::{self, Write},
};

/// Why no plan can be printed.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// `--until` is neither a duration nor a date.
    #[error("--until {0:?} is neither a duration such as 180d nor a date such as 2027-06-30")]
    Until(String),
    /// Nothing has the labels.
    #[error("no model or endpoint has the labels {0}")]
    Labels(String),
    /// The fleet cannot be read.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The plan cannot be written as JSON.
    #[error("the plan cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The plan cannot be written as YAML.
    #[error("the plan cannot be written as YAML")]
    Yaml(#[from] serde_saphyr::ser::Error),
    /// It cannot be printed.
    #[error("the plan cannot be printed")]
    Print(#[source] io::Error),
}

/// Prints the plan; tells whether it holds any risk. What could not be told goes to standard error, in the name of the
/// program that was called.
///
/// # Errors
///
/// When the options cannot be read, the cluster does not give the objects, or nothing can be printed.
pub async fn plan(program: &str, args: &PlanArgs) -> Result<bool, PlanError> {
    let now = args.now.unwrap_or_else(Timestamp::now);
    let until = end(&args.until, now)?;
    let access = Access {
        kubeconfig: args.kubeconfig.clone(),
        context: args.context.clone(),
    };
    let cluster = Cluster::find(&access).await?;
    // A connection is used from many namespaces.
    let everywhere = args.all_namespaces || args.connection.is_some() && args.namespace.is_none();
    let namespace = args
        .namespace
        .clone()
        .or_else(|| (!everywhere).then(|| cluster.default_namespace.clone()));
    let objects = cluster.objects(namespace.as_deref()).await?;
    // All are read even so: what becomes of an endpoint hangs on models that may have other labels.
    let uids = match &args.selector {
        Some(labels) => Some(labelled(&cluster, namespace.as_deref(), labels).await?),
        None => None,
    };
    let connection = args.connection.clone();
    let filter = Filter {
        namespace,
        connection,
        uids,
    };
    let ahead = fleet::rows(&objects, now, until, &filter);
    let text = render(&ahead, args.output, now, until)?;
    for trouble in &ahead.trouble {
        eprintln!("{program}: {}", super::one_line(trouble));
    }
    print(&text).map_err(PlanError::Print)?;
    Ok(ahead.has_risk())
}

/// The uids of the models and endpoints with these labels; labels that nothing has are a mistake.
async fn labelled(cluster: &Cluster, namespace: Option<&str>, labels: &str) -> Result<HashSet<String>, PlanError> {
    let objects = cluster.labelled_objects(namespace, Some(labels)).await?;
    let models = objects.models.iter().filter_map(ResourceExt::uid);
    let uids: HashSet<String> = models
        .chain(objects.endpoints.iter().filter_map(ResourceExt::uid))
        .collect();
    if uids.is_empty() {
        return Err(PlanError::Labels(labels.to_owned()));
    }
    Ok(uids)
}

/// Until when, by a duration or a day.
fn end(text: &str, now: Timestamp) -> Result<Timestamp, PlanError> {
    let unreadable = || PlanError::Until(text.to_owned());
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        let midnight = day.tomorrow().and_then(|next| next.in_tz("UTC"));
        return Ok(midnight.map_err(|_| unreadable())?.timestamp());
    }
    let span = duration::parse(text).map_err(|_| unreadable())?;
    let span = SignedDuration::try_from(span).map_err(|_| unreadable())?;
    now.checked_add(span).map_err(|_| unreadable())
}

fn render(ahead: &Ahead, format: PlanFormat, now: Timestamp, until: Timestamp) -> Result<String, PlanError> {
    Ok(match format {
        PlanFormat::Table => super::table(&ahead.rows, now, until),
        PlanFormat::Json => super::json(&ahead.rows)?,
        PlanFormat::Yaml => super::yaml(&ahead.rows)?,
        PlanFormat::Ics => super::ics(&ahead.rows, now),
        PlanFormat::Svg => super::svg(&ahead.rows, now, until),
    })
}

/// Who reads may stop reading, as `head` does.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(text: &str) -> String {
        let now = "2026-11-21T07:00:00Z".parse().unwrap();
        end(text, now).map_or_else(|error| error.to_string(), |at| at.to_string())
    }

    #[test]
    fn the_end_is_a_duration_a_day_that_belongs_to_it_or_a_moment() {
        assert_eq!(until("180d"), "2027-05-20T07:00:00Z");
        assert_eq!(until("36h"), "2026-11-22T19:00:00Z");
        assert_eq!(until("2027-06-30"), "2027-07-01T00:00:00Z");
        assert_eq!(until("2027-06-30T12:00:00Z"), "2027-06-30T12:00:00Z");
        for text in ["", "soon", "-3d", "9999999d", "2027-02-30"] {
            assert_eq!(
                until(text),
                format!("--until {text:?} is neither a duration such as 180d nor a date such as 2027-06-30")
            );
        }
    }
}
