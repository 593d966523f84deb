//! What came of a row, and the table of all.
use crate::{options::Options, rows::Row};
use std::{fmt, path::Path, time::Duration};

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The object or entity concerned.
    pub object: String,
    /// Which law, and what was found.
    pub what: String,
    /// The command that repeats the row.
    pub again: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (again: {})", self.object, self.what, self.again)
    }
}

/// What came of a row.
#[derive(Debug, Default)]
pub struct Report {
    /// How often the fault was made and survived, or not.
    pub runs: u64,
    /// What must never be and was.
    pub violations: Vec<Violation>,
    /// How long each run took to come back alone: real time and jumps of the clock together.
    pub converged: Vec<Duration>,
    seen: Vec<String>,
}

impl Report {
    /// What was seen, for the table.
    pub fn seen(&self) -> String {
        self.seen.join("; ")
    }

    /// Adds to what was seen.
    pub fn saw(&mut self, what: impl Into<String>) {
        self.seen.push(what.into());
    }

    /// The time within which this share of the runs converged.
    fn quantile(&self, share: f64) -> Option<Duration> {
        let mut sorted = self.converged.clone();
        sorted.sort();
        let last = sorted.len().checked_sub(1)?;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss
        )]
        let index = (last as f64 * share).ceil() as usize;
        sorted.get(index).copied()
    }
}

/// One line of the table.
#[derive(Debug)]
struct Line {
    cells: [String; 7],
    took: Duration,
}

/// The table of all rows.
#[derive(Debug, Default)]
pub struct Table {
    lines: Vec<Line>,
    violations: usize,
}

const HEAD: [&str; 7] = ["fault", "runs", "violations", "converged p50", "p99", "took", "seen"];

impl Table {
    /// Adds what came of a row.
    pub fn add(&mut self, row: &'static Row, report: Report, took: Duration) {
        let numbers: Vec<String> = row.faults.iter().map(u8::to_string).collect();
        let numbers = if numbers.is_empty() {
            String::new()
        } else {
            format!(" ({})", numbers.join(", "))
        };
        let time = |share| {
            report
                .quantile(share)
                .map_or("–".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()))
        };
        let cells = [
            format!("`{}`{numbers}", row.name),
            report.runs.to_string(),
            report.violations.len().to_string(),
            time(0.5),
            time(0.99),
            format!("{:.0} s", took.as_secs_f64()),
            report.seen(),
        ];
        self.lines.push(Line { cells, took });
        self.violations += report.violations.len();
    }

    /// How many violations there were.
    pub fn violations(&self) -> usize {
        self.violations
    }

    /// Puts the table between the marks of a file that has them, and keeps all other text.
    pub fn write_into(&self, path: &Path, options: &Options) -> std::io::Result<()> {
        const BEGIN: &str = "<!-- table: begin -->";
        const END: &str = "<!-- table: end -->";
        let text = std::fs::read_to_string(path)?;
        let (Some((before, _)), Some((_, after))) = (text.split_once(BEGIN), text.split_once(END)) else {
            return Err(std::io::Error::other(format!(
                "{} lacks {BEGIN} and {END}",
                path.display()
            )));
        };
        let command = if options.full {
            "make chaos"
        } else {
            "cargo test --test chaos"
        };
        let when = jiff::Timestamp::now().strftime("%Y-%m-%d");
        let told = format!("`{command}`, seed {}, {when}, {}:", options.seed(), machine());
        std::fs::write(path, format!("{before}{BEGIN}\n{told}\n\n{self}\n{END}{after}"))
    }
}

/// What this ran on.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or_default();
    let model = model
        .trim_start_matches(|c: char| c.is_whitespace() || c == ':')
        .to_owned();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kib = read("/proc/meminfo").lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?
            .trim()
            .trim_end_matches(" kB")
            .parse::<u64>()
            .ok()
    });
    format!("{cores} cores ({model}), {} GiB", kib.unwrap_or(0) / 1_048_576)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, cells: &[&str]| writeln!(f, "| {} |", cells.join(" | "));
        line(f, &HEAD)?;
        line(f, &["---", "--:", "--:", "--:", "--:", "--:", "---"])?;
        for Line { cells, .. } in &self.lines {
            line(f, &cells.each_ref().map(String::as_str))?;
        }
        let seconds: f64 = self.lines.iter().map(|line| line.took.as_secs_f64()).sum();
        write!(
            f,
            "\n{} rows, {} violations, {:.0} s",
            self.lines.len(),
            self.violations,
            seconds
        )?;
        Ok(())
    }
}
