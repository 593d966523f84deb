//! Parsing of the reference's payloads.
use super::{super::read_page, *};
use serde_json::{Value, json};

const ID: &str = "5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11";
const EXAMPLES: &str = include_str!("../../testdata/examples.json");

fn example(name: &str) -> Value {
    serde_json::from_str::<Value>(EXAMPLES).unwrap()[name].clone()
}

fn read<T: FromDocument>(value: &Value) -> Result<T, BodyProblem> {
    read_one(value.to_string().as_bytes())
}

fn time(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

#[test]
fn an_endpoint_is_read() {
    let endpoint: Endpoint = read(&example("endpoint_get_succeeded")).unwrap();
    assert_eq!(endpoint.header.id.to_string(), ID);
    assert_eq!(endpoint.header.status, Status::Succeeded);
    assert_eq!(&*endpoint.header.locale, "en-US");
    assert_eq!(&*endpoint.header.display_name, "Claims hotline");
    assert!(matches!(endpoint.model, Some(ModelId::Custom(_))));
    assert!(!endpoint.logging_enabled);
    assert_eq!(&*endpoint.links[0].0, "webSocket");
    assert_eq!(*endpoint.header.foreign_properties, [("team".into(), "claims".into())]);
    assert_eq!((endpoint.header.owner, endpoint.header.error), (None, None));
}

#[test]
fn a_failed_endpoint_tells_why_without_signatures() {
    let mut value = example("endpoint_get_failed");
    let endpoint: Endpoint = read(&value).unwrap();
    assert_eq!(endpoint.header.status, Status::Failed);
    assert!(!endpoint.header.error.unwrap().code.is_empty());
    value["properties"]["error"]["message"] = json!("Cannot read https://a.example/b?sig=SECRET");
    let endpoint: Endpoint = read(&value).unwrap();
    assert_eq!(
        endpoint.header.error.unwrap().message,
        "Cannot read https://a.example/b?..."
    );
}

#[test]
fn an_endpoint_of_v3_2_is_read() {
    let endpoint: Endpoint = read(&example("v32_endpoint")).unwrap();
    assert!(endpoint.logging_enabled);
    assert_eq!(
        endpoint.header.project.unwrap().to_string(),
        "3d2c1b0a-9f8e-4d7c-b6a5-94837261500d"
    );
    let names: Vec<_> = endpoint.links.iter().map(|(name, _)| &**name).collect();
    assert!(
        names.contains(&"logs") && names.contains(&"restConversation") && names.len() == 7,
        "{names:?}"
    );
}

#[test]
fn custom_and_base_models_carry_their_dates() {
    let model: CustomModel = read(&example("model_get")).unwrap();
    assert_eq!(model.expires_at, Some(time("2028-04-15T00:00:00Z")));
    assert!(model.base_model.unwrap().is_base());
    assert_eq!(
        (model.datasets.len(), model.weight_percent, model.supports_endpoints),
        (1, Some(40), Some(true))
    );
    let base: BaseModel = read(&example("base_model_get")).unwrap();
    assert_eq!(base.adaptation_until, Some(time("2027-01-15T00:00:00Z")));
    assert_eq!(base.expires_at, Some(time("2028-01-15T00:00:00Z")));
    assert!(base.supports_adaptations_with.contains(&"Language".into()));
    assert_eq!(base.supports_endpoints, Some(true));
}

#[test]
fn scores_exist_only_after_success() {
    let mut value = example("evaluation_not_started");
    let evaluation: Evaluation = read(&value).unwrap();
    assert_eq!((evaluation.scores1, evaluation.scores2), (None, None));
    assert!(evaluation.model1.is_base() && !evaluation.model2.is_base());
    for (name, number) in [
        ("wordErrorRate1", 0.065),
        ("wordCount1", 1200.0),
        ("wordErrorRate2", 0.0),
        ("tokenErrorRate2", 0.1),
    ] {
        value["properties"][name] = json!(number);
    }
    value["properties"]["wordCount1"] = json!(1200);
    value["properties"]["wordCount2"] = json!(0);
    let early: Evaluation = read(&value).unwrap();
    assert_eq!(
        (early.scores1, early.scores2),
        (None, None),
        "numbers of a run that has not ended"
    );
    value["status"] = json!("Succeeded");
    let done: Evaluation = read(&value).unwrap();
    assert_eq!(
        done.scores1,
        Some(Scores {
            word_error_rate: 0.065,
            token_error_rate: None,
            word_count: Some(1200)
        })
    );
    assert_eq!(
        done.scores2,
        Some(Scores {
            word_error_rate: 0.0,
            token_error_rate: Some(0.1),
            word_count: Some(0)
        })
    );
    value["properties"]["wordErrorRate1"] = json!(-1.0);
    assert_eq!(read::<Evaluation>(&value).unwrap().scores1, None);
}

#[test]
fn datasets_and_copies_are_read() {
    let dataset: Dataset = read(&example("dataset_get")).unwrap();
    assert_eq!((&*dataset.kind, dataset.accepted_lines), ("Language", Some(8120)));
    let begun: CopyOperation = read(&example("copy_operation_started")).unwrap();
    assert_eq!((begun.status, begun.result), (Status::NotStarted, None));
    let done: CopyOperation = read(&example("copy_operation_done")).unwrap();
    assert!(
        done.result
            .unwrap()
            .contains("/models/c3d4e5f6-0718-4293-a4b5-c6d7e8f90109")
    );
}

#[test]
fn what_is_unknown_is_ignored_and_null_counts_as_absent() {
    let mut value = example("endpoint_get_succeeded");
    value["status"] = json!("Updating");
    value["novelty"] = json!({"a": [1, {"b": null}]});
    value["properties"]["novelty"] = json!(7);
    value["links"]["novelty"] = json!(7);
    for name in [
        "description",
        "customProperties",
        "project",
        "model",
        "lastActionDateTime",
    ] {
        value[name] = Value::Null;
    }
    value["properties"]["loggingEnabled"] = Value::Null;
    let endpoint: Endpoint = read(&value).unwrap();
    assert_eq!(endpoint.header.status, Status::Other("Updating".into()));
    assert!(!endpoint.header.status.is_terminal());
    assert_eq!(endpoint.model, None);
    assert_eq!(endpoint.header.last_action_at, endpoint.header.created_at);
    assert_eq!(endpoint.links.len(), 1);
}

#[test]
fn times_come_with_fractions_offsets_or_without_any() {
    let mut value = example("endpoint_get_succeeded");
    for (text, expected) in [
        ("2026-02-03T08:15:00.1234567Z", "2026-02-03T08:15:00.1234567Z"),
        ("2026-02-03T10:15:00+02:00", "2026-02-03T08:15:00Z"),
        ("2026-02-03T08:15:00", "2026-02-03T08:15:00Z"),
    ] {
        value["createdDateTime"] = json!(text);
        assert_eq!(
            read::<Endpoint>(&value).unwrap().header.created_at,
            time(expected),
            "{text}"
        );
    }
    value["createdDateTime"] = json!("last Tuesday");
    assert!(matches!(read::<Endpoint>(&value), Err(BodyProblem::Unexpected(_))));
}

#[test]
fn one_broken_entity_is_counted_and_costs_no_other() {
    let good = example("endpoint_get_succeeded");
    for (name, broken) in [
        ("self", json!("https://x.example/endpoints/none")),
        ("self", Value::Null),
        ("createdDateTime", json!(5)),
        ("createdDateTime", Value::Null),
        ("model", json!({"self": "nonsense"})),
        ("properties", json!("text")),
        ("displayName", json!(["a"])),
    ] {
        let mut bad = good.clone();
        bad[name] = broken.clone();
        let body = json!({"values": [good, bad, good], "@nextLink": "https://x.example/next"}).to_string();
        let page = read_page::<Endpoint>(body.as_bytes()).unwrap();
        assert_eq!((page.values.len(), page.unreadable), (2, 1), "{name} = {broken}");
        assert_eq!(page.next.as_deref(), Some("https://x.example/next"));
    }
    let body = json!({"values": [5, null, good]}).to_string();
    let page = read_page::<Endpoint>(body.as_bytes()).unwrap();
    assert_eq!((page.values.len(), page.unreadable, page.next), (1, 2, None));
}

#[test]
fn an_answer_without_values_is_no_empty_list() {
    for body in [
        "{}",
        r#"{"values": null}"#,
        r#"{"values": {}}"#,
        "[]",
        "null",
        r#"{"code": "InvalidRequest"}"#,
    ] {
        let result = read_page::<Endpoint>(body.as_bytes());
        assert!(matches!(result, Err(BodyProblem::Unexpected(_))), "{body}");
    }
    assert!(matches!(read_page::<Endpoint>(b"<html>"), Err(BodyProblem::NotJson)));
    assert!(matches!(read_page::<Endpoint>(b""), Err(BodyProblem::NotJson)));
    assert!(matches!(
        read_page::<Endpoint>(br#"{"values": [{"self": "htt"#),
        Err(BodyProblem::Cut)
    ));
    let end = read_page::<Endpoint>(br#"{"values": [], "@nextLink": null}"#).unwrap();
    assert_eq!((end.values.len(), end.next), (0, None));
}

#[test]
fn a_file_has_the_last_segment_of_its_self_link_as_id_and_hides_its_content_link() {
    let value = json!({
        "self": format!("https://x.example/speechtotext/v3.2/endpoints/{ID}/files/logs/2026-02-03_a-b.v2.wav?api-version=3.2"),
        "kind": "Audio", "name": "a.wav", "createdDateTime": "2026-02-03T08:15:00Z",
        "links": {"contentUrl": "https://store.example/a.wav?sig=SECRET"},
        "properties": {"size": 700, "duration": "PT3S"}
    });
    let file: File = read(&value).unwrap();
    assert_eq!((&*file.id, file.size), ("2026-02-03_a-b.v2.wav", Some(700)));
    assert!(!format!("{file:?}").contains("SECRET"));
    assert!(file.content_url.is_some());
}
