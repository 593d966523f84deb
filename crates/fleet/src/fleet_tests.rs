use super::*;
use crate::{table, testing::at};
use serde_json::{Value, json};

const NOW: &str = "2026-11-21T07:00:00Z";
const UNTIL: &str = "2027-05-20T07:00:00Z";
const EXPIRES: &str = "2027-01-15T00:00:00Z";
const M5: &str = "00000000-0000-0000-0000-000000000005";

fn object<T: serde::de::DeserializeOwned>(kind: &str, path: &str, connection: &Value, more: Value, status: Value) -> T {
    let (namespace, name) = path.split_once('/').unwrap();
    let mut spec = json!({"connectionRef": connection, "locale": "en-US"});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(json!({
        "apiVersion": "customspeech.dev/v1alpha1", "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "uid": format!("uid of {path}")},
        "spec": spec, "status": status,
    }))
    .unwrap()
}

fn west() -> Value {
    json!({"name": "west"})
}

/// An endpoint of connection `west` of its namespace, served by revision 4 of claims.
fn endpoint(path: &str, plan: Value) -> SpeechEndpoint {
    object(
        "SpeechEndpoint",
        path,
        &west(),
        json!({"model": {"base": {}}}),
        json!({"active": active(EXPIRES), "plan": plan}),
    )
}

fn active(expires: &str) -> Value {
    json!({"model": "00000000-0000-0000-0000-000000000004", "name": "claims", "revision": 4, "expiresAt": expires, "since": NOW})
}

fn swap(at: &str) -> Value {
    json!({"action": "Swap", "at": at, "to": "claims, revision 5", "reason": "BeforeExpiry"})
}

fn model(path: &str, id: &str, plan: Value) -> SpeechModel {
    let current = json!({
        "revision": 5, "id": id, "self": "https://x.example/speechtotext/models/5", "name": "claims", "createdAt": NOW,
        "expiresAt": "2028-01-15T00:00:00Z",
    });
    let source = json!({"source": {"base": {}}});
    object(
        "SpeechModel",
        path,
        &west(),
        source,
        json!({"current": current, "plan": plan}),
    )
}

fn conditions(kind: &str, status: &str, message: &str) -> Vec<Condition> {
    serde_json::from_value(json!([{
        "type": kind, "status": status, "reason": "Any", "message": message, "lastTransitionTime": NOW,
    }]))
    .unwrap()
}

fn ahead(objects: &Objects, filter: &Filter) -> Ahead {
    rows(objects, at(NOW), at(UNTIL), filter)
}

fn of_endpoint(endpoint: SpeechEndpoint) -> Ahead {
    let endpoints = vec![endpoint];
    let objects = Objects {
        endpoints,
        ..Objects::default()
    };
    ahead(&objects, &Filter::default())
}

/// The steps of one object: day, action, target, reason, risk.
fn said(ahead: &Ahead) -> Vec<String> {
    let steps = ahead.rows.iter().flat_map(|row| &row.steps);
    let risk = |step: &Step| step.risk.as_ref().map(|risk| format!(" [{risk}]")).unwrap_or_default();
    let line = |step: &Step| {
        let to = step.to.as_deref().unwrap_or("-");
        let day = step.at.strftime("%Y-%m-%d");
        format!("{day} {} {to}: {}{}", step.action.as_str(), step.reason, risk(step))
    };
    steps.map(line).collect()
}

#[test]
fn the_expiry_of_what_serves_is_told_once_with_what_follows() {
    let followed = of_endpoint(endpoint("shop/a", json!([swap("2026-12-20T00:00:00Z")])));
    assert_eq!(
        said(&followed),
        [
            "2026-12-20 Swap claims, revision 5: BeforeExpiry",
            "2027-01-15 Expire claims, revision 4: Followed"
        ]
    );
    let alone = of_endpoint(endpoint("shop/a", json!([])));
    assert_eq!(said(&alone), ["2027-01-15 Expire claims, revision 4: NoSuccessor"]);
    let told = json!([{"action": "Expire", "at": EXPIRES, "reason": "NoSuccessor", "risk": "a base model answers"}]);
    let mut told = endpoint("shop/a", told);
    let foreseen = of_endpoint(told.clone());
    assert_eq!(
        (said(&foreseen), foreseen.rows[0].steps[0].consequence.as_deref()),
        (said(&alone), Some("a base model answers")),
        "what it leads to is no risk until the condition says so"
    );
    told.status.as_mut().unwrap().conditions = conditions("AtRisk", "True", "a base model answers");
    let told = of_endpoint(told);
    assert_eq!(
        said(&told),
        ["2027-01-15 Expire claims, revision 4: NoSuccessor [a base model answers]"]
    );
    assert_eq!(told.rows[0].steps[0].consequence, None, "it is told once");
    let late = of_endpoint(endpoint("shop/a", json!([swap("2027-02-01T00:00:00Z")])));
    assert_eq!(said(&late)[0], "2027-01-15 Expire claims, revision 4: NoSuccessor");
    assert!(!followed.has_risk() && !foreseen.has_risk() && told.has_risk());
}

#[test]
fn a_training_leads_to_the_next_revision_and_the_expiry_is_followed() {
    let training = json!([{"action": "Train", "at": "2027-10-17T00:00:00Z", "reason": "BeforeExpiry"}]);
    let objects = Objects {
        models: vec![model("shop/claims", M5, training)],
        ..Objects::default()
    };
    let far = rows(&objects, at(NOW), at("2029-01-01T00:00:00Z"), &Filter::default());
    assert_eq!(
        said(&far),
        [
            "2027-10-17 Train the next revision: BeforeExpiry",
            "2028-01-15 Expire claims, revision 5: Followed"
        ]
    );
}

#[test]
fn an_expiry_that_is_over_is_a_risk_that_has_come() {
    let mut expired = endpoint("shop/a", json!([]));
    expired.status.as_mut().unwrap().active.as_mut().unwrap().expires_at = Some(at("2026-11-01T00:00:00Z"));
    let expired = of_endpoint(expired);
    assert_eq!(
        said(&expired),
        [
            "2026-11-01 Expire claims, revision 4: NoSuccessor [expired: the newest base model answers in place of the active model]"
        ]
    );
}

#[test]
fn the_model_that_follows_has_the_date_that_its_speech_model_read() {
    let mut moving = endpoint("shop/a", json!([swap("2026-12-20T00:00:00Z")]));
    let candidate = json!({"model": M5, "name": "claims", "revision": 5, "since": NOW});
    moving.status.as_mut().unwrap().candidate = Some(serde_json::from_value(candidate).unwrap());
    let objects = Objects {
        models: vec![model("shop/claims", M5, json!([]))],
        endpoints: vec![moving],
        ..Objects::default()
    };
    let ahead = ahead(&objects, &Filter::default());
    let expiries: Vec<String> = ahead.rows[0]
        .expiries
        .iter()
        .map(|e| format!("{} {}", e.model, e.at))
        .collect();
    assert_eq!(
        expiries,
        [
            "claims, revision 4 2027-01-15T00:00:00Z",
            "claims, revision 5 2028-01-15T00:00:00Z"
        ]
    );
    assert!(
        ahead.rows[1].steps.is_empty(),
        "the expiry of the SpeechModel lies beyond the end"
    );
}

#[test]
fn a_step_whose_date_cannot_be_read_is_absent_and_the_rest_is_listed() {
    let mut broken = endpoint("shop/a", json!([swap("tomorrow"), swap("2026-12-20T00:00:00Z")]));
    broken.status.as_mut().unwrap().active.as_mut().unwrap().expires_at = None;
    broken.spec.swap.windows =
        serde_json::from_value(json!([{"kind": "Deny", "timeZone": "Mars/Olympus_Mons"}])).unwrap();
    let broken = of_endpoint(broken);
    assert_eq!(said(&broken), ["2026-12-20 Swap claims, revision 5: BeforeExpiry"]);
    assert_eq!(
        broken.trouble,
        [
            "SpeechEndpoint shop/a: the closed times are left out: spec.swap.windows[0].timeZone: there is no time zone \"Mars/Olympus_Mons\"; write an IANA name such as Europe/Berlin",
        ]
    );
}

#[test]
fn a_risk_stands_at_the_nearest_step_and_is_told_however_far_away_it_is() {
    let mut risky = endpoint("shop/a", json!([swap("2028-01-01T00:00:00Z")]));
    let status = risky.status.as_mut().unwrap();
    status.active.as_mut().unwrap().expires_at = Some(at("2028-02-01T00:00:00Z"));
    status.conditions = conditions("AtRisk", "True", "the windows never open");
    assert_eq!(
        said(&of_endpoint(risky.clone())),
        ["2028-01-01 Swap claims, revision 5: BeforeExpiry [the windows never open]"]
    );
    risky.status.as_mut().unwrap().conditions = conditions("AtRisk", "False", "it was");
    assert!(said(&of_endpoint(risky.clone())).is_empty());
    let status = risky.status.as_mut().unwrap();
    (status.plan, status.active) = (Vec::new(), None);
    status.conditions = conditions("AtRisk", "True", "nothing is known");
    let told = of_endpoint(risky);
    assert_eq!(
        told.trouble,
        ["SpeechEndpoint shop/a: at risk, without a date: nothing is known"]
    );
    assert!(told.has_risk());
}

#[test]
fn a_risk_that_a_step_tells_is_not_told_twice() {
    let mut step = swap("2026-12-20T00:00:00Z");
    step["risk"] = "nobody approves".into();
    let mut risky = endpoint("shop/a", json!([step]));
    risky.status.as_mut().unwrap().conditions = conditions("AtRisk", "True", "nobody approves");
    let told = said(&of_endpoint(risky));
    assert_eq!(told.iter().filter(|line| line.contains("nobody approves")).count(), 1);
}

#[test]
fn the_end_cuts_off_what_comes_later() {
    let mut far = endpoint("shop/a", json!([swap(UNTIL), swap("2027-05-20T07:00:01Z")]));
    far.status.as_mut().unwrap().active = None;
    let ahead = of_endpoint(far);
    assert_eq!(said(&ahead), ["2027-05-20 Swap claims, revision 5: BeforeExpiry"]);
    assert_eq!(ahead.rows.len(), 1);
}

#[test]
fn a_namespace_and_a_connection_of_any_namespace_select() {
    let shared = json!({"name": "west", "namespace": "platform"});
    let status = json!({"active": active(EXPIRES)});
    let guest: SpeechEndpoint = object(
        "SpeechEndpoint",
        "guest/c",
        &shared,
        json!({"model": {"base": {}}}),
        status,
    );
    let objects = Objects {
        endpoints: vec![guest, endpoint("shop/b", json!([])), endpoint("platform/a", json!([]))],
        models: vec![model("platform/m", "m9", json!([]))],
        ..Objects::default()
    };
    let found = |namespace: &str, connection: &str| -> Vec<String> {
        let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let filter = Filter {
            namespace: named(namespace),
            connection: named(connection),
            ..Filter::default()
        };
        ahead(&objects, &filter).rows.iter().map(Row::object).collect()
    };
    assert_eq!(found("", ""), ["guest/c", "platform/a", "platform/m", "shop/b"]);
    assert_eq!(found("shop", ""), ["shop/b"]);
    assert_eq!(found("", "west"), ["guest/c", "platform/a", "platform/m", "shop/b"]);
    assert_eq!(found("", "platform/west"), ["guest/c", "platform/a", "platform/m"]);
    assert_eq!(found("guest", "platform/west"), ["guest/c"]);
    assert!(found("", "east").is_empty() && found("nobody", "").is_empty());
}

#[test]
fn through_a_connection_that_does_not_work_nothing_but_expiry_happens() {
    let mut down: SpeechConnection = serde_json::from_value(json!({
        "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechConnection",
        "metadata": {"name": "west", "namespace": "shop"},
        "spec": {"endpoint": "https://x.example", "auth": {}}, "status": {},
    }))
    .unwrap();
    down.status.as_mut().unwrap().conditions = conditions("Ready", "False", "the key is refused");
    let objects = Objects {
        connections: vec![down],
        endpoints: vec![endpoint("shop/a", json!([swap("2026-12-20T00:00:00Z")]))],
        ..Objects::default()
    };
    let ahead = ahead(&objects, &Filter::default());
    let [swap, expire] = &ahead.rows[0].steps[..] else {
        panic!()
    };
    assert_eq!(
        swap.blocked_by,
        ["SpeechConnection shop/west works again: the key is refused"]
    );
    assert!(expire.blocked_by.is_empty());
}

#[test]
fn closed_times_are_those_of_the_windows() {
    let mut frozen = endpoint("shop/a", json!([]));
    let freeze = json!([{"kind": "Deny", "from": "2026-12-20", "until": "2027-01-06", "timeZone": "Europe/Berlin"}]);
    frozen.spec.swap.windows = serde_json::from_value(freeze).unwrap();
    let closed = of_endpoint(frozen).rows[0].closed.clone();
    assert_eq!(closed.len(), 1);
    assert_eq!(
        (closed[0].start, closed[0].end),
        (at("2026-12-19T23:00:00Z"), at("2027-01-06T23:00:00Z"))
    );
}

#[test]
fn the_order_in_which_a_cluster_lists_says_nothing() {
    let mut objects = Objects {
        models: vec![model("shop/claims", M5, json!([])), model("b/claims", "m6", json!([]))],
        endpoints: ["b/x", "a/y", "a/x"].map(|path| endpoint(path, json!([]))).to_vec(),
        ..Objects::default()
    };
    let before = ahead(&objects, &Filter::default());
    objects.models.reverse();
    objects.endpoints.reverse();
    assert_eq!(ahead(&objects, &Filter::default()), before);
}

#[test]
fn a_fleet_of_ten_thousand_is_read_and_printed_in_a_moment() {
    let mut windowed = endpoint("shop/a", json!([swap("2026-12-20T00:00:00Z")]));
    let windows = json!([{"kind": "Allow", "start": "01:00", "duration": "2h", "timeZone": "Europe/Berlin"}]);
    windowed.spec.swap.windows = serde_json::from_value(windows).unwrap();
    let mut endpoints = vec![windowed; 10_000];
    for (number, endpoint) in endpoints.iter_mut().enumerate() {
        endpoint.metadata.name = Some(format!("e-{number}"));
    }
    let objects = Objects {
        endpoints,
        ..Objects::default()
    };
    let began = std::time::Instant::now();
    let ahead = ahead(&objects, &Filter::default());
    assert_eq!(table(&ahead.rows, at(NOW), Timestamp::MAX).lines().count(), 20_001);
    assert!(
        began.elapsed() < std::time::Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}
