//! What is known of an endpoint before anything is decided.
use super::{
    Snapshot,
    dates::Dates,
    identity::Identity,
    record::{Record, Upcoming},
};
use crate::{Verdict, rule::Obstacle, view::View, window::Calendar};
use speech_api::SpeechEndpointStatus;
use speech_service::EntityId;

/// The windows of a spec, or why they cannot be read.
pub struct Windows {
    pub calendar: Calendar,
    pub trouble: Option<String>,
}

impl Windows {
    /// Windows that cannot be read are shut: what is not allowed for certain waits, but not past the deadline.
    pub fn read(s: &Snapshot<'_>) -> Self {
        match Calendar::parse(&s.object.spec.swap.windows) {
            Ok(calendar) => Self {
                calendar,
                trouble: None,
            },
            Err(error) => Self {
                calendar: Calendar::shut(),
                trouble: Some(error.to_string()),
            },
        }
    }
}

/// What was observed in this pass, and what is remembered from those before.
pub struct Observed<'a> {
    pub s: Snapshot<'a>,
    /// The status as far as no decision changes it.
    pub status: SpeechEndpointStatus,
    /// What is remembered, with what was observed in this pass.
    pub record: Record,
    /// Which model came next by the written status.
    pub upcoming: Upcoming,
    pub windows: &'a Windows,
    /// The dates that follow from what serves.
    pub dates: Dates<'a>,
    pub identity: Identity<'a>,
    /// The Speech resource, if nothing keeps the object from it.
    pub reach: Result<Reach<'a>, Obstacle>,
    /// Whether the remote endpoint, if there is one, is the object's to manage.
    pub own: Result<(), Verdict>,
    /// Another endpoint that an earlier request made as well.
    pub duplicate: Option<EntityId>,
}

/// The Speech resource of an object.
#[derive(Clone, Copy)]
pub struct Reach<'a> {
    pub view: &'a View,
    /// The project that the endpoint is to be in, where the API version has projects.
    pub project: Option<EntityId>,
}

/// Waits where the endpoint that the status names is missing from a list that may be older than it.
pub fn unlisted_yet(s: &Snapshot<'_>) -> Option<Verdict> {
    let creation = s.creation(&s.old_status().cloned().unwrap_or_default());
    let intent = creation
        .open()
        .filter(|intent| creation.unlisted && !creation.is_void(*intent))?;
    Some(creation.wait(intent))
}
