//! `speech-operator plan`: prints what lies ahead of a fleet, from a live cluster.
use super::{
    cluster::{Access, Cluster, ClusterError},
    fleet::{self, Ahead, Filter},
};
use clap::{Args, ValueEnum, builder::NonEmptyStringValueParser};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use speech_api::duration;
use speech_plan::near;
use speech_service::clock::{self, ClockError, moment};
use std::{
    collections::HashSet,
    io::{self, Write},
    path::PathBuf,
};

/// Options of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// All namespaces.
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// One namespace; the default is that of the context.
    #[arg(short, long)]
    pub namespace: Option<String>,
    /// Only the objects of one SpeechConnection, NAME or NAMESPACE/NAME; in all namespaces unless -n names one.
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Only models and endpoints with these labels, such as team=claims.
    #[arg(short = 'l', long, value_name = "LABELS", value_parser = NonEmptyStringValueParser::new())]
    pub selector: Option<String>,
    /// How far ahead: a duration or a day. Models that do not exist yet have no date, so nothing is told beyond the next
    /// training and the swap that follows from it. An object whose condition AtRisk is True is told however far away it is.
    #[arg(long, default_value = "180d")]
    pub until: String,
    /// The form.
    #[arg(short, long, value_enum, default_value_t = PlanFormat::Table)]
    pub output: PlanFormat,
    /// End with code 1 when any risk is listed, and with 2 when no object is: then nobody can say that there is none. A
    /// connection or namespace that is named and does not exist ends with 2 in any case, and so does a plan that cannot be
    /// had.
    #[arg(long)]
    pub fail_on_risk: bool,
    /// The kubeconfig; the default is that of kubectl.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; the default is its current one.
    #[arg(long)]
    pub context: Option<String>,
    /// Take this for the present. For tests; hidden because a plan is about now.
    #[arg(long, hide = true, value_name = "TIME", value_parser = moment)]
    pub now: Option<jiff::Timestamp>,
    /// Take the present from the clock of an emulator. For development only.
    #[arg(
        long,
        hide = true,
        value_name = "URL",
        env = "SPEECH_OPERATOR_DEVELOPMENT_CLOCK",
        hide_env = true
    )]
    pub development_clock: Option<url::Url>,
}

/// Form of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// The same as YAML.
    Yaml,
    /// For calendars (RFC 5545).
    Ics,
    /// A drawing.
    Svg,
}

/// Why no plan can be printed.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// `--until` is neither a duration nor a date.
    #[error("--until {0:?} is neither a duration such as 180d nor a date such as 2027-06-30")]
    Until(String),
    /// The time cannot be told.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// Nothing has the labels.
    #[error("no model or endpoint has the labels {0}")]
    Labels(String),
    /// There is no such connection, and nothing refers to one.
    #[error("there is no SpeechConnection {name:?}{}", meant(near.as_deref()))]
    Connection {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        near: Option<String>,
    },
    /// There is no such namespace.
    #[error("there is no namespace {name:?}{}", meant(near.as_deref()))]
    Namespace {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        near: Option<String>,
    },
    /// Nothing was found that could be at risk.
    #[error(
        "no SpeechModel and no SpeechEndpoint was found, so there is nothing to judge; name a namespace with -n, or all with -A"
    )]
    Nothing,
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

fn meant(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"))
}

/// Prints the plan; tells whether it holds any risk. What could not be told goes to standard error, in the name of the
/// program that was called.
///
/// # Errors
///
/// When the options cannot be read, the cluster does not give the objects, or nothing can be printed.
pub async fn plan(program: &str, args: &PlanArgs) -> Result<bool, PlanError> {
    let now = clock::present(args.now, args.development_clock.as_ref()).await?;
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
    if objects.models.is_empty()
        && objects.endpoints.is_empty()
        && let Some(name) = &args.namespace
    {
        exists(&cluster, name).await?;
    }
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
    if ahead.rows.is_empty() {
        let connections = objects.connections.iter();
        let names = connections.map(|one| (one.namespace().unwrap_or_default(), one.name_any()));
        let names: Vec<_> = names.collect();
        args.connection.iter().try_for_each(|named| known(named, &names))?;
        if args.fail_on_risk {
            return Err(PlanError::Nothing);
        }
    }
    let text = render(&ahead, args.output, now, until)?;
    for trouble in &ahead.trouble {
        eprintln!("{program}: {}", super::one_line(trouble));
    }
    print(&text).map_err(PlanError::Print)?;
    Ok(ahead.has_risk())
}

/// Whether a connection is there of which nothing else is known.
fn known(named: &str, connections: &[(String, String)]) -> Result<(), PlanError> {
    let long: Vec<String> = connections
        .iter()
        .map(|(home, name)| format!("{home}/{name}"))
        .collect();
    let short = connections.iter().map(|(_, name)| name.as_str());
    let mut names: Vec<&str> = if named.contains('/') {
        long.iter().map(String::as_str).collect()
    } else {
        short.collect()
    };
    if names.contains(&named) {
        return Ok(());
    }
    names.sort_unstable();
    Err(PlanError::Connection {
        name: named.to_owned(),
        near: near::nearest(named, names.into_iter()).map(str::to_owned),
    })
}

/// Whether a namespace is there in which nothing is. Who may not look is told nothing.
async fn exists(cluster: &Cluster, namespace: &str) -> Result<(), PlanError> {
    let Some(names) = cluster.namespaces().await else {
        return Ok(());
    };
    if names.iter().any(|name| name == namespace) {
        return Ok(());
    }
    Err(PlanError::Namespace {
        name: namespace.to_owned(),
        near: near::nearest(namespace, names.iter().map(String::as_str)).map(str::to_owned),
    })
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
    fn a_connection_that_is_not_there_is_told_with_what_was_meant() {
        let there = [("shop".to_owned(), "westeurope".to_owned())];
        assert!(known("westeurope", &there).is_ok() && known("shop/westeurope", &there).is_ok());
        for (named, told) in [
            (
                "westeuropee",
                "there is no SpeechConnection \"westeuropee\"; did you mean \"westeurope\"?",
            ),
            (
                "shopp/westeurope",
                "there is no SpeechConnection \"shopp/westeurope\"; did you mean \"shop/westeurope\"?",
            ),
            ("other", "there is no SpeechConnection \"other\""),
        ] {
            assert_eq!(known(named, &there).unwrap_err().to_string(), told);
        }
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
