//! Words that nothing follows from are told at once, and a status that somebody wiped is there again at once.
use crate::{
    case::Case,
    harness::{condition, is_ready},
    seed::{BASE_NEW, BASE_OLD, PROJECT, TEXT},
    stack::shared,
};
use serde_json::{Value, json};

async fn unheeded(case: &Case, kind: &str, name: &str, reason: &str, words: &str) {
    case.until(kind, name, &format!("says {reason}"), |object| {
        let all = object["status"]["conditions"].as_array().into_iter().flatten();
        let found = all.filter(|one| one["type"] == "Unheeded" && one["reason"] == reason);
        let mut messages = found.filter_map(|one| one["message"].as_str());
        messages.any(|message| message.contains(words))
    })
    .await;
}

fn heeds_all(object: &Value) -> bool {
    let mut all = object["status"]["conditions"].as_array().into_iter().flatten();
    is_ready(object) && all.all(|one| one["type"] != "Unheeded")
}

#[test]
fn words_that_nothing_follows_from_are_told_at_once_and_no_more_when_they_go() {
    shared("words-unheeded", async |case, _| {
        case.connect("5s").await;
        let base = json!({"base": {"id": BASE_OLD}});
        case.ready_endpoint("asks", json!({"model": base})).await;
        case.annotate("SpeechEndpoint", "asks", "swap-now", BASE_NEW.into())
            .await;
        unheeded(case, "SpeechEndpoint", "asks", "NotTheCandidate", BASE_NEW).await;
        case.event("asks", "NotTheCandidate").await;
        case.annotate("SpeechEndpoint", "asks", "swap-now", Value::Null).await;
        case.until("SpeechEndpoint", "asks", "heeds all", heeds_all).await;

        let missing = "20000000-0000-4000-8000-000000000099";
        let gate = json!({"evaluation": {"dataset": missing, "maxWordErrorRate": 0.2}});
        case.endpoint("gated", json!({"model": {"base": {}}, "swap": {"gate": gate}}))
            .await;
        unheeded(case, "SpeechEndpoint", "gated", "DatasetNotFound", missing).await;

        case.ready_endpoint("project", json!({"model": base, "project": PROJECT}))
            .await;
        case.endpoint("project", json!({"model": base})).await;
        unheeded(case, "SpeechEndpoint", "project", "ProjectKept", PROJECT).await;

        let training = json!({"training": {"datasets": [TEXT]}});
        case.ready_model("claims", json!({"source": training, "project": PROJECT}))
            .await;
        case.model(
            "claims",
            json!({"source": training, "renewal": {"on": ["BeforeExpiry"]}}),
        )
        .await;
        unheeded(case, "SpeechModel", "claims", "ProjectKept", PROJECT).await;
        case.annotate("SpeechModel", "claims", "train-revision", "9".into())
            .await;
        unheeded(
            case,
            "SpeechModel",
            "claims",
            "ProjectKept",
            "revision 9 does not come next",
        )
        .await;

        for labels in [json!({"a b!": "c"}), json!({"": ""})] {
            case.endpoint("selects", json!({"model": {"selector": {"matchLabels": labels}}}))
                .await;
            let field = "spec.model.selector.matchLabels";
            unheeded(case, "SpeechEndpoint", "selects", "SelectorInvalid", field).await;
        }
        let selector = json!({"from": "Selector", "selector": {"matchLabels": {"a b!": "c"}}});
        case.connection(json!({"pollInterval": "5s", "allowedNamespaces": selector}))
            .await;
        let field = "spec.allowedNamespaces.selector.matchLabels";
        unheeded(case, "SpeechConnection", "speech", "SelectorInvalid", field).await;
    });
}

#[test]
fn a_status_that_somebody_wiped_is_there_again_at_once() {
    shared("words-wiped", async |case, _| {
        // Nothing else would look at them for an hour.
        case.connect("1h").await;
        let base = json!({"base": {"id": BASE_OLD}});
        case.endpoint("line", json!({"model": base})).await;
        case.model("claims", json!({"source": base})).await;
        let all = [
            ("SpeechConnection", "speech"),
            ("SpeechModel", "claims"),
            ("SpeechEndpoint", "line"),
        ];
        for (kind, name) in all {
            case.ready(kind, name).await;
        }
        for wiped in [json!({"status": null}), json!({"status": {"conditions": null}})] {
            for (kind, name) in all {
                let params = kube::api::PatchParams::default();
                let patch = kube::api::Patch::Merge(wiped.clone());
                case.api(kind).patch_status(name, &params, &patch).await.unwrap();
                let again = case.ready(kind, name).await;
                assert_eq!(condition(&again, "Ready")["status"], "True");
            }
        }
        assert_eq!(case.calls("Endpoints_Create").await, 1, "nothing is made anew");
    });
}
