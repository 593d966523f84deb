//! The fleet page of a running operator, and of a replica that stands by.
use crate::{
    harness::OperatorProcess,
    seed::{BASE_OLD, MODEL, TEXT},
    stack::shared,
};
use icalendar::{Calendar, Component};
use serde_json::{Value, json};

async fn got(operator: &OperatorProcess, path: &str) -> String {
    let (status, text) = operator.get(path).await.unwrap();
    assert_eq!(status, 200, "{path}: {text}");
    text
}

#[test]
fn the_page_shows_the_fleet_as_the_cluster_has_it_on_every_replica() {
    shared("fleet-page", async |case, stack| {
        case.connect("60s").await;
        let training = json!({"training": {"datasets": [TEXT], "baseModel": {"id": BASE_OLD}}});
        case.model("claims", json!({"source": training})).await;
        case.endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}}))
            .await;
        case.endpoint("fixed", json!({"model": {"id": MODEL}})).await;
        // Its model expires within the four quarters that drawings and calendars show.
        case.endpoint("old", json!({"model": {"base": {"id": BASE_OLD}}})).await;
        case.ready("SpeechModel", "claims").await;
        case.ready("SpeechEndpoint", "old").await;
        let hotline = case.ready("SpeechEndpoint", "hotline").await;
        let fixed = case.ready("SpeechEndpoint", "fixed").await;
        let standby = stack.start_replica("speech-operator-1", &[]).await;
        let mut told = Vec::new();
        for operator in [&stack.operator, &standby] {
            let page = got(operator, "/fleet?namespace=fleet-page").await;
            let socket = hotline["status"]["links"]["webSocket"].as_str().unwrap();
            for part in [
                "Endpoints, the most urgent first</caption>",
                "hotline",
                "fixed",
                "revision 1",
                "by hand",
                &socket.replace('&', "&amp;"),
            ] {
                assert!(page.contains(part), "{part}: {page}");
            }
            assert!(page.contains("4 of "), "the other tests have objects too: {page}");

            let document: Value =
                serde_json::from_str(&got(operator, "/fleet.json?namespace=fleet-page").await).unwrap();
            let objects = document["objects"].as_array().unwrap();
            assert_eq!(objects.len(), 4, "{document:#}");
            let of = |name: &str| objects.iter().find(|object| object["name"] == name).unwrap();
            for (name, status) in [("hotline", &hotline["status"]), ("fixed", &fixed["status"])] {
                let object = of(name);
                assert_eq!(object["id"], status["id"]);
                assert_eq!(object["expiresAt"], status["active"]["expiresAt"]);
                assert_eq!(object["urls"]["webSocket"], status["links"]["webSocket"]);
                assert_eq!(
                    (&object["ready"], &object["connection"]),
                    (&json!(true), &json!("fleet-page/speech"))
                );
            }
            assert_eq!(of("claims")["next"]["action"], "Train", "{document:#}");
            told.push(document["objects"].clone());

            let calendar: Calendar = got(operator, "/fleet.ics?namespace=fleet-page").await.parse().unwrap();
            let events = calendar.components.iter().filter_map(|part| part.as_event());
            let summaries: Vec<_> = events.filter_map(|event| event.get_summary()).collect();
            let steps = objects.iter().map(|object| object["steps"].as_array().unwrap().len());
            assert_eq!(summaries.len(), steps.sum::<usize>(), "{summaries:?}");
            assert!(
                summaries
                    .iter()
                    .any(|summary| summary.contains("Expire fleet-page/old: old base")),
                "{summaries:?}"
            );

            assert!(
                !got(operator, "/fleet?namespace=nobody-is-here")
                    .await
                    .contains("hotline")
            );
            let (status, refused) = operator.get("/fleet?namespace=Not+A+Name").await.unwrap();
            assert_eq!(status, 400);
            assert!(refused.contains("is no name of a namespace"), "{refused}");
        }
        assert_eq!(told[0], told[1], "what a replica that stands by tells is the same");
        assert!(got(&standby, "/fleet").await.contains("standby"));
        assert!(got(&stack.operator, "/fleet").await.contains("leader"));
    });
}
