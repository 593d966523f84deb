//! The objects of the fleet, and which of them a name means.
use super::{KubectlError, args::ClusterArgs};
use kube::ResourceExt;
use speech_api::{SpeechConnection, SpeechEndpoint, SpeechModel};
use speech_fleet::{
    cluster::{Access, Cluster},
    fleet::Objects,
};
use speech_plan::near::nearest;
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SpeechConnection
    Connection,
    /// SpeechModel
    Model,
    /// SpeechEndpoint
    Endpoint,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Endpoint, Self::Model, Self::Connection];
    /// Those that bear a model.
    pub const WITH_MODEL: [Self; 2] = [Self::Endpoint, Self::Model];

    /// The word before the stroke of a name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Model => "model",
            Self::Endpoint => "endpoint",
        }
    }

    /// The name of the resource as kubectl prints it.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Connection => "speechconnection.customspeech.dev",
            Self::Model => "speechmodel.customspeech.dev",
            Self::Endpoint => "speechendpoint.customspeech.dev",
        }
    }

    /// The kind that a word names, in any of its forms.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let word = word.split('.').next().unwrap_or_default();
        Some(match word {
            "connection" | "connections" | "spconn" | "speechconnection" | "speechconnections" => Self::Connection,
            "model" | "models" | "spmodel" | "speechmodel" | "speechmodels" => Self::Model,
            "endpoint" | "endpoints" | "spep" | "speechendpoint" | "speechendpoints" => Self::Endpoint,
            _ => return None,
        })
    }
}

/// One object of the fleet.
#[derive(Clone, Copy, Debug)]
pub enum Object<'a> {
    Connection(&'a SpeechConnection),
    Model(&'a SpeechModel),
    Endpoint(&'a SpeechEndpoint),
}

impl<'a> Object<'a> {
    pub fn endpoint(&self) -> Result<&'a SpeechEndpoint, KubectlError> {
        match self {
            Self::Endpoint(endpoint) => Ok(endpoint),
            Self::Connection(_) | Self::Model(_) => Err(KubectlError::Name(format!("{self} is no endpoint"))),
        }
    }

    pub fn model(&self) -> Result<&'a SpeechModel, KubectlError> {
        match self {
            Self::Model(model) => Ok(model),
            Self::Connection(_) | Self::Endpoint(_) => Err(KubectlError::Name(format!("{self} is no model"))),
        }
    }

    /// Whether the other one is the same object.
    pub fn is_same(&self, other: &Object<'_>) -> bool {
        (self.kind(), self.namespace(), self.name()) == (other.kind(), other.namespace(), other.name())
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Connection(_) => Kind::Connection,
            Self::Model(_) => Kind::Model,
            Self::Endpoint(_) => Kind::Endpoint,
        }
    }

    pub fn name(&self) -> String {
        match self {
            Self::Connection(object) => object.name_any(),
            Self::Model(object) => object.name_any(),
            Self::Endpoint(object) => object.name_any(),
        }
    }

    pub fn namespace(&self) -> String {
        match self {
            Self::Connection(object) => object.namespace(),
            Self::Model(object) => object.namespace(),
            Self::Endpoint(object) => object.namespace(),
        }
        .unwrap_or_default()
    }
}

impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind().resource(), self.name())
    }
}

/// What was read.
pub struct Fleet {
    /// From where.
    pub cluster: Cluster,
    /// In which namespace; absent means all.
    pub namespace: Option<String>,
    pub objects: Objects,
}

impl Fleet {
    /// Reads the namespace of the options or the context, or all.
    pub async fn read(args: &ClusterArgs, everywhere: bool, labels: Option<&str>) -> Result<Self, KubectlError> {
        let access = Access {
            kubeconfig: args.kubeconfig.clone(),
            context: args.context.clone(),
        };
        let cluster = Cluster::find(&access).await?;
        let home = args
            .namespace
            .clone()
            .unwrap_or_else(|| cluster.default_namespace.clone());
        let namespace = (!everywhere).then_some(home);
        let objects = cluster.labelled_objects(namespace.as_deref(), labels).await?;
        Ok(Self {
            cluster,
            namespace,
            objects,
        })
    }

    /// All objects of these kinds in the namespace that was asked for.
    pub fn all(&self, kinds: &[Kind]) -> Vec<Object<'_>> {
        all(&self.objects, self.namespace.as_deref(), kinds)
    }

    /// The object that a name means.
    pub fn find(&self, name: &str, kinds: &[Kind]) -> Result<Object<'_>, KubectlError> {
        find(&self.all(kinds), name, kinds, self.namespace.as_deref()).map_err(KubectlError::Name)
    }

    /// An object as it is told: with its namespace where there are several.
    pub fn called(&self, object: &Object<'_>) -> String {
        match self.namespace {
            Some(_) => object.to_string(),
            None => format!("{object} (namespace {})", object.namespace()),
        }
    }

    /// The connection that a name means.
    pub fn connection(&self, name: &str) -> Result<&SpeechConnection, KubectlError> {
        let found = self.find(name, &[Kind::Connection])?;
        self.connection_at(&found.namespace(), &found.name())
    }

    /// The connection of this name in this namespace.
    pub fn connection_at(&self, namespace: &str, name: &str) -> Result<&SpeechConnection, KubectlError> {
        let is_it = |one: &&SpeechConnection| one.name_any() == name && one.namespace().as_deref() == Some(namespace);
        let found = self.objects.connections.iter().find(is_it);
        found.ok_or_else(|| {
            KubectlError::Name(format!(
                "the SpeechConnection {namespace}/{name} does not exist, or you may not see it"
            ))
        })
    }
}

/// The objects of these kinds in a namespace, or in all.
pub fn all<'a>(objects: &'a Objects, namespace: Option<&str>, kinds: &[Kind]) -> Vec<Object<'a>> {
    let mut found: Vec<Object<'a>> = Vec::new();
    for kind in kinds {
        match kind {
            Kind::Connection => found.extend(objects.connections.iter().map(Object::Connection)),
            Kind::Model => found.extend(objects.models.iter().map(Object::Model)),
            Kind::Endpoint => found.extend(objects.endpoints.iter().map(Object::Endpoint)),
        }
    }
    found.retain(|object| namespace.is_none_or(|wanted| wanted == object.namespace()));
    found
}

/// The object that `NAME` or `KIND/NAME` means.
pub fn find<'a>(all: &[Object<'a>], name: &str, kinds: &[Kind], namespace: Option<&str>) -> Result<Object<'a>, String> {
    let (kind, plain) = match name.split_once('/') {
        Some((word, plain)) => {
            let kind = Kind::parse(word).filter(|kind| kinds.contains(kind));
            let kind = kind.ok_or_else(|| {
                let words: Vec<String> = kinds.iter().map(|kind| format!("{}/{plain}", kind.word())).collect();
                format!("{name:?}: write {}", words.join(" or "))
            })?;
            (Some(kind), plain)
        }
        None => (None, name),
    };
    let of_kind: Vec<Object<'a>> = all
        .iter()
        .filter(|object| kind.is_none_or(|kind| kind == object.kind()))
        .copied()
        .collect();
    let found: Vec<Object<'a>> = of_kind
        .iter()
        .filter(|object| object.name() == plain)
        .copied()
        .collect();
    match found.as_slice() {
        [object] => Ok(*object),
        [] => Err(unknown(&of_kind, plain, kind, kinds, namespace)),
        several => {
            let words: Vec<String> = several
                .iter()
                .map(|object| format!("{}/{plain}", object.kind().word()))
                .collect();
            Err(format!(
                "{plain:?} is the name of several objects: write {}",
                words.join(" or ")
            ))
        }
    }
}

fn unknown(all: &[Object<'_>], name: &str, kind: Option<Kind>, kinds: &[Kind], namespace: Option<&str>) -> String {
    let words = words(kind.as_ref().map_or(kinds, std::slice::from_ref));
    let mut text = format!("there is no {words} {name:?}");
    if let Some(namespace) = namespace {
        text.push_str(&format!(" in namespace {namespace}"));
    }
    let names: Vec<String> = all.iter().map(Object::name).collect();
    if let Some(near) = nearest(name, names.iter().map(String::as_str)) {
        text.push_str(&format!("; did you mean {near:?}?"));
    } else if names.is_empty() && namespace.is_some() {
        text.push_str(", where there are none at all; name another one with -n");
    }
    text
}

/// The kinds as a person lists them.
pub fn words(kinds: &[Kind]) -> String {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
    match words.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        Some(_) | None => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::Resource;
    use speech_plan::testing::{endpoint, model};

    fn objects() -> Objects {
        let mut objects = Objects::default();
        for name in ["hotline", "claims", "letters"] {
            let mut one = endpoint("model: {base: {}}");
            one.meta_mut().name = Some(name.to_owned());
            one.meta_mut().namespace = Some("shop".to_owned());
            objects.endpoints.push(one);
        }
        let mut one = model("source: {base: {}}");
        one.meta_mut().name = Some("claims".to_owned());
        one.meta_mut().namespace = Some("shop".to_owned());
        objects.models.push(one);
        objects
    }

    fn told(name: &str, kinds: &[Kind]) -> String {
        let objects = objects();
        let all = all(&objects, Some("shop"), kinds);
        find(&all, name, kinds, Some("shop")).map_or_else(|error| error, |object| object.to_string())
    }

    #[test]
    fn a_name_means_one_object() {
        let both = &Kind::WITH_MODEL;
        assert_eq!(told("hotline", both), "speechendpoint.customspeech.dev/hotline");
        assert_eq!(told("spep/claims", both), "speechendpoint.customspeech.dev/claims");
        assert_eq!(told("SpeechModel/claims", both), "speechmodel.customspeech.dev/claims");
        assert_eq!(
            told("speechmodels.customspeech.dev/claims", both),
            "speechmodel.customspeech.dev/claims"
        );
        assert_eq!(told("claims", &[Kind::Model]), "speechmodel.customspeech.dev/claims");
        assert_eq!(
            told("claims", both),
            "\"claims\" is the name of several objects: write endpoint/claims or model/claims"
        );
        assert_eq!(
            told("pod/claims", both),
            "\"pod/claims\": write endpoint/claims or model/claims"
        );
    }

    #[test]
    fn a_slip_is_answered_with_the_nearest_name() {
        assert_eq!(
            told("hotlnie", &[Kind::Endpoint]),
            "there is no endpoint \"hotlnie\" in namespace shop; did you mean \"hotline\"?"
        );
        assert_eq!(
            told("endpoint/let", &Kind::ALL),
            "there is no endpoint \"let\" in namespace shop; did you mean \"letters\"?"
        );
        assert_eq!(
            told("quite-another", &[Kind::Endpoint]),
            "there is no endpoint \"quite-another\" in namespace shop"
        );
        assert_eq!(
            told("x", &[Kind::Connection]),
            "there is no connection \"x\" in namespace shop, where there are none at all; name another one with -n"
        );
        assert_eq!(nearest("ab", ["abcdefg", "ax", "ba"].into_iter()), Some("ax"));
    }
}
