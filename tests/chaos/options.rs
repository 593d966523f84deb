//! The command line.
use crate::libtest::Libtest;
use clap::Parser;

/// What is to be run.
#[derive(Debug, Parser)]
#[command(name = "chaos")]
pub struct Options {
    /// The figures of docs/reliability.md, instead of a few runs of each row.
    #[arg(long)]
    pub full: bool,
    /// Only this row; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub row: Vec<String>,
    /// Everything that happens by chance follows from it; drawn anew if absent, and always printed.
    #[arg(long, env = "CHAOS_SEED")]
    seed: Option<u64>,
    /// How many runs of each row, in place of its own number.
    #[arg(long)]
    pub runs: Option<u64>,
    /// How many rows run side by side, each in a world of its own. They mostly wait, so that two take half as long.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    jobs: u8,
    /// Print the rows and run none.
    #[arg(long)]
    pub list: bool,
    #[command(flatten)]
    libtest: Libtest,
}

impl Options {
    /// Reads the command line; a seed is drawn when none is given.
    pub fn of_command_line() -> Self {
        let mut options = Self::parse();
        let drawn = || uuid::Uuid::new_v4().as_u64_pair().0 % 1_000_000;
        options.seed = Some(options.seed.unwrap_or_else(drawn));
        options
    }

    /// The seed of this run.
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or_default()
    }

    /// How many rows run side by side.
    pub fn jobs(&self) -> usize {
        self.jobs.into()
    }

    /// Whether a row is to be run.
    pub fn wants(&self, name: &str) -> bool {
        let is_named = self.row.is_empty() || self.row.iter().any(|row| row == name);
        let fits = |filter: &String| {
            if self.libtest.exact {
                name == filter
            } else {
                name.contains(filter.as_str())
            }
        };
        let is_filtered = self.libtest.filters.is_empty() || self.libtest.filters.iter().any(fits);
        is_named && is_filtered && !self.libtest.ignored && !self.libtest.skip.iter().any(fits)
    }

    /// The command line that repeats a row.
    pub fn again(&self, row: &str) -> String {
        let full = if self.full { " --full" } else { "" };
        let runs = self.runs.map(|runs| format!(" --runs {runs}")).unwrap_or_default();
        format!(
            "cargo test --test chaos --{full} --row {row} --seed {}{runs}",
            self.seed()
        )
    }
}
