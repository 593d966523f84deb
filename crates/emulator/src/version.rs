//! API versions the emulator speaks, and what each of them knows.

/// One version of the speech-to-text REST API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiVersion {
    /// `v3.2`, named in the path.
    V3_2,
    /// `2024-11-15`, named by the `api-version` parameter.
    V2024_11_15,
    /// `2025-10-15`, named by the `api-version` parameter.
    V2025_10_15,
}

impl ApiVersion {
    /// The name as it stands in a path or in `api-version`.
    pub fn name(self) -> &'static str {
        match self {
            Self::V3_2 => "v3.2",
            Self::V2024_11_15 => "2024-11-15",
            Self::V2025_10_15 => "2025-10-15",
        }
    }

    /// The version that an `api-version` parameter names.
    pub fn from_query(name: &str) -> Option<Self> {
        match name {
            "2024-11-15" => Some(Self::V2024_11_15),
            "2025-10-15" => Some(Self::V2025_10_15),
            _ => None,
        }
    }

    /// True for the version that stands in the path instead of in a parameter.
    pub fn in_path(self) -> bool {
        self == Self::V3_2
    }

    /// Projects left with 2024-11-15 and came back with 2025-10-15.
    pub fn has_projects(self) -> bool {
        self != Self::V2024_11_15
    }

    /// Log files of endpoints are part of v3.2 only.
    pub fn has_endpoint_logs(self) -> bool {
        self == Self::V3_2
    }

    /// `foundryProjectName` came with 2025-10-15.
    pub fn has_foundry_projects(self) -> bool {
        self == Self::V2025_10_15
    }
}

/// True for a path segment that looks like a version (`v3.1`), known or not.
pub fn is_path_version(segment: &str) -> bool {
    let mut characters = segment.chars();
    characters.next() == Some('v') && characters.next().is_some_and(|second| second.is_ascii_digit())
}

/// Versions that once worked; a clearer message is given for them.
pub fn is_retired(name: &str) -> bool {
    matches!(name, "v2.0" | "v3.0" | "v3.1" | "2024-05-15-preview") || name.starts_with("v3.2-")
}
