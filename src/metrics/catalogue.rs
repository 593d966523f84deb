//! All metrics: names, labels and meaning, each in one place. `docs/metrics.md` is generated from here.
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
    /// What a value says.
    pub help: &'static str,
    /// How many series there can be, and when there is none.
    pub series: &'static str,
}

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Goes up and down.
    Gauge,
    /// Only grows, until the process ends.
    Counter,
    /// Counts values by size.
    Histogram,
    /// Always 1: the labels tell.
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
    /// The name of the series that queries use; of a histogram, what its series begin with.
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
        "What an endpoint is declared as", "one for each SpeechEndpoint";
    ENDPOINT_EXPIRY = Gauge "endpoint_model_expiry_timestamp_seconds" ["namespace", "name"]
        "When the active model of an endpoint expires (Unix time)", "one for each endpoint that serves a model whose date is known";
    ENDPOINT_INTENDED = Gauge "endpoint_intended_model" ["namespace", "name"]
        "Whether the intended model answers at an endpoint (1), or one that stands in for it (0): a base model after an expiry, or the stand-in of a gate", "one for each endpoint that serves a model whose date is known";
    ENDPOINT_READY = Gauge "endpoint_ready" ["namespace", "name"]
        "Whether an endpoint is Ready (1) or not (0)", "one for each SpeechEndpoint with a condition Ready";
    ENDPOINT_NEXT = Gauge "endpoint_next_action_timestamp_seconds" ["namespace", "name", "action"]
        "When the next planned step of an endpoint is due (Unix time)", "one for each endpoint with a plan; action is Evaluate, Swap or Expire";
    ENDPOINT_PLANNED = Gauge "endpoint_planned_timestamp_seconds" ["namespace", "name", "action"]
        "When the first step of each kind in the plan of an endpoint is due (Unix time)", "up to three for each endpoint with a plan";
    ENDPOINT_OVERDUE = Gauge "endpoint_overdue_seconds" ["namespace", "name", "action"]
        "For how long the next step of an endpoint has been due without having begun, whether or not something blocks it, or has run beyond twice the longest time seen", "only while the step is due; at most one for each endpoint";
    ENDPOINT_BLOCKED = Gauge "endpoint_blocked" ["namespace", "name", "reason"]
        "1 while something has to happen before the next swap of an endpoint may begin, by the first reason", "only while it is so; at most one for each endpoint, the reasons are those of reasons.md";
    ENDPOINT_BUDGET = Gauge "endpoint_lead_time_budget_seconds" ["namespace", "name"]
        "How much time would be left before the expiry if the next swap began when it is planned, and took twice the longest time seen; negative: it may come too late", "one for each endpoint with a planned swap and a known expiry";
    ENDPOINT_AT_RISK = Gauge "endpoint_at_risk" ["namespace", "name", "reason"]
        "1 while the condition AtRisk of an endpoint is True, by its reason", "only while it is so; at most one for each endpoint";
    ENDPOINT_FALLBACK_SINCE = Gauge "endpoint_fallback_since_timestamp_seconds" ["namespace", "name"]
        "Since when a base model has answered in the place of the expired model of an endpoint (Unix time)", "only while it is so; at most one for each endpoint";
    ENDPOINT_FALLBACK = Counter "endpoint_fallback_seconds" ["namespace", "name"]
        "How long a base model has answered in the place of an expired model", "one for each endpoint that ever fell back; survives restarts, because the status holds it";
    ENDPOINT_GATE = Gauge "endpoint_gate" ["namespace", "name", "verdict"]
        "1 for the verdict on the last candidate of an endpoint: Pending, Pass, Fail, Inconclusive or Error", "one for each endpoint that ever judged a candidate";
    ENDPOINT_QUARANTINED = Gauge "endpoint_quarantined_models" ["namespace", "name", "reason"]
        "How many models an endpoint never chooses because they failed, by reason: GateFailed or DeploymentFailed", "only while there are some; at most two for each endpoint";

    #[group = "Models"]
    MODEL_INFO = Info "model" ["namespace", "name", "connection", "locale", "source"]
        "What a model is declared as", "one for each SpeechModel";
    MODEL_EXPIRY = Gauge "model_expiry_timestamp_seconds" ["namespace", "name"]
        "When the current revision of a model expires (Unix time)", "one for each model whose date is known";
    MODEL_REVISION_EXPIRY = Gauge "model_revision_expiry_timestamp_seconds" ["namespace", "name", "revision"]
        "When each revision of a model that is kept expires (Unix time)", "one for each revision whose date is known; `revisionHistoryLimit` bounds them, and a revision that is deleted leaves no series";
    MODEL_READY = Gauge "model_ready" ["namespace", "name"]
        "Whether a model is Ready (1) or not (0)", "one for each SpeechModel with a condition Ready";
    MODEL_NEXT = Gauge "model_next_action_timestamp_seconds" ["namespace", "name", "action"]
        "When the next planned step of a model is due (Unix time)", "one for each model with a plan; action is Train, Copy or Expire";
    MODEL_PLANNED = Gauge "model_planned_timestamp_seconds" ["namespace", "name", "action"]
        "When the first step of each kind in the plan of a model is due (Unix time)", "up to three for each model with a plan";
    MODEL_OVERDUE = Gauge "model_overdue_seconds" ["namespace", "name", "action"]
        "For how long the next step of a model has been due without having begun, whether or not something blocks it, or has run beyond twice the longest time seen", "only while the step is due; at most one for each model";
    MODEL_BLOCKED = Gauge "model_blocked" ["namespace", "name", "reason"]
        "1 while something has to happen before the next training of a model may begin, by its reason", "only while it is so; at most one for each model";
    MODEL_BUDGET = Gauge "model_lead_time_budget_seconds" ["namespace", "name"]
        "How much time would be left before the expiry if the next training began when it is planned, and training and deploying took twice the longest times seen; negative: it may come too late", "one for each model with a planned training and a known expiry";
    MODEL_AT_RISK = Gauge "model_at_risk" ["namespace", "name", "reason"]
        "1 while the condition AtRisk of a model is True, by its reason", "only while it is so; at most one for each model";

    #[group = "Outcomes"]
    SWAPS = Counter "swaps" ["outcome"]
        "Swaps of endpoints to another model that ended: Succeeded or Failed", "two; from 0, since the start of this leader";
    TRAININGS = Counter "trainings" ["outcome"]
        "Trainings that ended: Succeeded or Failed", "two; from 0, since the start of this leader";
    GATES = Counter "gates" ["verdict"]
        "Verdicts on candidates: Pass, Fail, Inconclusive or Error", "four; from 0, since the start of this leader";
    DRIFT = Counter "drift_corrections" ["kind", "namespace", "name"]
        "How often what somebody changed in the Speech service was put back", "one for each object to which that happened since the start of this leader";
    CLUSTER_REFUSED = Gauge "cluster_refused" ["kind", "namespace", "name"]
        "1 while the cluster refuses what the operator has to write of an object, by a policy, a webhook or a missing right", "one for each such object";
    ORPHANED = Counter "orphaned" ["kind"]
        "Objects that were released though what they have in the Speech service could not be deleted", "two; from 0, since the start of this leader";
    RELEASED = Counter "released" ["kind"]
        "Objects that were let go because a CustomResourceDefinition or the operator's own namespace was being deleted, or because the operator only observes; what they have in the Speech service stays", "two, and connections; from 0, since the start of this process";
    OBSERVE_ONLY = Gauge "observe_only" []
        "1 where the operator runs with --observe-only and changes nothing in the Speech service, else 0", "one";

    #[group = "Connections"]
    CONNECTION_READY = Gauge "connection_ready" ["namespace", "name"]
        "Whether a connection is Ready (1) or not (0)", "one for each SpeechConnection with a condition Ready";
    CONNECTION_SWEPT = Gauge "connection_last_sweep_timestamp_seconds" ["namespace", "name"]
        "When the lists of a Speech resource were last read whole (Unix time)", "one for each connection whose lists were ever read";
    CONNECTION_SWEEP_TIME = Gauge "connection_sweep_duration_seconds" ["namespace", "name"]
        "How long the last reading of a Speech resource took", "one for each connection whose lists were ever read";
    CONNECTION_ENTITIES = Gauge "connection_entities" ["namespace", "name", "type"]
        "What a Speech resource holds, whoever made it", "two for each connection whose lists were read: endpoint and model";
    CONNECTION_ORPHANS = Gauge "connection_orphans" ["namespace", "name", "type"]
        "Endpoints and models that this cluster made in a Speech resource and that no object declares any more", "only while there are some; at most two for each connection";
    CONNECTION_BUDGET_USED = Gauge "connection_budget_used_ratio" ["namespace", "name"]
        "Share of the request budget that is used in the present window", "one for each connection";
    CONNECTION_BUDGET = Gauge "connection_budget_requests" ["namespace", "name"]
        "How many requests the budget of a connection allows in a window", "one for each connection";
    CONNECTION_BUDGET_LEFT = Gauge "connection_budget_effective_requests" ["namespace", "name"]
        "What throttling by the service has left of the budget", "one for each connection";
    CONNECTION_WAITING = Gauge "connection_requests_waiting" ["namespace", "name"]
        "How many requests wait for their turn in the budget", "one for each connection";
    CONNECTION_THROTTLED = Gauge "connection_throttled" ["namespace", "name"]
        "Whether the service throttles the requests of a connection (1) or not (0)", "one for each connection";
    CONNECTION_DELETIONS_HELD = Gauge "connection_deletions_held" ["namespace", "name"]
        "Entities in the Speech service whose deletion waits for somebody's word, because more than deletionGuard allows would go at once", "one for each connection";
    CONNECTION_SKEW = Gauge "connection_clock_skew_seconds" ["namespace", "name"]
        "How far the clock of the Speech service is ahead of ours for certain; negative if it is behind", "one for each connection once an answer told the time";
    REQUESTS = Counter "remote_requests" ["route", "code"]
        "Requests to the Speech service, by operation and status", "operations (about 30) by statuses that occurred";
    REQUEST_SECONDS = Histogram "remote_request_duration_seconds" ["route"]
        "Time of a request to the Speech service", "operations (about 30)";

    #[group = "The operator"]
    LEADER = Gauge "leader" []
        "Whether this replica acts (1) or stands by (0)", "one for each replica that has filled its stores";
    TRANSITIONS = Gauge "leader_transitions" []
        "How often the Lease had changed hands when this replica took it", "one for each replica that ever took it";
    RECONCILES = Counter "reconciles" ["kind", "outcome"]
        "Passes over objects, by outcome", "kinds by outcomes that occurred";
    RECONCILE_SECONDS = Histogram "reconcile_duration_seconds" ["kind"]
        "Time of a pass over an object", "one for each kind";
    QUEUE_OLDEST = Gauge "queue_oldest_seconds" ["kind"]
        "How long the object that was woken first has waited for its pass", "only while one waits; at most one for each kind";
    PASS_OLDEST = Gauge "pass_oldest_seconds" ["kind"]
        "How long the oldest pass has run", "only while one runs; at most one for each kind";
    WATCH_SILENCE = Gauge "watch_silence_seconds" ["kind"]
        "How long ago the apiserver last answered a watch: an event, a bookmark, a list", "one for each kind that is watched";
    WATCH_FAILURES = Counter "watch_failures" ["kind"]
        "Watches of the cluster that broke off with an error", "one for each kind to which that happened";
    UNREADABLE = Gauge "unreadable_objects" ["kind"]
        "Objects of the cluster that do not fit their type and are left as they are", "only while there are some; at most one for each kind";
    FLUX_EVENTS = Counter "flux_events" ["outcome"]
        "Events for Flux' notification-controller, by what became of them: Sent, Duplicate (it was told the same a moment ago), Refused, Failed (no answer to any attempt) or Dropped (too many waited)", "five with `--flux-events`, from 0, since the start of this process; else none";
    BUILD = Info "build" ["version"]
        "The running program", "one";
}

/// `docs/metrics.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Metrics\n\n<!-- Generated by `speech-operator crds --write`; do not edit. -->\n\n\
         `/metrics` on the port of `--listen`, in the OpenMetrics format. What is known of objects is read from the stores at the\n\
         moment of the scrape, so a deleted object leaves no series. **What is not known has no series; it never is 0.** Only the\n\
         leader tells of objects and connections: else every alert would sound once for each replica. Scrape with\n\
         `honor_labels: true`: `namespace` is that of the object.\n\n\
         Times are Unix times in seconds, so `speech_endpoint_model_expiry_timestamp_seconds - time()` is what is left.\n\
         Alerts and recording rules: [deploy/monitoring](../deploy/monitoring), [runbooks.md](runbooks.md).\n",
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
