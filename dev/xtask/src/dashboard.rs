//! The dashboard for Grafana, from a list of panels.
use serde_json::{Value, json};

struct Panel {
    title: &'static str,
    about: &'static str,
    form: Form,
    unit: &'static str,
    width: u32,
    queries: &'static [Query],
}

/// How a panel shows its queries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One number.
    Stat,
    /// Lines over time.
    Lines,
    /// The present, one row for each series.
    Table,
    /// The present, one bar for each series.
    Bars,
}

/// What a panel asks Prometheus, and what it calls the answers.
struct Query {
    expr: &'static str,
    legend: &'static str,
}

const fn one(expr: &'static str, legend: &'static str) -> Query {
    Query { expr, legend }
}

/// The rows of the dashboard: a heading and its panels.
const ROWS: &[(&str, &[Panel])] = &[
    (
        "Fleet",
        &[
            Panel {
                title: "Endpoints by expiry date of their model",
                about: "Azure models expire on quarter days. If many endpoints share a date, much work is due before that date.",
                form: Form::Bars,
                unit: "short",
                width: 12,
                queries: &[one(
                    "count_values(\"day\", floor(max by (namespace, name) (speech_endpoint_model_expiry_timestamp_seconds) / 86400) * 86400000)",
                    "{{day}}",
                )],
            },
            Panel {
                title: "Endpoints",
                about: "How many endpoints are declared, and how many of them are Ready.",
                form: Form::Stat,
                unit: "short",
                width: 4,
                queries: &[
                    one("count(speech_endpoint_info)", "declared"),
                    one("sum(speech_endpoint_ready)", "ready"),
                ],
            },
            Panel {
                title: "Intended model answers",
                about: "Share of the endpoints at which the intended model answers now.",
                form: Form::Stat,
                unit: "percentunit",
                width: 4,
                queries: &[one("avg(speech_endpoint_intended_model)", "now")],
            },
            Panel {
                title: "Leader",
                about: "How many replicas act as leader. The right number is one.",
                form: Form::Stat,
                unit: "short",
                width: 4,
                queries: &[one("sum(speech_leader)", "leaders")],
            },
        ],
    ),
    (
        "Expiring",
        &[
            Panel {
                title: "Next expiries",
                about: "The twenty endpoints whose model expires first, and the time that is left.",
                form: Form::Table,
                unit: "s",
                width: 12,
                queries: &[one(
                    "sort(bottomk(20, max by (namespace, name) (speech_endpoint_model_expiry_timestamp_seconds) - time()))",
                    "{{namespace}}/{{name}}",
                )],
            },
            Panel {
                title: "Without a successor within 90 days",
                about: "Endpoints for which no swap is planned before their model expires.",
                form: Form::Table,
                unit: "s",
                width: 12,
                queries: &[one(
                    "sort(speech:endpoint_without_successor:expiry_timestamp_seconds - time() < 90 * 86400)",
                    "{{namespace}}/{{name}}",
                )],
            },
            Panel {
                title: "Revisions of models",
                about: "The time until each retained revision expires.",
                form: Form::Table,
                unit: "s",
                width: 24,
                queries: &[one(
                    "sort(max by (namespace, name, revision) (speech_model_revision_expiry_timestamp_seconds) - time())",
                    "{{namespace}}/{{name}} {{revision}}",
                )],
            },
        ],
    ),
    (
        "Planned and blocked",
        &[
            Panel {
                title: "Planned swaps",
                about: "The time until the next swaps are due. Negative values are overdue.",
                form: Form::Table,
                unit: "s",
                width: 8,
                queries: &[one(
                    "sort(max by (namespace, name) (speech_endpoint_planned_timestamp_seconds{action=\"Swap\"}) - time())",
                    "{{namespace}}/{{name}}",
                )],
            },
            Panel {
                title: "Planned trainings",
                about: "The time until the next trainings are due. Negative values are overdue.",
                form: Form::Table,
                unit: "s",
                width: 8,
                queries: &[one(
                    "sort(max by (namespace, name) (speech_model_planned_timestamp_seconds{action=\"Train\"}) - time())",
                    "{{namespace}}/{{name}}",
                )],
            },
            Panel {
                title: "Blocked, by reason",
                about: "How many endpoints wait for something before their next swap, and how many models before their next training.",
                form: Form::Lines,
                unit: "short",
                width: 8,
                queries: &[one(
                    "sum by (kind, reason) (label_replace(speech_endpoint_blocked, \"kind\", \"endpoint\", \"\", \"\") or label_replace(speech_model_blocked, \"kind\", \"model\", \"\", \"\"))",
                    "{{kind}}: {{reason}}",
                )],
            },
            Panel {
                title: "At risk",
                about: "Unless someone acts, the model of these objects expires before another one follows.",
                form: Form::Table,
                unit: "short",
                width: 12,
                queries: &[one(
                    "max by (kind, namespace, name, reason) (label_replace(speech_endpoint_at_risk, \"kind\", \"endpoint\", \"\", \"\") or label_replace(speech_model_at_risk, \"kind\", \"model\", \"\", \"\"))",
                    "{{kind}} {{namespace}}/{{name}} {{reason}}",
                )],
            },
            Panel {
                title: "Lead-time budget",
                about: "How much time is left if the next swap starts as planned and takes its lead time (twice the longest time seen, at least an hour).",
                form: Form::Lines,
                unit: "s",
                width: 12,
                queries: &[one(
                    "bottomk(10, max by (namespace, name) (speech_endpoint_lead_time_budget_seconds))",
                    "{{namespace}}/{{name}}",
                )],
            },
        ],
    ),
    (
        "Swaps",
        &[
            Panel {
                title: "Swaps by outcome",
                about: "Per day.",
                form: Form::Lines,
                unit: "short",
                width: 8,
                queries: &[one(
                    "sum by (outcome) (increase(speech_swaps_total[1d]))",
                    "{{outcome}}",
                )],
            },
            Panel {
                title: "Trainings by outcome",
                about: "Per day.",
                form: Form::Lines,
                unit: "short",
                width: 8,
                queries: &[one(
                    "sum by (outcome) (increase(speech_trainings_total[1d]))",
                    "{{outcome}}",
                )],
            },
            Panel {
                title: "Gates by verdict",
                about: "Per day.",
                form: Form::Lines,
                unit: "short",
                width: 8,
                queries: &[one(
                    "sum by (verdict) (increase(speech_gates_total[1d]))",
                    "{{verdict}}",
                )],
            },
        ],
    ),
    (
        "Objective: 99.9 % of endpoint-seconds answered by the intended model",
        &[
            Panel {
                title: "Error budget used",
                about: "Share of the error budget of 30 days that is used up. 100 % is all of it.",
                form: Form::Stat,
                unit: "percentunit",
                width: 6,
                queries: &[one("speech:endpoint_seconds_unintended:ratio30d / 0.001", "30 days")],
            },
            Panel {
                title: "Burn rate",
                about: "At a rate of 1, the budget lasts exactly 30 days.",
                form: Form::Lines,
                unit: "short",
                width: 10,
                queries: &[
                    one("speech:endpoint_seconds_unintended:ratio1h / 0.001", "1 h"),
                    one("speech:endpoint_seconds_unintended:ratio6h / 0.001", "6 h"),
                    one("speech:endpoint_seconds_unintended:ratio3d / 0.001", "3 d"),
                ],
            },
            Panel {
                title: "Seconds answered by a base model",
                about: "How long a base model answered in place of an expired model, per day.",
                form: Form::Lines,
                unit: "s",
                width: 8,
                queries: &[one(
                    "sum by (namespace, name) (increase(speech_endpoint_fallback_seconds_total[1d]))",
                    "{{namespace}}/{{name}}",
                )],
            },
        ],
    ),
    (
        "API budget",
        &[
            Panel {
                title: "Budget in use",
                about: "Share of the request budget that each connection has used in the current window.",
                form: Form::Lines,
                unit: "percentunit",
                width: 8,
                queries: &[one(
                    "max by (namespace, name) (speech_connection_budget_used_ratio)",
                    "{{namespace}}/{{name}}",
                )],
            },
            Panel {
                title: "Requests by status",
                about: "Requests per second to all Speech resources. The status 429 is throttling.",
                form: Form::Lines,
                unit: "reqps",
                width: 8,
                queries: &[one(
                    "sum by (code) (rate(speech_remote_requests_total[5m]))",
                    "{{code}}",
                )],
            },
            Panel {
                title: "Request latency",
                about: "95th percentile by operation.",
                form: Form::Lines,
                unit: "s",
                width: 8,
                queries: &[one(
                    "histogram_quantile(0.95, sum by (route, le) (rate(speech_remote_request_duration_seconds_bucket[5m])))",
                    "{{route}}",
                )],
            },
            Panel {
                title: "Age of the last sweep",
                about: "How long ago the operator last read the complete lists of each Speech resource.",
                form: Form::Lines,
                unit: "s",
                width: 8,
                queries: &[one(
                    "time() - max by (namespace, name) (speech_connection_last_sweep_timestamp_seconds)",
                    "{{namespace}}/{{name}}",
                )],
            },
            Panel {
                title: "Entities and orphans",
                about: "How many entities the Speech resources hold, whoever created them, and how many of those no object declares anymore.",
                form: Form::Lines,
                unit: "short",
                width: 8,
                queries: &[
                    one("sum by (type) (speech_connection_entities)", "{{type}}"),
                    one("sum by (type) (speech_connection_orphans)", "orphans: {{type}}"),
                ],
            },
            Panel {
                title: "Reconciliation time",
                about: "95th percentile by kind.",
                form: Form::Lines,
                unit: "s",
                width: 8,
                queries: &[one(
                    "histogram_quantile(0.95, sum by (kind, le) (rate(speech_reconcile_duration_seconds_bucket[5m])))",
                    "{{kind}}",
                )],
            },
        ],
    ),
];

impl Panel {
    fn to_json(&self, id: u32, place: (u32, u32)) -> Value {
        let now = matches!(self.form, Form::Stat | Form::Table | Form::Bars);
        let targets: Vec<Value> = self
            .queries
            .iter()
            .zip('A'..='Z')
            .map(|(query, letter)| target(self, query, letter, now))
            .collect();
        let mut panel = json!({
            "id": id, "title": self.title, "description": self.about, "type": self.form.as_str(),
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "gridPos": {"x": place.0, "y": place.1, "w": self.width, "h": HEIGHT},
            "fieldConfig": {"defaults": {"unit": self.unit}, "overrides": []},
            "targets": targets,
        });
        if let Some(members) = panel.as_object_mut() {
            members.extend(self.shape());
        }
        panel
    }
}

impl Panel {
    /// What a panel of this form has besides what all have.
    fn shape(&self) -> Vec<(String, Value)> {
        let hide_time = json!({"id": "organize", "options": {"excludeByName": {"Time": true}}});
        let options = |value: Value| ("options".to_owned(), value);
        let transformations = |steps: Value| ("transformations".to_owned(), steps);
        match self.form {
            Form::Stat => vec![options(
                json!({"reduceOptions": {"calcs": ["lastNotNull"], "values": false}}),
            )],
            Form::Table => vec![transformations(json!([hide_time]))],
            // The day stands in a label, in milliseconds: shown as a date, in its order.
            Form::Bars => vec![
                transformations(json!([
                    {"id": "convertFieldType", "options": {"conversions": [{"targetField": "day", "destinationType": "time"}]}},
                    hide_time,
                    {"id": "sortBy", "options": {"sort": [{"field": "day"}]}},
                ])),
                options(json!({"xField": "day", "xTickLabelRotation": -45})),
            ],
            Form::Lines => Vec::new(),
        }
    }
}

fn target(panel: &Panel, query: &Query, letter: char, now: bool) -> Value {
    let table = matches!(panel.form, Form::Table | Form::Bars);
    json!({
        "refId": letter.to_string(), "expr": query.expr, "legendFormat": query.legend,
        "instant": now, "range": !now, "format": if table { "table" } else { "time_series" },
    })
}

impl Form {
    fn as_str(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Lines => "timeseries",
            Self::Table => "table",
            Self::Bars => "barchart",
        }
    }
}

/// The height of a panel, in units of the grid.
const HEIGHT: u32 = 8;
/// The width of the grid.
const WIDTH: u32 = 24;

/// `deploy/monitoring/grafana-dashboard.json`.
pub fn document() -> String {
    let mut panels = Vec::new();
    let (mut id, mut y) = (0, 0);
    for (heading, row) in ROWS {
        id += 1;
        panels.push(json!({
            "id": id, "title": heading, "type": "row", "collapsed": false, "panels": [],
            "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1},
        }));
        y += 1;
        let mut x = 0;
        for panel in *row {
            if x + panel.width > WIDTH {
                (x, y) = (0, y + HEIGHT);
            }
            id += 1;
            panels.push(panel.to_json(id, (x, y)));
            x += panel.width;
        }
        y += HEIGHT;
    }
    let dashboard = json!({
        "uid": "speech-operator", "title": "Speech operator", "tags": ["speech-operator"],
        "description": "Generated by `make crds`. It needs the recording rules of deploy/monitoring.",
        "schemaVersion": 39, "version": 1, "editable": true, "refresh": "1m",
        "time": {"from": "now-24h", "to": "now"}, "timezone": "utc",
        "templating": {"list": [{
            "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {},
        }]},
        "panels": panels,
    });
    let mut text = serde_json::to_string_pretty(&dashboard).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_panels_overlap_or_leave_the_grid_and_ids_are_unique() {
        let dashboard: Value = serde_json::from_str(&document()).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        let mut cells = std::collections::HashSet::new();
        let mut ids = std::collections::HashSet::new();
        for panel in panels {
            assert!(ids.insert(panel["id"].to_string()), "{panel}");
            let place = |side: &str| panel["gridPos"][side].as_u64().unwrap();
            for x in place("x")..place("x") + place("w") {
                assert!(x < u64::from(WIDTH), "{panel}");
                for y in place("y")..place("y") + place("h") {
                    assert!(cells.insert((x, y)), "{} overlaps", panel["title"]);
                }
            }
        }
    }
}
