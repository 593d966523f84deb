//! The versions of the REST API that the operator speaks.
use std::fmt;

/// A version of the Speech to text REST API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ApiVersion {
    /// `v3.2`: the version stands in the path; endpoints have log files; any resource may log.
    V3_2,
    /// `2024-11-15`: the version is a query parameter; no projects.
    V2024_11_15,
    /// `2025-10-15`: as 2024-11-15, with projects again.
    #[default]
    V2025_10_15,
}

impl ApiVersion {
    /// The name as a user writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V3_2 => "v3.2",
            Self::V2024_11_15 => "2024-11-15",
            Self::V2025_10_15 => "2025-10-15",
        }
    }

    /// Whether entities can belong to a project in this version.
    pub fn has_projects(self) -> bool {
        !matches!(self, Self::V2024_11_15)
    }

    /// Whether the log files of an endpoint can be listed in this version.
    pub fn has_endpoint_logs(self) -> bool {
        matches!(self, Self::V3_2)
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
