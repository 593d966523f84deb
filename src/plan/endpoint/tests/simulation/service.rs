//! The service as it changes endpoints.
use super::*;

/// As the service does: a new model is deployed for a while.
pub fn patch(found: &mut Endpoint, change: &UpdateEndpoint, now: Timestamp) {
    if let Some(model) = change.model {
        found.model = Some(model);
        put_state(&mut found.header, Status::Running, now);
    }
    found.header.display_name = change
        .display_name
        .as_deref()
        .unwrap_or(&found.header.display_name)
        .into();
    found.header.description = change
        .description
        .as_deref()
        .unwrap_or(&found.header.description)
        .into();
    found.logging_enabled = change.logging_enabled.unwrap_or(found.logging_enabled);
    if let Some((owner, rest)) = &change.owner {
        found.header.owner = Some(Arc::new(owner.clone()));
        found.header.foreign_properties = rest.clone();
    }
}
