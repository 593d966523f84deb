//! By what the objects of a kind are looked for.
use kube::{Resource, runtime::reflector::ObjectRef};
use speech_service::EntityId;

/// A namespace and a name.
pub type Name<'a> = (&'a str, &'a str);

/// What an object is found by, without a look at any other.
#[derive(Clone, Debug, Hash)]
pub enum Relation<'a> {
    /// Is called so.
    Named(Name<'a>),
    /// Has this uid.
    Uid(&'a str),
    /// Lives in this namespace.
    Within(&'a str),
    /// Is being deleted.
    Leaves,
    /// Belongs to the object with this uid.
    OwnedBy(&'a str),

    /// Takes its key from this Secret.
    KeyFrom(Name<'a>),
    /// Leads to this address.
    LeadsTo(String),
    /// Leads to the Speech resource with this ARM id.
    LeadsToResource(String),

    /// Refers to this SpeechConnection.
    Uses(Name<'a>),
    /// Refers to this SpeechConnection, and is being deleted.
    LeavesFrom(Name<'a>),
    /// Lives in this namespace, and asks for what another namespace has to allow.
    LooksAbroad(&'a str),
    /// Publishes itself in this ConfigMap.
    ExportsTo(Name<'a>),
    /// Names this entity of a Speech resource: stands for it, or depends on it.
    Names(EntityId),

    /// Takes its model from this SpeechModel.
    Follows(Name<'a>),
    /// Takes its model from those of this namespace that have certain labels.
    ChoosesIn(&'a str),
    /// Refers to this SpeechConnection, and has not got the model that its spec names.
    AwaitsModel(Name<'a>),

    /// Copies this SpeechModel.
    CopyOf(Name<'a>),
    /// Copies from the Speech resource of this SpeechConnection, which it names itself.
    CopiesFrom(Name<'a>),
    /// Copies into the Speech resource of this SpeechConnection.
    CopiesInto(Name<'a>),
    /// Refers to this SpeechConnection, and has revisions that are kept or wait to be deleted.
    KeepsHistory(Name<'a>),
}

/// A kind that is kept with an index of the relations of its objects.
pub trait Indexed: Resource<DynamicType = ()> + Clone + 'static {
    /// All relations of an object but its name; an object without any is not in the index. A kind of which nobody asks more
    /// than the name has none.
    fn relations(&self) -> Vec<Relation<'_>> {
        Vec::new()
    }
}

/// The namespace and the name of an object.
pub fn name_of(object: &impl Resource) -> Name<'_> {
    let meta = object.meta();
    (
        meta.namespace.as_deref().unwrap_or_default(),
        meta.name.as_deref().unwrap_or_default(),
    )
}

impl<'a> Relation<'a> {
    /// A relation to an object that is known by its key.
    pub fn to<K: Resource<DynamicType = ()>>(key: &'a ObjectRef<K>, relation: fn(Name<'a>) -> Self) -> Self {
        relation((key.namespace.as_deref().unwrap_or_default(), &key.name))
    }
}
