//! What the Speech resource holds, and its files.
use super::{parsed, printed, refused, speech};
use crate::{
    harness::condition,
    seed::{self, BASE_OLD, ENDPOINT, MODEL},
    stack::shared,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

#[test]
fn an_estate_is_imported_and_applied_without_one_remote_write() {
    shared("speech-import", async |case, stack| {
        let now = case.control.now().await.unwrap();
        let mut resource = seed::resource(&case.name, now);
        resource["endpoints"].as_array_mut().unwrap().push(json!({
            "id": "50000000-0000-4000-8000-000000000002", "displayName": "Letters (north)", "locale": "en-US",
            "model": format!("models/base/{BASE_OLD}"), "createdDateTime": seed::days(now, -7),
        }));
        case.control.put_resource(&case.name, resource).await.unwrap();
        case.connect("60s").await;
        let with = |args: &[&'static str]| [args, &["-n", "speech-import"]].concat();
        // The service tells whole seconds.
        let now = (now + SignedDuration::from_mins(1)).to_string();
        let orphans = printed(stack, &["orphans", "-n", "speech-import", "--now", &now]).await;
        for words in [ENDPOINT, MODEL, "Letters (north)", "50d", "7d", "1 endpoint"] {
            assert!(orphans.contains(words), "{words}: {orphans}");
        }
        let found = speech(stack, &with(&["orphans", "--fail-on-orphans", "-o", "json"])).await;
        assert_eq!(found.code, Some(1), "{found:?}");
        assert_eq!(parsed(&found.stdout)["orphans"].as_array().unwrap().len(), 3);

        let manifests = printed(stack, &with(&["import", "--connection", "speech"])).await;
        assert_eq!(
            manifests,
            printed(stack, &with(&["import", "--connection", "speech"])).await
        );
        let folder = stack.plane.folder().path().join("estate");
        let folder = folder.to_str().unwrap();
        let args = [
            "import",
            "--connection",
            "speech",
            "--directory",
            folder,
            "-n",
            "speech-import",
        ];
        assert!(printed(stack, &args).await.contains("3 manifests"));
        stack.plane.kubectl_ok(&["apply", "-k", folder]).await.unwrap();
        for name in ["by-hand", "letters-north"] {
            case.ready("SpeechEndpoint", name).await;
        }
        case.ready("SpeechModel", "by-hand").await;
        let by_hand = case.look("by-hand").await;
        assert_eq!(by_hand["status"]["id"], ENDPOINT);
        assert_eq!(by_hand["status"]["active"]["model"], MODEL);
        assert_eq!(condition(&by_hand, "Ready")["reason"], "Observed");
        assert_eq!(case.remote_writes().await, Vec::<Value>::new(), "nothing was sent");
        assert_eq!(printed(stack, &with(&["orphans"])).await, "Everything is declared.\n");
        assert_eq!(printed(stack, &with(&["import", "--connection", "speech"])).await, "");
        stack.plane.apply(&manifests).await.unwrap();
        assert_eq!(case.remote_writes().await, Vec::<Value>::new());
    });
}

/// An empty list, alone or beside 404s of whatever wording, and one that holds something else.
#[test]
fn lists_that_lie_make_neither_an_import_nor_orphans() {
    shared("speech-lie", async |case, stack| {
        // The operator would believe some of the lies, as it should: it is not to look while they are told.
        case.connect("1h").await;
        let hotline = case
            .ready_endpoint("hotline", json!({"model": {"base": {"id": BASE_OLD}}}))
            .await;
        let hotline = hotline["status"]["id"].as_str().unwrap().to_owned();
        case.look_at_connection().await;
        let faults = async |routes: &[(&str, &Value)]| {
            let mut ids = Vec::new();
            for (path, action) in routes {
                let route = json!({"resource": case.name, "method": "GET", "path": path});
                let fault = json!({"route": route, "action": action});
                let added = case.control.add_fault(fault).await.unwrap();
                ids.push(added["id"].as_u64().unwrap());
            }
            ids
        };
        let heal = async |ids: Vec<u64>| {
            for id in ids {
                case.control.remove_fault(id).await.unwrap();
            }
        };
        let empty = json!({"status": 200, "body": {"values": []}});
        let gone =
            json!({"status": 404, "body": {"code": "NotFound", "message": "The specified entity was not found."}});
        let gateway = json!({"status": 404, "body": {"error": {"code": "404", "message": "Resource not found"}}});
        let others = json!({"status": 200, "body": {"values": [{"self": "x/endpoints/not-an-id"}]}});
        let orphans = ["orphans", "-n", "speech-lie"];
        let import = ["import", "--connection", "speech", "-n", "speech-lie"];
        for (endpoints, models, by_id, words) in [
            (
                &empty,
                &empty,
                &gone,
                "the list is empty, but 1 object of this cluster names an entity there",
            ),
            (
                &empty,
                &empty,
                &gateway,
                "the list is empty, but 1 object of this cluster names an entity there",
            ),
            (
                &empty,
                &json!(null),
                &gateway,
                "the list of endpoints is empty, but the operator counted",
            ),
            (&gateway, &gateway, &gateway, "list_endpoints answered 404"),
            (
                &others,
                &json!(null),
                &gateway,
                "the lists hold 1 entity and none that is known",
            ),
        ] {
            let routes = [("/endpoints", endpoints), ("/models", models), ("/endpoints/*", by_id)];
            let routes: Vec<_> = routes.into_iter().filter(|(_, action)| !action.is_null()).collect();
            let ids = faults(&routes).await;
            for args in [&orphans[..], &import[..]] {
                let told = refused(stack, args).await;
                // The operator reads the same lies: once it takes the endpoint for deleted, no object names it any more.
                let counted = "is empty, but the operator counted";
                assert!(told.contains(words) || told.contains(counted), "{words}: {told}");
                assert!(!told.contains("nothing to import"), "{told}");
            }
            heal(ids).await;
        }
        // What is named by its id needs no list.
        let ids = faults(&[("/endpoints", &empty), ("/models", &empty)]).await;
        let named = printed(stack, &[&import[..], &[ENDPOINT]].concat()).await;
        assert!(named.contains(ENDPOINT) && !named.contains(&hotline), "{named}");
        let missing = "50000000-0000-4000-8000-00000000dead";
        let told = refused(stack, &[&import[..], &[missing]].concat()).await;
        assert!(told.contains("not certain"), "{told}");
        heal(ids).await;
        case.ready("SpeechConnection", "speech").await;
        let told = refused(stack, &[&import[..], &[missing]].concat()).await;
        assert!(told.contains("neither an endpoint nor a model"), "{told}");
    });
}

#[test]
fn log_files_are_listed_fetched_and_deleted() {
    shared("speech-logs", async |case, stack| {
        let now = case.control.now().await.unwrap();
        let mut resource = seed::resource(&case.name, now);
        let log = |id: &str, age: i64| json!({"id": id, "endpoint": ENDPOINT, "locale": "en-US", "createdDateTime": seed::days(now, -age), "size": 64});
        resource["logs"] = json!([log("2026-01-01_a", 28), log("2026-01-02_b", 1)]);
        case.control.put_resource(&case.name, resource).await.unwrap();
        case.connect("60s").await;
        let observed = json!({"model": {"id": MODEL}, "adopt": {"id": ENDPOINT}, "managementPolicy": "Observe"});
        case.ready_endpoint("hotline", observed).await;
        let with = |args: &[&'static str]| [args, &["-n", "speech-logs"]].concat();
        let listed = printed(stack, &with(&["logs", "hotline"])).await;
        for words in ["2026-01-01_a", "2026-01-02_b", "30 days"] {
            assert!(listed.contains(words), "{listed}");
        }
        let folder = stack.plane.folder().path().join("logs");
        let args = [
            "logs",
            "hotline",
            "--fetch",
            folder.to_str().unwrap(),
            "-n",
            "speech-logs",
        ];
        let fetched = printed(stack, &args).await;
        assert!(fetched.starts_with("2 log files fetched"), "{fetched}");
        assert!(folder.join("2026-01-01_a.wav").is_file());
        printed(stack, &with(&["logs", "hotline", "--delete", "2026-01-01_a", "--yes"])).await;
        let left = printed(stack, &with(&["logs", "hotline", "-o", "name"])).await;
        assert_eq!(left, "2026-01-02_b\n");
        printed(stack, &with(&["logs", "hotline", "--delete-all", "--yes"])).await;
        let none = printed(stack, &with(&["logs", "hotline"])).await;
        assert!(none.starts_with("No log files."), "{none}");

        let folder = stack.plane.folder().path().join("model");
        let args = [
            "fetch",
            "endpoint/hotline",
            "-d",
            folder.to_str().unwrap(),
            "-n",
            "speech-logs",
        ];
        let fetched = printed(stack, &args).await;
        assert!(fetched.starts_with("2 files of model"), "{fetched}");
        assert!(folder.join("acoustic.bin").is_file());
    });
}

#[test]
fn what_is_imported_to_be_managed_gets_its_mark_and_nothing_else() {
    shared("speech-manage", async |case, stack| {
        case.connect("60s").await;
        let args = ["import", "--connection", "speech", "--manage", "-n", "speech-manage"];
        let manifests = printed(stack, &args).await;
        assert!(
            !manifests.contains("managementPolicy"),
            "Full is the default: {manifests}"
        );
        let before = case.remote("endpoints").await;
        stack.plane.apply(&manifests).await.unwrap();
        case.ready("SpeechEndpoint", "by-hand").await;
        case.look("by-hand").await;
        let writes = case.remote_writes().await;
        let [mark] = writes.as_slice() else {
            panic!("one write was due, the mark: {writes:#?}")
        };
        assert_eq!(mark["operation"], "Endpoints_Update");
        let sent = mark["requestBody"].as_object().unwrap();
        assert_eq!(sent.keys().collect::<Vec<_>>(), ["customProperties"], "{mark:#}");
        assert_eq!(
            sent["customProperties"]["team"], "claims",
            "what stood there stays: {mark:#}"
        );
        let after = case.remote("endpoints").await;
        let model = |endpoints: &[Value]| endpoints[0]["model"].clone();
        assert_eq!(model(&before), model(&after), "nothing was moved");
        assert_eq!(case.marked("endpoints", "by-hand").await.len(), 1);
        // Applied once more, and looked at once more, nothing is left to do.
        stack.plane.apply(&manifests).await.unwrap();
        case.look("by-hand").await;
        assert_eq!(case.remote_writes().await.len(), 1);
    });
}

#[test]
fn logs_say_what_there_is_where_the_version_with_log_files_is_gone() {
    shared("speech-logs-gone", async |case, stack| {
        case.connect("60s").await;
        case.ready_endpoint("hotline", json!({"model": {"base": {}}})).await;
        for (status, body) in [
            (
                410,
                json!({"error": {"code": "Gone", "message": "API version v3.2 is retired"}}),
            ),
            (404, json!({"error": {"code": "404", "message": "Resource not found"}})),
        ] {
            let route = json!({"resource": case.name, "path": "/endpoints/*/files/logs"});
            let fault = json!({"route": route, "action": {"status": status, "body": body}, "times": 1});
            case.control.add_fault(fault).await.unwrap();
            let told = speech(stack, &["logs", "hotline", "-n", "speech-logs-gone"]).await;
            assert_eq!(told.code, Some(2), "{told:?}");
            for words in ["only one that knows log files", "storage account"] {
                assert!(told.stderr.contains(words), "{status}: {told:?}");
            }
        }
        let fault =
            json!({"route": {"resource": case.name, "path": "/endpoints/*"}, "action": {"status": 404}, "times": 2});
        case.control.add_fault(fault).await.unwrap();
        let told = speech(stack, &["logs", "hotline", "-n", "speech-logs-gone"]).await;
        assert!(
            !told.stderr.contains("storage account"),
            "the endpoint itself is missing: {told:?}"
        );
    });
}
