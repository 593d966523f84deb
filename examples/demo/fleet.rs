//! The second story: a dozen endpoints whose models all expire on one quarter day.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::harness::eventually;
use super::record::Application;
use super::screen::{Screen, Style};
use super::service::{Service, text};
use super::stage::Stage;
use super::story::{day, travel, wait};
use super::{DemoError, demand};

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// The Speech resource of the fleet.
const RESOURCE: &str = "fleet";
const OLD: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const NEW: &str = "aaaaaaaa-0000-4000-8000-000000000002";
const CLINIC_OLD: &str = "cccccccc-0000-4000-8000-000000000001";
const CLINIC_WORSE: &str = "cccccccc-0000-4000-8000-000000000002";
const CLINIC_BETTER: &str = "cccccccc-0000-4000-8000-000000000003";
const CITIES: [&str; 8] = [
    "basel", "berlin", "cologne", "graz", "hamburg", "munich", "vienna", "zurich",
];
const TRADING: [&str; 2] = ["trading-desk", "trading-floor"];

/// Plays all acts.
pub async fn play(screen: &mut Screen, stage: &Stage) -> Result<(), DemoError> {
    let service = Service::of(stage.emulator_url(), RESOURCE)?;
    screen.next_picture();
    declare(screen, stage).await?;
    let listeners = listeners(stage, &service).await?;
    publish(screen, stage).await?;
    june(screen, stage).await?;
    after_the_freeze(screen, stage).await?;
    quarter_day(screen, stage, &service, listeners).await
}

/// The resource: three lines of models that expire on 15 July 2028, and what follows them.
fn resource() -> Value {
    let base = "bbbbbbbb-0000-4000-8000-000000000001";
    let model = |id: &str, name: &str, created: &str, expires: &str| {
        json!({"id": id, "displayName": name, "locale": "en-US", "createdDateTime": created,
               "transcriptionDateTime": expires, "baseModel": base})
    };
    let (soon, late) = ("2028-07-15T00:00:00Z", "2029-07-15T00:00:00Z");
    json!({
        "key1": "demo-key-1", "key2": "demo-key-2", "updateStatus": "Running",
        "timings": {"training": 2, "endpointCreate": 1, "endpointUpdate": 1, "evaluation": 2},
        "baseModels": [{"id": base, "displayName": "20270712", "locale": "en-US", "createdDateTime": "2027-07-14T10:20:31Z",
            "adaptationDateTime": "2028-07-15T00:00:00Z", "transcriptionDateTime": late}],
        "datasets": [{"id": "dddddddd-0000-4000-8000-000000000001", "displayName": "Clinic test calls", "kind": "Acoustic",
            "locale": "en-US", "createdDateTime": "2027-01-12T09:00:00Z", "acceptedLineCount": 900,
            "contentUrl": "https://contoso.blob.core.windows.net/speech/clinic-test-calls.zip"}],
        "models": [
            model(OLD, "Hotline 2026", "2026-07-20T10:00:00Z", soon),
            model(NEW, "Hotline 2028", "2028-04-10T10:00:00Z", late),
            model(CLINIC_OLD, "Clinic 2026", "2026-07-21T10:00:00Z", soon),
            model(CLINIC_WORSE, "Clinic 2028a", "2028-04-11T10:00:00Z", late),
            model(CLINIC_BETTER, "Clinic 2028b", "2028-04-12T10:00:00Z", late),
        ],
        "scores": {
            (format!("models/{CLINIC_OLD}")): {"wordErrorRate": 0.121, "wordCount": 5200},
            (format!("models/{CLINIC_WORSE}")): {"wordErrorRate": 0.182, "wordCount": 5200},
            (format!("models/{CLINIC_BETTER}")): {"wordErrorRate": 0.094, "wordCount": 5200},
        },
    })
}

async fn declare(screen: &mut Screen, stage: &Stage) -> Result<(), DemoError> {
    stage.control().put_resource(RESOURCE, resource()).await?;
    let today = day(&stage.control().now().await?.to_string());
    screen.act(&format!(
        "{today}  A fleet: twelve endpoints, and all their models expire on 2028-07-15"
    ));
    screen.say(
        "Eight cities swap before the expiry, each on its own day. Trading is frozen until 20 June. Legal wants to agree \
         to each model. The clinic judges a candidate on its test calls first.",
    );
    stage.apply_with_address(screen, "deploy/demo/fleet.yaml").await?;
    wait(screen, stage, "--for=condition=Ready", "spep --selector=fleet=contoso").await?;
    table(screen, stage).await
}

/// Applications that go on recognizing until the end.
async fn listeners(stage: &Stage, service: &Service) -> Result<Vec<(&'static str, Application)>, DemoError> {
    let mut listeners = Vec::new();
    for name in ["berlin", "trading-floor", "legal", "clinic"] {
        let id = text(&stage.object(&format!("spep/{name}")).await?, "/status/id");
        listeners.push((name, Application::start(service.clone(), &id)));
    }
    Ok(listeners)
}

async fn publish(screen: &mut Screen, stage: &Stage) -> Result<(), DemoError> {
    travel(
        screen,
        stage,
        "2028-05-10T09:00:00Z",
        "Newer models are there; the team names them",
    )
    .await?;
    name_model(screen, stage, "hotline", NEW).await?;
    name_model(screen, stage, "clinic", CLINIC_WORSE).await?;
    for city in CITIES {
        reason(stage, city, "SwapScheduled").await?;
    }
    for desk in TRADING {
        reason(stage, desk, "WindowClosed").await?;
    }
    reason(stage, "legal", "ApprovalAwaited").await?;
    let clinic = until(stage, "clinic", "has a model in quarantine", |clinic| {
        text(clinic, "/status/quarantine/0/reason") == "GateFailed"
    })
    .await?;
    table(screen, stage).await?;
    let mut days = BTreeSet::new();
    for city in CITIES {
        days.insert(day(&text(
            &stage.object(&format!("spep/{city}")).await?,
            "/status/plan/0/at",
        )));
    }
    demand(days.len() >= 5, "the swaps of the cities lie on different days", || {
        format!("{days:?}")
    })?;
    screen.good(&format!(
        "the eight cities will swap on {} different days, from {} to {}",
        days.len(),
        days.first().map_or("", String::as_str),
        days.last().map_or("", String::as_str)
    ));
    screen.bad(&format!(
        "clinic: Clinic 2028a failed its gate and is in quarantine: {}",
        text(&clinic, "/status/quarantine/0/message")
    ));
    serves(stage, "clinic", CLINIC_OLD).await
}

async fn june(screen: &mut Screen, stage: &Stage) -> Result<(), DemoError> {
    travel(
        screen,
        stage,
        "2028-06-12T09:00:00Z",
        "Legal agrees, late; the clinic has a better model",
    )
    .await?;
    let approved = format!("customspeech.dev/approved-model={NEW}");
    stage.kubectl(screen, &["annotate", "spep", "legal", &approved]).await?;
    name_model(screen, stage, "clinic", CLINIC_BETTER).await?;
    moved(stage, "legal", NEW).await?;
    moved(stage, "clinic", CLINIC_BETTER).await?;
    cities_keep_their_days(stage).await?;
    for desk in TRADING {
        serves(stage, desk, OLD).await?;
    }
    table(screen, stage).await?;
    let clinic = stage.object("spep/clinic").await?;
    demand(
        text(&clinic, "/status/gate/verdict") == "Pass",
        "Clinic 2028b passed its gate",
        || clinic.pointer("/status/gate").unwrap_or(&Value::Null).to_string(),
    )?;
    screen.good(&format!(
        "clinic: Clinic 2028b passed: {}",
        text(&clinic, "/status/gate/message")
    ));
    Ok(())
}

async fn after_the_freeze(screen: &mut Screen, stage: &Stage) -> Result<(), DemoError> {
    travel(
        screen,
        stage,
        "2028-06-26T09:00:00Z",
        "The freeze of the trading desks is over",
    )
    .await?;
    for desk in TRADING {
        moved(stage, desk, NEW).await?;
    }
    cities_keep_their_days(stage).await?;
    table(screen, stage).await
}

async fn quarter_day(
    screen: &mut Screen,
    stage: &Stage,
    service: &Service,
    listeners: Vec<(&'static str, Application)>,
) -> Result<(), DemoError> {
    travel(screen, stage, "2028-07-14T09:00:00Z", "The day before").await?;
    for city in CITIES {
        moved(stage, city, NEW).await?;
    }
    travel(screen, stage, "2028-07-16T09:00:00Z", "The quarter day has passed").await?;
    table(screen, stage).await?;
    let names = CITIES.into_iter().chain(TRADING).chain(["legal", "clinic"]);
    for name in names {
        let endpoint = stage.object(&format!("spep/{name}")).await?;
        let answer = service.recognize(&text(&endpoint, "/status/id")).await?;
        let active = text(&endpoint, "/status/active/model");
        let is_right = answer.status == 200 && answer.model == active && !answer.is_fallback;
        demand(is_right, &format!("{name} answered by {active}"), || {
            format!("{answer:?}")
        })?;
        let fallback = endpoint.pointer("/status/fallback");
        demand(fallback.is_none(), &format!("{name} never fell back"), || {
            format!("{fallback:?}")
        })?;
    }
    screen.good("all twelve are answered by the models that their status names; none ever fell back to a base model");
    let mut heard = 0;
    for (name, listener) in listeners {
        let answers = listener.heard();
        let wrong = answers
            .iter()
            .find(|answer| !matches!(answer, Ok(answer) if answer.status == 200 && !answer.is_fallback));
        demand(
            wrong.is_none() && !answers.is_empty(),
            &format!("{name} was always answered by its own model"),
            || format!("{wrong:?} among {}", answers.len()),
        )?;
        heard += answers.len();
    }
    screen.good(&format!(
        "{heard} recognitions at four of them meanwhile: none lost, none by a base model"
    ));
    Ok(())
}

/// Names another existing model in a SpeechModel.
async fn name_model(screen: &mut Screen, stage: &Stage, model: &str, id: &str) -> Result<(), DemoError> {
    let patch = json!({"spec": {"source": {"existing": {"id": id}}}}).to_string();
    let arguments = ["patch", "spmodel", model, "--type=merge", "--patch", &patch];
    stage.kubectl(screen, &arguments).await.map(drop)
}

/// Cities whose day has come have swapped, and no other.
async fn cities_keep_their_days(stage: &Stage) -> Result<(), DemoError> {
    for city in CITIES {
        let now = stage.control().now().await?.to_string();
        until(stage, city, "swaps on its day and not before", |endpoint| {
            let has_moved = text(endpoint, "/status/active/model") == NEW;
            let at = text(endpoint, "/status/plan/0/at");
            has_moved || (text(endpoint, "/status/plan/0/action") == "Swap" && at > now)
        })
        .await?;
    }
    Ok(())
}

async fn until(stage: &Stage, name: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Result<Value, DemoError> {
    let object = format!("spep/{name}");
    let what = format!("{name} {what}");
    let found = eventually(&what, DEADLINE, async || {
        let endpoint = stage.object(&object).await.map_err(|error| error.to_string())?;
        if holds(&endpoint) {
            Ok(endpoint)
        } else {
            Err(endpoint.pointer("/status").unwrap_or(&Value::Null).to_string())
        }
    });
    Ok(found.await?)
}

/// Waits until Ready is True for this reason.
async fn reason(stage: &Stage, name: &str, reason: &str) -> Result<(), DemoError> {
    let is_so = |endpoint: &Value| ready(endpoint) == ("True".to_owned(), reason.to_owned());
    until(stage, name, &format!("is Ready and tells {reason}"), is_so)
        .await
        .map(drop)
}

async fn moved(stage: &Stage, name: &str, model: &str) -> Result<(), DemoError> {
    let serves = |endpoint: &Value| {
        text(endpoint, "/status/active/model") == model && endpoint.pointer("/status/target").is_none()
    };
    until(stage, name, &format!("serves {model}"), serves).await.map(drop)
}

async fn serves(stage: &Stage, name: &str, model: &str) -> Result<(), DemoError> {
    let endpoint = stage.object(&format!("spep/{name}")).await?;
    let found = text(&endpoint, "/status/active/model");
    demand(
        found == model && ready(&endpoint).0 == "True",
        &format!("{name} goes on serving {model}"),
        || format!("{found}, {:?}", ready(&endpoint)),
    )
}

fn ready(endpoint: &Value) -> (String, String) {
    let conditions = endpoint.pointer("/status/conditions").and_then(Value::as_array);
    let found = conditions.and_then(|all| all.iter().find(|one| one["type"] == "Ready"));
    let of = |field: &str| found.map_or_else(String::new, |one| text(one, field));
    (of("/status"), of("/reason"))
}

/// One row for each endpoint: what serves, until when, what comes next, and what it waits for.
async fn table(screen: &mut Screen, stage: &Stage) -> Result<(), DemoError> {
    let list = stage.object("spep --selector=fleet=contoso").await?;
    let rows = list
        .pointer("/items")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    demand(rows.len() == 12, "twelve endpoints", || rows.len().to_string())?;
    screen.blank();
    screen.line(
        Style::Bold,
        &row(["ENDPOINT", "POLICY", "SERVES", "UNTIL", "NEXT", "AT", "WAITS FOR"].map(str::to_owned)),
    );
    for endpoint in &rows {
        let policy = text(endpoint, "/spec/swap/policy");
        let is_current =
            text(endpoint, "/status/active/expiresAt") > text(endpoint, "/status/conditions/0/lastTransitionTime");
        let moved = text(endpoint, "/status/active/name").contains("2028");
        let reason = ready(endpoint).1;
        let waits = if reason == "Serving" { String::new() } else { reason };
        let cells = [
            text(endpoint, "/metadata/name"),
            policy,
            text(endpoint, "/status/active/name"),
            day(&text(endpoint, "/status/active/expiresAt")),
            text(endpoint, "/status/plan/0/action"),
            day(&text(endpoint, "/status/plan/0/at")),
            waits,
        ];
        let style = match (is_current, moved) {
            (false, _) => Style::Bad,
            (true, true) => Style::Good,
            (true, false) => Style::Plain,
        };
        screen.line(style, &row(cells));
    }
    screen.blank();
    Ok(())
}

fn row([endpoint, policy, serves, until, next, at, waits]: [String; 7]) -> String {
    format!("{endpoint:<14} {policy:<13} {serves:<13} {until:<11} {next:<7} {at:<11} {waits}")
        .trim_end()
        .to_owned()
}
