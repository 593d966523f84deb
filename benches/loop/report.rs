//! The table: what was found, beside the goal and what others need for the same.
use crate::{Outcome, Scale};
use serde_json::{Value, json};
use std::path::Path;

/// One figure.
pub struct Row {
    pub figure: String,
    /// A plain Go controller-runtime operator on two cores: POST, status, poll by GET, a GET per object and minute.
    pub plain: &'static str,
    /// cert-manager with self-signed certificates.
    pub cert_manager: &'static str,
    pub goal: &'static str,
    pub ours: String,
    pub met: bool,
}

/// All figures of a run.
pub struct Report {
    pub scale: Scale,
    rows: Vec<Row>,
    notes: Vec<String>,
    load_before: String,
}

impl Report {
    /// An empty one, that remembers how busy the machine was before.
    pub fn new(scale: Scale) -> Self {
        Self {
            scale,
            rows: Vec::new(),
            notes: Vec::new(),
            load_before: load(),
        }
    }

    /// Adds a figure.
    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Adds what explains a figure.
    pub fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// Adds the peaks of the memory, by size of the fleet.
    pub fn memory(&mut self, peaks: &[(usize, f64)]) {
        let sizes: Vec<_> = peaks.iter().map(|(size, _)| size.to_string()).collect();
        let ours: Vec<_> = peaks.iter().map(|(_, mib)| format!("{mib:.1}")).collect();
        let limits = [24.0, 44.0, 64.0];
        self.add(Row {
            figure: format!("peak memory, {} endpoints", sizes.join(" / ")),
            plain: "40 / 58 / – MiB",
            cert_manager: "150 MiB at 500",
            goal: "≤ 24 / ≤ 44 / ≤ 64 MiB",
            ours: format!("{} MiB", ours.join(" / ")),
            met: peaks.iter().zip(limits).all(|((_, mib), limit)| *mib <= limit),
        });
    }

    /// Prints the table and writes it as JSON.
    pub fn finish(&self) -> Outcome<()> {
        let cpus = std::thread::available_parallelism()?;
        println!();
        println!(
            "{cpus} CPUs ({}); load before {}, after {}",
            processor(),
            self.load_before,
            load()
        );
        println!();
        let head = ["figure", "plain operator", "cert-manager", "goal", "here", ""].map(str::to_owned);
        let cells = self.rows.iter().map(Row::cells);
        print_table(&std::iter::once(head).chain(cells).collect::<Vec<_>>());
        println!();
        self.notes.iter().for_each(|note| println!("{note}"));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/loop.json");
        std::fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        std::fs::write(&path, format!("{:#}\n", self.json(cpus.get())))?;
        Ok(())
    }

    fn json(&self, cpus: usize) -> Value {
        let row = |row: &Row| {
            json!({
                "figure": row.figure, "plainOperator": row.plain, "certManager": row.cert_manager,
                "goal": row.goal, "here": row.ours, "met": row.met,
            })
        };
        json!({
            "at": jiff::Timestamp::now(),
            "machine": { "cpus": cpus, "processor": processor(), "loadBefore": self.load_before, "loadAfter": load() },
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
            "notes": self.notes,
        })
    }
}

impl Row {
    fn cells(&self) -> [String; 6] {
        let verdict = if self.met { "met" } else { "missed" };
        [
            &*self.figure,
            self.plain,
            self.cert_manager,
            self.goal,
            &*self.ours,
            verdict,
        ]
        .map(str::to_owned)
    }
}

fn print_table(rows: &[[String; 6]]) {
    let mut widths = [0; 6];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for (index, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
        if index == 0 {
            println!("|{}|", widths.map(|width| "-".repeat(width + 2)).join("|"));
        }
    }
}

/// The load averages of the last 1, 5 and 15 minutes.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or_else(
        || "unknown processor".to_owned(),
        |name| name.trim_start_matches([' ', '\t', ':']).to_owned(),
    )
}
