//! What is wrong on the live stack, one thing for each alert. All is set up as if it were three hours ago, so that what has
//! to last an hour has lasted once the clock is set right; dates lie days from the true present.
use crate::{
    case::Case,
    harness::{condition, in_time},
    seed::{self, BASE_NEW, BASE_OLD, MORE_TEXT, TEXT},
    stack::{SOON, Stack},
};
use jiff::{SignedDuration, Timestamp};
use kube::api::{DynamicObject, PostParams};
use serde_json::{Value, json};

/// Custom models with the days that they are valid for.
const DAYS: [(u32, i64); 5] = [(1, 5), (2, 20), (3, 80), (4, 350), (5, 360)];
const AUDIO: &str = "20000000-0000-4000-8000-000000000003";
pub const FOUGHT: &str = "hotline";

fn custom(number: u32) -> String {
    format!("30000000-0000-4000-8000-00000000010{number}")
}

fn existing(number: u32) -> Value {
    json!({"source": {"existing": {"id": custom(number)}}})
}

/// The objects and Speech resources.
pub struct Scene {
    pub dates: Case,
    pub gate: Case,
    pub down: Case,
    pub throttled: Case,
    pub skewed: Case,
    pub overdue: Case,
    pub training: Case,
    pub guarded: Case,
}

/// Sets the emulator's clock, also back.
pub async fn set_clock(case: &Case, now: Timestamp) {
    let body = json!({"now": now.to_string(), "force": true});
    case.control
        .request(reqwest::Method::PUT, "clock", Some(body))
        .await
        .unwrap();
}

async fn swap_to(case: &Case, model: &str, to: Value, endpoint: &str, reason: &str) {
    case.model(model, to).await;
    case.until("SpeechEndpoint", endpoint, reason, |object| {
        condition(object, "AtRisk")["reason"] == reason || condition(object, "Ready")["reason"] == reason
    })
    .await;
}

impl Scene {
    /// Sets up everything; `now` is the true present.
    pub async fn set_up(stack: &Stack, now: Timestamp) -> Self {
        let new = async |name: &str| Case::new(stack, name).await;
        let scene = Self {
            dates: new("dates").await,
            gate: new("gate").await,
            down: new("down").await,
            throttled: new("throttled").await,
            skewed: new("skewed").await,
            overdue: new("overdue").await,
            training: new("training").await,
            guarded: new("guarded").await,
        };
        scene.dates(stack, now).await;
        scene.gate(now).await;
        scene.overdue(now).await;
        scene.training(now).await;
        scene.connections().await;
        scene.guarded(stack).await;
        scene
    }

    /// Expiries, approvals, risks, orphans.
    async fn dates(&self, stack: &Stack, now: Timestamp) {
        let case = &self.dates;
        let mut resource = seed::resource(&case.name, now);
        for (number, days) in DAYS {
            resource["models"].as_array_mut().unwrap().push(json!({
                "id": custom(number), "displayName": format!("valid {days} days"), "locale": "en-US",
                "createdDateTime": seed::days(now, -50), "transcriptionDateTime": seed::days(now, days),
                "baseModel": BASE_OLD, "datasets": [TEXT],
            }));
        }
        let cluster = ["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"];
        let cluster = stack.plane.kubectl_ok(&cluster).await.unwrap();
        resource["endpoints"].as_array_mut().unwrap().push(json!({
            "id": "50000000-0000-4000-8000-000000000009", "displayName": "left behind", "locale": "en-US",
            "model": format!("models/{}", custom(4)), "createdDateTime": seed::days(now, -50),
            "customProperties": {
                "customspeech.dev/uid": "gone", "customspeech.dev/object": "dates/gone",
                "customspeech.dev/cluster": cluster.trim(), "customspeech.dev/attempt": "1",
            },
        }));
        case.control.put_resource(&case.name, resource).await.unwrap();
        case.connect("5s").await;
        for (name, number) in [
            ("in-5-days", 1),
            ("in-20-days", 2),
            ("in-80-days", 3),
            (FOUGHT, 4),
            ("falls-back", 5),
        ] {
            case.endpoint(name, json!({"model": {"id": custom(number)}})).await;
        }
        case.model("not-followed-5", existing(1)).await;
        case.model("not-followed-20", existing(2)).await;
        let follows = |model: &str, swap: Value| json!({"model": {"ref": {"name": model}}, "swap": swap});
        let never = json!({"windows": [{"kind": "Deny"}], "deadlineOverride": "0s"});
        let asks = json!({"approval": "Required"});
        for (name, number, swap) in [("agree-5", 1, &asks), ("agree-20", 2, &asks), ("shut", 3, &never)] {
            case.model(name, existing(number)).await;
            case.endpoint(name, follows(name, swap.clone())).await;
            case.serves(name, &custom(number)).await;
        }
        swap_to(case, "agree-5", existing(4), "agree-5", "ApprovalAwaited").await;
        swap_to(case, "agree-20", existing(4), "agree-20", "ApprovalAwaited").await;
        swap_to(case, "shut", existing(4), "shut", "WindowNeverOpens").await;
        case.endpoint(
            "not-ready",
            json!({"model": {"id": "3fffffff-0000-4000-8000-000000000001"}}),
        )
        .await;
        case.serves("falls-back", &custom(5)).await;
        let past = json!({"transcriptionDateTime": (now - SignedDuration::from_hours(4)).to_string()});
        case.control
            .patch_entity(&case.name, "models", &custom(5), past)
            .await
            .unwrap();
    }

    /// A candidate that is worse.
    async fn gate(&self, now: Timestamp) {
        let case = &self.gate;
        let mut resource = seed::resource(&case.name, now);
        resource["timings"]["evaluation"] = json!(0.3);
        let mut second = resource["models"][0].clone();
        second["id"] = json!(custom(1));
        second["transcriptionDateTime"] = json!(seed::days(now, 450));
        resource["models"].as_array_mut().unwrap().push(second);
        resource["datasets"].as_array_mut().unwrap().push(json!({
            "id": AUDIO, "displayName": "calls", "kind": "Acoustic", "locale": "en-US",
            "contentUrl": "https://contoso.example/calls.zip",
        }));
        case.control.put_resource(&case.name, resource).await.unwrap();
        let score = |rate: f64| json!({"wordErrorRate": rate, "wordCount": 2000});
        let scores =
            json!({format!("models/{}", seed::MODEL): score(0.1), format!("models/{}", custom(1)): score(0.4)});
        case.control.set_scores(&case.name, scores).await.unwrap();
        case.connect("5s").await;
        case.model("claims", json!({"source": {"existing": {"id": seed::MODEL}}}))
            .await;
        let evaluation = json!({"dataset": AUDIO, "maxWordErrorRate": 0.15});
        let spec = json!({"model": {"ref": {"name": "claims"}}, "swap": {"gate": {"evaluation": evaluation}}});
        case.endpoint("hotline", spec).await;
        case.serves("hotline", seed::MODEL).await;
        case.model("claims", existing(1)).await;
        case.until("SpeechEndpoint", "hotline", "is judged", |object| {
            object["status"]["gate"]["verdict"] == "Fail"
        })
        .await;
    }

    /// A swap that is due and that the service fails to do; its model expires in half an hour.
    async fn overdue(&self, now: Timestamp) {
        let case = &self.overdue;
        let mut resource = seed::resource(&case.name, now);
        resource["baseModels"][0]["transcriptionDateTime"] = json!((now + SignedDuration::from_mins(30)).to_string());
        case.control.put_resource(&case.name, resource).await.unwrap();
        case.connect("5s").await;
        let base = |id: &str| json!({"source": {"base": {"id": id}}});
        case.model("claims", base(BASE_OLD)).await;
        case.endpoint("hotline", json!({"model": {"ref": {"name": "claims"}}}))
            .await;
        case.serves("hotline", BASE_OLD).await;
        // The same, but it waits for somebody: half an hour is less than a deployment is given.
        let asks = json!({"model": {"ref": {"name": "claims"}}, "swap": {"approval": "Required"}});
        case.endpoint("waits", asks).await;
        case.serves("waits", BASE_OLD).await;
        let fault = json!({"route": {"resource": case.name, "method": "PATCH"}, "action": {"status": 500}});
        case.control.add_fault(fault).await.unwrap();
        case.model("claims", base(BASE_NEW)).await;
    }

    /// A training that is due and that the service fails to begin, and one whose dataset is gone.
    async fn training(&self, now: Timestamp) {
        let case = &self.training;
        case.connect("5s").await;
        for (name, dataset) in [("late", TEXT), ("lacks", MORE_TEXT)] {
            case.ready_model(
                name,
                json!({"source": {"training": {"datasets": [dataset]}}, "renewal": {}}),
            )
            .await;
        }
        case.control
            .delete_entity(&case.name, "datasets", MORE_TEXT)
            .await
            .unwrap();
        let fault = json!({"route": {"resource": case.name, "path": "Models_Create"}, "action": {"status": 500}});
        case.control.add_fault(fault).await.unwrap();
        let late = case.get("SpeechModel", "late").await;
        let id = late["status"]["current"]["id"].as_str().unwrap();
        let soon = json!({"transcriptionDateTime": (now + SignedDuration::from_mins(10)).to_string()});
        case.control.patch_entity(&case.name, "models", id, soon).await.unwrap();
        case.until("SpeechModel", "late", "is to train again", |object| {
            object["status"]["plan"][0]["action"] == "Train"
        })
        .await;
    }

    /// A key that is refused while an object leaves, a service that throttles, a clock that will be wrong.
    async fn connections(&self) {
        let down = &self.down;
        down.connect("5s").await;
        down.endpoint("leaves", json!({"model": {"base": {}}})).await;
        down.ready("SpeechEndpoint", "leaves").await;
        down.secret(&seed::key("another", 1)).await;
        down.reason("SpeechConnection", "speech", "CredentialInvalid").await;
        down.delete("SpeechEndpoint", "leaves").await;

        let throttled = &self.throttled;
        throttled.connect("5s").await;
        let budget = json!({"pollInterval": "5s", "requestBudget": {"requests": 8, "per": "1s"}});
        throttled.connection(budget).await;
        let fault =
            json!({"route": {"resource": throttled.name}, "action": {"status": 429, "retryAfter": 1}, "times": 12});
        throttled.control.add_fault(fault).await.unwrap();

        self.skewed.connect("5s").await;
    }

    /// A deletion that waits for a word, and an object that the cluster does not let the operator write.
    async fn guarded(&self, stack: &Stack) {
        let case = &self.guarded;
        case.secret(&seed::key(&case.name, 1)).await;
        case.connection(json!({"pollInterval": "5s", "deletionGuard": {"maxDeletions": 0}}))
            .await;
        case.ready("SpeechConnection", "speech").await;
        case.ready_endpoint("held", json!({"model": {"base": {}}, "forceOrphanAfter": "24h"}))
            .await;
        case.delete("SpeechEndpoint", "held").await;
        case.reason("SpeechEndpoint", "held", "DeletionHeld").await;

        let policy = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "denied"},
            "spec": {
                "matchConstraints": {"resourceRules": [{
                    "apiGroups": ["customspeech.dev"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["speechendpoints"],
                }]},
                "validations": [{
                    "expression": "object.metadata.name != 'denied' || !request.userInfo.username.startsWith('system:serviceaccount:')",
                    "message": "ask the platform team first",
                }, {
                    "expression": "object.metadata.name != 'probe'",
                    "message": "the policy is heeded",
                }],
            },
        });
        let binding = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "denied"}, "spec": {"policyName": "denied", "validationActions": ["Deny"]},
        });
        stack.plane.apply(&policy.to_string()).await.unwrap();
        stack.plane.apply(&binding.to_string()).await.unwrap();
        // The apiserver heeds a policy a moment after it is there.
        let probe = json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint", "metadata": {"name": "probe"},
            "spec": {"connectionRef": {"name": "speech"}, "locale": "en-US", "model": {"base": {}}},
        });
        let probe: DynamicObject = serde_json::from_value(probe).unwrap();
        let dry = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        in_time("the policy is heeded", SOON, async || {
            match case.api("SpeechEndpoint").create(&dry, &probe).await {
                Err(kube::Error::Api(status)) if status.message.contains("the policy is heeded") => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        case.endpoint("denied", json!({"model": {"base": {}}, "deletionPolicy": "Retain"}))
            .await;
        case.reason("SpeechEndpoint", "denied", "ClusterRefused").await;
    }

    /// Changes a name behind the operator's back so many times; each time it is put back.
    pub async fn fight(&self, times: u32) {
        let case = &self.dates;
        let endpoint = case.get("SpeechEndpoint", FOUGHT).await;
        let id = endpoint["status"]["id"].as_str().unwrap().to_owned();
        for time in 0..times {
            let name = format!("changed {time}");
            let change = json!({"displayName": name});
            case.control
                .patch_entity(&case.name, "endpoints", &id, change)
                .await
                .unwrap();
            case.annotate(
                "SpeechConnection",
                "speech",
                "reconcile-requested-at",
                name.clone().into(),
            )
            .await;
            if time >= 3 {
                // From then on it waits, unless somebody asks.
                case.until("SpeechEndpoint", FOUGHT, "waits with what is changed again", |object| {
                    condition(object, "Reconciling")["reason"] == "DriftRepeated"
                })
                .await;
                case.annotate("SpeechEndpoint", FOUGHT, "reconcile-requested-at", name.clone().into())
                    .await;
            }
            in_time("the name is put back", SOON, async || {
                let entity = case.remote_entity("endpoints", &id).await.unwrap();
                if entity["displayName"] == name.as_str() {
                    Err(entity.to_string())
                } else {
                    Ok(())
                }
            })
            .await;
            // What is changed again before the operator has read its own change counts as a change that was not applied.
            let lists = case.calls("Endpoints_List").await;
            in_time("the name is read as it was put back", SOON, async || {
                match case.calls("Endpoints_List").await {
                    read if read < lists + 2 => Err(format!("{read} lists")),
                    _ => Ok(()),
                }
            })
            .await;
            case.ready("SpeechEndpoint", FOUGHT).await;
        }
    }

    /// Has all lists read in which something was changed behind the operator's back.
    pub async fn look(&self) {
        for case in [&self.training, &self.overdue, &self.down] {
            let word = json!("look");
            case.annotate("SpeechConnection", "speech", "reconcile-requested-at", word)
                .await;
        }
    }

    /// An object from before a change of its definition: made while the definition let everything pass.
    pub async fn plant_unreadable(&self, stack: &Stack) {
        let anything = json!([{"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema",
            "value": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}]);
        let crd = "speechendpoints.customspeech.dev";
        let args = ["patch", "crd", crd, "--type=json", "-p", &anything.to_string()];
        stack.plane.kubectl_ok(&args).await.unwrap();
        let bad = json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": "SpeechEndpoint",
            "metadata": {"name": "bad", "namespace": self.dates.name}, "spec": {"locale": 5},
        });
        // Refused until the definition is in force.
        in_time("the bad object is taken", SOON, async || {
            match stack.plane.kubectl_stdin(&["apply", "-f", "-"], &bad.to_string()).await {
                Ok(output) if output.success() => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        let crd = format!("{}/crds/speechendpoints.yaml", env!("CARGO_MANIFEST_DIR"));
        stack.plane.kubectl_ok(&["replace", "-f", &crd]).await.unwrap();
    }
}
