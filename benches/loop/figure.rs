//! One line of the table: what was found, beside the plain operator and the goal.

/// What a value has to be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    Most(f64),
    NotAbovePlain,
    /// At least so many times what the plain operator reaches.
    TimesPlain(f64),
}

/// One value; a figure may have several, such as p50 and p99.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// None where the plain operator has no such thing, or was not measured.
    pub plain: Option<f64>,
    pub here: f64,
    pub goal: Goal,
}

/// One figure.
#[derive(Clone, Debug)]
pub struct Figure {
    pub name: String,
    pub unit: &'static str,
    /// Digits behind the point.
    pub digits: usize,
    pub values: Vec<Value>,
}

/// What stands above the cells.
pub const HEAD: [&str; 6] = ["Figure", "Plain operator", "Here", "Ratio", "Goal", ""];

impl Figure {
    /// Its line of the table.
    pub fn cells(&self) -> [String; 6] {
        let number = |value: f64| format!("{value:.*}", self.digits);
        let plain = self.join(|value| value.plain.map(number));
        let ratio = self.join(|value| Some(format!("{:.2}", value.ratio()?)));
        [
            self.name.clone(),
            self.with_unit(plain),
            self.with_unit(self.join(|value| Some(number(value.here)))),
            ratio,
            self.goals(),
            self.verdicts(),
        ]
    }

    /// The cells of all values; one dash where no value has any.
    fn join(&self, cell: impl Fn(&Value) -> Option<String>) -> String {
        let cells: Vec<Option<String>> = self.values.iter().map(cell).collect();
        if cells.iter().all(Option::is_none) {
            return "–".to_owned();
        }
        let cells: Vec<String> = cells.into_iter().map(|cell| cell.unwrap_or("–".to_owned())).collect();
        cells.join(" / ")
    }

    fn with_unit(&self, cell: String) -> String {
        if cell == "–" || self.unit.is_empty() {
            cell
        } else {
            format!("{cell} {}", self.unit)
        }
    }

    fn goals(&self) -> String {
        let goals = self.join(|value| {
            Some(match value.goal {
                Goal::Most(0.0) => "0".to_owned(),
                Goal::Most(most) => format!("≤ {most}"),
                Goal::NotAbovePlain => "≤ plain".to_owned(),
                Goal::TimesPlain(times) => format!("≥ {times} × plain"),
            })
        });
        if goals.contains("plain") {
            goals
        } else {
            self.with_unit(goals)
        }
    }

    /// Met or missed: once if all are the same, else for each value.
    fn verdicts(&self) -> String {
        let verdicts: Vec<&str> = self.values.iter().map(|value| self.verdict(*value)).collect();
        match verdicts.split_first() {
            Some((first, rest)) if rest.iter().all(|verdict| verdict == first) => (*first).to_owned(),
            _ => verdicts.join(" / "),
        }
    }

    /// What is printed is judged: a figure that reads 0.70 meets 0.7.
    fn verdict(&self, value: Value) -> &'static str {
        let here = self.rounded(value.here);
        let is_met = match (value.goal, value.plain.map(|plain| self.rounded(plain))) {
            (Goal::Most(most), _) => here <= most,
            (Goal::NotAbovePlain, Some(plain)) => here <= plain,
            (Goal::TimesPlain(times), Some(plain)) => here >= self.rounded(times * plain),
            (Goal::NotAbovePlain | Goal::TimesPlain(_), None) => return "–",
        };
        if is_met { "met" } else { "missed" }
    }

    fn rounded(&self, value: f64) -> f64 {
        format!("{value:.*}", self.digits).parse().unwrap_or(value)
    }
}

impl Value {
    /// Ours by the plain operator's.
    fn ratio(&self) -> Option<f64> {
        self.plain.filter(|plain| *plain > 0.0).map(|plain| self.here / plain)
    }
}
