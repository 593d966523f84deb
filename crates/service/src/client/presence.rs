//! Whether an entity is there. Only this file makes an [`Absent`]; all that is no proof is an error: trouble of the
//! connection, not news of an entity.
use super::{Answer, Client, Listing};
use crate::{
    absence::{Absent, Heard},
    entity::{BaseModel, CustomModel, Dataset, Endpoint, Entity, Evaluation},
    error::{Error, ErrorKind},
    id::EntityId,
    request::Lane,
};
use sealed::{Sealed, Shown};
use std::{collections::HashSet, future::Future, marker::PhantomData, time::Instant};

/// What the service says of one entity.
#[derive(Debug, PartialEq)]
pub enum Presence<T> {
    /// It is there.
    Found(Answer<T>),
    /// It is gone, or never was.
    Absent(Absent<T>),
}

/// What a list that was read to its end holds: beside it, the service's own 404 is a proof.
#[derive(Clone, Debug)]
pub struct Witness<T> {
    ids: HashSet<EntityId>,
    kind: PhantomData<fn() -> T>,
}

/// A kind of entity that can be looked up.
pub trait Kind: Entity + Sealed + Sized + Send + 'static {
    /// The operation that asks for one.
    const GET: &'static str;

    /// Asks for one.
    fn get(client: &Client, lane: Lane, id: EntityId) -> impl Future<Output = Result<Answer<Self>, Error>> + Send;

    /// Asks for all.
    fn list(client: &Client, lane: Lane) -> impl Future<Output = Result<Listing<Self>, Error>> + Send;
}

/// A kind of entity that is deleted by us.
pub trait Removable: Kind {
    /// The operation that deletes one.
    const DELETE: &'static str;

    /// Asks for its deletion. Neither success nor 404 proves that it is gone.
    fn delete(client: &Client, lane: Lane, id: EntityId) -> impl Future<Output = Result<(), Error>> + Send;
}

mod sealed {
    use super::{EntityId, HashSet, Instant};
    use tokio::sync::Mutex;

    /// The lists that were read last for a proof. Who needs one waits for who reads one, and shares it.
    #[derive(Default)]
    pub struct Lists {
        pub endpoints: Mutex<Shown>,
        pub models: Mutex<Shown>,
        pub base_models: Mutex<Shown>,
        pub datasets: Mutex<Shown>,
        pub evaluations: Mutex<Shown>,
    }

    /// What a list held, and when its reading began; none before the first.
    #[derive(Default)]
    pub struct Shown {
        pub began: Option<Instant>,
        pub ids: HashSet<EntityId>,
    }

    pub trait Sealed {
        fn shown(lists: &Lists) -> &Mutex<Shown>;
    }
}

pub(super) use sealed::Lists;

macro_rules! kinds {
    ($($kind:ident: $cache:ident, $get:ident, $list:ident;)+) => {$(
        impl Sealed for $kind {
            fn shown(lists: &Lists) -> &tokio::sync::Mutex<Shown> {
                &lists.$cache
            }
        }

        impl Kind for $kind {
            const GET: &'static str = stringify!($get);

            fn get(client: &Client, lane: Lane, id: EntityId) -> impl Future<Output = Result<Answer<Self>, Error>> + Send {
                client.$get(lane, id)
            }

            fn list(client: &Client, lane: Lane) -> impl Future<Output = Result<Listing<Self>, Error>> + Send {
                client.$list(lane, None)
            }
        }
    )+};
}

kinds! {
    Endpoint: endpoints, get_endpoint, list_endpoints;
    CustomModel: models, get_custom_model, list_custom_models;
    BaseModel: base_models, get_base_model, list_base_models;
    Dataset: datasets, get_dataset, list_datasets;
    Evaluation: evaluations, get_evaluation, list_evaluations;
}

macro_rules! removable {
    ($($kind:ident: $delete:ident;)+) => {$(
        impl Removable for $kind {
            const DELETE: &'static str = stringify!($delete);

            fn delete(client: &Client, lane: Lane, id: EntityId) -> impl Future<Output = Result<(), Error>> + Send {
                client.$delete(lane, id)
            }
        }
    )+};
}

removable! {
    Endpoint: delete_endpoint;
    CustomModel: delete_custom_model;
    Evaluation: delete_evaluation;
}

impl<T: Kind> Listing<T> {
    /// What the list holds. What could not be understood is in it without a name: asked for by its id, it is no 404.
    pub fn witness(&self) -> Witness<T> {
        Witness {
            ids: self.values.iter().map(Entity::id).collect(),
            kind: PhantomData,
        }
    }

    /// That the service answered, if the list shows anything.
    pub fn heard(&self) -> Option<Heard> {
        (!self.values.is_empty()).then(Heard::proven)
    }
}

impl<T> Presence<T> {
    /// That the service answered: it showed the entity, or said itself that there is none.
    pub fn heard(&self) -> Heard {
        Heard::proven()
    }
}

impl<T> Witness<T> {
    /// Whether the list holds an entity.
    pub fn has(&self, id: EntityId) -> bool {
        self.ids.contains(&id)
    }
}

impl Client {
    /// Whether an entity is there, where a list was read just before.
    pub async fn look_up_beside<T: Kind>(
        &self,
        lane: Lane,
        id: EntityId,
        listed: &Witness<T>,
    ) -> Result<Presence<T>, Error> {
        match self.ask::<T>(lane, id).await? {
            Some(found) => Ok(Presence::Found(found)),
            None if listed.has(id) => Err(contradiction::<T>()),
            None => self.prove(id),
        }
    }

    /// Whether an entity is there. Reads the list of its kind when it seems not to be.
    pub async fn look_up<T: Kind>(&self, lane: Lane, id: EntityId) -> Result<Presence<T>, Error> {
        let asked = Instant::now();
        if let Some(found) = self.ask::<T>(lane, id).await? {
            return Ok(Presence::Found(found));
        }
        let mut shown = T::shown(&self.inner.lists).lock().await;
        if shown.began.is_none_or(|began| began < asked) {
            let began = Instant::now();
            let listing = T::list(self, lane).await?;
            *shown = Shown {
                began: Some(began),
                ids: listing.witness().ids,
            };
        }
        match shown.ids.contains(&id) {
            true => Err(contradiction::<T>()),
            false => self.prove(id),
        }
    }

    /// Finds out whether it is the service that answers, where lists are empty: it always has base models, of which one may
    /// be known.
    pub async fn hear(&self, lane: Lane, known: Option<EntityId>) -> Result<Heard, Error> {
        if let Some(id) = known
            && let Some(found) = self.ask::<BaseModel>(lane, id).await?
        {
            return Ok(Presence::Found(found).heard());
        }
        // None is known, or the one that was is no longer offered.
        let listing = BaseModel::list(self, lane).await?;
        listing.heard().ok_or(Error::Unproven {
            route: "list_base_models",
            problem: "the list of base models is empty, which the Speech service's never is; something else answers for it: check what stands before it",
        })
    }

    /// Deletes an entity and proves that it is gone: a gateway can accept a deletion, too.
    pub async fn remove<T: Removable>(&self, lane: Lane, id: EntityId) -> Result<Absent<T>, Error> {
        let answer = T::delete(self, lane, id).await;
        let doubt = match answer {
            Ok(()) => None,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Misrouted) => Some(error),
            Err(error) => return Err(error),
        };
        match (self.look_up::<T>(lane, id).await?, doubt) {
            (Presence::Absent(proof), _) => Ok(proof),
            (Presence::Found(_), Some(misrouted)) if misrouted.kind() == ErrorKind::Misrouted => Err(misrouted),
            (Presence::Found(_), Some(_)) => Err(Error::Unproven {
                route: T::DELETE,
                problem: "answered that the entity does not exist, though the service still shows it",
            }),
            (Presence::Found(_), None) => Err(Error::Unproven {
                route: T::DELETE,
                problem: "the deletion was accepted, but the service still shows the entity",
            }),
        }
    }

    /// In another resource than the one that is meant everything is absent.
    fn prove<T: Kind>(&self, id: EntityId) -> Result<Presence<T>, Error> {
        match self.is_trusted() {
            true => Ok(Presence::Absent(Absent::proven(id))),
            false => Err(Error::Unproven {
                route: T::GET,
                problem: "it is not certain that this is the same Speech resource as before",
            }),
        }
    }

    /// Asks for an entity by its id; none when the service itself says that it does not know it.
    async fn ask<T: Kind>(&self, lane: Lane, id: EntityId) -> Result<Option<Answer<T>>, Error> {
        match T::get(self, lane, id).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn contradiction<T: Kind>() -> Error {
    Error::Unproven {
        route: T::GET,
        problem: "the service answers that the entity does not exist, but still lists it",
    }
}
