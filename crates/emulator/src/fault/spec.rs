//! The form in which tests ask for faults.
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where a fault strikes; what is absent matches all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RouteMatch {
    /// Name of the Speech resource.
    pub resource: Option<String>,
    /// HTTP method.
    pub method: Option<String>,
    /// With a slash: a glob over the path behind resource and version (`/endpoints/*`); else one over operationIds.
    pub path: Option<String>,
}

/// What a fault does; exactly one member beside `delayMs`, which may stand alone or with another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Action {
    /// Answer with this status and do nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Body of `status`; absent = an error of the service with that status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Headers of `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    /// Retry-After of `status`, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Retry-After of `status` as a date, so many seconds after the `Date` of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_date: Option<u32>,
    /// Body of `status` that is no JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Wait this many real milliseconds first; the effect comes after the wait, even when the client has gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Do the work, then cut the connection without an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lose_response: Option<bool>,
    /// Cut the connection now, do the work later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_late: Option<CommitLate>,
    /// New entities appear in lists only after this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_lag: Option<ListLag>,
    /// Send the body slowly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_body: Option<SlowBody>,
    /// Cut the connection within the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_body: Option<CutBody>,
    /// Send a very long body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oversized_body: Option<OversizedBody>,
    /// Send half of the JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrong_json: Option<bool>,
    /// Let the next entities of a kind end in Failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_next: Option<FailNext>,
}

/// The work is done later than the (missing) answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommitLate {
    /// Real milliseconds until the work is done.
    pub delay_ms: u64,
    /// Real milliseconds until the connection is cut.
    #[serde(default)]
    pub hang_ms: u64,
}

/// How late lists are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListLag {
    /// Clock seconds.
    pub seconds: f64,
}

/// How slow the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SlowBody {
    /// Bytes in each real second.
    pub bytes_per_second: usize,
}

/// Where the body is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CutBody {
    /// Bytes sent before.
    pub after_bytes: usize,
}

/// How long the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OversizedBody {
    /// Bytes, at least.
    pub bytes: usize,
}

/// Which entities fail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailNext {
    /// `endpoint`, `model`, `dataset`, `evaluation` or `copy`.
    pub kind: String,
    /// Code of the entity's error.
    pub code: String,
    /// Message of the entity's error.
    pub message: String,
    /// How many fail.
    #[serde(default = "one")]
    pub count: u64,
}

fn one() -> u64 {
    1
}

/// The kinds that `failNext` knows.
const FAILING_KINDS: [&str; 5] = ["endpoint", "model", "dataset", "evaluation", "copy"];

/// A fault as a test gives it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FaultSpec {
    /// Where.
    pub route: RouteMatch,
    /// What.
    pub action: Action,
    /// How often still; absent = always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// How likely at each match; absent = 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Start of the random numbers behind `probability`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Action {
    /// The names of what it does, `delayMs` left out.
    fn names(&self) -> Vec<&'static str> {
        let given = [
            ("status", self.status.is_some()),
            ("loseResponse", self.lose_response.is_some()),
            ("commitLate", self.commit_late.is_some()),
            ("listLag", self.list_lag.is_some()),
            ("slowBody", self.slow_body.is_some()),
            ("cutBody", self.cut_body.is_some()),
            ("oversizedBody", self.oversized_body.is_some()),
            ("wrongJson", self.wrong_json.is_some()),
            ("failNext", self.fail_next.is_some()),
        ];
        given
            .into_iter()
            .filter(|(_, is_given)| *is_given)
            .map(|(name, _)| name)
            .collect()
    }

    /// The name of what it does.
    pub fn name(&self) -> &'static str {
        self.names().first().copied().unwrap_or("delayMs")
    }

    /// True for what other operations look at, instead of striking one request.
    pub fn is_passive(&self) -> bool {
        self.list_lag.is_some() || self.fail_next.is_some()
    }
}

impl FaultSpec {
    /// Says what is wrong with a fault given from outside.
    pub fn check(&self) -> Result<(), String> {
        let action = &self.action;
        let names = action.names();
        if names.len() > 1 {
            return Err(format!("an action does one thing, not {}", names.join(" and ")));
        }
        if names.is_empty() && action.delay_ms.is_none() {
            return Err("the action is missing".to_owned());
        }
        if action.status.is_some_and(|status| !(200..=599).contains(&status)) {
            return Err("status must lie between 200 and 599".to_owned());
        }
        if action.status.is_none()
            && (action.body.is_some()
                || action.text.is_some()
                || action.headers.is_some()
                || action.retry_after.is_some()
                || action.retry_after_date.is_some())
        {
            return Err("body, text, headers, retryAfter and retryAfterDate need a status".to_owned());
        }
        for (name, value) in action.headers.iter().flatten() {
            let is_valid = http::HeaderName::try_from(name).is_ok() && http::HeaderValue::try_from(value).is_ok();
            if !is_valid {
                return Err(format!("the header {name} is not valid"));
            }
        }
        if [action.lose_response, action.wrong_json].contains(&Some(false)) {
            return Err("loseResponse and wrongJson can only be true".to_owned());
        }
        if action
            .list_lag
            .is_some_and(|lag| !lag.seconds.is_finite() || lag.seconds < 0.0)
        {
            return Err("listLag.seconds must not be negative".to_owned());
        }
        if action.slow_body.is_some_and(|slow| slow.bytes_per_second == 0) {
            return Err("slowBody.bytesPerSecond must be greater than 0".to_owned());
        }
        if let Some(fail) = &action.fail_next
            && !FAILING_KINDS.contains(&fail.kind.as_str())
        {
            return Err(format!("failNext.kind must be one of {}", FAILING_KINDS.join(", ")));
        }
        if self
            .probability
            .is_some_and(|probability| !(0.0..=1.0).contains(&probability))
        {
            return Err("probability must lie between 0 and 1".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(value: Value) -> FaultSpec {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            json!({}),
            json!({ "action": { "status": 99 } }),
            json!({ "action": { "status": 500, "wrongJson": true } }),
            json!({ "action": { "retryAfter": 3 } }),
            json!({ "action": { "wrongJson": false } }),
            json!({ "action": { "status": 500 }, "probability": 2.0 }),
            json!({ "action": { "failNext": { "kind": "cat", "code": "x", "message": "y" } } }),
            json!({ "action": { "slowBody": { "bytesPerSecond": 0 } } }),
        ] {
            assert!(spec(wrong.clone()).check().is_err(), "{wrong}");
        }
        assert!(
            spec(json!({ "action": { "status": 500, "delayMs": 5 } }))
                .check()
                .is_ok()
        );
    }
}
