//! `kubectl speech release`: takes the operator's hand off objects, with or without an operator, whatever is left of its
//! definitions. Nothing is sent to the Speech service.
use super::{
    KubectlError, MANAGER, Outcome,
    args::ClusterArgs,
    fleet::{self, Kind},
    options::{DryRun, ReleaseArgs, Selection},
    print,
};
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};
use speech_api::{FINALIZER, SpeechConnection, SpeechEndpoint, SpeechModel, annotation::DELETION_POLICY};
use speech_fleet::cluster::{Access, Cluster};

/// Objects of one page.
const PAGE: u32 = 500;
/// So often an object is read anew because somebody else changed it meanwhile.
const ATTEMPTS: u32 = 5;

/// One object, as far as it can be read: also one that fits no type of this version.
struct Found {
    kind: Kind,
    object: DynamicObject,
}

/// Releases objects, connections last.
pub async fn run(args: &ClusterArgs, release: &ReleaseArgs) -> Result<Outcome, KubectlError> {
    let cluster = Cluster::find(&Access {
        kubeconfig: args.kubeconfig.clone(),
        context: args.context.clone(),
    })
    .await?;
    let namespace = match release.selection.all_namespaces {
        true => None,
        false => Some(args.namespace.clone().unwrap_or(cluster.default_namespace.clone())),
    };
    let found = read(cluster.client(), namespace.as_deref(), &release.selection).await?;
    let (chosen, mut outcome) = choose(&release.selection, found)?;
    for one in chosen {
        let called = one.called(namespace.is_none());
        match let_go(cluster.client(), &one, release.dry_run).await {
            Ok(()) => print::text(&sentence(&called, &one, release.dry_run))?,
            Err(error) => {
                print::error(&KubectlError::change(called, error));
                outcome = Outcome::Failed;
            }
        }
    }
    Ok(outcome)
}

/// All objects of all kinds that the cluster has. A kind without a definition has none.
async fn read(client: &Client, namespace: Option<&str>, selection: &Selection) -> Result<Vec<Found>, KubectlError> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        let api = api(client, kind, namespace);
        let mut params = ListParams::default().limit(PAGE);
        params.label_selector = selection.selector.clone();
        loop {
            let page = match api.list(&params).await {
                Ok(page) => page,
                Err(kube::Error::Api(status)) if status.code == 404 => break,
                Err(error) => return Err(KubectlError::change(format!("all of {}", kind.resource()), error)),
            };
            let token = page.metadata.continue_.filter(|token| !token.is_empty());
            all.extend(page.items.into_iter().map(|object| Found { kind, object }));
            let Some(token) = token else { break };
            params.continue_token = Some(token);
        }
    }
    Ok(all)
}

/// Which of them are meant. A name that means nothing is told, and makes the outcome a failure.
fn choose(selection: &Selection, found: Vec<Found>) -> Result<(Vec<Found>, Outcome), KubectlError> {
    if !selection.is_by_name() {
        return if found.is_empty() {
            let labels = selection
                .selector
                .as_ref()
                .map(|labels| format!(" with labels {labels}"));
            let labels = labels.unwrap_or_default();
            Err(KubectlError::Name(format!(
                "there is no {}{labels}",
                fleet::words(&Kind::ALL)
            )))
        } else {
            Ok((found, Outcome::Well))
        };
    }
    let mut outcome = Outcome::Well;
    for name in &selection.names {
        if !found.iter().any(|one| one.is_named(name)) {
            print::error(&KubectlError::Name(format!(
                "there is no {} {name}",
                fleet::words(&Kind::ALL)
            )));
            outcome = Outcome::Failed;
        }
    }
    let named = |one: &Found| selection.names.iter().any(|name| one.is_named(name));
    Ok((found.into_iter().filter(named).collect(), outcome))
}

impl Found {
    /// A name alone means the objects of all kinds that bear it: all are let go, and none loses anything.
    fn is_named(&self, name: &str) -> bool {
        match name.split_once('/') {
            Some((kind, name)) => Kind::parse(kind) == Some(self.kind) && self.object.name_any() == name,
            None => self.object.name_any() == name,
        }
    }

    fn called(&self, with_namespace: bool) -> String {
        let namespace = match self.object.namespace() {
            Some(namespace) if with_namespace => format!(" -n {namespace}"),
            Some(_) | None => String::new(),
        };
        format!("{}/{}{namespace}", self.kind.resource(), self.object.name_any())
    }

    /// What it has in the Speech service, as its status names it.
    fn stays(&self) -> Vec<String> {
        let status = self.object.data.get("status").unwrap_or(&Value::Null);
        let id = |value: &Value| value.get("id").and_then(Value::as_str).map(str::to_owned);
        match self.kind {
            Kind::Connection => Vec::new(),
            Kind::Endpoint => id(status).into_iter().collect(),
            Kind::Model => {
                let history = status.get("history").and_then(Value::as_array).into_iter().flatten();
                let newest = ["candidate", "current"].map(|field| status.get(field));
                newest.into_iter().flatten().chain(history).filter_map(id).collect()
            }
        }
    }

    /// The finalizer goes, and stays away in effect: where an operator puts it back, the annotation tells it what a deletion
    /// means.
    fn patch(&self) -> Value {
        let others: Vec<&String> = (self.object.finalizers().iter())
            .filter(|finalizer| *finalizer != FINALIZER)
            .collect();
        let mut metadata = json!({"finalizers": others, "resourceVersion": self.object.resource_version()});
        if self.kind != Kind::Connection
            && let Some(fields) = metadata.as_object_mut()
        {
            fields.insert("annotations".to_owned(), json!({DELETION_POLICY: "Retain"}));
        }
        json!({"metadata": metadata})
    }
}

fn api(client: &Client, kind: Kind, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = match kind {
        Kind::Connection => ApiResource::erase::<SpeechConnection>(&()),
        Kind::Model => ApiResource::erase::<SpeechModel>(&()),
        Kind::Endpoint => ApiResource::erase::<SpeechEndpoint>(&()),
    };
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

/// Changes one object. One that is gone needs nothing.
async fn let_go(client: &Client, found: &Found, dry_run: DryRun) -> Result<(), kube::Error> {
    if dry_run == DryRun::Client {
        return Ok(());
    }
    let api = api(client, found.kind, found.object.namespace().as_deref());
    let name = found.object.name_any();
    let params = PatchParams {
        field_manager: Some(MANAGER.to_owned()),
        dry_run: dry_run == DryRun::Server,
        ..PatchParams::default()
    };
    let mut patch = found.patch();
    for attempt in 1.. {
        match api.patch(&name, &params, &Patch::Merge(&patch)).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => break,
            Err(kube::Error::Api(status)) if status.is_conflict() && attempt < ATTEMPTS => {
                let Some(object) = api.get_opt(&name).await? else { break };
                let kind = found.kind;
                patch = Found { kind, object }.patch();
            }
            other => return other.map(drop),
        }
    }
    Ok(())
}

fn sentence(called: &str, found: &Found, dry_run: DryRun) -> String {
    let suffix = match dry_run {
        DryRun::None => "",
        DryRun::Client => " (dry run)",
        DryRun::Server => " (server dry run)",
    };
    let stays = match found.stays().as_slice() {
        [] => String::new(),
        ids => format!("; what stays in the Speech service: {}", ids.join(", ")),
    };
    format!("{called} released{stays}{suffix}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: Kind, text: &str) -> Found {
        let object = serde_saphyr::from_str(text).unwrap();
        Found { kind, object }
    }

    fn model() -> Found {
        found(
            Kind::Model,
            "apiVersion: customspeech.dev/v1alpha1\nkind: SpeechModel\nmetadata: {name: claims, namespace: team, resourceVersion: '7', \
             finalizers: [customspeech.dev/remote-entity, example.com/other]}\nstatus: {current: {id: b}, candidate: {id: c}, \
             history: [{id: a}]}\n",
        )
    }

    #[test]
    fn the_finalizers_of_others_stay_and_a_deletion_means_retain() {
        let expected = json!({"metadata": {
            "finalizers": ["example.com/other"], "resourceVersion": "7",
            "annotations": {"customspeech.dev/deletion-policy": "Retain"},
        }});
        assert_eq!(model().patch(), expected);
        let bare = found(
            Kind::Connection,
            "apiVersion: customspeech.dev/v1alpha1\nkind: SpeechConnection\nmetadata: {name: west}\n",
        );
        assert_eq!(
            bare.patch(),
            json!({"metadata": {"finalizers": [], "resourceVersion": null}})
        );
    }

    #[test]
    fn what_stays_is_named() {
        let model = model();
        assert_eq!(
            sentence(&model.called(true), &model, DryRun::None),
            "speechmodel.customspeech.dev/claims -n team released; what stays in the Speech service: c, b, a\n"
        );
    }

    #[test]
    fn a_name_may_name_its_kind() {
        let model = model();
        for (name, is_named) in [
            ("claims", true),
            ("model/claims", true),
            ("spmodel/claims", true),
            ("endpoint/claims", false),
            ("other", false),
        ] {
            assert_eq!(model.is_named(name), is_named, "{name}");
        }
    }
}
