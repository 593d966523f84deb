//! Whether the operator is here to stay: its CustomResourceDefinitions and its own namespace.
//!
//! Who deletes a CustomResourceDefinition deletes all objects of the kind, and the apiserver marks the definition before it
//! marks the first object. So a read that began after an object was seen to be deleted tells which of both was meant.
use super::{
    Context,
    part::{Lacking, Part},
};
use k8s_openapi::{
    api::core::v1::Namespace, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{Api, Client, Resource, core::PartialObjectMeta};
use speech_api::{GROUP, SpeechConnection, SpeechEndpoint, SpeechModel};
use speech_plan::Stay;
use std::time::Duration;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

/// The longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(5);

/// What the operator lives by.
pub struct Residence {
    client: Client,
    /// The operator's own namespace, where it has one.
    home: Option<String>,
    /// The last read, and when it began. Whoever asks while another asks waits for the answer, and mostly shares it.
    last: Mutex<Option<(Instant, Finding)>>,
}

/// What a read told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// All of it stays.
    Stays,
    /// Something is being deleted, or gone; says what.
    Ends(String),
    /// It could not be read, and why.
    Unknown(String),
}

impl Finding {
    /// The same as the planners take it.
    pub fn stay(&self) -> Stay<'_> {
        match self {
            Self::Stays => Stay::Certain,
            Self::Ends(why) => Stay::Ends(why),
            Self::Unknown(why) => Stay::Unknown(why),
        }
    }

    /// What is deleted outweighs what cannot be read.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Ends(why), _) | (_, Self::Ends(why)) => Self::Ends(why),
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
            (Self::Stays, Self::Stays) => Self::Stays,
        }
    }
}

/// Whether a definition is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    There,
    Going,
    Gone,
}

/// The name of the definition of a kind; none for kinds that are not ours.
pub fn definition<K: Resource<DynamicType = ()>>() -> Option<String> {
    (K::group(&()) == GROUP).then(|| format!("{}.{GROUP}", K::plural(&())))
}

impl Residence {
    /// Asks nothing yet.
    pub fn new(client: Client, home: Option<String>) -> Self {
        Self {
            client,
            home,
            last: Mutex::new(None),
        }
    }

    /// The operator's own namespace.
    pub fn home(&self) -> Option<&str> {
        self.home.as_deref()
    }

    /// What a read tells that begins now or later. Many who ask at once cost two reads.
    pub async fn now(&self) -> Finding {
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        if let Some((began, finding)) = &*last
            && *began >= asked
        {
            return finding.clone();
        }
        let began = Instant::now();
        let finding = timeout(ANSWER, self.read()).await;
        let finding = finding.unwrap_or_else(|_| Finding::Unknown("the apiserver does not answer".to_owned()));
        *last = Some((began, finding.clone()));
        finding
    }

    async fn read(&self) -> Finding {
        let names = [
            definition::<SpeechConnection>(),
            definition::<SpeechModel>(),
            definition::<SpeechEndpoint>(),
        ];
        let [connections, models, endpoints] = names.map(Option::unwrap_or_default);
        let (home, connections, models, endpoints) = futures::join!(
            self.namespace(),
            self.definition(&connections),
            self.definition(&models),
            self.definition(&endpoints),
        );
        home.and(connections).and(models).and(endpoints)
    }

    async fn namespace(&self) -> Finding {
        let Some(home) = &self.home else { return Finding::Stays };
        let api: Api<Namespace> = Api::all(self.client.clone());
        let what = format!("namespace {home}, in which the operator runs");
        told(&what, presence(&api, home).await)
    }

    async fn definition(&self, name: &str) -> Finding {
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        told(&format!("CustomResourceDefinition {name}"), presence(&api, name).await)
    }

    /// Whether the definition of a kind is certainly being deleted.
    pub async fn removes<K: Resource<DynamicType = ()>>(&self) -> bool {
        self.has::<K>(Presence::Going).await
    }

    /// Whether a list failed because what it would be of is certainly not there. Anything but the apiserver's own word on
    /// that very definition or namespace is no proof. A namespace takes the role that allows the list with it.
    pub async fn nothing_to_list<K>(&self, error: &kube::Error, part: &Part) -> Option<Lacking>
    where
        K: Resource<DynamicType = ()>,
    {
        let kube::Error::Api(status) = error else { return None };
        match (status.code, part) {
            (404, _) => self.has::<K>(Presence::Gone).await.then_some(Lacking::Definition),
            (403, Part::Namespace(name)) => {
                let api: Api<Namespace> = Api::all(self.client.clone());
                let is_gone = is(&api, name, Presence::Gone).await;
                is_gone.then(|| Lacking::Namespace(name.clone()))
            }
            _ => None,
        }
    }

    async fn has<K: Resource<DynamicType = ()>>(&self, wanted: Presence) -> bool {
        let Some(name) = definition::<K>() else { return false };
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        is(&api, &name, wanted).await
    }
}

/// Whether the apiserver answers in time, and so.
async fn is<K>(api: &Api<K>, name: &str, wanted: Presence) -> bool
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let found = timeout(ANSWER, presence(api, name)).await;
    matches!(found, Ok(Ok(found)) if found == wanted)
}

fn told(what: &str, presence: Result<Presence, kube::Error>) -> Finding {
    match presence {
        Ok(Presence::There) => Finding::Stays,
        Ok(Presence::Going) => Finding::Ends(format!("{what} is being deleted")),
        Ok(Presence::Gone) => Finding::Ends(format!("{what} does not exist any more")),
        Err(error) => {
            let why = speech_service::error::chain(&error);
            Finding::Unknown(format!("whether {what} stays cannot be read: {why}"))
        }
    }
}

async fn presence<K>(api: &Api<K>, name: &str) -> Result<Presence, kube::Error>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    match api.get_metadata(name).await {
        Ok(PartialObjectMeta { metadata, .. }) => Ok(match metadata.deletion_timestamp {
            Some(_) => Presence::Going,
            None => Presence::There,
        }),
        // A gateway that answers 404 for everything does not name what it lacks.
        Err(kube::Error::Api(status)) if status.is_not_found() && names(&status, name) => Ok(Presence::Gone),
        Err(error) => Err(error),
    }
}

fn names(status: &kube::core::Status, name: &str) -> bool {
    status.details.as_ref().is_some_and(|details| details.name == name)
}

/// Whether the operator's own namespace is being deleted, by what its watch knows.
pub fn is_home_ending(context: &Context) -> bool {
    let home = context.residence.home();
    home.is_some_and(|home| super::observe::ending(context, home).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_named_as_the_manifests_name_them() {
        let names = [
            definition::<SpeechConnection>(),
            definition::<SpeechModel>(),
            definition::<SpeechEndpoint>(),
        ];
        for name in names.map(Option::unwrap) {
            let (plural, _) = name.split_once('.').unwrap();
            let path = format!("{}/crds/{plural}.yaml", env!("CARGO_MANIFEST_DIR"));
            let manifest = std::fs::read_to_string(path).unwrap();
            assert!(manifest.contains(&format!("name: {name}\n")), "{name}");
        }
        assert_eq!(definition::<Namespace>(), None);
    }

    #[test]
    fn one_thing_that_ends_outweighs_all_that_stays_or_is_unknown() {
        let ends = || Finding::Ends("a".to_owned());
        let unknown = || Finding::Unknown("b".to_owned());
        assert_eq!(Finding::Stays.and(ends()), ends());
        assert_eq!(unknown().and(ends()).and(Finding::Stays), ends());
        assert_eq!(Finding::Stays.and(unknown()), unknown());
        assert_eq!(Finding::Stays.and(Finding::Stays).stay(), Stay::Certain);
    }
}
