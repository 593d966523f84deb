//! The second story: a dozen endpoints whose models all expire on one quarter day.
use super::{
    DemoError, demand,
    harness::eventually,
    record::{Application, Deployments},
    screen::{Screen, Style},
    service::{Recognition, Service, text},
    stage::Stage,
    story::{day, travel, wait},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// The Speech resource of the fleet.
pub const RESOURCE: &str = "fleet";
const OLD: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const NEW: &str = "aaaaaaaa-0000-4000-8000-000000000002";
const CLINIC_OLD: &str = "cccccccc-0000-4000-8000-000000000001";
const CLINIC_WORSE: &str = "cccccccc-0000-4000-8000-000000000002";
const CLINIC_BETTER: &str = "cccccccc-0000-4000-8000-000000000003";
const CITIES: [&str; 7] = ["basel", "berlin", "cologne", "graz", "hamburg", "munich", "vienna"];
const TRADING: [&str; 3] = ["trading-desk", "trading-floor", "trading-phone"];
/// `maxConcurrentSwaps` of the connection.
const AT_ONCE: usize = 2;

const AT_RISK: &str = "AtRisk";
/// The clock stops so long after the time of a swap.
const SOON: SignedDuration = SignedDuration::from_secs(1);

/// The day of each swap that waits for its date or a window.
type Days = BTreeMap<&'static str, String>;

/// What is watched from the first day to the last.
struct Watched {
    applications: Vec<(&'static str, Application)>,
    deployments: Deployments,
}

/// The table of the fleet, which knows what it has shown.
#[derive(Default)]
struct Table {
    shown: Vec<String>,
}

/// Plays all acts.
pub async fn play(screen: &mut Screen, stage: &Stage) -> Result<(), DemoError> {
    let service = Service::of(stage.emulator_url(), RESOURCE)?;
    screen.next_picture();
    let mut table = Table::default();
    declare(screen, stage, &mut table).await?;
    let watched = watch(stage, &service).await?;
    let days = publish(screen, stage, &mut table).await?;
    june(screen, stage, &mut table).await?;
    after_the_freeze(screen, stage, &mut table).await?;
    day_before(screen, stage, &mut table).await?;
    travel(screen, stage, "2028-07-16T09:00:00Z", "The quarter day has passed").await?;
    screen.in_picture(false); // it differs by nothing
    table.show(screen, stage).await?;
    screen.in_picture(true);
    each_on_its_day(screen, stage, &days).await?;
    nobody_fell_back(screen, stage, &service).await?;
    conclude(screen, watched)
}

fn names() -> impl Iterator<Item = &'static str> {
    CITIES.into_iter().chain(TRADING).chain(["legal", "clinic"])
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
        "rateLimit": {"requests": 300, "perSeconds": 10}, // who watches asks as often as the operator
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

async fn declare(screen: &mut Screen, stage: &Stage, table: &mut Table) -> Result<(), DemoError> {
    stage.control().put_resource(RESOURCE, resource()).await?;
    let today = day(&stage.control().now().await?.to_string());
    screen.act(&format!(
        "{today}  A fleet: twelve endpoints, and all their models expire on 2028-07-15"
    ));
    screen.say(
        "Seven cities swap before the expiry, each on its own day. Trading is frozen until 20 June. Legal wants to agree \
         to each model. The clinic judges a candidate on its test calls first.",
    );
    screen.in_picture(false);
    stage.apply_with_address(screen, "deploy/demo/fleet.yaml").await?;
    wait(screen, stage, "--for=condition=Ready", "spep --selector=fleet=contoso").await?;
    table.show(screen, stage).await?;
    screen.in_picture(true);
    Ok(())
}

/// Begins to recognize at all endpoints, and to look how many the service changes at a time.
async fn watch(stage: &Stage, service: &Service) -> Result<Watched, DemoError> {
    let mut applications = Vec::new();
    for name in names() {
        let id = text(&stage.object(&format!("spep/{name}")).await?, "/status/id");
        applications.push((name, Application::start(service.clone(), &id)));
    }
    Ok(Watched {
        applications,
        deployments: Deployments::watch(service.clone()),
    })
}

/// Returns the days that are told.
async fn publish(screen: &mut Screen, stage: &Stage, table: &mut Table) -> Result<Days, DemoError> {
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
    table.show(screen, stage).await?;
    let mut plan = Days::new();
    for name in CITIES.into_iter().chain(TRADING) {
        let endpoint = stage.object(&format!("spep/{name}")).await?;
        plan.insert(name, day(&text(&endpoint, "/status/plan/0/at")));
    }
    let days: BTreeSet<&String> = CITIES.iter().filter_map(|city| plan.get(city)).collect();
    demand(days.len() >= 4, "the swaps of the cities lie on different days", || {
        format!("{plan:?}")
    })?;
    let end = |day: Option<&&String>| day.map_or("", |day| day.as_str()).to_owned();
    screen.good(&format!(
        "the seven cities will swap on {} different days, from {} to {}",
        days.len(),
        end(days.first()),
        end(days.last())
    ));
    screen.bad("clinic: Clinic 2028a failed its gate and is in quarantine; the clinic keeps its model:");
    screen.output(&text(&clinic, "/status/quarantine/0/message"));
    serves(stage, "clinic", CLINIC_OLD).await?;
    Ok(plan)
}

async fn june(screen: &mut Screen, stage: &Stage, table: &mut Table) -> Result<(), DemoError> {
    let today = "2028-06-12T09:00:00Z";
    pass_days(stage, today).await?;
    travel(screen, stage, today, "The clinic has a better model; trading is frozen").await?;
    name_model(screen, stage, "clinic", CLINIC_BETTER).await?;
    moved(stage, "clinic", CLINIC_BETTER).await?;
    for desk in TRADING {
        serves(stage, desk, OLD).await?;
        reason(stage, desk, "WindowClosed").await?;
    }
    table.show(screen, stage).await?;
    let clinic = stage.object("spep/clinic").await?;
    demand(
        text(&clinic, "/status/gate/verdict") == "Pass",
        "Clinic 2028b passed its gate",
        || clinic.pointer("/status/gate").unwrap_or(&Value::Null).to_string(),
    )?;
    screen.good("clinic: Clinic 2028b passed:");
    screen.output(&text(&clinic, "/status/gate/message"));
    Ok(())
}

async fn after_the_freeze(screen: &mut Screen, stage: &Stage, table: &mut Table) -> Result<(), DemoError> {
    let today = "2028-06-26T09:00:00Z";
    pass_days(stage, today).await?;
    travel(screen, stage, today, "The freeze is over; legal has not agreed yet").await?;
    for desk in TRADING {
        moved(stage, desk, NEW).await?;
    }
    let told = |legal: &Value| condition(legal, AT_RISK) == ("True".to_owned(), "ApprovalAwaited".to_owned());
    until(stage, "legal", "tells that it is at risk", told).await?;
    serves(stage, "legal", OLD).await?;
    table.show(screen, stage).await?;
    screen.bad("legal is at risk: its model expires on 2028-07-15, and only a person can let the next one pass");
    Ok(())
}

async fn day_before(screen: &mut Screen, stage: &Stage, table: &mut Table) -> Result<(), DemoError> {
    let today = "2028-07-14T09:00:00Z";
    pass_days(stage, today).await?;
    travel(screen, stage, today, "The day before: legal agrees").await?;
    serves(stage, "legal", OLD).await?;
    let approved = format!("customspeech.dev/approved-model={NEW}");
    stage.kubectl(screen, &["annotate", "spep", "legal", &approved]).await?;
    moved(stage, "legal", NEW).await?;
    let safe = |legal: &Value| condition(legal, AT_RISK).0 != "True";
    until(stage, "legal", "is no longer at risk", safe).await?;
    table.show(screen, stage).await
}

/// Lets the days pass up to `end`: the clock stops at each date that is told, until nothing is due any more.
async fn pass_days(stage: &Stage, end: &str) -> Result<(), DemoError> {
    for _ in names() {
        let fleet = fleet(stage).await?;
        let waits = |endpoint: &&Value| matches!(ready(endpoint).1.as_str(), "SwapScheduled" | "WindowClosed");
        let dates = fleet.iter().filter(waits).map(|one| text(one, "/status/plan/0/at"));
        let Some(at) = dates.filter(|at| at.as_str() < end).min() else {
            break;
        };
        let time: Timestamp = at.parse().map_err(|_| DemoError::Untrue {
            expected: "the time of a swap".to_owned(),
            found: at,
        })?;
        let now = stage
            .control()
            .set_now(time.saturating_add(SOON).unwrap_or(time))
            .await?;
        nothing_is_due(stage, &now.to_string()).await?;
    }
    Ok(())
}

/// Waits until all swaps whose date has come are done, but for those that a person keeps back.
async fn nothing_is_due(stage: &Stage, now: &str) -> Result<(), DemoError> {
    let is_due = |endpoint: &&Value| {
        let begun = endpoint.pointer("/status/target").is_some();
        let swaps = text(endpoint, "/status/plan/0/action") == "Swap";
        let date_has_come = text(endpoint, "/status/plan/0/at").as_str() <= now;
        begun || swaps && date_has_come && ready(endpoint).1 != "ApprovalAwaited"
    };
    let done = eventually("all swaps that are due have been made", DEADLINE, async || {
        let fleet = fleet(stage).await.map_err(|error| error.to_string())?;
        match fleet.iter().find(is_due) {
            Some(due) => Err(due.to_string()),
            None => Ok(()),
        }
    });
    Ok(done.await?)
}

/// All endpoints of the fleet, by name.
async fn fleet(stage: &Stage) -> Result<Vec<Value>, DemoError> {
    let list = stage.object("spep --selector=fleet=contoso").await?;
    let found = list.pointer("/items").and_then(Value::as_array).cloned();
    let found = found.unwrap_or_default();
    demand(found.len() == 12, "twelve endpoints", || found.len().to_string())?;
    Ok(found)
}

/// All swapped on the days that were told in May.
async fn each_on_its_day(screen: &mut Screen, stage: &Stage, days: &Days) -> Result<(), DemoError> {
    for (name, told) in days {
        let endpoint = stage.object(&format!("spep/{name}")).await?;
        let since = day(&text(&endpoint, "/status/active/since"));
        let expected = format!("{name} swapped on {told}, as told in May");
        demand(since == *told, &expected, || since.clone())?;
    }
    screen.good("each city, and trading after its freeze, swapped on the very day that was told in May");
    Ok(())
}

async fn nobody_fell_back(screen: &mut Screen, stage: &Stage, service: &Service) -> Result<(), DemoError> {
    for name in names() {
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
    Ok(())
}

/// What was heard and seen meanwhile. An expired model never answers: a base model does, and the answer tells.
fn conclude(screen: &mut Screen, watched: Watched) -> Result<(), DemoError> {
    let mut heard = 0;
    for (name, application) in watched.applications {
        let answers = application.heard();
        let is_right = |answer: &Result<Recognition, String>| matches!(answer, Ok(answer) if answer.status == 200 && !answer.is_fallback && answer.model != CLINIC_WORSE);
        let wrong = answers.iter().find(|answer| !is_right(answer));
        demand(
            wrong.is_none() && !answers.is_empty(),
            &format!("{name} was always answered by a valid model of its own"),
            || format!("{wrong:?} among {}", answers.len()),
        )?;
        heard += answers.len();
    }
    screen.good(&format!(
        "{heard} recognitions at all twelve meanwhile: none lost, none in place of an expired model, none by the worse one"
    ));
    let most = watched.deployments.most_at_once().map_err(|found| DemoError::Untrue {
        expected: "the service lists its endpoints".to_owned(),
        found,
    })?;
    demand(
        (1..=AT_ONCE).contains(&most),
        "swaps under way at a time: at least one seen, at most as many as the connection allows",
        || most.to_string(),
    )?;
    screen.good(&format!(
        "never more than {most} endpoints were changed at a time; the connection allows {AT_ONCE}"
    ));
    Ok(())
}

/// Names another existing model in a SpeechModel.
async fn name_model(screen: &mut Screen, stage: &Stage, model: &str, id: &str) -> Result<(), DemoError> {
    let patch = json!({"spec": {"source": {"existing": {"id": id}}}}).to_string();
    let arguments = ["patch", "spmodel", model, "--type=merge", "--patch", &patch];
    stage.kubectl(screen, &arguments).await.map(drop)
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
    condition(endpoint, "Ready")
}

/// Status and reason of a condition; empty where there is none.
fn condition(endpoint: &Value, kind: &str) -> (String, String) {
    let conditions = endpoint.pointer("/status/conditions").and_then(Value::as_array);
    let found = conditions.and_then(|all| all.iter().find(|one| one["type"] == kind));
    let of = |field: &str| found.map_or_else(String::new, |one| text(one, field));
    (of("/status"), of("/reason"))
}

impl Table {
    /// One row for each endpoint; those that are at risk stand out, and those that have changed since the last time.
    async fn show(&mut self, screen: &mut Screen, stage: &Stage) -> Result<(), DemoError> {
        let fleet = fleet(stage).await?;
        screen.blank();
        let headings = ["ENDPOINT", "POLICY", "SERVES", "UNTIL", "NEXT", "AT", "WAITS FOR"];
        screen.line(Style::Bold, &row(headings.map(str::to_owned)));
        let mut shown = Vec::new();
        for endpoint in &fleet {
            let line = row_of(endpoint);
            let is_new = !self.shown.is_empty() && !self.shown.contains(&line);
            let style = match (is_at_risk(endpoint), is_new) {
                (true, _) => Style::Bad,
                (false, true) => Style::Good,
                (false, false) => Style::Plain,
            };
            screen.line(style, &line);
            shown.push(line);
        }
        if !self.shown.is_empty() {
            screen.line(Style::Dim, "green: changed since the last table; red: at risk");
        }
        screen.blank();
        self.shown = shown;
        Ok(())
    }
}

fn is_at_risk(endpoint: &Value) -> bool {
    condition(endpoint, AT_RISK).0 == "True"
}

/// What serves, until when, what comes next, and what it waits for, or what is at risk.
fn row_of(endpoint: &Value) -> String {
    let (_, reason) = ready(endpoint);
    let waits = match condition(endpoint, AT_RISK).1 {
        risk if is_at_risk(endpoint) && (reason == "Serving" || reason == risk) => format!("{risk} (at risk)"),
        risk if is_at_risk(endpoint) => format!("{reason} (at risk: {risk})"),
        _ if reason == "Serving" => String::new(),
        _ => reason,
    };
    row([
        text(endpoint, "/metadata/name"),
        text(endpoint, "/spec/swap/policy"),
        text(endpoint, "/status/active/name"),
        day(&text(endpoint, "/status/active/expiresAt")),
        text(endpoint, "/status/plan/0/action"),
        day(&text(endpoint, "/status/plan/0/at")),
        waits,
    ])
}

fn row([endpoint, policy, serves, until, next, at, waits]: [String; 7]) -> String {
    format!("{endpoint:<14} {policy:<13} {serves:<13} {until:<11} {next:<7} {at:<11} {waits}")
        .trim_end()
        .to_owned()
}
