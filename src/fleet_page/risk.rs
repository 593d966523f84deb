//! How bad it is.
use serde::Serialize;

/// What may go wrong with an object, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Nothing that is known.
    None,
    /// A step waits for something that has to happen first.
    Blocked,
    /// The model that serves expires before another follows, if nobody acts.
    AtRisk,
    /// The model has expired: a base model answers where it is deployed.
    Expired,
}

impl Risk {
    /// The word in queries and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Blocked => "blocked",
            Self::AtRisk => "at-risk",
            Self::Expired => "expired",
        }
    }

    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Blocked => "Blocked",
            Self::AtRisk => "At risk",
            Self::Expired => "Expired",
        }
    }
}
