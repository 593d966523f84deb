//! The CEL rules that several kinds share, each with a message that says what to write instead.
//!
//! CEL rules restrict text instead of `pattern` and `minLength`, whose messages only repeat the expression. The schema
//! still limits lengths: the API server uses them to estimate the cost of a rule.

/// A UUID, alone or at the end of a URI, optionally followed by a query.
macro_rules! id_pattern {
    () => {
        "'^(https?://.+/)?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}([?].*)?$'"
    };
}

/// A rule on a duration. It checks the format first, because other text cannot be compared.
macro_rules! duration_between {
    ($least:literal, $most:literal) => {
        concat!(
            "self.matches('^([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?$') && self != '' && duration(self) >= duration('",
            $least,
            "') && duration(self) <= duration('",
            $most,
            "')"
        )
    };
}

/// Names end up in labels, ConfigMaps and tags, all of which hold 63 characters.
pub const NAME: (&str, &str) = (
    "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')",
    "metadata.name must be usable as a label: at most 63 lower case letters, digits and '-', beginning and ending with a letter or digit",
);
/// A reference must name an object that can exist.
pub const OBJECT_NAME: (&str, &str) = (
    "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
    "give the name of an object: lower case letters, digits, '-' and '.', with a letter or digit at the beginning, at the end and beside each '.', such as westeurope",
);
/// A key of a Secret's data.
pub const DATA_KEY: (&str, &str) = (
    "self.matches('^[-._a-zA-Z0-9]+$')",
    "give a key of the Secret's data: letters, digits, '-', '_' and '.', such as key",
);
/// The remote entity's locale never changes, so neither does ours.
pub const LOCALE_IMMUTABLE: (&str, &str) = (
    "self == oldSelf",
    "locale cannot be changed: delete this object and create one with the other locale",
);
/// Remote entities do not move between Speech resources.
pub const CONNECTION_IMMUTABLE: (&str, &str) = (
    "self == oldSelf",
    "connectionRef cannot be changed: delete this object and create one with the other connection",
);
/// An id as Azure's portal and CLI show it.
pub const ID: (&str, &str) = (
    concat!("self.matches(", id_pattern!(), ")"),
    "give a UUID (5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11) or the entity's full self URI",
);
/// The same for each item of a list.
pub const IDS: (&str, &str) = (
    concat!("self.all(one, one.matches(", id_pattern!(), "))"),
    "give each one as a UUID (5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11) or as its full self URI",
);
/// A locale as the service spells it: language, optional script, region, optional variant.
pub const LOCALE: (&str, &str) = (
    "self.matches('^[a-z]{2,3}(-[A-Z][a-z]{3})?-([A-Z]{2}|[0-9]{3})(-[A-Za-z0-9]+)*$')",
    "give a locale as the service spells it, with its region: en-US, sr-Latn-RS or zh-CN-sichuan",
);
/// The longest poll interval that makes sense, and the shortest that the budget allows.
pub const POLL_INTERVAL: (&str, &str) = (
    duration_between!("5s", "1h"),
    "pollInterval must lie between 5s and 1h: write for example 90s, 5m or 1h",
);
/// How long an obstacle may hold up a deletion.
pub const FORCE_ORPHAN_AFTER: (&str, &str) = (
    duration_between!("0s", "168h"),
    "forceOrphanAfter must lie between 0s and 168h: write for example 15m, 1h or 24h",
);
/// A window over which deletions can be counted.
pub const GUARD_PER: (&str, &str) = (
    duration_between!("1s", "1h"),
    "deletionGuard.per must lie between 1s and 1h: write for example 1m or 10m",
);
/// A window over which requests can be counted.
pub const BUDGET_PER: (&str, &str) = (
    duration_between!("1s", "1h"),
    "requestBudget.per must lie between 1s and 1h: write for example 10s or 1m",
);
/// With fewer requests, nothing new would ever begin, and no deletion would end in time. This rule accepts what another
/// rule already refuses.
pub const BUDGET_RATE: (&str, &str) = (
    concat!(
        "self.requests < 1 || !self.per.matches('^([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?$') || self.per == '' ",
        "|| duration(self.per) > duration('1h') || duration(self.per).getSeconds() <= self.requests * 10"
    ),
    "requestBudget must allow at least one request in 10 seconds, over its window: write for example requests: 80 and per: 10s, or requests: 6 and per: 1m",
);
