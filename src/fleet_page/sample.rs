//! A fleet as a cluster would give it, for tests and for the pictures of the documentation: plain JSON, so that tests
//! outside of the library use it too.
use serde_json::{Value, json};

/// The present of the sample.
pub const NOW: &str = "2026-11-21T07:00:00Z";
const API: &str = "customspeech.dev/v1alpha1";
const QUARTERS: [&str; 5] = ["2027-01-15", "2027-04-15", "2027-07-15", "2027-10-15", "2028-01-15"];

/// Connections, models and endpoints.
#[derive(Default)]
pub struct Sample {
    pub connections: Vec<Value>,
    pub models: Vec<Value>,
    pub endpoints: Vec<Value>,
}

/// What tells one endpoint from another.
#[derive(Clone, Copy)]
struct Line {
    namespace: &'static str,
    name: &'static str,
    connection: &'static str,
    locale: &'static str,
    model: &'static str,
    revision: i32,
    expires: &'static str,
    story: Story,
}

/// How an endpoint fares.
#[derive(Clone, Copy)]
enum Story {
    /// A swap is planned for this day.
    Swap(&'static str),
    /// A swap is planned, and has to wait for a person.
    Approval(&'static str),
    /// It moves right now.
    Swapping,
    /// The gate refused the candidate.
    Gate(&'static str),
    /// Nothing follows.
    Alone,
    /// A base model answers.
    Expired,
    /// Its connection does not work; a swap was planned.
    Down(&'static str),
    Suspended,
}

const fn line(
    path: (&'static str, &'static str, &'static str),
    locale: &'static str,
    model: (&'static str, i32, &'static str),
    story: Story,
) -> Line {
    let ((namespace, name, connection), (model, revision, expires)) = (path, model);
    Line {
        namespace,
        name,
        connection,
        locale,
        model,
        revision,
        expires,
        story,
    }
}

const LINES: [Line; 18] = [
    line(
        ("claims", "intake", "west-europe"),
        "de-DE",
        ("claims", 4, QUARTERS[0]),
        Story::Swap("2026-12-12T01:20:00Z"),
    ),
    line(
        ("claims", "intake-night", "west-europe"),
        "de-DE",
        ("claims", 4, QUARTERS[0]),
        Story::Swap("2026-12-13T02:05:00Z"),
    ),
    line(
        ("claims", "recourse", "west-europe"),
        "de-DE",
        ("claims", 4, QUARTERS[0]),
        Story::Swap("2026-12-19T01:40:00Z"),
    ),
    line(
        ("claims", "fraud-desk", "west-europe"),
        "en-GB",
        ("fraud", 2, QUARTERS[0]),
        Story::Gate("2027-01-08T00:00:00Z"),
    ),
    line(
        ("contact-center", "hotline", "east-us"),
        "en-US",
        ("hotline", 7, QUARTERS[1]),
        Story::Swap("2027-02-14T06:00:00Z"),
    ),
    line(
        ("contact-center", "hotline-es", "east-us"),
        "es-MX",
        ("hotline-es", 3, QUARTERS[1]),
        Story::Swap("2027-02-21T06:30:00Z"),
    ),
    line(
        ("contact-center", "hotline-fr", "east-us"),
        "fr-CA",
        ("hotline-fr", 3, QUARTERS[1]),
        Story::Approval("2027-02-28T06:00:00Z"),
    ),
    line(
        ("contact-center", "callback", "east-us"),
        "en-US",
        ("hotline", 6, "2026-11-15"),
        Story::Expired,
    ),
    line(
        ("contact-center", "chat-voice", "east-us"),
        "en-US",
        ("hotline", 7, QUARTERS[1]),
        Story::Swapping,
    ),
    line(
        ("contact-center", "pilot", "east-us"),
        "en-US",
        ("20250915", 0, QUARTERS[2]),
        Story::Suspended,
    ),
    line(
        ("clinics", "dictation-cardiology", "private-link"),
        "de-DE",
        ("cardiology", 5, QUARTERS[1]),
        Story::Down("2027-03-06T21:00:00Z"),
    ),
    line(
        ("clinics", "dictation-radiology", "private-link"),
        "de-DE",
        ("radiology", 9, QUARTERS[2]),
        Story::Down("2027-05-29T21:00:00Z"),
    ),
    line(
        ("field-service", "reports", "west-europe"),
        "nl-NL",
        ("20251112", 0, QUARTERS[2]),
        Story::Swap("2027-05-22T02:00:00Z"),
    ),
    line(
        ("field-service", "reports-pl", "west-europe"),
        "pl-PL",
        ("20251112", 0, QUARTERS[2]),
        Story::Swap("2027-05-23T02:40:00Z"),
    ),
    line(
        ("field-service", "reports-cs", "west-europe"),
        "cs-CZ",
        ("20250801", 0, QUARTERS[3]),
        Story::Alone,
    ),
    line(
        ("field-service", "dispatch", "west-europe"),
        "en-GB",
        ("dispatch", 1, QUARTERS[3]),
        Story::Swap("2027-08-14T02:00:00Z"),
    ),
    line(
        ("letters", "dictation", "west-europe"),
        "de-AT",
        ("letters", 11, QUARTERS[3]),
        Story::Swap("2027-08-15T02:10:00Z"),
    ),
    line(
        ("letters", "dictation-board", "west-europe"),
        "de-AT",
        ("letters", 11, QUARTERS[3]),
        Story::Swap("2027-08-21T02:10:00Z"),
    ),
];

/// A fleet of some teams, with something of everything.
pub fn fleet() -> Sample {
    let mut sample = Sample {
        connections: vec![
            connection("speech-system", "west-europe", None),
            connection("speech-system", "east-us", None),
            connection(
                "clinics",
                "private-link",
                Some("no answer from contoso-clinics.cognitiveservices.azure.com within 10 s"),
            ),
        ],
        ..Sample::default()
    };
    sample.endpoints = LINES
        .iter()
        .enumerate()
        .map(|(number, line)| endpoint(line, number))
        .collect();
    sample.models = vec![
        model(
            "claims",
            "claims",
            "west-europe",
            "de-DE",
            4,
            QUARTERS[0],
            Some("2026-11-28T00:00:00Z"),
        ),
        model(
            "contact-center",
            "hotline",
            "east-us",
            "en-US",
            7,
            QUARTERS[1],
            Some("2027-01-15T00:00:00Z"),
        ),
        model(
            "contact-center",
            "hotline-es",
            "east-us",
            "es-MX",
            3,
            QUARTERS[1],
            Some("2027-01-17T00:00:00Z"),
        ),
        model(
            "field-service",
            "dispatch",
            "west-europe",
            "en-GB",
            1,
            QUARTERS[3],
            Some("2027-07-17T00:00:00Z"),
        ),
        model(
            "letters",
            "letters",
            "west-europe",
            "de-AT",
            11,
            QUARTERS[3],
            Some("2027-07-17T00:00:00Z"),
        ),
        model("letters", "archive", "west-europe", "de-AT", 2, QUARTERS[4], None),
    ];
    sample
}

/// A fleet of so many endpoints, like the one above again and again.
pub fn many(count: usize) -> Sample {
    let mut sample = fleet();
    sample.endpoints = (0..count)
        .map(|number| {
            let mut object = endpoint(&LINES[number % LINES.len()], number);
            let name = format!("{}-{number}", object["metadata"]["name"].as_str().unwrap_or_default());
            object["metadata"]["name"] = name.into();
            object
        })
        .collect();
    sample
}

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-11-20T07:00:00Z",
    })
}

fn connection(namespace: &str, name: &str, down: Option<&str>) -> Value {
    let ready = match down {
        Some(message) => condition("Ready", "False", "Unreachable", message),
        None => condition("Ready", "True", "Connected", "3 lists were read"),
    };
    json!({
        "apiVersion": API, "kind": "SpeechConnection", "metadata": {"namespace": namespace, "name": name, "generation": 1},
        "spec": {
            "endpoint": "https://westeurope.api.cognitive.microsoft.com",
            "auth": {"keySecretRef": {"name": "speech"}},
        },
        "status": {"observedGeneration": 1, "conditions": [ready]},
    })
}

fn home(connection: &str) -> &'static str {
    if connection == "private-link" {
        "clinics"
    } else {
        "speech-system"
    }
}

fn endpoint(line: &Line, number: usize) -> Value {
    let id = format!("5b0c7a3e-1f0a-4a53-9a55-{number:012x}");
    let host = format!("{}.stt.speech.microsoft.com", line.connection.replace('-', ""));
    let rest = |mode: &str| format!("https://{host}/speech/recognition/{mode}/cognitiveservices/v1?cid={id}");
    let mut status = json!({
        "observedGeneration": 1, "id": id,
        "self": format!("https://{}.api.cognitive.microsoft.com/speechtotext/endpoints/{id}?api-version=2025-10-15", line.connection.replace('-', "")),
        "links": {"webSocket": format!("wss://{host}/stt/speech/universal/v2?cid={id}"), "restConversation": rest("conversation")},
        "active": {
            "model": "m", "name": line.model, "expiresAt": format!("{}T00:00:00Z", line.expires), "since": "2026-01-20T00:00:00Z",
        },
        "plan": [], "conditions": [condition("Ready", "True", "Serving", "The endpoint serves the declared model.")],
    });
    let mut next = line.model.to_owned();
    if line.revision > 0 {
        status["active"]["revision"] = line.revision.into();
        next = format!("{next}, revision {}", line.revision + 1);
    } else {
        status["active"]["base"] = true.into();
        next = if next == "20251112" {
            "20260801".to_owned()
        } else {
            next
        };
    }
    let swap = |at: &str, reason: &str| json!({"action": "Swap", "at": at, "to": next, "reason": reason});
    let at_risk = |message: &str| condition("AtRisk", "True", "ApprovalAwaited", message);
    let ready = |status: &str, reason: &str, message: &str| condition("Ready", status, reason, message);
    match line.story {
        Story::Swap(at) => status["plan"] = json!([swap(at, "BeforeExpiry")]),
        Story::Down(at) => status["plan"] = json!([swap(at, "BeforeExpiry")]),
        Story::Approval(at) => {
            let mut step = swap(at, "BeforeExpiry");
            let risk = "expires on 2027-04-15 if nobody approves hotline-fr, revision 4";
            step["blockedBy"] = json!(["approval of hotline-fr, revision 4"]);
            step["risk"] = risk.into();
            status["plan"] = json!([step]);
            status["conditions"] = json!([
                ready("True", "ApprovalAwaited", "A newer model waits for an approval."),
                at_risk(risk)
            ]);
        }
        Story::Gate(at) => {
            let mut step = swap(at, "Deadline");
            let risk =
                "fraud, revision 3 failed its gate (WER 14.2 % > 12.9 %); nothing else follows before 2027-01-15";
            step["risk"] = risk.into();
            step["forecast"] = true.into();
            status["plan"] = json!([step]);
            status["conditions"] = json!([
                ready("True", "GateFailed", "The candidate is worse than the gate allows."),
                at_risk(risk)
            ]);
        }
        Story::Swapping => {
            let now = "2026-11-21T06:55:00Z";
            status["plan"] = json!([swap(now, "Deploying")]);
            status["conditions"] = json!([
                ready("True", "Swapping", "The endpoint is moving to hotline, revision 8."),
                condition(
                    "Reconciling",
                    "True",
                    "Swapping",
                    "The endpoint is moving to hotline, revision 8."
                ),
            ]);
        }
        Story::Expired => {
            status["fallback"] = json!({"since": "2026-11-15T00:00:00Z", "seconds": 0});
            let risk = "hotline, revision 6 has expired: a base model answers. No newer model can be deployed: quarantine holds hotline, revision 7";
            status["conditions"] = json!([ready("False", "ModelExpired", "The model has expired."), at_risk(risk)]);
        }
        Story::Alone => {
            let risk = "no newer base model of cs-CZ can be deployed";
            status["plan"] = json!([{"action": "Expire", "at": format!("{}T00:00:00Z", line.expires), "reason": "NoSuccessor", "risk": risk}]);
            status["conditions"] = json!([
                ready("True", "NoSuccessor", "Nothing newer follows the active model."),
                at_risk(risk)
            ]);
        }
        Story::Suspended => {}
    }
    let windows = match line.connection {
        "east-us" => {
            json!([{"kind": "Deny", "from": "2026-12-20", "until": "2027-01-06", "timeZone": "America/New_York"}])
        }
        _ => json!([
            {"kind": "Allow", "days": ["Sat", "Sun"], "start": "01:00", "duration": "4h", "timeZone": "Europe/Berlin"},
            {"kind": "Deny", "from": "2026-12-20", "until": "2027-01-06", "timeZone": "Europe/Berlin"},
        ]),
    };
    json!({
        "apiVersion": API, "kind": "SpeechEndpoint",
        "metadata": {"namespace": line.namespace, "name": line.name, "uid": format!("endpoint {number}"), "generation": 1},
        "spec": {
            "connectionRef": {"namespace": home(line.connection), "name": line.connection}, "locale": line.locale,
            "model": {"base": {}}, "swap": {"windows": windows}, "suspend": matches!(line.story, Story::Suspended),
        },
        "status": status,
    })
}

fn model(
    namespace: &str,
    name: &str,
    connection: &str,
    locale: &str,
    revision: i32,
    expires: &str,
    train: Option<&str>,
) -> Value {
    let plan: Vec<Value> = train
        .iter()
        .map(|at| json!({"action": "Train", "at": at, "to": format!("{name}, revision {}", revision + 1), "reason": "BeforeExpiry"}))
        .collect();
    json!({
        "apiVersion": API, "kind": "SpeechModel",
        "metadata": {"namespace": namespace, "name": name, "uid": format!("model {namespace}/{name}"), "generation": 1},
        "spec": {
            "connectionRef": {"namespace": home(connection), "name": connection}, "locale": locale,
            "source": {"training": {"datasets": ["23b6554d-21f9-4df1-89cb-f84510ac8d23"]}},
        },
        "status": {
            "observedGeneration": 1,
            "current": {
                "revision": revision, "id": "1b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11", "name": name,
                "self": "https://westeurope.api.cognitive.microsoft.com/speechtotext/models/1b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11?api-version=2025-10-15",
                "createdAt": "2026-01-15T00:00:00Z", "expiresAt": format!("{expires}T00:00:00Z"), "supportsEndpoints": true,
            },
            "plan": plan, "conditions": [condition("Ready", "True", "Synced", "Everything is as declared.")],
        },
    })
}
