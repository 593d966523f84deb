//! Maintenance windows: when a swap may begin, in local time.
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The maximum number of windows in a list, for the schema of the list's field.
pub const MAX_WINDOWS: u32 = 16;

/// A calendar day. In these years, every fourth year is a leap year, so the rule is exact.
macro_rules! date_pattern {
    () => {
        "'^20[0-9]{2}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))$|^20([02468][048]|[13579][26])-02-29$'"
    };
}

const START_AND_DURATION: (&str, &str) = (
    "has(self.start) == has(self.duration)",
    "start and duration go together: give both, such as start: \"01:00\" and duration: 4h, or neither for whole days",
);
const FROM_UNTIL: (&str, &str) = (
    "!has(self.from) || !has(self.until) || self.from <= self.until",
    "from must not be later than until: the window applies on all days from the one to the other, both included",
);
const UNIQUE_DAYS: (&str, &str) = (
    "self.all(one, self.exists_one(other, other == one))",
    "days must name each of Mon, Tue, Wed, Thu, Fri, Sat, Sun at most once",
);
const START: (&str, &str) = (
    "self.matches('^([01][0-9]|2[0-3]):[0-5][0-9]$')",
    "start must be a time of day from \"00:00\" to \"23:59\", in quotes: write for example \"01:00\"",
);
const DURATION: (&str, &str) = (
    "self.matches('^[1-7]d$') || self.matches('^([0-9]{1,3}h)?([0-9]{1,5}m)?$') && self != '' && duration(self) >= duration('1m') && duration(self) <= duration('168h')",
    "duration must lie between 1m and 7d, in whole days or in hours and minutes: write for example 30m, 4h, 1h30m or 2d",
);
const DATE: (&str, &str) = (
    concat!("self.matches(", date_pattern!(), ")"),
    "give a day of the years 2000 to 2099 as year, month and day: write for example 2026-12-20",
);
const TIME_ZONE: (&str, &str) = (
    "self.matches('^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$')",
    "give the name of an IANA time zone: write for example Europe/Berlin, America/New_York or UTC",
);

/// A recurring span of time, or a span of dates.
///
/// It begins on each of its local days at `start` (local time), and lasts `duration` of elapsed time. Without `start`,
/// it covers the whole local day. If the clock skips `start`, the window begins at the moment of the skip. If `start`
/// comes twice because the clock is set back, it begins the first time only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = START_AND_DURATION)]
#[x_kube(validation = FROM_UNTIL)]
pub struct Window {
    /// Allow: swaps begin only within Allow windows. Deny: no swap begins in this window, even if another one allows
    /// it.
    pub kind: WindowKind,
    /// Days on which the window begins; absent means every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 7))]
    #[x_kube(validation = UNIQUE_DAYS)]
    pub days: Vec<Weekday>,
    /// Local time at which the window begins, such as "01:00"; absent means whole days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = START)]
    pub start: Option<String>,
    /// How long the window lasts from `start` (1m to 7d). It may extend into the following days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = DURATION)]
    pub duration: Option<String>,
    /// The first day on which the window begins, such as 2026-12-20; absent means no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = DATE)]
    pub from: Option<String>,
    /// The last day on which the window begins, such as 2027-01-06; absent means no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = DATE)]
    pub until: Option<String>,
    /// IANA time zone of the days and times, such as Europe/Berlin.
    #[serde(default = "default_time_zone")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = TIME_ZONE)]
    pub time_zone: String,
}

fn default_time_zone() -> String {
    "UTC".to_owned()
}

/// What a window does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WindowKind {
    /// Swaps may begin within it.
    Allow,
    /// Swaps may not begin within it.
    Deny,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}
