//! One Speech resource: what is known of it, how it is read, and the requests that change it.
//!
//! The planner decides by the [`Resource`], [`act()`] takes its steps, [`read`] looks at what became of them. When to look is
//! up to whoever drives this: the operator, or the simulator.
mod act;
mod contact;
mod failures;
mod last_look;
mod lists;
mod reader;
mod schedule;

pub use act::{Undone, act};
pub use contact::is_connection_trouble;
pub use failures::{Failed, Failures};
pub use last_look::LastLook;
pub use lists::{Scope, Seen, read};
pub use schedule::{Look, Pace, Schedule};

use speech_plan::{
    Agenda,
    connection::{Contact, Counts},
    view::View,
};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::Notify;

/// One Speech resource, as far as it is known.
#[derive(Debug, Default)]
pub struct Resource {
    view: RwLock<View>,
    agenda: RwLock<Agenda>,
    look: Notify,
}

impl Resource {
    /// What is known of it.
    pub fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, to write down what was learned. Never held across an await.
    pub fn view_mut(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the objects of the connection have to agree on.
    pub fn agenda(&self) -> RwLockReadGuard<'_, Agenda> {
        self.agenda.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, to note what an object wants. Never held across an await.
    pub fn agenda_mut(&self) -> RwLockWriteGuard<'_, Agenda> {
        self.agenda.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a look at once: an answer said that what is known is not as it should be.
    pub fn look_soon(&self) {
        self.look.notify_one();
    }

    /// Waits until somebody asks for a look.
    pub async fn look_wanted(&self) {
        self.look.notified().await;
    }

    /// Which of the lists that only some objects need have been read: datasets, evaluations.
    pub fn has_read(&self) -> (bool, bool) {
        let view = self.view();
        (view.datasets.is_known(), view.evaluations.is_known())
    }

    /// Whether a list is read for the first time, in which case what a status names counts.
    pub fn is_first(&self, scope: Scope) -> bool {
        let view = self.view();
        !view.is_complete() || (scope.evaluations && !view.evaluations.is_known())
    }

    /// What a contact brought in which all lists were read.
    pub fn established(&self) -> Contact {
        let view = self.view();
        Contact::Established(Counts {
            endpoints: view.endpoints.len(),
            models: view.models.len(),
            base_models: view.base_models.len(),
        })
    }
}
