//! Much that is deleted at once waits for a word.
use crate::{
    case::Case,
    harness::{condition, in_time, message},
    seed::BASE_OLD,
    stack::{SOON, alone, shared},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

const ENDPOINTS: usize = 6;

fn name(number: usize) -> String {
    format!("line-{number}")
}

/// Six endpoints of a connection that lets three be deleted in a minute.
async fn fleet(case: &Case, spec: Value) {
    case.secret(&crate::seed::key(&case.name, 1)).await;
    case.connection(json!({"deletionGuard": {"maxDeletions": 3, "per": "10m"}}))
        .await;
    case.ready("SpeechConnection", "speech").await;
    for number in 0..ENDPOINTS {
        let mut all = json!({"model": {"base": {"id": BASE_OLD}}});
        all.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        case.endpoint(&name(number), all).await;
    }
    for number in 0..ENDPOINTS {
        case.ready("SpeechEndpoint", &name(number)).await;
    }
}

/// Those that are still there, once what may go is gone and all others say that they are held.
async fn held(case: &Case) -> Vec<String> {
    in_time("what is left is held", SOON, async || {
        let mut left = Vec::new();
        for number in 0..ENDPOINTS {
            if let Some(object) = case.find("SpeechEndpoint", &name(number)).await {
                if condition(&object, "Stalled")["reason"] != "DeletionHeld" {
                    return Err(object["status"].to_string());
                }
                left.push(name(number));
            }
        }
        Ok(left)
    })
    .await
}

/// The command that the connection tells, as the annotation's value.
async fn word(case: &Case) -> String {
    let connection = case.until("SpeechConnection", "speech", "tells what it holds", |object| {
        condition(object, "DeletionsHeld")["status"] == "True"
    });
    let connection = connection.await;
    let told = message(&connection, "DeletionsHeld");
    let (_, word) = told.split_once("customspeech.dev/allow-deletions=").unwrap();
    word.split([' ', '.']).next().unwrap().to_owned()
}

#[test]
fn more_deletions_than_are_allowed_at_once_wait_for_a_word_over_a_restart() {
    alone("guard", async |case, stack| {
        fleet(case, json!({"forceOrphanAfter": "24h"})).await;
        for number in 0..ENDPOINTS {
            case.delete("SpeechEndpoint", &name(number)).await;
        }
        let left = held(case).await;
        assert!(left.len() >= ENDPOINTS - 3, "three may go, and no more: {left:?}");
        assert_eq!(case.marked_all("endpoints").await, left.len());
        case.event("speech", "DeletionHeld").await;
        let metrics = stack.operator.metrics().await.unwrap();
        let gauge = format!(
            r#"speech_connection_deletions_held{{namespace="guard",name="speech"}} {}"#,
            left.len()
        );
        assert!(metrics.contains(&gauge), "{metrics}");

        // Whoever comes next holds them, too, though fewer than the limit may be left.
        stack.kill_operator();
        stack.restart_operator().await;
        case.look_at_connection().await;
        assert_eq!(held(case).await, left);
        assert_eq!(case.marked_all("endpoints").await, left.len());

        // A word that is none helps nothing; the one that is told does.
        case.annotate("SpeechConnection", "speech", "allow-deletions", "yes".into())
            .await;
        case.until("SpeechConnection", "speech", "names the word", |object| {
            message(object, "DeletionsHeld").contains("it says \"yes\", which is no time")
        })
        .await;
        let word = word(case).await;
        assert!(word.parse::<Timestamp>().is_ok(), "{word}");
        case.annotate("SpeechConnection", "speech", "allow-deletions", word.into())
            .await;
        for name in &left {
            case.gone("SpeechEndpoint", name).await;
        }
        assert_eq!(case.marked_all("endpoints").await, 0);
        case.until("SpeechConnection", "speech", "holds nothing", |object| {
            condition(object, "DeletionsHeld").is_null()
        })
        .await;
    });
}

#[test]
fn what_nobody_agrees_to_is_released_in_the_end_and_stays_in_the_service() {
    shared("guard-late", async |case, _| {
        fleet(case, json!({"forceOrphanAfter": "3s"})).await;
        // A whole namespace: each object is held, and the namespace ends all the same.
        case.delete("Namespace", "guard-late").await;
        let ended = Duration::from_secs(60);
        in_time("the namespace is gone", ended, async || {
            match case.find("Namespace", "guard-late").await {
                None => Ok(()),
                Some(object) => Err(object["status"].to_string()),
            }
        })
        .await;
        let left = case.marked_all("endpoints").await;
        assert!(left >= ENDPOINTS - 3, "{left}");
        assert_eq!(case.calls("Endpoints_Delete").await, ENDPOINTS - left);
    });
}
