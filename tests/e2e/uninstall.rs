//! The operator and its kinds are removed, in whatever order: objects are let go, and the Speech service keeps everything.
use crate::{
    case::Case,
    harness::{OPERATOR, OperatorProcess, in_time},
    seed::{ENDPOINT, MODEL, TEXT},
    speech::printed,
    stack::{SOON, Stack, install_anew, removed},
};
use serde_json::{Value, json};
use std::time::Duration;

const KINDS: [(&str, &str); 3] = [
    ("SpeechConnection", "speechconnections.customspeech.dev"),
    ("SpeechModel", "speechmodels.customspeech.dev"),
    ("SpeechEndpoint", "speechendpoints.customspeech.dev"),
];
/// How long a removal may take, whatever its order.
const MINUTE: Duration = Duration::from_secs(60);

/// A fleet with one of each: trained, created, adopted.
async fn fleet(case: &Case) {
    case.connect("5s").await;
    case.model("claims", json!({"source": {"training": {"datasets": [TEXT]}}}))
        .await;
    case.endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}}))
        .await;
    case.endpoint("ours", json!({"model": {"id": MODEL}, "adopt": {"id": ENDPOINT}}))
        .await;
    case.ready("SpeechModel", "claims").await;
    case.ready("SpeechEndpoint", "hotline").await;
    case.ready("SpeechEndpoint", "ours").await;
}

/// Begins to delete definitions, one after the other, and waits for nothing.
async fn delete_definitions(stack: &Stack, names: &[&str]) {
    for name in names {
        let args = ["delete", "crd", name, "--wait=false"];
        stack.plane.kubectl_ok(&args).await.unwrap();
    }
}

async fn definitions_are_gone(stack: &Stack, names: &[&str]) {
    let what = format!("{names:?} are gone");
    in_time(&what, MINUTE, async || {
        let left = stack.plane.kubectl_ok(&["get", "crd", "-o", "name"]).await;
        let left = left.map_err(|error| error.to_string())?;
        match names.iter().any(|name| left.contains(name)) {
            true => Err(left),
            false => Ok(()),
        }
    })
    .await;
}

/// Nothing was ever deleted in the Speech service, and all of the fleet is there.
async fn nothing_was_deleted(case: &Case) {
    let mut deletions = case.journal().await;
    deletions.retain(|entry| entry["method"] == "DELETE");
    assert_eq!(deletions, [] as [Value; 0]);
    assert_eq!(case.marked("endpoints", "hotline").await.len(), 1);
    assert_eq!(case.marked("models", "claims").await.len(), 1);
    assert!(case.remote_entity("endpoints", ENDPOINT).await.is_some());
}

fn names_of(order: &[usize]) -> Vec<&'static str> {
    order.iter().map(|index| KINDS[*index].1).collect()
}

#[test]
fn deleting_definitions_in_any_order_deletes_nothing_in_the_service() {
    for (number, order) in [[0, 1, 2], [2, 1, 0], [1, 2, 0]].iter().enumerate() {
        removed(&format!("crds-{number}"), async |case, stack| {
            fleet(case).await;
            let names = names_of(order);
            delete_definitions(stack, &names).await;
            definitions_are_gone(stack, &names).await;
            nothing_was_deleted(case).await;
            let said = stack.said();
            assert!(said.contains("let an object go"), "{said}");
            let metrics = stack.operator.metrics().await.unwrap();
            let released = r#"speech_released_total{kind="SpeechEndpoint"} "#;
            let released = metrics.lines().find_map(|line| line.strip_prefix(released));
            assert!(released.is_some_and(|count| count != "0"), "{metrics}");
        });
    }
}

#[test]
fn one_definition_that_goes_leaves_the_objects_of_the_others() {
    for (index, (own, _)) in KINDS.iter().enumerate() {
        removed(&format!("crd-{index}"), async |case, stack| {
            fleet(case).await;
            let names = names_of(&[index]);
            delete_definitions(stack, &names).await;
            definitions_are_gone(stack, &names).await;
            nothing_was_deleted(case).await;
            for (kind, name) in [
                ("SpeechConnection", "speech"),
                ("SpeechModel", "claims"),
                ("SpeechEndpoint", "hotline"),
            ] {
                if kind != *own {
                    let object = case.get(kind, name).await;
                    assert!(object["metadata"]["deletionTimestamp"].is_null(), "{object}");
                }
            }
            // What a person deletes meanwhile is let go as well: half of the operator's kinds is no ground to delete on.
            if *own != "SpeechEndpoint" {
                case.remove("SpeechEndpoint", "ours").await;
                case.event("ours", "Released").await;
                nothing_was_deleted(case).await;
            }
        });
    }
}

#[test]
fn definitions_that_hang_without_an_operator_are_freed_by_the_next_one() {
    removed("crds-killed", async |case, stack| {
        fleet(case).await;
        stack.kill_operator();
        let names = names_of(&[2, 1, 0]);
        delete_definitions(stack, &names).await;
        let hung = case.get("SpeechEndpoint", "hotline").await;
        assert!(hung["metadata"]["finalizers"].is_array(), "{hung}");
        stack.restart_operator().await;
        definitions_are_gone(stack, &names).await;
        nothing_was_deleted(case).await;
    });
}

#[test]
fn an_operator_without_a_definition_gets_ready_and_uses_it_once_it_is_there() {
    removed("crd-missing", async |case, stack| {
        fleet(case).await;
        stack.kill_operator();
        // As F16 found it: deletions of one kind wait for an operator, and another kind is not there at all.
        let free = json!({"metadata": {"finalizers": null}});
        case.patch("SpeechModel", "claims", free).await;
        delete_definitions(stack, &names_of(&[1])).await;
        definitions_are_gone(stack, &names_of(&[1])).await;
        delete_definitions(stack, &names_of(&[2])).await;
        stack.restart_operator().await;
        definitions_are_gone(stack, &names_of(&[2])).await;
        install_anew(&stack.plane).await;
        nothing_was_deleted(case).await;

        // The kinds are used as soon as they are there; what is applied again takes over what stayed.
        case.model("claims", json!({"source": {"training": {"datasets": [TEXT]}}}))
            .await;
        case.endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}}))
            .await;
        case.reason("SpeechModel", "claims", "AwaitingCreation").await;
        case.reason("SpeechEndpoint", "hotline", "AwaitingCreation").await;
        case.control.advance("3m").await.unwrap();
        case.ready("SpeechModel", "claims").await;
        case.ready("SpeechEndpoint", "hotline").await;
        nothing_was_deleted(case).await;
        assert_eq!(
            case.marked("models", "claims").await.len(),
            1,
            "nothing was trained twice"
        );

        // With all kinds there, a deletion deletes again.
        case.remove("SpeechEndpoint", "hotline").await;
        assert_eq!(case.marked("endpoints", "hotline").await.len(), 0);
    });
}

/// Starts an operator that lives in a namespace, with the administrator's rights, as on a developer's machine.
async fn start_in(stack: &Stack, home: &str) -> OperatorProcess {
    let clock = stack.emulator.control().clock_url();
    let namespace = format!("--leader-elect-resource-namespace={home}");
    let options = [&*namespace];
    let operator = OperatorProcess::start_with_emulator(&OPERATOR, stack.plane.kubeconfig(), &clock, &options);
    operator.await.unwrap()
}

#[test]
fn an_operator_whose_namespace_goes_lets_all_objects_go_and_deletes_nothing() {
    removed("home", async |case, stack| {
        stack.operator.terminate(SOON).await.unwrap();
        stack.note_what_was_said();
        stack
            .plane
            .kubectl_ok(&["create", "namespace", "speech-home"])
            .await
            .unwrap();
        let operator = start_in(stack, "speech-home").await;
        fleet(case).await;
        let args = ["delete", "namespace", "speech-home", "--wait=false"];
        stack.plane.kubectl_ok(&args).await.unwrap();
        for (kind, name) in [
            ("SpeechConnection", "speech"),
            ("SpeechModel", "claims"),
            ("SpeechEndpoint", "hotline"),
            ("SpeechEndpoint", "ours"),
        ] {
            let free = case.within(MINUTE, kind, name, "bears no finalizer", |object| {
                object["metadata"]["finalizers"].is_null()
            });
            let free = free.await;
            assert!(free["metadata"]["deletionTimestamp"].is_null(), "{free}");
        }
        // Without an operator nothing hangs now.
        delete_definitions(stack, &names_of(&[0, 1, 2])).await;
        definitions_are_gone(stack, &names_of(&[0, 1, 2])).await;
        nothing_was_deleted(case).await;
        stack.said_before.push_str(&operator.logs());
    });
}

#[test]
fn released_objects_go_without_an_operator_and_whatever_is_left_of_the_definitions() {
    removed("released", async |case, stack| {
        fleet(case).await;
        stack.kill_operator();
        delete_definitions(stack, &names_of(&[2])).await;
        let told = printed(stack, &["release", "--all", "-A"]).await;
        assert!(
            told.contains("speechendpoint.customspeech.dev/hotline -n released released; what stays"),
            "{told}"
        );
        assert!(
            told.contains("speechconnection.customspeech.dev/speech -n released released\n"),
            "{told}"
        );
        definitions_are_gone(stack, &names_of(&[2])).await;
        // A definition less than before, and nothing to be done for an object that is free already.
        let told = printed(stack, &["release", "model/claims", "-n", "released"]).await;
        assert!(
            told.starts_with("speechmodel.customspeech.dev/claims released"),
            "{told}"
        );
        delete_definitions(stack, &names_of(&[0, 1])).await;
        definitions_are_gone(stack, &names_of(&[0, 1])).await;
        stack.restart_operator().await;
        nothing_was_deleted(case).await;
    });
}

#[test]
fn a_released_object_is_kept_as_declared_and_its_deletion_deletes_nothing() {
    removed("released-alive", async |case, stack| {
        fleet(case).await;
        printed(stack, &["release", "endpoint/hotline", "-n", "released-alive"]).await;
        // The operator runs, and looks after it still.
        case.look("hotline").await;
        case.remove("SpeechEndpoint", "hotline").await;
        nothing_was_deleted(case).await;
        // What was not released is deleted as ever.
        case.delete("SpeechModel", "claims").await;
        case.reason("SpeechModel", "claims", "ModelInUse").await;
    });
}
