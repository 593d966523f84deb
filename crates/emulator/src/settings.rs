//! Settings of one Speech resource.
use super::{error::ErrorStyle, window::RateLimit};
use serde::{Deserialize, Serialize};

/// The pricing tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tier {
    /// Free: one endpoint, deleted after seven days.
    F0,
    /// Standard: 50 endpoints.
    #[default]
    S0,
}

impl Tier {
    /// Most endpoints.
    pub fn endpoints(self) -> usize {
        match self {
            Self::F0 => 1,
            Self::S0 => 50,
        }
    }

    /// Most datasets.
    pub fn datasets(self) -> usize {
        match self {
            Self::F0 => 2,
            Self::S0 => 500,
        }
    }
}

/// The status that a GET shows while another model is being deployed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpdateStatus {
    /// As all known sources show it.
    #[default]
    Succeeded,
    /// As with a first deployment.
    Running,
}

/// Which expiry date a copied model has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CopyExpiry {
    /// That of the original.
    #[default]
    Keep,
    /// By the rule, from the day of the copy.
    New,
}

/// How long things take, in clock seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Timings {
    /// First deployment.
    pub endpoint_create: f64,
    /// Deployment of another model.
    pub endpoint_update: f64,
    pub training: f64,
    /// Import.
    pub dataset: f64,
    pub evaluation: f64,
    /// Copy to another resource.
    pub copy: f64,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            endpoint_create: 5.0,
            endpoint_update: 5.0,
            training: 10.0,
            dataset: 2.0,
            evaluation: 5.0,
            copy: 5.0,
        }
    }
}

/// All settings of one Speech resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// First key.
    pub key1: String,
    /// Second key.
    pub key2: String,
    /// True = keys are refused.
    pub disable_local_auth: bool,
    /// False = tokens are refused, as at a resource that has no custom subdomain.
    pub custom_subdomain: bool,
    /// HTTP status of PermissionDenied.
    pub permission_denied_status: u16,
    /// Pricing tier.
    pub tier: Tier,
    /// Azure region.
    pub region: String,
    /// ARM resource id; empty = one made from the name.
    pub arm_id: String,
    /// True = bring your own storage: logging in all versions, no SAS.
    pub byos: bool,
    /// How long things take.
    pub timings: Timings,
    /// True = a GET shows the old model and Succeeded until another model is deployed.
    pub show_old_model_until_redeployed: bool,
    /// The status shown meanwhile when the new model is shown.
    pub update_status: UpdateStatus,
    /// False = a change of model during a deployment is refused.
    pub accept_update_during_deployment: bool,
    /// Entries of a page without `top`.
    pub page_size: usize,
    /// Most entries of a page.
    pub max_page_size: usize,
    /// HTTP status of InUseViolation.
    pub in_use_status: u16,
    /// Form of errors.
    pub error_style: ErrorStyle,
    /// Request limit.
    pub rate_limit: RateLimit,
    /// Real milliseconds added to every request.
    pub latency_ms: u64,
    /// Which date a copied model gets.
    pub copy_expiry: CopyExpiry,
    /// Life of a copy authorization in clock seconds.
    pub authorization_seconds: f64,
    /// How far the `Date` of answers is ahead of the clock, in seconds.
    pub date_offset_seconds: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            key1: String::new(),
            key2: String::new(),
            disable_local_auth: false,
            custom_subdomain: true,
            permission_denied_status: 401,
            tier: Tier::default(),
            region: "westeurope".to_owned(),
            arm_id: String::new(),
            byos: false,
            timings: Timings::default(),
            show_old_model_until_redeployed: false,
            update_status: UpdateStatus::default(),
            accept_update_during_deployment: false,
            page_size: 100,
            max_page_size: 1000,
            in_use_status: 409,
            error_style: ErrorStyle::default(),
            rate_limit: RateLimit::default(),
            latency_ms: 0,
            copy_expiry: CopyExpiry::default(),
            authorization_seconds: 3_600.0,
            date_offset_seconds: 0,
        }
    }
}

impl Settings {
    /// Which of the keys this is; an empty key never fits.
    pub fn key_number(&self, key: &str) -> Option<u8> {
        if key.is_empty() {
            None
        } else if key == self.key1 {
            Some(1)
        } else if key == self.key2 {
            Some(2)
        } else {
            None
        }
    }

    /// Says what is wrong with settings given from outside.
    pub fn check(&self) -> Result<(), String> {
        if self.key1.is_empty() {
            return Err("key1 must not be empty".to_owned());
        }
        if self.page_size == 0 || self.max_page_size == 0 {
            return Err("pageSize and maxPageSize must be greater than 0".to_owned());
        }
        if !(400..=599).contains(&self.in_use_status) {
            return Err("inUseStatus must lie between 400 and 599".to_owned());
        }
        if !matches!(self.permission_denied_status, 401 | 403) {
            return Err("permissionDeniedStatus must be 401 or 403".to_owned());
        }
        let timings = self.timings;
        let seconds = [
            ("timings.endpointCreate", timings.endpoint_create),
            ("timings.endpointUpdate", timings.endpoint_update),
            ("timings.training", timings.training),
            ("timings.dataset", timings.dataset),
            ("timings.evaluation", timings.evaluation),
            ("timings.copy", timings.copy),
            ("authorizationSeconds", self.authorization_seconds),
            ("rateLimit.perSeconds", self.rate_limit.per_seconds),
        ];
        match seconds.iter().find(|(_, value)| !value.is_finite() || *value < 0.0) {
            Some((name, _)) => Err(format!("{name} must be a number of seconds that is not negative")),
            None => Ok(()),
        }
    }
}
