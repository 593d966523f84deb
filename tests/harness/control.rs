//! A client of the emulator's control API.
use super::error::HarnessError;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Answers of the control API take milliseconds.
const CONTROL_DEADLINE: Duration = Duration::from_secs(10);

/// A client of the emulator's control API.
#[derive(Debug, Clone)]
pub struct Control {
    base_url: String,
    http: reqwest::Client,
}

impl Control {
    /// A client of the emulator at `base_url`.
    pub fn new(base_url: &str) -> Result<Self, HarnessError> {
        super::install_tls_provider();
        let http = reqwest::Client::builder().timeout(CONTROL_DEADLINE).no_proxy().build();
        let http = http.map_err(|error| HarnessError::Client(error.to_string()))?;
        Ok(Self {
            base_url: base_url.to_owned(),
            http,
        })
    }

    /// The URL that the operator's `--development-clock` takes.
    pub fn clock_url(&self) -> String {
        format!("{}/control/clock", self.base_url)
    }

    /// The emulator's time.
    pub async fn now(&self) -> Result<Timestamp, HarnessError> {
        now_in(self.request(Method::GET, "clock", None).await?)
    }

    /// Sets the emulator's time; returns the new time.
    pub async fn set_now(&self, now: Timestamp) -> Result<Timestamp, HarnessError> {
        self.put_clock(json!({"now": now.to_string()})).await
    }

    /// Moves the emulator's time ahead, for example by `90d` or `6h`; returns the new time.
    pub async fn advance(&self, by: &str) -> Result<Timestamp, HarnessError> {
        self.put_clock(json!({"advance": by})).await
    }

    /// Lets the emulator's time run `rate` times as fast as ours; returns its time.
    pub async fn set_rate(&self, rate: f64) -> Result<Timestamp, HarnessError> {
        self.put_clock(json!({"rate": rate})).await
    }

    async fn put_clock(&self, body: Value) -> Result<Timestamp, HarnessError> {
        self.request(Method::PUT, "clock", Some(body)).await?;
        self.now().await
    }

    /// The requests the emulator has answered: those of one Speech resource, or of all; those with a sequence number
    /// greater than `after`.
    pub async fn journal(&self, resource: Option<&str>, after: u64) -> Result<Value, HarnessError> {
        let resource = resource.map(|name| format!("resource={name}&")).unwrap_or_default();
        self.request(Method::GET, &format!("journal?{resource}after={after}"), None)
            .await
    }

    /// Empties the journal.
    pub async fn clear_journal(&self) -> Result<(), HarnessError> {
        self.request(Method::DELETE, "journal", None).await.map(drop)
    }

    /// Adds a fault; returns the emulator's answer.
    pub async fn add_fault(&self, fault: Value) -> Result<Value, HarnessError> {
        self.request(Method::POST, "faults", Some(fault)).await
    }

    /// Ends one fault, by its id.
    pub async fn remove_fault(&self, id: u64) -> Result<(), HarnessError> {
        self.request(Method::DELETE, &format!("faults/{id}"), None)
            .await
            .map(drop)
    }

    /// Ends all faults.
    pub async fn clear_faults(&self) -> Result<(), HarnessError> {
        self.request(Method::DELETE, "faults", None).await.map(drop)
    }

    /// Everything the emulator holds.
    pub async fn state(&self) -> Result<Value, HarnessError> {
        self.request(Method::GET, "state", None).await
    }

    /// Creates or changes a Speech resource; returns the emulator's answer.
    pub async fn put_resource(&self, name: &str, body: Value) -> Result<Value, HarnessError> {
        self.request(Method::PUT, &format!("resources/{name}"), Some(body))
            .await
    }

    /// Deletes a Speech resource with all it holds.
    pub async fn delete_resource(&self, name: &str) -> Result<(), HarnessError> {
        self.request(Method::DELETE, &format!("resources/{name}"), None)
            .await
            .map(drop)
    }

    /// A Speech resource with all it holds, in the form of a seed.
    pub async fn resource(&self, name: &str) -> Result<Value, HarnessError> {
        self.request(Method::GET, &format!("resources/{name}"), None).await
    }

    /// Replaces the keys of a Speech resource, given as `key1`, `key2` or both.
    pub async fn set_keys(&self, name: &str, keys: Value) -> Result<(), HarnessError> {
        self.request(Method::POST, &format!("resources/{name}/keys"), Some(keys))
            .await
            .map(drop)
    }

    /// Sets what evaluations shall find, by model.
    pub async fn set_scores(&self, name: &str, scores: Value) -> Result<(), HarnessError> {
        self.request(Method::PUT, &format!("resources/{name}/scores"), Some(scores))
            .await
            .map(drop)
    }

    /// Changes an entity behind everybody's back; `kind` is a plural such as `models`. Returns the entity.
    pub async fn patch_entity(&self, name: &str, kind: &str, id: &str, patch: Value) -> Result<Value, HarnessError> {
        self.request(Method::PATCH, &format!("resources/{name}/{kind}/{id}"), Some(patch))
            .await
    }

    /// Removes an entity behind everybody's back, whatever uses it.
    pub async fn delete_entity(&self, name: &str, kind: &str, id: &str) -> Result<(), HarnessError> {
        self.request(Method::DELETE, &format!("resources/{name}/{kind}/{id}"), None)
            .await
            .map(drop)
    }

    /// Declares an application of Entra ID, or replaces one.
    pub async fn declare_application(&self, application: Value) -> Result<(), HarnessError> {
        self.request(Method::POST, "entra/applications", Some(application))
            .await
            .map(drop)
    }

    /// Ends all tokens of an application before their time.
    pub async fn revoke_tokens(&self, client: &str) -> Result<(), HarnessError> {
        self.request(Method::DELETE, &format!("entra/applications/{client}/tokens"), None)
            .await
            .map(drop)
    }

    /// Any request to the control API; `path` is what follows `/control/`. An empty answer is `null`.
    pub async fn request(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, HarnessError> {
        let url = format!("{}/control/{path}", self.base_url);
        let failed = |problem: String| HarnessError::Http {
            request: format!("{method} {url}"),
            problem,
        };
        let mut request = self.http.request(method.clone(), &url);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| failed(error.to_string()))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| failed(error.to_string()))?;
        if !status.is_success() {
            return Err(failed(format!("{status}: {text}")));
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|error| failed(format!("{error} in {text}")))
    }
}

fn now_in(answer: Value) -> Result<Timestamp, HarnessError> {
    let now = answer
        .get("now")
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok());
    now.ok_or_else(|| HarnessError::NotUnderstood {
        what: "the emulator's clock".to_owned(),
        got: answer.to_string(),
    })
}
