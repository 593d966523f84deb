use super::*;
use crate::fleet_page::testing::{fleet, many, seen};
use serde_json::{Value, json};

fn names(lines: &[Line]) -> Vec<String> {
    lines
        .iter()
        .map(|line| format!("{}/{}", line.row.namespace, line.row.name))
        .collect()
}

fn line<'a>(view: &'a View, name: &str) -> &'a Line {
    view.lines().find(|line| line.row.name == name).unwrap()
}

#[test]
fn the_most_urgent_comes_first() {
    let view = seen(&fleet(), "");
    let first = names(&view.endpoints);
    assert_eq!(first[0], "contact-center/callback", "a base model answers");
    assert_eq!(
        &first[1..4],
        [
            "contact-center/hotline-fr",
            "claims/fraud-desk",
            "field-service/reports-cs"
        ]
    );
    assert_eq!(
        &first[4..6],
        ["clinics/dictation-cardiology", "clinics/dictation-radiology"],
        "blocked"
    );
    assert_eq!(
        &first[6..8],
        ["contact-center/pilot", "contact-center/chat-voice"],
        "what is suspended, then what is under way"
    );
    assert_eq!(first.len(), 18);
    assert_eq!(names(&view.models)[0], "claims/claims");
}

#[test]
fn numbers_count_what_is_shown() {
    let all = seen(&fleet(), "").counts;
    let expected = Counts {
        endpoints: 18,
        models: 6,
        not_ready: 1,
        expired: 1,
        at_risk: 3,
        blocked: 2,
        expiring: 7,
        swaps: 7,
    };
    assert_eq!(all, expected);
    let some = seen(&fleet(), "namespace=clinics");
    assert_eq!((some.counts.endpoints, some.counts.blocked, some.all), (2, 2, 24));
}

#[test]
fn each_filter_admits_what_it_names_and_the_choices_stay_those_of_the_whole_fleet() {
    for (query, endpoints, models) in [
        ("namespace=letters", 2, 1),
        ("connection=private-link", 2, 0),
        ("connection=speech-system%2Feast-us", 6, 2),
        ("connection=clinics%2Feast-us", 0, 0),
        ("locale=DE-at", 2, 1),
        ("risk=any", 6, 0),
        ("risk=expired", 1, 0),
        ("risk=at-risk", 3, 0),
        ("risk=blocked", 2, 0),
        ("risk=none", 12, 6),
        ("namespace=contact-center&risk=at-risk&locale=fr-CA", 1, 0),
    ] {
        let view = seen(&fleet(), query);
        assert_eq!(
            (view.endpoints.len(), view.models.len()),
            (endpoints, models),
            "{query}"
        );
        assert_eq!(view.choices.namespaces.len(), 5, "{query}");
        assert_eq!(view.choices.connections.len(), 3, "{query}");
    }
}

#[test]
fn a_line_tells_what_serves_what_comes_next_and_why() {
    let view = seen(&fleet(), "");
    let intake = line(&view, "intake");
    assert_eq!(
        (intake.state, intake.ready, intake.risk),
        (State::Ready, true, Risk::None)
    );
    assert_eq!((intake.model.as_deref(), intake.revision), (Some("claims"), Some(4)));
    assert_eq!(intake.expires_at, Some("2027-01-15T00:00:00Z".parse().unwrap()));
    let next = intake.next.as_ref().unwrap();
    assert_eq!(
        (next.action, next.reason.as_str()),
        (PlannedAction::Swap, "BeforeExpiry")
    );
    let urls: Vec<_> = intake.urls.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(urls, ["restConversation", "webSocket", "self"]);

    let expired = line(&view, "callback");
    assert_eq!((expired.risk, expired.ready), (Risk::Expired, false));
    assert!(expired.message.contains("the newest base model answers in its place"));
    assert!(expired.risk_message.as_ref().unwrap().contains("expired on 2026-11-15"));
    let alone = line(&view, "reports-cs");
    assert_eq!(
        alone.next.as_ref().unwrap().action,
        PlannedAction::Expire,
        "when nothing else comes, the expiry does"
    );
    assert_eq!(line(&view, "pilot").state, State::Suspended);
    assert_eq!(line(&view, "chat-voice").state, State::Working);
    let blocked = line(&view, "dictation-cardiology");
    let message = blocked.risk_message.as_ref().unwrap();
    assert!(
        message.starts_with(
            "waits for SpeechConnection clinics/private-link works again: list_endpoints: nothing answers"
        ),
        "{message}"
    );
    assert_eq!(view.down.len(), 1);
    assert!(
        view.down[0]
            .message
            .starts_with("Unreachable: list_endpoints: nothing answers"),
        "{:?}",
        view.down
    );
}

#[test]
fn an_expiry_that_nothing_follows_yet_is_a_risk_once_the_condition_says_so() {
    let mut sample = fleet();
    let seen_then = seen(&sample, "");
    let hatched = |view: &View| {
        view.rows()
            .iter()
            .flat_map(|row| &row.steps)
            .filter(|step| step.risk.is_some())
            .count()
    };
    assert_eq!(line(&seen_then, "reports-cs").risk, Risk::AtRisk);
    let is_alone = |endpoint: &&mut Value| endpoint["metadata"]["name"] == "reports-cs";
    let alone = sample.endpoints.iter_mut().find(is_alone).unwrap();
    alone["status"]["conditions"].as_array_mut().unwrap().pop();
    let view = seen(&sample, "");
    assert_eq!(line(&view, "reports-cs").risk, Risk::None);
    assert_eq!(view.counts.at_risk, seen_then.counts.at_risk - 1);
    assert_eq!(hatched(&view), hatched(&seen_then) - 1);
    let told = &line(&view, "reports-cs").row.steps[0];
    assert!(
        told.risk.is_none() && told.consequence.is_some(),
        "what it leads to is told to programs all the same"
    );
}

#[test]
fn an_object_that_nobody_has_looked_at_is_shown_as_unknown_and_without_dates() {
    let mut sample = fleet();
    for object in sample.endpoints.iter_mut().chain(&mut sample.models) {
        object.as_object_mut().unwrap().remove("status");
    }
    let view = seen(&sample, "");
    assert_eq!(view.endpoints.len(), 18);
    for line in view.lines() {
        assert_eq!(
            (line.state, line.risk, line.expires_at),
            (State::Unknown, Risk::None, None)
        );
        assert!(line.next.is_none() && line.model.is_none() && line.urls.is_empty());
    }
    assert_eq!(view.counts.not_ready, 24);
}

#[test]
fn a_model_whose_revision_has_expired_is_told_as_an_endpoint_is() {
    let mut sample = fleet();
    let hour_ago = "2026-11-21T06:00:00Z";
    let name = sample.models[0]["metadata"]["name"].as_str().unwrap().to_owned();
    sample.models[0]["status"]["current"]["expiresAt"] = hour_ago.into();
    let view = seen(&sample, "");
    let first = view.models.first().unwrap();
    assert_eq!((&*first.row.name, first.risk), (&*name, Risk::Expired));
    assert!(first.risk_message.as_ref().unwrap().contains("a base model answers"));
    assert_eq!(view.counts.expired, 2, "the endpoint of the sample, and the model");
}

#[test]
fn a_date_that_cannot_be_read_is_absent_and_hides_no_line() {
    let mut sample = fleet();
    sample.endpoints[0]["status"]["active"]["expiresAt"] = "soon".into();
    let view = seen(&sample, "");
    assert_eq!(view.endpoints.len(), 18);
    assert_eq!(line(&view, "intake").expires_at, None);
    assert!(view.trouble.is_empty(), "{:?}", view.trouble);
}

#[test]
fn programs_are_told_the_rows_of_the_plan_and_what_the_page_shows() {
    let view = seen(&fleet(), "namespace=claims&risk=none");
    let text = super::super::document::json(&view).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["filters"], json!({"namespace": "claims", "risk": "none"}));
    assert_eq!(document["counts"]["endpoints"], 3);
    let objects = document["objects"].as_array().unwrap();
    let named = |kind: &str, name: &str| {
        objects
            .iter()
            .find(|one| one["kind"] == kind && one["name"] == name)
            .unwrap()
    };
    let first = named("SpeechEndpoint", "intake");
    assert_eq!(first["connection"], "speech-system/west-europe");
    assert_eq!(first["steps"][0]["action"], "Swap");
    assert_eq!(first["next"], first["steps"][0]);
    assert_eq!(first["expiresAt"], "2027-01-15T00:00:00Z");
    assert_eq!((&first["risk"], &first["state"]), (&json!("none"), &json!("Ready")));
    assert!(first["urls"]["webSocket"].as_str().unwrap().starts_with("wss://"));
    assert_eq!(named("SpeechModel", "claims")["next"]["action"], "Train");
    assert!(text.ends_with("}\n"));
}

/// `cargo test --release --lib a_thousand_rows -- --nocapture` prints the figure of the program that ships.
#[test]
fn a_thousand_rows_are_answered_in_time() {
    use crate::fleet_page::{html, testing};
    let objects = testing::objects(&many(1000));
    let now = testing::NOW.parse().unwrap();
    let page = || {
        let began = std::time::Instant::now();
        let copied = objects.clone(); // as from the stores
        let page = html::page(&View::new(&copied, now, Query::default()), true);
        (began.elapsed(), page)
    };
    let (took, page) = (0..5).map(|_| page()).min_by_key(|(took, _)| *took).unwrap();
    println!("1000 endpoints: {} ms, {} KiB", took.as_millis(), page.len() / 1024);
    assert_eq!(page.matches("<tr role=\"row\"").count(), 1000 + 6 + 2);
    let bound = if cfg!(debug_assertions) { 5_000 } else { 200 };
    assert!(took.as_millis() < bound, "{} ms", took.as_millis());
}

#[test]
fn the_next_step_is_told_however_far_away_it_is() {
    let mut sample = fleet();
    sample.endpoints[0]["status"]["plan"][0]["at"] = "2029-01-01T00:00:00Z".into();
    sample.endpoints[0]["status"]["active"]["expiresAt"] = "2029-01-15T00:00:00Z".into();
    let view = seen(&sample, "namespace=claims");
    let far = line(&view, "intake");
    assert!(
        far.row.steps.is_empty(),
        "nothing within the four quarters: {:?}",
        far.row.steps
    );
    let next = far.next.as_ref().unwrap();
    assert_eq!(
        (next.action, next.at),
        (PlannedAction::Swap, "2029-01-01T00:00:00Z".parse().unwrap())
    );
}
