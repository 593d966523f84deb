use super::*;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::Status;
use speech_api::{SpeechEndpoint, SpeechModel};

fn export(data: &[(&str, &str)]) -> Export {
    let data = data.iter().map(|(key, value)| ((*key).into(), (*value).into()));
    Export {
        name: "hotline".into(),
        data: data.collect(),
    }
}

fn endpoint(uid: &str, created: &str, name: &str) -> SpeechEndpoint {
    let spec = json!({
        "connectionRef": {"name": "speech"}, "locale": "en-US", "model": {"base": {}}, "exportTo": {"configMap": {"name": name}},
    });
    let mut endpoint = SpeechEndpoint::new(uid, serde_json::from_value(spec).unwrap());
    endpoint.metadata.namespace = Some("shop".into());
    endpoint.metadata.uid = Some(uid.into());
    endpoint.metadata.creation_timestamp = Some(Time(created.parse().unwrap()));
    endpoint
}

const EARLY: &str = "2026-03-01T10:00:00Z";
const LATE: &str = "2026-03-01T10:00:01Z";

#[test]
fn of_those_that_name_one_config_map_exactly_one_comes_first_and_kinds_do_not_matter() {
    let (a, b, c) = (
        endpoint("a", EARLY, "x"),
        endpoint("b", EARLY, "x"),
        endpoint("c", LATE, "x"),
    );
    for (one, other) in [(&a, &b), (&a, &c), (&b, &c)] {
        assert!(comes_first(one, other, "x") && !comes_first(other, one, "x"));
    }
    let spec = json!({
        "connectionRef": {"name": "speech"}, "locale": "en-US", "source": {"base": {}}, "exportTo": {"configMap": {"name": "x"}},
    });
    let mut model = SpeechModel::new("m", serde_json::from_value(spec).unwrap());
    model.metadata.namespace = Some("shop".into());
    assert!(
        comes_first(&model, &a, "x"),
        "what tells no age is taken for the oldest"
    );
    model.metadata.namespace = Some("bank".into());
    assert!(!comes_first(&model, &a, "x"), "of another namespace");
}

#[test]
fn who_goes_or_names_another_config_map_is_no_rival() {
    let young = endpoint("z", LATE, "x");
    assert!(!comes_first(&endpoint("a", EARLY, "y"), &young, "x"));
    let mut leaving = endpoint("a", EARLY, "x");
    leaving.metadata.deletion_timestamp = Some(Time(LATE.parse().unwrap()));
    assert!(!comes_first(&leaving, &young, "x"));
    assert!(!comes_first(&young, &young, "x"), "nor is one its own");
}

#[test]
fn a_change_takes_away_what_is_stale_and_holds_only_for_what_was_read() {
    let found = ConfigMap {
        metadata: ObjectMeta {
            resource_version: Some("7".into()),
            uid: Some("u".into()),
            ..ObjectMeta::default()
        },
        data: Some(export(&[("modelId", "old"), ("modelExpiresAt", "2027")]).data),
        ..ConfigMap::default()
    };
    let change = change(&found, &export(&[("modelId", "new")]));
    assert_eq!(change["data"], json!({"modelId": "new", "modelExpiresAt": null}));
    assert_eq!(change["metadata"]["resourceVersion"], "7");
    assert_eq!(change["metadata"]["uid"], "u");
}

#[test]
fn what_the_apiserver_refuses_is_told_in_its_own_words_and_what_passes_is_tried_again() {
    for (code, reason) in [
        (422, Reason::ExportRefused),
        (403, Reason::ExportRefused),
        (400, Reason::ExportRefused),
        (413, Reason::ExportRefused),
        (404, Reason::ExportFailed),
        (409, Reason::ExportFailed),
        (429, Reason::ExportFailed),
        (500, Reason::ExportFailed),
        (503, Reason::ExportFailed),
    ] {
        let status = Status::failure("field is immutable when `immutable` is set", "Invalid").with_code(code);
        let told = trouble("hotline", kube::Error::Api(Box::new(status)));
        assert_eq!(told.code, reason.as_str(), "{code}");
        assert_eq!(
            told.message,
            "ConfigMap hotline: field is immutable when `immutable` is set"
        );
    }
}
