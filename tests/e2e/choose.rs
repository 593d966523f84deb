//! Which of several models an endpoint serves.
use crate::{
    case::Case,
    harness::{condition, message},
    seed::{BASE_GERMAN, BASE_NEW, BASE_OLD, MODEL},
    stack::shared,
};
use serde_json::{Value, json};

/// An endpoint that serves what is labelled for claims.
fn by_label(exclude: &[&str]) -> Value {
    json!({"model": {"selector": {"matchLabels": {"team": "claims"}}, "exclude": exclude}})
}

/// Three SpeechModels: they expire in 300, 400 and 500 days.
async fn models(case: &Case) {
    for (name, source) in [
        ("first", json!({"base": {"id": BASE_OLD}})),
        ("second", json!({"existing": {"id": MODEL}})),
        ("third", json!({"base": {"id": BASE_NEW}})),
    ] {
        case.labelled_model(name, json!({"team": "claims"}), json!({"source": source}))
            .await;
        case.ready("SpeechModel", name).await;
    }
}

#[test]
fn the_labelled_model_that_expires_last_serves_also_when_models_and_labels_come_and_go() {
    shared("choose", async |case, _| {
        let claims = json!({"team": "claims"});
        case.connect("60s").await;
        case.labelled_model("first", claims.clone(), json!({"source": {"base": {"id": BASE_OLD}}}))
            .await;
        case.labelled_model(
            "third",
            json!({"team": "sales"}),
            json!({"source": {"base": {"id": BASE_NEW}}}),
        )
        .await;
        case.ready("SpeechModel", "third").await;
        case.endpoint("hotline", by_label(&[])).await;
        case.serves("hotline", BASE_OLD).await;

        case.labelled_model("second", claims.clone(), json!({"source": {"existing": {"id": MODEL}}}))
            .await;
        case.serves("hotline", MODEL).await;
        case.patch("SpeechModel", "third", json!({"metadata": {"labels": claims}}))
            .await;
        case.serves("hotline", BASE_NEW).await;

        // Nothing that remains lasts as long: what serves goes on, and the nearest is named with what it lacks.
        case.patch(
            "SpeechModel",
            "third",
            json!({"metadata": {"labels": {"team": "sales"}}}),
        )
        .await;
        let kept = case
            .says("hotline", "none of 2 selected SpeechModels is eligible")
            .await;
        assert!(
            message(&kept, "Ready").contains("SpeechModel second is nearest"),
            "{kept:#}"
        );
        assert_eq!(kept["status"]["active"]["model"], BASE_NEW);
        assert_eq!(case.calls("Endpoints_Update").await, 2);
        assert_eq!(case.calls("Endpoints_Create").await, 1);
    });
}

#[test]
fn an_excluded_model_is_never_chosen() {
    shared("choose-exclude", async |case, _| {
        case.connect("60s").await;
        models(case).await;
        case.endpoint("by-label", by_label(&[BASE_NEW])).await;
        case.endpoint("newest", json!({"model": {"base": {}, "exclude": [BASE_NEW]}}))
            .await;
        let excluded = json!({"model": {"ref": {"name": "third"}, "exclude": [BASE_NEW]}});
        case.endpoint("by-name", excluded).await;
        case.serves("by-label", MODEL).await;
        case.serves("newest", BASE_OLD).await;
        let told = case.reason("SpeechEndpoint", "by-name", "ModelExcluded").await;
        assert_eq!(condition(&told, "Stalled")["status"], "True");
        assert_eq!(case.calls("Endpoints_Create").await, 2);

        // What serves is not taken away by an exclusion that leaves nothing better.
        case.endpoint("by-label", by_label(&[BASE_NEW, MODEL])).await;
        let kept = case.says("by-label", "is eligible").await;
        assert_eq!(kept["status"]["active"]["model"], MODEL);
        case.endpoint("by-label", by_label(&[MODEL])).await;
        case.serves("by-label", BASE_NEW).await;
        case.endpoint("by-name", json!({"model": {"ref": {"name": "third"}}}))
            .await;
        case.serves("by-name", BASE_NEW).await;
    });
}

#[test]
fn a_selector_that_meets_nothing_or_another_locale_is_told_and_what_serves_goes_on() {
    shared("choose-nothing", async |case, _| {
        case.connect("60s").await;
        case.endpoint("hotline", by_label(&[])).await;
        let told = case.reason("SpeechEndpoint", "hotline", "NoEligibleModel").await;
        assert!(message(&told, "Ready").contains("meets no SpeechModel"), "{told:#}");
        case.labelled_model(
            "german",
            json!({"team": "claims"}),
            json!({"locale": "de-DE", "source": {"base": {"id": BASE_GERMAN}}}),
        )
        .await;
        let told = case
            .until("SpeechEndpoint", "hotline", "names the nearest model", |endpoint| {
                message(endpoint, "Stalled").contains("german")
            })
            .await;
        assert_eq!(condition(&told, "Ready")["reason"], "NoEligibleModel");
        assert!(
            message(&told, "Ready").contains("is of locale de-DE, not en-US"),
            "{told:#}"
        );
        assert_eq!(case.remote_writes().await.len(), 0);

        case.labelled_model(
            "english",
            json!({"team": "claims"}),
            json!({"source": {"base": {"id": BASE_OLD}}}),
        )
        .await;
        case.serves("hotline", BASE_OLD).await;
        case.patch(
            "SpeechModel",
            "english",
            json!({"metadata": {"labels": {"team": "sales"}}}),
        )
        .await;
        let kept = case.says("hotline", "is of locale de-DE, not en-US").await;
        assert_eq!(kept["status"]["active"]["model"], BASE_OLD);
        case.delete("SpeechModel", "german").await;
        let kept = case.says("hotline", "meets no SpeechModel").await;
        assert_eq!(kept["status"]["active"]["model"], BASE_OLD);
        assert_eq!(case.calls("Endpoints_Update").await, 0);
    });
}
