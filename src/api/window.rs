//! Maintenance windows: when a swap may happen, by the wall clock of a place.
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most windows that a list of them may hold, for the schema of the field that holds the list.
pub const MAX_WINDOWS: u32 = 16;

/// A day of the calendar. The years are those of which every fourth is a leap year, so that the rule is exact.
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

/// A span of time that comes again, or a span of dates.
///
/// It begins on each of its local days, at `start` by the wall clock, and lasts `duration` of elapsed time; without
/// `start` it is the whole local day. Where clocks are put forward over `start`, it begins as they are; where they are
/// put back and `start` comes twice, it begins the first time only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = START_AND_DURATION)]
#[x_kube(validation = FROM_UNTIL)]
pub struct Window {
    /// Allow: swaps begin within the Allow windows only. Deny: no swap begins within it, whatever is allowed.
    pub kind: WindowKind,
    /// The days on which it begins; absent means every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 7))]
    #[x_kube(validation = UNIQUE_DAYS)]
    pub days: Vec<Weekday>,
    /// When it begins by the wall clock of the time zone, such as "01:00"; absent means whole days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = START)]
    pub start: Option<String>,
    /// How long it lasts from `start` (1m to 7d); it may reach into the next days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = DURATION)]
    pub duration: Option<String>,
    /// The first day on which it begins, such as 2026-12-20; absent means since ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = DATE)]
    pub from: Option<String>,
    /// The last day on which it begins, such as 2027-01-06; absent means for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = DATE)]
    pub until: Option<String>,
    /// Whose days and wall clock: an IANA time zone such as Europe/Berlin.
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
