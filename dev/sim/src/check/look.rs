//! An operator looks at its Speech resource. Which lists it reads and what follows from a failure, the production
//! [`Schedule`](speech_resource::Schedule) says; what they show goes into the production view.
use super::{
    connection,
    planted::PlantedBug,
    service::Service,
    state::{Replica, State, TICK},
};
use jiff::{SignedDuration, Timestamp};
use speech_plan::{
    connection::{Contact, Counts},
    relations::{Recorded, holds_evaluations_of},
    testing::CLUSTER,
    view::{Cache, Cached, View},
};
use speech_resource::{Pace, Seen};
use speech_service::{Absent, EntityId, Error, Heard};
use std::{collections::BTreeMap, sync::Arc};

/// Who answers, and how well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    Current,
    /// As they were when the clock last moved.
    Lagging,
    /// A gateway answers in place of the service: all lists are empty, and of no id it says anything.
    Gateway,
    /// A gateway answers the lists of endpoints and evaluations alone; the others are current, and so is what is asked for by
    /// its id.
    Hollow,
}

impl Lists {
    /// How the lists of models and datasets are.
    fn of_others(self) -> Self {
        match self {
            Self::Hollow => Self::Current,
            Self::Current | Self::Lagging | Self::Gateway => self,
        }
    }
}

/// Two whole looks are as far apart as two steps of the clock.
pub fn pace(now: Timestamp) -> Pace {
    Pace { now, interval: TICK }
}

/// An operator reads what is due, or what somebody waits for.
pub fn look(bug: PlantedBug, s: &mut State, r: usize, lists: Lists) {
    if !connection::is_recognised(bug, s, r, lists) {
        return;
    }
    let (pace, service) = (pace(s.now), Arc::clone(s.at(s.replicas[r].link.place)));
    let shown = Arc::clone(&s.shown);
    let replica = &mut s.replicas[r];
    let awaited = replica.awaits.values().copied().collect();
    let held = holds_evaluations_of(&replica.view, CLUSTER);
    let cluster = Arc::clone(&replica.cluster);
    let look = replica.schedule.look(pace, &awaited, || cluster.uses(), held);
    let view = Arc::make_mut(&mut replica.view);
    let is_first = !view.is_complete() || (look.scope.evaluations && !view.evaluations.is_known());
    let recorded = match is_first {
        true => cluster.recorded(),
        false => Recorded::default(),
    };
    let reader = Reader {
        bug,
        lists,
        now: s.now,
        shown: if lists == Lists::Lagging { &shown } else { &service },
        service: &service,
    };
    let scope = look.scope;
    let others = Reader {
        lists: lists.of_others(),
        ..reader
    };
    let endpoints = reader.list(scope.endpoints, &mut view.endpoints, &recorded.endpoints, |s| {
        &s.endpoints
    });
    let models = others.list(scope.models, &mut view.models, &recorded.models, |s| &s.models);
    let base_models = others.list(scope.base_models, &mut view.base_models, &[], |s| &s.base_models);
    // Nothing creates or changes datasets here.
    let datasets = others.list(scope.datasets, &mut view.datasets, &[], |s| &s.datasets);
    let evaluations = reader.list(scope.evaluations, &mut view.evaluations, &recorded.evaluations, |s| {
        &s.evaluations
    });
    view.note_served();
    let seen = Seen {
        has_datasets: scope.datasets && datasets.is_ok(),
        has_evaluations: scope.evaluations && evaluations.is_ok(),
        lacks_evaluations: view.evaluations.empty_at() == Some(s.now),
        ..Seen::default()
    };
    replica.schedule.read(&look, &seen);
    match endpoints.and(models).and(base_models) {
        Ok(()) => {
            replica.schedule.succeeded(&look, look.is_whole);
            if look.is_whole {
                replica.contact = established(&replica.view);
            }
        }
        Err(error) => failed(replica, pace, &error),
    }
    replica.forget_promises();
}

/// A look failed: what that says of the connection.
pub fn failed(replica: &mut Replica, pace: Pace, error: &Error) {
    if let Some(contact) = replica.schedule.failed(pace, error, &replica.contact).contact {
        replica.contact = contact;
    }
}

/// What it is to be answered by somebody else than the service.
pub fn of_gateway() -> Error {
    Error::Unproven {
        route: "a look",
        problem: "a gateway answered",
    }
}

fn established(view: &View) -> Contact {
    Contact::Established(Counts {
        endpoints: view.endpoints.len(),
        models: view.models.len(),
        base_models: view.base_models.len(),
    })
}

/// Reads lists as `speech_resource::read` does.
#[derive(Clone, Copy)]
struct Reader<'a> {
    bug: PlantedBug,
    lists: Lists,
    now: Timestamp,
    /// What lists show.
    shown: &'a Service,
    /// What is there: asked for by its id, nothing lags.
    service: &'a Service,
}

impl Reader<'_> {
    /// What a list lacks is asked for by its id before it is forgotten.
    fn list<T: Cached + Clone>(
        &self,
        wanted: bool,
        cache: &mut Cache<T>,
        recorded: &[EntityId],
        of: fn(&Service) -> &BTreeMap<EntityId, T>,
    ) -> Result<(), Error> {
        if !wanted {
            return Ok(());
        }
        let began = cache.begin();
        let listed: Vec<T> = match self.lists {
            Lists::Current | Lists::Lagging => of(self.shown).values().cloned().collect(),
            Lists::Gateway | Lists::Hollow => Vec::new(),
        };
        if !cache.is_known() {
            for id in recorded {
                match self.look_up(*id, of)? {
                    Some(found) => drop(cache.read(found, began)),
                    None => cache.note_gone(&Absent::assumed(*id)),
                }
            }
        }
        let (_, missing) = cache.swept(listed, began, self.now);
        let believed = matches!(self.bug, PlantedBug::BelievedList | PlantedBug::BelievedGateway);
        let is_bug = matches!(
            (self.lists, self.bug),
            (Lists::Gateway, PlantedBug::BelievedList) | (Lists::Hollow, PlantedBug::BelievedNeighbour)
        );
        if is_bug {
            for at in [self.now, self.now + SignedDuration::from_secs(1)] {
                cache.swept(Vec::new(), began, at);
            }
            cache.complete(Heard::assumed());
            return Ok(());
        }
        if self.lists == Lists::Gateway && missing.is_empty() && !believed {
            // No list shows anything, and no base model can be had.
            return Err(of_gateway());
        }
        for id in missing {
            let began = cache.begin();
            match self.look_up(id, of)? {
                Some(found) => drop(cache.read(found, began)),
                None => drop(cache.vanished(&Absent::assumed(id), began)),
            }
        }
        cache.complete(Heard::assumed());
        Ok(())
    }

    fn look_up<T: Clone>(&self, id: EntityId, of: fn(&Service) -> &BTreeMap<EntityId, T>) -> Result<Option<T>, Error> {
        match self.lists {
            Lists::Current | Lists::Lagging | Lists::Hollow => Ok(of(self.service).get(&id).cloned()),
            Lists::Gateway if self.bug == PlantedBug::BelievedGateway => Ok(None),
            Lists::Gateway => Err(of_gateway()),
        }
    }
}
