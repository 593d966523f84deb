//! `kubectl speech import`: what a Speech resource holds, as manifests for Git.
use super::{
    KubectlError, Outcome,
    args::ClusterArgs,
    estate::{Declared, Estate},
    fleet::Fleet,
    options::ImportArgs,
    print, remote,
    status::count,
};
use kube::ResourceExt;
use serde_json::{Map, Value, json};
use speech_api::{SpeechConnection, SpeechModel};
use speech_fleet::{
    fleet::{Objects, connection_of},
    one_line,
};
use speech_service::{
    EntityId, ModelId,
    entity::{CustomModel, Endpoint, Header, Status},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The longest name of our objects.
const LONGEST_NAME: usize = 63;
/// This much of an id tells entities of one name apart.
const SHORT_ID: usize = 8;

/// Where the objects are to live.
#[derive(Clone, Debug)]
pub struct Place {
    pub namespace: String,
    pub connection_namespace: String,
    /// The connection's name.
    pub connection: String,
    /// Whether endpoints are declared with managementPolicy: Full.
    pub manage: bool,
}

/// One object to be.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The entity that it declares.
    pub id: EntityId,
    /// Where it stands in a folder.
    pub file: String,
    /// What a person should know of it.
    pub comments: Vec<String>,
    pub object: Value,
}

/// The manifests, and what was left out.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// Models first, then endpoints, by name.
    pub manifests: Vec<Manifest>,
    /// In the order of their ids.
    pub left_out: Vec<LeftOut>,
}

/// An entity of which there is no manifest.
#[derive(Clone, Debug)]
pub struct LeftOut {
    pub id: EntityId,
    /// Why, in a sentence.
    pub words: String,
}

/// Prints or writes the manifests.
pub async fn run(cluster: &ClusterArgs, args: &ImportArgs) -> Result<Outcome, KubectlError> {
    let fleet = Fleet::read(cluster, false, None).await?;
    let home = fleet.connection(&args.connection)?;
    let client = remote::connect(&fleet, home, &args.remote, None).await?;
    let place = Place::of(home, fleet.namespace.clone(), args.manage);
    // What other namespaces declare counts too, as far as it may be seen.
    let everywhere = fleet.cluster.objects(None).await;
    let objects = everywhere.as_ref().unwrap_or(&fleet.objects);
    let mut estate = Estate::read(&client, home, objects).await?;
    let mut outcome = Outcome::Well;
    let wanted: BTreeSet<EntityId> = args.ids.iter().copied().collect();
    for id in &wanted {
        if !estate.ask(&client, *id).await? {
            print::trouble(&format!(
                "{}: there is neither an endpoint nor a model {id}",
                client.base().as_str()
            ));
            outcome = Outcome::Failed;
        }
    }
    // What the service itself shows of a named id needs no list.
    if wanted.is_empty()
        && let Some(doubt) = estate.doubts.first()
    {
        estate.doubts.iter().skip(1).for_each(|words| print::trouble(words));
        return Err(KubectlError::Untrusted {
            base: client.base().as_str().to_owned(),
            doubt: doubt.clone(),
        });
    }
    let mut import = import(&estate, objects, &place);
    if !wanted.is_empty() {
        import.keep(&wanted);
    }
    if wanted.is_empty() && estate.unreadable > 0 {
        outcome = Outcome::Failed;
        print::trouble(&format!(
            "{} entities could not be understood and are left out",
            estate.unreadable
        ));
    }
    import
        .left_out
        .iter()
        .for_each(|left_out| print::trouble(&left_out.words));
    if import.manifests.is_empty() && import.left_out.is_empty() && outcome == Outcome::Well {
        print::trouble("there is nothing to import: everything is declared already");
    }
    match &args.directory {
        Some(folder) => write(folder, &import)?,
        None => print::text(&stream(&import)?)?,
    }
    Ok(outcome)
}

impl Import {
    /// Leaves out what nobody asked for.
    fn keep(&mut self, wanted: &BTreeSet<EntityId>) {
        self.manifests.retain(|manifest| wanted.contains(&manifest.id));
        self.left_out.retain(|left_out| wanted.contains(&left_out.id));
    }
}

impl Place {
    fn of(home: &SpeechConnection, namespace: Option<String>, manage: bool) -> Self {
        let connection_namespace = home.namespace().unwrap_or_default();
        Self {
            namespace: namespace.unwrap_or_else(|| connection_namespace.clone()),
            connection_namespace,
            connection: home.name_any(),
            manage,
        }
    }

    fn path(&self) -> String {
        format!("{}/{}", self.connection_namespace, self.connection)
    }

    fn connection_ref(&self) -> Value {
        if self.namespace == self.connection_namespace {
            return json!({"name": self.connection});
        }
        json!({"name": self.connection, "namespace": self.connection_namespace})
    }
}

/// The manifests of what nobody declares yet. A pure function: the same estate gives the same bytes.
pub fn import(estate: &Estate, objects: &Objects, place: &Place) -> Import {
    let declared = Declared::of(objects, &place.path());
    let mut import = Import::default();
    let models: Vec<&CustomModel> = estate
        .models
        .values()
        .filter(|model| !declared.holds(model.header.id, model.header.owner.as_deref()))
        .filter(|model| has_ended_well(&model.header, "model", &mut import.left_out))
        .collect();
    let endpoints: Vec<&Endpoint> = estate
        .endpoints
        .values()
        .filter(|endpoint| !declared.holds(endpoint.header.id, endpoint.header.owner.as_deref()))
        .collect();
    let here = |namespace: Option<String>| namespace.as_deref() == Some(place.namespace.as_str());
    let taken = objects.models.iter().filter(|one| here(one.namespace()));
    let model_names = names(models.iter().map(|one| &one.header), taken.map(ResourceExt::name_any));
    let taken = objects.endpoints.iter().filter(|one| here(one.namespace()));
    let endpoint_names = names(
        endpoints.iter().map(|one| &one.header),
        taken.map(ResourceExt::name_any),
    );
    let mut references = declared_models(objects, place);
    references.extend(model_names.clone());
    for model in models {
        import.manifests.extend(of_model(model, &model_names, estate, place));
    }
    for endpoint in endpoints {
        match of_endpoint(endpoint, &endpoint_names, &references, place) {
            Some(manifest) => import.manifests.push(manifest),
            None => import.left_out.push(LeftOut {
                id: endpoint.header.id,
                words: format!(
                    "endpoint {} ({}) is left out: the service names no model of it",
                    endpoint.header.display_name, endpoint.header.id
                ),
            }),
        }
    }
    let order = |manifest: &Manifest| (!manifest.file.starts_with("models/"), manifest.file.clone());
    import.manifests.sort_by_key(order);
    import
}

fn has_ended_well(header: &Header, what: &str, left_out: &mut Vec<LeftOut>) -> bool {
    let ended = header.status == Status::Succeeded;
    if !ended {
        left_out.push(LeftOut {
            id: header.id,
            words: format!(
                "{what} {} ({}) is left out: it is {}",
                header.display_name,
                header.id,
                header.status.as_str()
            ),
        });
    }
    ended
}

/// The SpeechModels of the namespace, by the model that is current.
fn declared_models(objects: &Objects, place: &Place) -> BTreeMap<EntityId, String> {
    let of = |model: &SpeechModel| {
        let home = model.namespace()?;
        let fits = home == place.namespace && connection_of(model) == place.path();
        let id = model.status.as_ref()?.current.as_ref()?.id;
        fits.then(|| (id, model.name_any()))
    };
    objects.models.iter().filter_map(of).collect()
}

/// A name for each entity: what the portal shows, in letters that may be a name, and a part of the id where that is not
/// enough.
fn names<'a>(
    headers: impl Iterator<Item = &'a Header>,
    taken: impl Iterator<Item = String>,
) -> BTreeMap<EntityId, String> {
    let wished: Vec<(EntityId, String)> = headers.map(|header| (header.id, slug(&header.display_name))).collect();
    let taken: BTreeSet<String> = taken.collect();
    let alone = |name: &str| wished.iter().filter(|(_, other)| other == name).count() == 1;
    let part = |id: &EntityId, length| id.to_string().chars().take(length).collect::<String>();
    let is_unlike_others = |id: &EntityId| {
        let same = wished
            .iter()
            .filter(|(other, _)| part(other, SHORT_ID) == part(id, SHORT_ID));
        same.count() == 1
    };
    let name = |(id, wish): &(EntityId, String)| {
        if !wish.is_empty() && alone(wish) && !taken.contains(wish) {
            return (*id, wish.clone());
        }
        let end = part(id, if is_unlike_others(id) { SHORT_ID } else { usize::MAX });
        let stem = if wish.is_empty() { "unnamed" } else { wish };
        let stem: String = stem.chars().take(LONGEST_NAME - end.len() - 1).collect();
        (*id, format!("{}-{end}", stem.trim_end_matches('-')))
    };
    wished.iter().map(name).collect()
}

fn slug(text: &str) -> String {
    let mut name = String::new();
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            name.push(letter.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    name.truncate(LONGEST_NAME);
    name.trim_end_matches('-').to_owned()
}

fn manifest(kind: &str, (id, name): (EntityId, &str), place: &Place, spec: Map<String, Value>) -> Manifest {
    let folder = if kind == "SpeechModel" { "models" } else { "endpoints" };
    Manifest {
        id,
        file: format!("{folder}/{name}.yaml"),
        comments: Vec::new(),
        object: json!({
            "apiVersion": "customspeech.dev/v1alpha1", "kind": kind,
            "metadata": {"name": name, "namespace": place.namespace}, "spec": spec,
        }),
    }
}

/// What both kinds have in common.
fn common(header: &Header, name: &str, place: &Place) -> Map<String, Value> {
    let mut spec = Map::new();
    spec.insert("connectionRef".to_owned(), place.connection_ref());
    spec.insert("locale".to_owned(), json!(&*header.locale));
    spec.insert("deletionPolicy".to_owned(), json!("Retain"));
    if *header.display_name != *name {
        spec.insert("displayName".to_owned(), json!(&*header.display_name));
    }
    spec
}

fn of_model(
    model: &CustomModel,
    names: &BTreeMap<EntityId, String>,
    estate: &Estate,
    place: &Place,
) -> Option<Manifest> {
    let header = &model.header;
    let name = names.get(&header.id)?;
    let mut spec = common(header, name, place);
    // Nothing of it is ever changed, so that its name in the portal is not declared.
    spec.remove("displayName");
    spec.insert("source".to_owned(), json!({"existing": {"id": header.id.to_string()}}));
    let mut manifest = manifest("SpeechModel", (header.id, name), place, spec);
    manifest.comments.push(format!("{} in the portal", header.display_name));
    manifest.comments.push(match estate.users(header.id) {
        0 => "no endpoint serves it".to_owned(),
        1 => "1 endpoint serves it".to_owned(),
        number => format!("{number} endpoints serve it"),
    });
    if let (Some(base), false) = (model.base_model, model.datasets.is_empty()) {
        let datasets: Vec<String> = model.datasets.iter().map(|id| format!("\"{id}\"")).collect();
        manifest.comments.push(format!(
            "to have it trained anew before it expires, create a SpeechModel with source: {{training: {{datasets: [{}], baseModel: {{id: \"{}\"}}}}}}",
            datasets.join(", "),
            base.entity()
        ));
    }
    manifest.comments.extend(mark(header));
    Some(manifest)
}

fn of_endpoint(
    endpoint: &Endpoint,
    names: &BTreeMap<EntityId, String>,
    references: &BTreeMap<EntityId, String>,
    place: &Place,
) -> Option<Manifest> {
    let header = &endpoint.header;
    let name = names.get(&header.id)?;
    let mut spec = common(header, name, place);
    spec.insert("adopt".to_owned(), json!({"id": header.id.to_string()}));
    if !place.manage {
        spec.insert("managementPolicy".to_owned(), json!("Observe"));
    }
    if !header.description.is_empty() {
        spec.insert("description".to_owned(), json!(&*header.description));
    }
    if let Some(project) = header.project {
        spec.insert("project".to_owned(), json!(project.to_string()));
    }
    let model = match endpoint.model? {
        ModelId::Base(id) => json!({"base": {"id": id.to_string()}}),
        ModelId::Custom(id) => match references.get(&id) {
            Some(name) => json!({"ref": {"name": name}}),
            None => json!({"id": id.to_string()}),
        },
    };
    spec.insert("model".to_owned(), model);
    let mut manifest = manifest("SpeechEndpoint", (header.id, name), place, spec);
    if endpoint.model.is_some_and(ModelId::is_base) {
        let advice = "write model: {base: {}} to have it follow the newest base model of the locale";
        manifest.comments.push(advice.to_owned());
    }
    manifest.comments.extend(mark(header));
    Some(manifest)
}

fn mark(header: &Header) -> Option<String> {
    let tag = header.owner.as_ref()?;
    Some(format!(
        "bears the mark of {} (uid {}) of cluster {}, which does not exist here",
        tag.object, tag.uid, tag.cluster
    ))
}

impl Manifest {
    fn yaml(&self) -> Result<String, KubectlError> {
        let mut text = String::new();
        for comment in &self.comments {
            text.push_str(&format!("# {}\n", one_line(comment)));
        }
        text.push_str(&serde_saphyr::to_string(&self.object)?);
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Ok(text)
    }
}

/// All manifests as one stream.
pub fn stream(import: &Import) -> Result<String, KubectlError> {
    let mut text = String::new();
    for manifest in &import.manifests {
        text.push_str("---\n");
        text.push_str(&manifest.yaml()?);
    }
    Ok(text)
}

/// One file for each object, and a kustomization that names them all.
fn write(folder: &Path, import: &Import) -> Result<(), KubectlError> {
    let save = |path: &Path, text: String| {
        let failed = |source| KubectlError::File {
            path: path.to_owned(),
            source,
        };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::write(path, text).map_err(failed)
    };
    let mut index = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n".to_owned();
    for manifest in &import.manifests {
        save(&folder.join(&manifest.file), manifest.yaml()?)?;
        index.push_str(&format!("  - {}\n", manifest.file));
    }
    if import.manifests.is_empty() {
        index = index.replace("resources:\n", "resources: []\n");
    }
    save(&folder.join("kustomization.yaml"), index)?;
    let manifests = i64::try_from(import.manifests.len()).unwrap_or(i64::MAX);
    print::text(&format!("{} in {}\n", count(manifests, "manifest"), folder.display()))
}

#[cfg(test)]
mod tests;
