//! All metrics: their names, labels and meanings. `docs/metrics.md` is generated from this file.
use prometheus_client::metrics::MetricType;

/// What the names of all metrics begin with.
pub const PREFIX: &str = "speech";

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// The name without [`PREFIX`] and without what the format adds.
    pub name: &'static str,
    /// The type.
    pub form: Form,
    /// The names of the labels, in their order.
    pub labels: &'static [&'static str],
    /// What a value means.
    pub help: &'static str,
    /// How many series there can be, and when there are none.
    pub series: &'static str,
}

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Goes up and down.
    Gauge,
    /// Only increases, until the process ends.
    Counter,
    /// Counts values by size.
    Histogram,
    /// Always 1: the labels have the information.
    Info,
}

impl Form {
    /// As the exposition names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }

    pub(super) fn of_descriptor(self) -> MetricType {
        match self {
            Self::Gauge => MetricType::Gauge,
            Self::Counter => MetricType::Counter,
            Self::Histogram => MetricType::Histogram,
            Self::Info => MetricType::Info,
        }
    }
}

impl Definition {
    /// The name of the series that queries use; for a histogram, the prefix of its series.
    pub fn full_name(&self) -> String {
        let suffix = match self.form {
            Form::Gauge | Form::Histogram => "",
            Form::Counter => "_total",
            Form::Info => "_info",
        };
        format!("{PREFIX}_{}{suffix}", self.name)
    }
}

macro_rules! metrics {
    ($( $(#[group = $group:literal])? $constant:ident = $form:ident $name:literal [$($label:literal),*] $help:literal, $series:literal; )+) => {
        $( #[doc = $help] pub const $constant: Definition = Definition {
            name: $name, form: Form::$form, labels: &[$($label),*], help: $help, series: $series,
        }; )+

        /// All metrics in the order of the documentation, and the heading before which each of them stands, if any.
        pub const ALL: &[(Option<&str>, Definition)] = &[$( (metrics!(@heading $($group)?), $constant) ),+];
    };
    (@heading $group:literal) => { Some($group) };
    (@heading) => { None };
}

metrics! {
    #[group = "Endpoints"]
    ENDPOINT_INFO = Info "endpoint" ["namespace", "name", "connection", "locale", "policy"]
        "How an endpoint is declared", "one per SpeechEndpoint";
    ENDPOINT_EXPIRY = Gauge "endpoint_model_expiry_timestamp_seconds" ["namespace", "name"]
        "When the active model of an endpoint expires (Unix time)", "one per endpoint that serves a model with a known expiry";
    ENDPOINT_INTENDED = Gauge "endpoint_intended_model" ["namespace", "name"]
        "Whether the intended model answers at an endpoint (1) or a replacement (0): a base model after an expiry, or the stand-in of a gate", "one per endpoint that serves a model with a known expiry";
    ENDPOINT_READY = Gauge "endpoint_ready" ["namespace", "name"]
        "Whether an endpoint is Ready (1) or not (0)", "one per SpeechEndpoint that has the condition Ready";
    ENDPOINT_NEXT = Gauge "endpoint_next_action_timestamp_seconds" ["namespace", "name", "action"]
        "When the next planned step of an endpoint is due (Unix time)", "one per endpoint that has a plan; action is Evaluate, Swap or Expire";
    ENDPOINT_PLANNED = Gauge "endpoint_planned_timestamp_seconds" ["namespace", "name", "action"]
        "When the first step of each kind in the plan of an endpoint is due (Unix time)", "up to three per endpoint that has a plan";
    ENDPOINT_OVERDUE = Gauge "endpoint_overdue_seconds" ["namespace", "name", "action"]
        "How long the next step of an endpoint has been due without starting, blocked or not, or how far it has run beyond its lead time (twice the longest time seen, at least an hour)", "only while a step is overdue; at most one per endpoint";
    ENDPOINT_BLOCKED = Gauge "endpoint_blocked" ["namespace", "name", "reason"]
        "1 while something keeps the next swap of an endpoint from starting, with its reason", "only while that is so; at most one per endpoint; reason is one of reasons.md";
    ENDPOINT_BUDGET = Gauge "endpoint_lead_time_budget_seconds" ["namespace", "name"]
        "How much time would be left before the expiry if the next swap started as planned and took its lead time (twice the longest time seen, at least an hour); negative if it may come too late", "one per endpoint with a planned swap and a known expiry";
    ENDPOINT_AT_RISK = Gauge "endpoint_at_risk" ["namespace", "name", "reason"]
        "1 while the condition AtRisk of an endpoint is True, with its reason", "only while that is so; at most one per endpoint";
    ENDPOINT_FALLBACK_SINCE = Gauge "endpoint_fallback_since_timestamp_seconds" ["namespace", "name"]
        "When a base model began to answer in place of the expired model of an endpoint (Unix time)", "only while that is so; at most one per endpoint";
    ENDPOINT_FALLBACK = Counter "endpoint_fallback_seconds" ["namespace", "name"]
        "How long a base model has answered in place of an expired model", "one per endpoint that ever fell back; survives restarts, because the status holds the value";
    ENDPOINT_GATE = Gauge "endpoint_gate" ["namespace", "name", "verdict"]
        "1 for the verdict on the last candidate of an endpoint: Pending, Pass, Fail, Inconclusive or Error", "one per endpoint that ever judged a candidate";
    ENDPOINT_QUARANTINED = Gauge "endpoint_quarantined_models" ["namespace", "name", "reason"]
        "How many models an endpoint never chooses because they failed, by reason: GateFailed or DeploymentFailed", "only while there are any; at most two per endpoint";

    #[group = "Models"]
    MODEL_INFO = Info "model" ["namespace", "name", "connection", "locale", "source"]
        "How a model is declared", "one per SpeechModel";
    MODEL_EXPIRY = Gauge "model_expiry_timestamp_seconds" ["namespace", "name"]
        "When the current revision of a model expires (Unix time)", "one per model with a known expiry";
    MODEL_REVISION_EXPIRY = Gauge "model_revision_expiry_timestamp_seconds" ["namespace", "name", "revision"]
        "When each retained revision of a model expires (Unix time)", "one per revision with a known expiry; `revisionHistoryLimit` limits them, and a deleted revision leaves no series";
    MODEL_READY = Gauge "model_ready" ["namespace", "name"]
        "Whether a model is Ready (1) or not (0)", "one per SpeechModel that has the condition Ready";
    MODEL_NEXT = Gauge "model_next_action_timestamp_seconds" ["namespace", "name", "action"]
        "When the next planned step of a model is due (Unix time)", "one per model that has a plan; action is Train, Copy or Expire";
    MODEL_PLANNED = Gauge "model_planned_timestamp_seconds" ["namespace", "name", "action"]
        "When the first step of each kind in the plan of a model is due (Unix time)", "up to three per model that has a plan";
    MODEL_OVERDUE = Gauge "model_overdue_seconds" ["namespace", "name", "action"]
        "How long the next step of a model has been due without starting, blocked or not, or how far it has run beyond its lead time (twice the longest times seen, at least an hour)", "only while a step is overdue; at most one per model";
    MODEL_BLOCKED = Gauge "model_blocked" ["namespace", "name", "reason"]
        "1 while something keeps the next training of a model from starting, with its reason", "only while that is so; at most one per model; reason is one of reasons.md";
    MODEL_BUDGET = Gauge "model_lead_time_budget_seconds" ["namespace", "name"]
        "How much time would be left before the expiry if the next training started as planned, and training and deployment took their lead time (twice the longest times seen, at least an hour); negative if it may come too late", "one per model with a planned training and a known expiry";
    MODEL_AT_RISK = Gauge "model_at_risk" ["namespace", "name", "reason"]
        "1 while the condition AtRisk of a model is True, with its reason", "only while that is so; at most one per model";

    #[group = "Outcomes"]
    SWAPS = Counter "swaps" ["outcome"]
        "Swaps of endpoints to another model that ended: Succeeded or Failed", "two; they count from 0 since this leader started";
    TRAININGS = Counter "trainings" ["outcome"]
        "Trainings and copies of models that ended: Succeeded or Failed", "two; they count from 0 since this leader started";
    GATES = Counter "gates" ["verdict"]
        "Verdicts on candidates: Pass, Fail, Inconclusive or Error", "four; they count from 0 since this leader started";
    DRIFT = Counter "drift_corrections" ["kind", "namespace", "name"]
        "How often the operator reverted a change that someone made in the Speech service", "one per object that was corrected since this leader started";
    CLUSTER_REFUSED = Gauge "cluster_refused" ["kind", "namespace", "name"]
        "1 while the cluster refuses what the operator has to write to an object, because of a policy, a webhook or a missing permission", "one per such object";
    ORPHANED = Counter "orphaned" ["kind"]
        "Objects that the operator released although it could not delete their entities in the Speech service", "two; they count from 0 since this leader started";
    RELEASED = Counter "released" ["kind"]
        "Objects that the operator let go because a CustomResourceDefinition or its own namespace was being deleted, or because it only observes; their entities in the Speech service stay", "two, which count from 0 since this process started, and one for connections once one is released";
    OBSERVE_ONLY = Gauge "observe_only" []
        "Whether the operator runs with --observe-only and changes nothing in the Speech service (1) or not (0)", "one";

    #[group = "Connections"]
    CONNECTION_READY = Gauge "connection_ready" ["namespace", "name"]
        "Whether a connection is Ready (1) or not (0)", "one per SpeechConnection that has the condition Ready";
    CONNECTION_SWEPT = Gauge "connection_last_sweep_timestamp_seconds" ["namespace", "name"]
        "When the operator last read the complete lists of a Speech resource (Unix time)", "one per connection whose lists were ever read completely";
    CONNECTION_SWEEP_TIME = Gauge "connection_sweep_duration_seconds" ["namespace", "name"]
        "How long the last sweep of a Speech resource took", "one per connection whose lists were ever read";
    CONNECTION_ENTITIES = Gauge "connection_entities" ["namespace", "name", "type"]
        "How many entities a Speech resource holds, whoever created them", "two per connection whose lists were read completely; type is endpoint or model";
    CONNECTION_ORPHANS = Gauge "connection_orphans" ["namespace", "name", "type"]
        "Endpoints and models that this cluster created in a Speech resource and that no object declares anymore", "only while there are any; at most two per connection";
    CONNECTION_BUDGET_USED = Gauge "connection_budget_used_ratio" ["namespace", "name"]
        "Share of the request budget that the current window has used", "one per connection";
    CONNECTION_BUDGET = Gauge "connection_budget_requests" ["namespace", "name"]
        "How many requests the budget of a connection allows in a window", "one per connection";
    CONNECTION_BUDGET_LEFT = Gauge "connection_budget_effective_requests" ["namespace", "name"]
        "How many requests of the budget remain in a window after throttling by the Speech service", "one per connection";
    CONNECTION_WAITING = Gauge "connection_requests_waiting" ["namespace", "name"]
        "How many requests wait for their turn in the budget", "one per connection";
    CONNECTION_THROTTLED = Gauge "connection_throttled" ["namespace", "name"]
        "Whether the Speech service throttles the requests of a connection (1) or not (0)", "one per connection";
    CONNECTION_DELETIONS_HELD = Gauge "connection_deletions_held" ["namespace", "name"]
        "Entities in the Speech service whose deletion waits for confirmation, because more than deletionGuard allows would be deleted at once", "one per connection";
    CONNECTION_SKEW = Gauge "connection_clock_skew_seconds" ["namespace", "name"]
        "How far the clock of the Speech service is certainly ahead of the operator's; negative if it is behind", "one per connection, once an answer contained the time";
    REQUESTS = Counter "remote_requests" ["route", "code"]
        "Requests to the Speech service, by operation and status", "one per operation (about 30) and status that occurred";
    REQUEST_SECONDS = Histogram "remote_request_duration_seconds" ["route"]
        "Duration of requests to the Speech service", "one per operation (about 30)";

    #[group = "The operator"]
    LEADER = Gauge "leader" []
        "Whether this replica is the leader (1) or a standby (0)", "one per replica that has filled its stores";
    TRANSITIONS = Gauge "leader_transitions" []
        "How often the Lease had changed hands when this replica acquired it", "one per replica that ever acquired it";
    RECONCILES = Counter "reconciles" ["kind", "outcome"]
        "Reconciliations of objects, by outcome", "one per kind and outcome that occurred";
    RECONCILE_SECONDS = Histogram "reconcile_duration_seconds" ["kind"]
        "Duration of a reconciliation", "one per kind";
    QUEUE_OLDEST = Gauge "queue_oldest_seconds" ["kind"]
        "How long the object that was queued first has waited for its reconciliation", "only while an object waits; at most one per kind";
    PASS_OLDEST = Gauge "pass_oldest_seconds" ["kind"]
        "How long the oldest running reconciliation has run", "only while one runs; at most one per kind";
    WATCH_SILENCE = Gauge "watch_silence_seconds" ["kind"]
        "How long ago the API server last answered a watch, with an event, a bookmark or a list", "one per watched kind";
    WATCH_FAILURES = Counter "watch_failures" ["kind"]
        "Watches of the cluster that ended with an error", "one per kind to which that happened";
    UNREADABLE = Gauge "unreadable_objects" ["kind"]
        "Objects of the cluster that do not fit their type; the operator leaves them as they are", "only while there are any; at most one per kind";
    FLUX_EVENTS = Counter "flux_events" ["outcome"]
        "Events for Flux' notification-controller, by outcome: Sent, Duplicate (it received the same event a moment ago), Refused, Failed (no attempt succeeded) or Dropped (too many waited)", "five with `--flux-events`, which count from 0 since this process started; otherwise none";
    BUILD = Info "build" ["version"]
        "The running version of the operator", "one";
}

/// `docs/metrics.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Metrics\n\n<!-- Generated by `make crds`; do not edit. -->\n\n\
         This page is for anyone who scrapes the operator or writes queries and alerts. The operator serves `/metrics` on the\n\
         port of `--listen`, in the OpenMetrics format.\n\n\
         - **Scrape.** Scrape with `honor_labels: true`, because `namespace` is the namespace of the object.\n\
         - **Objects.** The operator reads metrics of objects from its stores at the moment of the scrape, so a deleted object\n  \
         leaves no series.\n\
         - **Unknown values.** An unknown value has no series. It is never reported as 0.\n\
         - **Leader.** Only the leader exports metrics of objects and connections. Otherwise every alert would fire once per\n  \
         replica.\n\
         - **Times.** Dates are Unix times in seconds, so `speech_endpoint_model_expiry_timestamp_seconds - time()` is the time\n  \
         that is left.\n\n\
         Alerts and recording rules are in [deploy/monitoring](../deploy/monitoring). [runbooks.md](runbooks.md) says what to do\n\
         about each alert.\n",
    );
    for (heading, metric) in ALL {
        if let Some(heading) = heading {
            text.push_str(&format!(
                "\n## {heading}\n\n| Metric | Type | Labels | Meaning | Series |\n| --- | --- | --- | --- | --- |\n"
            ));
        }
        let labels = metric.labels.iter().map(|label| format!("`{label}`"));
        text.push_str(&format!(
            "| `{}` | {} | {} | {} | {} |\n",
            metric.full_name(),
            metric.form.as_str(),
            labels.collect::<Vec<_>>().join(", "),
            metric.help,
            metric.series
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_in_base_units_and_labels_are_of_a_closed_list() {
        let labels = [
            "namespace",
            "name",
            "connection",
            "locale",
            "policy",
            "source",
            "revision",
            "action",
            "reason",
            "verdict",
            "outcome",
            "kind",
            "type",
            "route",
            "code",
            "version",
        ];
        let mut names = BTreeSet::new();
        for (_, metric) in ALL {
            assert!(names.insert(metric.full_name()), "{} stands twice", metric.name);
            assert!(!metric.name.ends_with("_total"), "{}", metric.name);
            for unit in ["_ms", "_milliseconds", "_minutes", "_hours", "_days", "_percent"] {
                assert!(!metric.name.ends_with(unit), "{}", metric.name);
            }
            for label in metric.labels {
                assert!(labels.contains(label), "{label}");
            }
        }
    }
}
