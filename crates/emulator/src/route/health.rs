//! The health of the service.
use crate::{call::Call, error::ServiceError, reply::Reply};
use serde_json::json;

pub fn get(call: &Call<'_>) -> Result<Reply, ServiceError> {
    let region = &call.resource()?.settings.region;
    Ok(Reply::ok(json!({
        "status": "Healthy",
        "message": format!("All components of the emulated service in {region} work."),
        "components": [
            { "name": "CustomSpeech", "status": "Healthy" },
            { "name": "Transcription", "status": "Healthy" },
        ],
    })))
}
