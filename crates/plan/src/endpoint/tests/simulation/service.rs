//! The service as it changes endpoints.
use super::*;

/// As the service does: a new model is deployed for a while.
pub fn patch(found: &mut Endpoint, change: &UpdateEndpoint, now: Timestamp) {
    match change {
        UpdateEndpoint::Model(model) => {
            found.model = Some(*model);
            put_state(&mut found.header, Status::Running, now);
        }
        UpdateEndpoint::DisplayName(name) => found.header.display_name = name.as_str().into(),
        UpdateEndpoint::Description(text) => found.header.description = text.as_str().into(),
        UpdateEndpoint::Project(project) => found.header.project = Some(*project),
        UpdateEndpoint::LoggingEnabled(enabled) => found.logging_enabled = *enabled,
        UpdateEndpoint::Owner(owner, rest) => {
            found.header.owner = Some(Arc::new(owner.clone()));
            found.header.foreign_properties = rest.clone();
        }
    }
}
