//! What people on call change: by annotations and `spec.suspend` of the cluster's own objects, one after the other.
use super::{
    KubectlError, MANAGER, Outcome,
    args::ClusterArgs,
    decide::{self, Change},
    fleet::{Fleet, Kind, Object},
    options::{ApproveArgs, ChangeArgs, DryRun, ObjectFormat, RetrainArgs, Selection, SuspendArgs, SwapArgs},
    print,
    wait::{self, Awaited},
};
use kube::{
    Api,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel};

/// Moves endpoints to their candidates now.
pub async fn swap(cluster: &ClusterArgs, args: &SwapArgs) -> Result<Outcome, KubectlError> {
    let limit = wait::limit(&args.timeout)?;
    let wanted = args.to.as_deref().map(decide::model).transpose()?;
    let decide = |object: &Object<'_>| decide::swap(object.endpoint()?, wanted);
    let done = each(cluster, &args.selection, &[Kind::Endpoint], &args.change, decide).await?;
    done.wait(cluster, &args.selection, args.wait, limit).await
}

/// Agrees to the candidates of endpoints.
pub async fn approve(cluster: &ClusterArgs, args: &ApproveArgs) -> Result<Outcome, KubectlError> {
    let wanted = args.to.as_deref().map(decide::model).transpose()?;
    let decide = |object: &Object<'_>| decide::approve(object.endpoint()?, wanted);
    let done = each(cluster, &args.selection, &[Kind::Endpoint], &args.change, decide).await?;
    Ok(done.outcome)
}

/// Has the next revisions of models trained.
pub async fn retrain(cluster: &ClusterArgs, args: &RetrainArgs) -> Result<Outcome, KubectlError> {
    let limit = wait::limit(&args.timeout)?;
    let now = cluster.now(None).await?;
    let decide = |object: &Object<'_>| decide::retrain(object.model()?, now);
    let done = each(cluster, &args.selection, &[Kind::Model], &args.change, decide).await?;
    done.wait(cluster, &args.selection, args.wait, limit).await
}

/// Suspends or resumes objects.
pub async fn suspend(cluster: &ClusterArgs, args: &SuspendArgs, suspend: bool) -> Result<Outcome, KubectlError> {
    let decide = |object: &Object<'_>| decide::suspend(object, suspend);
    let done = each(cluster, &args.selection, &Kind::WITH_MODEL, &args.change, decide).await?;
    Ok(done.outcome)
}

/// What became of the objects.
struct Done {
    outcome: Outcome,
    awaited: Vec<Awaited>,
}

impl Done {
    /// Waits for what was begun, where that is wanted.
    async fn wait(
        self,
        cluster: &ClusterArgs,
        selection: &Selection,
        is_wanted: bool,
        limit: wait::Limit,
    ) -> Result<Outcome, KubectlError> {
        if !is_wanted || self.awaited.is_empty() {
            return Ok(self.outcome);
        }
        // What stalls may be what was just decided, and the operator may not have looked at it yet.
        let (everywhere, stalled) = (selection.all_namespaces, wait::Stalled::MayPass);
        let waited = wait::until(cluster, everywhere, &self.awaited, &limit, stalled).await?;
        Ok(self.outcome.max(waited))
    }
}

/// Decides and changes one object after the other. What cannot be done for one is told, and the others go on.
async fn each(
    cluster: &ClusterArgs,
    selection: &Selection,
    kinds: &[Kind],
    args: &ChangeArgs,
    decide: impl Fn(&Object<'_>) -> Result<Change, KubectlError>,
) -> Result<Done, KubectlError> {
    let fleet = selection.read(cluster).await?;
    let (objects, outcome) = selection.of(&fleet, kinds)?;
    let mut changed = Vec::new();
    let mut done = Done {
        outcome,
        awaited: Vec::new(),
    };
    for object in objects {
        match one(&fleet, &object, args, &decide).await {
            Ok((change, after)) => {
                let awaited = change.until.map(|until| Awaited::of(&object, until));
                done.awaited.extend(awaited);
                changed.push((object, after));
            }
            // Whoever asks for all that have labels means those for which there is something to do.
            Err(KubectlError::NotNow(words)) if !selection.is_by_name() => {
                print::trouble(&format!("left alone: {words}"));
            }
            Err(error) => {
                print::error(&error);
                done.outcome = Outcome::Failed;
            }
        }
    }
    if let Some(format) = args.output {
        print::text(&document(&changed, format, selection.names.len() == 1)?)?;
    }
    Ok(done)
}

/// Decides and changes one object, and tells it.
async fn one(
    fleet: &Fleet,
    object: &Object<'_>,
    args: &ChangeArgs,
    decide: impl Fn(&Object<'_>) -> Result<Change, KubectlError>,
) -> Result<(Change, Value), KubectlError> {
    let change = decide(object)?;
    let after = apply(fleet, object, &change, args.dry_run).await?;
    if args.output.is_none() {
        print::text(&sentence(&fleet.called(object), &change, args.dry_run))?;
    }
    Ok((change, after))
}

/// What is told of one object.
pub fn sentence(called: &str, change: &Change, dry_run: DryRun) -> String {
    let suffix = match dry_run {
        DryRun::Client if change.patch.is_some() => " (dry run)",
        DryRun::Server if change.patch.is_some() => " (server dry run)",
        DryRun::None | DryRun::Client | DryRun::Server => "",
    };
    format!("{called} {}{suffix}\n", change.words)
}

/// The object as it is after the change.
async fn apply(fleet: &Fleet, object: &Object<'_>, change: &Change, dry_run: DryRun) -> Result<Value, KubectlError> {
    let mut now = match object {
        Object::Connection(one) => serde_json::to_value(one),
        Object::Model(one) => serde_json::to_value(one),
        Object::Endpoint(one) => serde_json::to_value(one),
    }?;
    let Some(patch) = &change.patch else { return Ok(now) };
    if dry_run == DryRun::Client {
        merge(&mut now, patch);
        return Ok(now);
    }
    let resource = match object.kind() {
        Kind::Connection => ApiResource::erase::<SpeechConnection>(&()),
        Kind::Model => ApiResource::erase::<SpeechModel>(&()),
        Kind::Endpoint => ApiResource::erase::<SpeechEndpoint>(&()),
    };
    let client = fleet.cluster.client().clone();
    let api: Api<DynamicObject> = Api::namespaced_with(client, &object.namespace(), &resource);
    let params = PatchParams {
        field_manager: Some(MANAGER.to_owned()),
        dry_run: dry_run == DryRun::Server,
        ..PatchParams::default()
    };
    let sent = api.patch(&object.name(), &params, &Patch::Merge(patch)).await;
    let after = sent.map_err(|error| KubectlError::change(fleet.called(object), error))?;
    Ok(serde_json::to_value(after)?)
}

/// RFC 7396, as the apiserver merges.
fn merge(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(fields) = value else { return };
    for (key, change) in patch {
        if change.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

/// The objects as kubectl prints them: one that was named by itself, else a List; without who manages which field.
fn document(changed: &[(Object<'_>, Value)], format: ObjectFormat, is_one: bool) -> Result<String, KubectlError> {
    if format == ObjectFormat::Name {
        return Ok(changed.iter().map(|(object, _)| format!("{object}\n")).collect());
    }
    let mut items: Vec<Value> = changed.iter().map(|(_, after)| after.clone()).collect();
    for item in &mut items {
        if let Some(Value::Object(metadata)) = item.get_mut("metadata") {
            metadata.remove("managedFields");
        }
    }
    let list = if is_one {
        match items.pop() {
            Some(one) => one,
            None => return Ok(String::new()),
        }
    } else {
        json!({"apiVersion": "v1", "kind": "List", "items": items})
    };
    write(&list, format)
}

fn write(list: &impl Serialize, format: ObjectFormat) -> Result<String, KubectlError> {
    Ok(if format == ObjectFormat::Yaml {
        serde_saphyr::to_string(list)?
    } else {
        serde_json::to_string_pretty(list)? + "\n"
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use speech_plan::testing::endpoint;

    #[test]
    fn a_change_is_merged_as_the_apiserver_does() {
        let mut value =
            json!({"metadata": {"name": "a", "annotations": {"x": "1"}}, "spec": {"suspend": true, "n": 1}});
        merge(&mut value, &json!({"spec": {"suspend": null}}));
        merge(&mut value, &json!({"metadata": {"annotations": {"y": "2"}}}));
        merge(&mut value, &json!({"new": {"deep": {"gone": null, "here": []}}}));
        assert_eq!(
            value,
            json!({
                "metadata": {"name": "a", "annotations": {"x": "1", "y": "2"}}, "spec": {"n": 1},
                "new": {"deep": {"here": []}},
            })
        );
    }

    #[test]
    fn one_object_is_printed_alone_and_several_as_a_list() {
        let mut object = endpoint("model: {base: {}}");
        object.metadata.name = Some("letters".to_owned());
        let after = json!({"metadata": {"name": "letters", "managedFields": [1]}});
        let changed = [(Object::Endpoint(&object), after)];
        let told = |format, is_one| document(&changed, format, is_one).unwrap();
        assert_eq!(
            told(ObjectFormat::Name, true),
            "speechendpoint.customspeech.dev/letters\n"
        );
        assert_eq!(told(ObjectFormat::Yaml, true), "metadata:\n  name: letters\n");
        let list: Value = serde_json::from_str(&told(ObjectFormat::Json, false)).unwrap();
        assert_eq!(
            list,
            json!({"apiVersion": "v1", "kind": "List", "items": [{"metadata": {"name": "letters"}}]})
        );
        assert_eq!(
            document(&[], ObjectFormat::Json, true).unwrap(),
            "",
            "what failed is told elsewhere"
        );
    }
}
