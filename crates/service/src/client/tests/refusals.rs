//! What errors mean, and what they must not show.
use super::*;
use crate::{
    ErrorKind,
    error::{BodyProblem, TransportKind},
    request::UpdateModel,
};

#[derive(Default)]
struct Recorder(Mutex<Vec<(&'static str, &'static str)>>);

impl Observer for Recorder {
    fn answered(&self, route: &'static str, outcome: &'static str, _took: Duration) {
        self.0.lock().unwrap().push((route, outcome));
    }
}

async fn rename(client: &Client) -> Error {
    let update = UpdateModel::DisplayName("New".into());
    client
        .update_custom_model(Lane::UserChange, id(), &update)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn a_status_has_one_meaning_and_only_an_unknown_outcome_was_perhaps_sent() {
    for (status, kind, perhaps_sent) in [
        (400, ErrorKind::Rejected, false),
        (401, ErrorKind::Unauthorized, false),
        (403, ErrorKind::Forbidden, false),
        (404, ErrorKind::Misrouted, false),
        (408, ErrorKind::Unavailable, true),
        (409, ErrorKind::Conflict, false),
        (410, ErrorKind::Misrouted, false),
        (415, ErrorKind::Rejected, false),
        (422, ErrorKind::Rejected, false),
        (429, ErrorKind::Throttled, false),
        (500, ErrorKind::Unavailable, true),
        (502, ErrorKind::Unavailable, true),
        (503, ErrorKind::Unavailable, true),
        (504, ErrorKind::Unavailable, true),
        (599, ErrorKind::Unavailable, true),
    ] {
        let script = Script::of([json(status, "")]);
        let error = rename(&script.client(ApiVersion::V2025_10_15)).await;
        assert_eq!((error.kind(), error.perhaps_sent()), (kind, perhaps_sent), "{status}");
        assert_eq!(error.failure().unwrap().route, "update_custom_model");
    }
}

#[tokio::test]
async fn a_success_with_a_useless_body_was_perhaps_sent() {
    for body in ["", "<html>", "{}", r#"{"self": "x"}"#, r#"{"self": "https://x.exam"#] {
        let script = Script::of([json(200, body)]);
        let error = rename(&script.client(ApiVersion::V2025_10_15)).await;
        assert!(matches!(error, Error::Body { .. }), "{body}: {error:?}");
        assert_eq!(
            (error.kind(), error.perhaps_sent()),
            (ErrorKind::Unintelligible, true),
            "{body}"
        );
    }
}

#[tokio::test]
async fn what_the_transport_says_about_sending_is_passed_on() {
    for (kind, sent) in [
        (TransportKind::Dns, false),
        (TransportKind::Timeout, true),
        (TransportKind::Other, true),
    ] {
        let failed = TransportError::Failed {
            kind,
            perhaps_sent: sent,
            source: Some("root cause".into()),
        };
        let transport = Failing(Mutex::new(Some(failed)));
        let error = rename(&client(transport, "https://x.example", ApiVersion::V2025_10_15)).await;
        assert_eq!((error.kind(), error.perhaps_sent()), (ErrorKind::Unavailable, sent));
        assert!(error.to_string().ends_with("root cause"), "{error}");
    }
    let transport = Failing(Mutex::new(Some(TransportError::Body(BodyProblem::Cut))));
    assert!(
        rename(&client(transport, "https://x.example", ApiVersion::V2025_10_15))
            .await
            .perhaps_sent()
    );
}

#[tokio::test]
async fn a_redirect_is_refused_and_tells_only_the_host() {
    for (location, host) in [
        ("https://evil.example/a?sig=SECRET", "evil.example"),
        ("/elsewhere", "x.example"),
        ("//evil.example", "evil.example"),
    ] {
        let script = Script::of([with_header(json(307, ""), "location", location)]);
        let error = rename(&script.client(ApiVersion::V2025_10_15)).await;
        assert!(
            matches!(&error, Error::Redirect { host: Some(found), .. } if found == host),
            "{error:?}"
        );
        assert!(!format!("{error} {error:?}").contains("SECRET"));
        assert!(!error.perhaps_sent());
        assert_eq!(script.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_copy_that_is_to_be_followed_elsewhere_is_refused() {
    for foreign in [
        "https://evil.example/west/operations/models/copy/1",
        "https://x.example@evil.example/west/speechtotext/operations/models/copy/1",
        "https://x.example/west/..%2feast/speechtotext/operations/models/copy/1",
        "/west/operations/models/copy/1",
    ] {
        refuses_to_follow(foreign).await;
    }
}

async fn refuses_to_follow(foreign: &str) {
    let script = Script::of([
        json(200, example("copy_authorize_response")),
        with_header(
            json(202, example("copy_operation_started")),
            "operation-location",
            foreign,
        ),
    ]);
    let client = script.client(ApiVersion::V2024_11_15);
    let leave = client.authorize_copy(Lane::UserChange, "/s").await.unwrap().value;
    let error = client
        .copy_custom_model(Lane::UserChange, id(), &leave)
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::ForeignLink { .. }) && error.perhaps_sent(),
        "{error:?}"
    );
    let error = client.get_copy(Lane::Sweep, foreign).await.unwrap_err();
    assert!(matches!(error, Error::ForeignLink { .. }));
    assert_eq!(script.seen().len(), 2);
}

#[tokio::test]
async fn a_429_reaches_caller_budget_and_metrics() {
    let slow = with_header(
        json(429, r#"{"code": "TooManyRequests", "message": "Slow."}"#),
        "retry-after",
        "9",
    );
    let script = Script::of([json(200, example("model_get")), slow, json(418, "")]);
    let recorder = Arc::new(Recorder::default());
    let client = Client::new(
        Arc::new(InProcess(script.router())),
        BaseUrl::parse("https://x.example", false).unwrap(),
        ApiVersion::V2025_10_15,
        SubscriptionKey::parse(KEY.as_bytes()).unwrap(),
        Arc::new(Budget::new(80, Duration::from_secs(10))),
        recorder.clone(),
    );
    client.get_custom_model(Lane::Sweep, other_id()).await.unwrap();
    let error = client.get_custom_model(Lane::Sweep, other_id()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.retry_after()),
        (ErrorKind::Throttled, Some(Duration::from_secs(9)))
    );
    let usage = client.budget().usage();
    assert_eq!(usage.effective_limit, 40);
    assert!(usage.blocked_until.is_some());
    assert_eq!(
        *recorder.0.lock().unwrap(),
        [("get_custom_model", "200"), ("get_custom_model", "429")]
    );
}

#[tokio::test]
async fn the_key_is_shown_by_nothing() {
    let body = format!(r#"{{"code": "Unauthorized", "message": "key {KEY} is wrong"}}"#);
    let script = Script::of([json(401, body)]);
    let client = script.client(ApiVersion::V2025_10_15);
    let error = client.get_endpoint(Lane::Sweep, id()).await.unwrap_err();
    let shown = format!("{client:?} {error} {error:?} {:?}", client.inner.credential());
    assert!(!shown.contains(KEY), "{shown}");
    assert!(shown.contains("key ... is wrong"));
}

/// A patient client and its script.
fn patient(answers: impl IntoIterator<Item = Response>) -> (Script, Client) {
    let script = Script::of(answers);
    let client = script.client(ApiVersion::V2025_10_15).patient();
    (script, client)
}

fn slow_down(retry_after: &str) -> Response {
    with_header(json(429, r#"{"code": "TooManyRequests"}"#), "retry-after", retry_after)
}

#[tokio::test(start_paused = true)]
async fn a_patient_client_asks_again_after_a_429_when_the_service_allows_it() {
    let model = || json(200, example("model_get"));
    let (script, client) = patient([slow_down("7"), slow_down("3"), model()]);
    let began = tokio::time::Instant::now();
    client.get_custom_model(Lane::Deadline, other_id()).await.unwrap();
    assert_eq!(script.seen().len(), 3);
    assert!(began.elapsed() >= Duration::from_secs(10), "{:?}", began.elapsed());

    let (script, client) = patient([slow_down("100")]);
    let error = client.delete_endpoint(Lane::UserChange, id()).await.unwrap_err();
    assert_eq!((error.kind(), error.perhaps_sent()), (ErrorKind::Throttled, false));
    assert!(
        error.retry_after().is_some_and(|wait| wait > Duration::from_secs(60)),
        "{error:?}"
    );
    assert_eq!(script.seen().len(), 1, "what got no turn was not sent");
}

#[tokio::test(start_paused = true)]
async fn a_patient_client_repeats_reads_a_few_times_and_changes_never() {
    let disturbed = || json(503, "");
    let (script, client) = patient([disturbed(), disturbed(), json(200, example("model_get"))]);
    client.get_custom_model(Lane::Sweep, other_id()).await.unwrap();
    assert_eq!(script.seen().len(), 3);
    let (script, client) = patient([disturbed(), disturbed(), disturbed(), disturbed()]);
    assert_eq!(
        client
            .get_custom_model(Lane::Sweep, other_id())
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Unavailable
    );
    assert_eq!(script.seen().len(), 4);
    let (script, client) = patient([disturbed()]);
    client.delete_endpoint(Lane::Deadline, id()).await.unwrap_err();
    assert_eq!(script.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_turn_takes_the_newer_key() {
    let (script, client) = patient([slow_down("5"), json(200, example("model_get"))]);
    let waiting = client.get_custom_model(Lane::Sweep, other_id());
    let rekeyed = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.authenticate(SubscriptionKey::parse(b"the-new-key").unwrap().into());
    };
    let (answer, ()) = tokio::join!(waiting, rekeyed);
    answer.unwrap();
    let keys: Vec<_> = script
        .seen()
        .iter()
        .map(|seen| seen.headers["ocp-apim-subscription-key"].clone())
        .collect();
    assert_eq!(keys, [KEY, "the-new-key"]);
}
