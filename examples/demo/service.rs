//! The Speech service as others use it: applications that recognize, and a colleague who deploys by hand.
use super::{DemoError, demand};
use serde_json::{Value, json};
use std::time::Duration;

/// Name of the Speech resource in the seed.
pub const RESOURCE: &str = "contoso";
const KEY: &str = "demo-key-2"; // the operator uses the other one
const VERSION: &str = "api-version=2025-10-15";

/// A client of one Speech resource.
#[derive(Clone)]
pub struct Service {
    http: reqwest::Client,
    base: String,
}

/// The answer to a recognition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognition {
    /// HTTP status.
    pub status: u16,
    /// Id of the model that answered, which the real service would not tell.
    pub model: String,
    /// Whether a base model stood in, silently.
    pub is_fallback: bool,
    /// `RecognitionStatus` of the body.
    pub says: String,
}

impl Service {
    /// A client of the emulator at `emulator`; the process must have chosen rustls' cryptography before.
    pub fn new(emulator: &str) -> Result<Self, DemoError> {
        Self::of(emulator, RESOURCE)
    }

    /// The same of another Speech resource.
    pub fn of(emulator: &str, resource: &str) -> Result<Self, DemoError> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .no_proxy()
            .build()?;
        Ok(Self {
            http,
            base: format!("{emulator}/{resource}"),
        })
    }

    /// Sends audio (there is none; the emulator hears nothing) to an endpoint.
    pub async fn recognize(&self, endpoint: &str) -> Result<Recognition, DemoError> {
        let url = format!("{}/stt/speech/universal/v2?cid={endpoint}", self.base);
        let response = self
            .http
            .post(url)
            .header("Ocp-Apim-Subscription-Key", KEY)
            .send()
            .await?;
        let header = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (status, answered_by) = (response.status().as_u16(), header("x-emulator-answered-by"));
        let is_fallback = header("x-emulator-fallback") == "true";
        let body: Value = response.json().await?;
        Ok(Recognition {
            status,
            model: id_in(&answered_by).to_owned(),
            is_fallback,
            says: text(&body, "/RecognitionStatus"),
        })
    }

    /// Creates an endpoint without the operator; returns its id once it serves. `model` is a URI.
    pub async fn deploy_by_hand(&self, name: &str, model: &str) -> Result<String, DemoError> {
        let body = json!({"displayName": name, "locale": "en-US", "model": {"self": model}});
        let url = format!("{}/speechtotext/endpoints?{VERSION}", self.base);
        let request = self.http.post(url).header("Ocp-Apim-Subscription-Key", KEY).json(&body);
        let response = request.send().await?;
        let status = response.status();
        let created: Value = response.json().await?;
        demand(status == 201, "201 Created for an endpoint made by hand", || {
            format!("{status}: {created}")
        })?;
        let id = id_in(&text(&created, "/self")).to_owned();
        crate::harness::eventually(
            "the endpoint made by hand serves",
            Duration::from_secs(30),
            async || match self.get(&format!("endpoints/{id}")).await {
                Ok(endpoint) if text(&endpoint, "/status") == "Succeeded" => Ok(()),
                other => Err(format!("{other:?}")),
            },
        )
        .await?;
        Ok(id)
    }

    /// The base models that the service offers now, newest first: id and name.
    pub async fn base_models(&self) -> Result<Vec<(String, String)>, DemoError> {
        let listed = self.get("models/base").await?;
        let values = listed
            .get("values")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let mut models: Vec<_> = values
            .iter()
            .map(|model| (id_in(&text(model, "/self")).to_owned(), text(model, "/displayName")))
            .collect();
        models.sort_by(|one, other| other.1.cmp(&one.1)); // their names are dates
        Ok(models)
    }

    /// How many endpoints the service is changing.
    pub async fn deployments_under_way(&self) -> Result<usize, DemoError> {
        let listed = self.get("endpoints").await?;
        let endpoints = listed.get("values").and_then(Value::as_array).into_iter().flatten();
        let moving = |endpoint: &&Value| matches!(text(endpoint, "/status").as_str(), "NotStarted" | "Running");
        Ok(endpoints.filter(moving).count())
    }

    async fn get(&self, path: &str) -> Result<Value, DemoError> {
        let url = format!("{}/speechtotext/{path}?{VERSION}", self.base);
        let request = self.http.get(url).header("Ocp-Apim-Subscription-Key", KEY);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}

/// The string at a JSON pointer; empty when there is none.
pub fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The last segment of an entity's URI.
fn id_in(uri: &str) -> &str {
    let path = uri.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}
