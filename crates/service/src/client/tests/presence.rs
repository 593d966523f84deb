//! What proves that an entity is gone, and what does not.
use super::*;
use crate::{
    Absent, ErrorKind,
    client::Presence,
    entity::{CustomModel, Endpoint, Evaluation},
};

const NOT_FOUND: &str = r#"{"code": "NotFound", "message": "The specified endpoint was not found."}"#;
const GATEWAY: &str = r#"{"error": {"code": "404", "message": "Resource not found"}}"#;

fn gone() -> Response {
    json(404, NOT_FOUND)
}

fn nothing() -> Response {
    json(200, r#"{"values": []}"#)
}

fn list() -> Response {
    json(200, serde_json::json!({"values": [shown(ID)]}))
}

fn shown(id: &str) -> serde_json::Value {
    let mut endpoint = example("endpoint_get_succeeded");
    endpoint["self"] = format!("https://x.example/west/speechtotext/endpoints/{id}").into();
    endpoint
}

fn there() -> Response {
    json(200, shown(ID))
}

fn deleted() -> Response {
    json(204, "")
}

/// What a client finds out by these answers, and how many it needed.
async fn look_up(answers: impl IntoIterator<Item = Response>) -> (Result<bool, ErrorKind>, usize) {
    let script = Script::of(answers);
    let found = script
        .client(ApiVersion::V2025_10_15)
        .look_up::<Endpoint>(Lane::Sweep, id())
        .await;
    let is_there = found.map(|presence| matches!(presence, Presence::Found(_)));
    (is_there.map_err(|error| error.kind()), script.seen().len())
}

#[tokio::test]
async fn only_the_services_own_word_about_that_id_beside_a_list_that_lacks_it_is_a_proof() {
    assert_eq!(look_up([there()]).await, (Ok(true), 1));
    assert_eq!(look_up([gone(), nothing()]).await, (Ok(false), 2));
    let elsewhere = json(200, serde_json::json!({"values": [shown(OTHER_ID)]}));
    assert_eq!(look_up([gone(), elsewhere]).await, (Ok(false), 2));
    let page = serde_json::json!({"values": [], "@nextLink": "https://x.example/west/speechtotext/endpoints?skip=1"});
    for (answers, kind) in [
        // The lists.
        (vec![gone(), list()], ErrorKind::Misrouted),
        (vec![gone(), json(404, GATEWAY)], ErrorKind::Misrouted),
        (vec![gone(), json(404, NOT_FOUND)], ErrorKind::NotFound),
        (vec![gone(), json(200, r#"{"values": ["#)], ErrorKind::Unintelligible),
        (vec![gone(), json(200, "{}")], ErrorKind::Unintelligible),
        (vec![gone(), json(503, "")], ErrorKind::Unavailable),
        (vec![gone(), json(200, &page), list()], ErrorKind::Misrouted),
        (vec![gone(), json(200, &page), json(500, "")], ErrorKind::Unavailable),
        // The answer about the id.
        (vec![json(404, "")], ErrorKind::Misrouted),
        (vec![json(404, GATEWAY)], ErrorKind::Misrouted),
        (vec![json(410, NOT_FOUND)], ErrorKind::Misrouted),
        (vec![json(204, "")], ErrorKind::Unintelligible),
        (vec![json(200, "<html>Sign in</html>")], ErrorKind::Unintelligible),
        (vec![json(200, shown(OTHER_ID))], ErrorKind::Misrouted),
        (vec![json(403, "")], ErrorKind::Forbidden),
        (vec![json(401, "")], ErrorKind::Unauthorized),
        (vec![json(405, "")], ErrorKind::Rejected),
        (vec![json(502, "<html>")], ErrorKind::Unavailable),
    ] {
        let asked = answers.len();
        assert_eq!(look_up(answers).await, (Err(kind), asked));
    }
}

/// What comes of a deletion by these answers.
async fn remove(answers: impl IntoIterator<Item = Response>) -> Result<EntityId, Error> {
    let script = Script::of(answers);
    let proof: Absent<Endpoint> = script
        .client(ApiVersion::V2025_10_15)
        .remove(Lane::UserChange, id())
        .await?;
    Ok(proof.id())
}

#[tokio::test]
async fn a_deletion_ends_with_a_proof_whatever_it_was_answered() {
    for answer in [
        deleted(),
        json(200, "{}"),
        json(202, ""),
        gone(),
        json(404, GATEWAY),
        json(404, ""),
        json(410, ""),
    ] {
        assert_eq!(remove([answer, gone(), nothing()]).await.unwrap(), id());
    }
    for (answers, kind) in [
        (vec![deleted(), there()], ErrorKind::Misrouted),
        (vec![gone(), there()], ErrorKind::Misrouted),
        (vec![json(404, GATEWAY), there()], ErrorKind::Misrouted),
        (vec![json(410, ""), there()], ErrorKind::Misrouted),
        (vec![deleted(), json(404, GATEWAY)], ErrorKind::Misrouted),
        (vec![deleted(), gone(), list()], ErrorKind::Misrouted),
        (vec![json(404, GATEWAY), json(502, "")], ErrorKind::Unavailable),
        (vec![json(405, "")], ErrorKind::Rejected),
        (vec![json(500, "")], ErrorKind::Unavailable),
    ] {
        let error = remove(answers).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    let error = remove([json(404, GATEWAY), there()]).await.unwrap_err();
    assert!(error.to_string().contains("delete_endpoint answered 404"), "{error}");
}

#[tokio::test]
async fn all_kinds_are_proven_alike() {
    let script = Script::of([gone(), nothing(), deleted(), gone(), nothing()]);
    let client = script.client(ApiVersion::V3_2);
    let model = client.look_up::<CustomModel>(Lane::Sweep, id()).await.unwrap();
    assert!(matches!(model, Presence::Absent(_)));
    client.remove::<Evaluation>(Lane::Sweep, id()).await.unwrap();
    let paths: Vec<_> = script.seen().iter().map(|seen| seen.uri.path().to_owned()).collect();
    let service = "/west/speechtotext/v3.2";
    let expected = [
        format!("{service}/models/{ID}"),
        format!("{service}/models"),
        format!("{service}/evaluations/{ID}"),
        format!("{service}/evaluations/{ID}"),
        format!("{service}/evaluations"),
    ];
    assert_eq!(paths, expected);
}

#[tokio::test]
async fn who_waits_for_a_list_shares_the_one_that_is_read_meanwhile() {
    let script = Script::of([gone(), gone(), gone(), nothing(), gone(), nothing()]);
    let client = client(
        Unhurried(InProcess(script.router())),
        "https://x.example",
        ApiVersion::V2025_10_15,
    );
    let ask = || client.look_up::<Endpoint>(Lane::Sweep, id());
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    for found in [a, b, c] {
        assert!(matches!(found, Ok(Presence::Absent(_))), "{found:?}");
    }
    ask().await.unwrap();
    assert_eq!(script.seen().len(), 6, "a list from before the question proves nothing");
}

/// A transport that lets others go first.
struct Unhurried(InProcess);

impl Transport for Unhurried {
    fn send(
        &self,
        request: Request<tokio_util::bytes::Bytes>,
        limits: Limits,
    ) -> futures::future::BoxFuture<'_, Result<http::Response<tokio_util::bytes::Bytes>, TransportError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.0.send(request, limits).await
        })
    }
}

/// Read or changed, entities of every kind.
#[tokio::test]
async fn an_answer_about_another_entity_is_no_answer() {
    let of = |name: &str, collection: &str| {
        let mut entity = example(name);
        entity["self"] = format!("https://x.example/west/speechtotext/{collection}/{OTHER_ID}").into();
        json(200, entity)
    };
    let endpoint = || of("endpoint_get_succeeded", "endpoints");
    let script = Script::of([endpoint(), endpoint(), endpoint()]);
    let client = script.client(ApiVersion::V2025_10_15);
    let read = client.get_endpoint(Lane::Sweep, id()).await.map(drop);
    let change = crate::request::UpdateEndpoint::DisplayName("a".to_owned());
    let changed = client.update_endpoint(Lane::UserChange, id(), &change).await.map(drop);
    let change = crate::request::UpdateEndpoint::Model(ModelId::Base(id()));
    let moved = client.update_endpoint(Lane::Deadline, id(), &change).await.map(drop);
    for answer in [read, changed, moved] {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misrouted, "{error}");
        assert!(error.perhaps_sent(), "what came of a change is not known");
        for words in [ID, OTHER_ID, "something else answers"] {
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
