//! Odd but legal: every field of all kinds and every annotation is changed to what the schema admits: extreme, empty,
//! Unicode, contradictory; statuses are wiped; one object changes twelve times in six seconds. Nothing panics, nothing goes
//! round in a circle, every object is Ready or says what is wrong, and all of them can be deleted.
use super::odd::{Change, Odd};
use crate::{
    harness::{KINDS, condition, eventually},
    law::{Expected, name_of},
    seed::{BASE_OLD, TEXT},
    tenant::Tenant,
    trial::{Patience, Trial},
};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// Objects of one Speech resource: its quota of endpoints is 50.
const EACH: u64 = 60;
/// How often another object is drawn for one that the API server refuses.
const DRAWS: u32 = 12;
/// What the operator may write about an object while nothing changes, and send to the service beside lists.
const AT_REST: Duration = Duration::from_secs(12);
/// A pass may take so long, waits for the budget included.
const LONGEST_PASS: Duration = Duration::from_secs(90);
/// In so many windows of that length everything has come to rest.
const MOST_WINDOWS: u32 = 6;

/// Each run is a Speech resource full of odd objects.
pub async fn run(trial: &mut Trial) {
    let tenants = trial.times(1, 3);
    trial.world.start_operator(&[]).await;
    for number in 0..tenants {
        odd(trial, &format!("mutation-{number}")).await;
    }
    trial.world.terminate_all().await;
}

async fn odd(trial: &mut Trial, name: &str) {
    let tenant = trial.world.tenant(name, json!({})).await;
    tenant.connect(json!({"pollInterval": "5s"})).await;
    let many = json!({"spec": {"deletionGuard": {"maxDeletions": 1000}}});
    tenant.patch("SpeechConnection", "speech", many).await;
    tenant
        .endpoint("usual", json!({"model": {"base": {"id": BASE_OLD}}}))
        .await;
    tenant
        .model("usual-model", json!({"source": {"training": {"datasets": [TEXT]}}}))
        .await;
    let odd = Odd::read(&tenant.url());
    let mut changes = BTreeMap::new();
    let mut refused = 0;
    for number in 0..trial.sized(EACH, EACH) {
        let kind = KINDS[usize::try_from(number % 3).unwrap()];
        for _ in 0..DRAWS {
            let (object, change) = odd.object(&mut trial.chance, kind, &format!("odd-{number}"));
            if apply(&tenant, kind, &object).await {
                changes.insert(format!("{name}/odd-{number}"), change);
                break;
            }
            refused += 1;
        }
    }
    trial.live("5s", 20).await;
    disturb(trial, &tenant).await;
    trial.live("20s", 40).await;
    is_quiet(trial, &tenant).await;
    catch_up(&tenant).await;
    let (ready, unnamed) = judge(trial, &tenant, &changes).await;
    trial.saw(format!(
        "{name}: {} odd objects, {refused} refused by the API server, {ready} Ready, {unnamed} whose words name no changed field",
        changes.len()
    ));
    leave(trial, &tenant).await;
    let said: String = trial.world.operators.iter().map(|one| one.logs()).collect();
    if let Some(line) = said.lines().find(|line| line.contains("panicked")) {
        trial.violated(name, format!("a pass panicked: {line}"));
    }
    let expected = Expected {
        is_under_way: true,
        more_changes: 60,
        may_be_recreated: true,
        may_go_back: true,
        may_be_orphaned: true,
        more_orders: 20,
        ..Expected::default()
    };
    trial.check(&[&tenant], &expected).await;
}

/// Whether the API server takes an object.
async fn apply(tenant: &Tenant, kind: &str, object: &Value) -> bool {
    let params = PatchParams::apply("user").force();
    let name = object["metadata"]["name"].as_str().unwrap();
    tenant
        .api(kind)
        .patch(name, &params, &Patch::Apply(object))
        .await
        .is_ok()
}

/// Statuses are wiped, and one object changes twelve times in six seconds.
async fn disturb(trial: &mut Trial, tenant: &Tenant) {
    for object in tenant.objects().await {
        let (kind, name) = (
            object["kind"].as_str().unwrap(),
            object["metadata"]["name"].as_str().unwrap(),
        );
        if trial.chance.hits(0.3) {
            let wiped = Patch::Merge(json!({"status": null}));
            // It may just have been changed by the operator; then the next is wiped.
            let _ = tenant
                .api(kind)
                .patch_status(name, &PatchParams::default(), &wiped)
                .await;
        }
    }
    for change in 0..12 {
        let words = json!({"spec": {"description": format!("change {change}")}});
        tenant.patch("SpeechEndpoint", "usual", words.clone()).await;
        tenant.patch("SpeechModel", "usual-model", words).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// While nobody changes anything, everything comes to rest: an odd budget may still let through what was asked for before.
async fn is_quiet(trial: &mut Trial, tenant: &Tenant) {
    let mut noise = Vec::new();
    for _ in 0..MOST_WINDOWS {
        noise = noise_of_a_window(trial, tenant).await;
        if noise.is_empty() {
            return;
        }
    }
    for (what, words) in noise {
        trial.violated(what, words);
    }
}

/// What is written, and changed in the service, for so long. One write of each may be the end of what was under way.
async fn noise_of_a_window(trial: &mut Trial, tenant: &Tenant) -> Vec<(String, String)> {
    let mut noise = Vec::new();
    trial.world.evidence(&[tenant]).await;
    let sent = tenant.journal().await.len();
    tokio::time::sleep(AT_REST).await;
    let evidence = trial.world.evidence(&[tenant]).await;
    let mut writes: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &evidence.audit {
        *writes
            .entry(format!("{} {}/{}", entry.verb, entry.resource, entry.name))
            .or_default() += 1;
    }
    for (what, count) in writes.into_iter().filter(|(_, count)| *count > 2) {
        noise.push((what, format!("{count} writes within {AT_REST:?} at rest")));
    }
    let since = tenant.journal().await.split_off(sent);
    let changing: Vec<_> = since.iter().filter(|entry| entry["method"] != "GET").collect();
    if changing.len() > 2 {
        let words = format!(
            "{} changing requests within {AT_REST:?} at rest: {changing:?}",
            changing.len()
        );
        noise.push((tenant.name.clone(), words));
    }
    // A list per kind and poll interval, and what is asked for by its id.
    if since.len() > 200 {
        let words = format!("{} requests within {AT_REST:?} at rest", since.len());
        noise.push((tenant.name.clone(), words));
    }
    noise
}

/// Waits for objects whose request waits for an odd budget, in the pass that would tell of the newest generation: that may
/// take as long as a pass.
async fn catch_up(tenant: &Tenant) {
    let is_behind = |object: &Value| object["status"]["observedGeneration"] != object["metadata"]["generation"];
    let caught_up = eventually(
        "every object speaks of its generation",
        LONGEST_PASS,
        async || match tenant.objects().await.iter().find(|object| is_behind(object)) {
            Some(behind) => Err(name_of(behind)),
            None => Ok(()),
        },
    );
    // Who is behind even so is found by the judgement.
    let _ = caught_up.await;
}

/// Every object says how it stands; tells how many are Ready, and how many say nothing of the field that is odd.
async fn judge(trial: &mut Trial, tenant: &Tenant, changes: &BTreeMap<String, Change>) -> (usize, usize) {
    let (mut all_ready, mut unnamed) = (0, 0);
    for object in tenant.objects().await {
        let name = name_of(&object);
        let ready = condition(&object, "Ready");
        let words = ["Ready", "Stalled", "Reconciling"].map(|kind| condition(&object, kind)["message"].to_string());
        let reason = ready["reason"].as_str().unwrap_or_default();
        if reason.is_empty() || ready["message"].as_str().unwrap_or_default().is_empty() {
            trial.violated(
                &name,
                format!("says nothing: {} for {}", object["status"], object["spec"]),
            );
        } else if object["status"]["observedGeneration"] != object["metadata"]["generation"] {
            trial.violated(&name, format!("speaks of another generation: {}", object["status"]));
        }
        if ready["status"] == "True" {
            all_ready += 1;
        } else if let Some(change) = changes.get(&name)
            && !change.is_named_in(&words.concat(), reason)
        {
            unnamed += 1;
            println!("{name}: {change:?} is told as {reason}: {}", words[0]);
        }
    }
    (all_ready, unnamed)
}

/// Everything can be deleted, and nothing is left.
async fn leave(trial: &mut Trial, tenant: &Tenant) {
    for kind in KINDS {
        for object in tenant.objects().await.iter().filter(|object| object["kind"] == kind) {
            let name = object["metadata"]["name"].as_str().unwrap();
            let _ = tenant.api(kind).delete(name, &DeleteParams::default()).await;
        }
    }
    let patience = Patience {
        bound: Duration::from_secs(4 * 24 * 3600),
        jump: Duration::from_secs(60),
        stride: Duration::from_secs(2 * 3600),
        ..Patience::default()
    };
    trial.converge(&[tenant], &patience).await;
}
