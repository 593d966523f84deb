//! A watch against an apiserver that answers by a script, over a real connection.
use super::{
    super::{store::store, testing::Parts},
    *,
};
use axum::{
    Router,
    body::Body,
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Client, Config};
use serde_json::{Value, json};
use std::{collections::VecDeque, convert::Infallible, sync::Mutex};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const SOON: Duration = Duration::from_secs(10);

/// One answer of the apiserver.
enum Answer {
    /// A whole list at a version.
    List(u32, Vec<Value>),
    /// The events of a watch, and whether it is closed after them.
    Events(Vec<String>, bool),
    /// An error.
    Status(u16),
    /// Nothing, ever.
    Nothing,
}

/// The answers to come, and what was asked so far: `list`, or `watch` and the version.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<String>>,
}

async fn answer(State(script): State<Arc<Script>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let version = query.split('&').find_map(|part| part.strip_prefix("resourceVersion="));
    let asked = match query.contains("watch=true") {
        true => format!("watch {}", version.unwrap_or_default()),
        false => "list".to_owned(),
    };
    script.asked.lock().unwrap().push(asked);
    let next = script.answers.lock().unwrap().pop_front();
    match next {
        Some(Answer::List(version, items)) => axum::Json(json!({
            "kind": "ConfigMapList", "apiVersion": "v1", "metadata": {"resourceVersion": version.to_string()}, "items": items,
        }))
        .into_response(),
        Some(Answer::Events(events, closes)) => {
            let text: String = events.iter().map(|event| format!("{event}\n")).collect();
            let said = futures::stream::iter((!text.is_empty()).then_some(Ok::<_, Infallible>(text)));
            match closes {
                true => Body::from_stream(said).into_response(),
                false => Body::from_stream(said.chain(futures::stream::pending())).into_response(),
            }
        }
        Some(Answer::Status(code)) => {
            let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": "", "message": ""});
            (StatusCode::from_u16(code).unwrap(), axum::Json(status)).into_response()
        }
        Some(Answer::Nothing) | None => std::future::pending().await,
    }
}

fn map(name: &str, version: u32) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
        "name": name, "namespace": "shop", "uid": name, "resourceVersion": version.to_string(),
    }})
}

/// One that does not fit its type.
fn broken(name: &str, version: u32) -> Value {
    let mut map = map(name, version);
    map["data"] = json!(5);
    map
}

/// As the API server writes it: the type first.
fn event(kind: &str, object: Value) -> String {
    format!(r#"{{"type": "{kind}", "object": {object}}}"#)
}

fn bookmark(version: u32) -> String {
    let meta = json!({"resourceVersion": version.to_string(), "creationTimestamp": null});
    event(
        "BOOKMARK",
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}),
    )
}

fn gone() -> String {
    event(
        "ERROR",
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"}),
    )
}

/// A watch under way.
struct Running {
    script: Arc<Script>,
    told: UnboundedReceiver<String>,
    context: Arc<Context>,
}

impl Running {
    async fn on(answers: Vec<Answer>) -> Self {
        let script = Arc::new(Script::default());
        script.answers.lock().unwrap().extend(answers);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let client = Client::try_from(Config::new(url.parse().unwrap())).unwrap();
        let context = Arc::new(Parts::new(client.clone()).context);
        let (teller, told) = unbounded_channel();
        let tell = move |_: &Context, object: &ConfigMap, seen: Seen| {
            let name = object.metadata.name.as_deref().unwrap_or_default();
            let version = object.metadata.resource_version.as_deref().unwrap_or_default();
            drop(teller.send(format!("{name} {version} {seen:?}")));
        };
        let writer = store().1;
        let mut watch = Watch::new(
            Api::all(client),
            ListParams::default(),
            writer,
            Arc::clone(&context),
            tell,
        );
        watch.bounds = Bounds {
            answer: Duration::from_millis(300),
            lasts: Duration::from_secs(1),
            bookmark: Duration::from_millis(300),
            margin: Duration::from_millis(100),
            bare: Duration::from_millis(200),
        };
        tokio::spawn(async move { watch.run().await });
        Self { script, told, context }
    }

    /// The next things that are told.
    async fn hears(&mut self, expected: &[&str]) {
        for expected in expected {
            let told = timeout(SOON, self.told.recv()).await.unwrap().unwrap();
            assert_eq!(told, *expected);
        }
    }

    /// Waits until this was asked, in this order.
    async fn asks(&self, expected: &[&str]) {
        let enough = async {
            while self.script.asked.lock().unwrap().len() < expected.len() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = timeout(SOON, enough).await;
        assert_eq!(*self.script.asked.lock().unwrap(), expected, "{waited:?}");
    }
}

#[tokio::test]
async fn a_closed_watch_goes_on_from_the_last_version_and_tells_all_in_order() {
    let events = vec![event("MODIFIED", map("a", 2)), bookmark(5)];
    let mut running = Running::on(vec![
        Answer::List(1, vec![map("a", 1)]),
        Answer::Events(events, true),
        Answer::Events(vec![event("DELETED", map("a", 6))], false),
    ])
    .await;
    running.hears(&["a 1 Applied", "a 2 Applied", "a 6 Deleted"]).await;
    running.asks(&["list", "watch 1", "watch 5"]).await;
}

#[tokio::test]
async fn three_bare_closes_lead_to_a_list_which_also_tells_what_went() {
    let bare = || Answer::Events(vec![], true);
    let mut running = Running::on(vec![
        Answer::List(1, vec![map("a", 1), map("b", 1)]),
        bare(),
        bare(),
        bare(),
        Answer::List(9, vec![map("b", 8)]),
        Answer::Events(vec![], false),
    ])
    .await;
    running
        .hears(&["a 1 Applied", "b 1 Applied", "a 1 Deleted", "b 8 Applied"])
        .await;
    running
        .asks(&["list", "watch 1", "watch 1", "watch 1", "list", "watch 9"])
        .await;
}

#[tokio::test]
async fn a_version_that_is_gone_leads_to_a_list_however_it_is_told() {
    for told in [Answer::Events(vec![gone()], false), Answer::Status(410)] {
        let mut running = Running::on(vec![
            Answer::List(1, vec![]),
            told,
            Answer::List(9, vec![map("a", 8)]),
            Answer::Events(vec![], false),
        ])
        .await;
        running.hears(&["a 8 Applied"]).await;
        running.asks(&["list", "watch 1", "list", "watch 9"]).await;
    }
}

#[tokio::test]
async fn a_silent_watch_is_opened_anew_sooner_where_bookmarks_are_sent() {
    let began = std::time::Instant::now();
    let mut running = Running::on(vec![
        Answer::List(1, vec![]),
        Answer::Events(vec![bookmark(3)], false),
        Answer::Events(vec![], false),
        Answer::Events(vec![event("ADDED", map("a", 4))], false),
    ])
    .await;
    running.asks(&["list", "watch 1", "watch 3"]).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    running.hears(&["a 4 Applied"]).await;
    running.asks(&["list", "watch 1", "watch 3", "watch 3"]).await;
    assert!(began.elapsed() > Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_list_or_a_watch_that_never_answers_is_asked_for_again() {
    let mut running = Running::on(vec![
        Answer::Nothing,
        Answer::List(1, vec![map("a", 1)]),
        Answer::Nothing,
        Answer::Events(vec![event("MODIFIED", map("a", 2))], false),
    ])
    .await;
    running.hears(&["a 1 Applied", "a 2 Applied"]).await;
    running.asks(&["list", "list", "watch 1", "watch 1"]).await;
}

#[tokio::test]
async fn an_object_that_cannot_be_read_stops_nobody_and_is_counted() {
    let mut running = Running::on(vec![
        Answer::List(1, vec![broken("old", 1), map("a", 1)]),
        Answer::Events(
            vec![event("MODIFIED", broken("b", 2)), event("ADDED", map("c", 3))],
            false,
        ),
    ])
    .await;
    running.hears(&["a 1 Applied", "c 3 Applied"]).await;
    let metrics = running.context.metrics.expose().unwrap();
    assert!(
        metrics.contains(r#"speech_unreadable_objects{kind="ConfigMap"} 2.0"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn an_object_that_can_no_longer_be_read_is_not_taken_for_deleted() {
    let mut running = Running::on(vec![
        Answer::List(1, vec![map("a", 1)]),
        Answer::Status(410),
        Answer::List(9, vec![broken("a", 8), map("b", 8)]),
        Answer::Events(vec![event("DELETED", broken("a", 10))], false),
    ])
    .await;
    running.hears(&["a 1 Applied", "b 8 Applied", "a 1 Deleted"]).await;
}
