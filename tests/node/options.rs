//! The command line.
use crate::{
    libtest::Libtest,
    stages::{self, Stage},
};
use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "node")]
pub struct Options {
    /// Print the stages and run none.
    #[arg(long)]
    pub list: bool,
    /// Make the namespaces of a node and wait to be killed.
    #[arg(long = crate::owner::OPTION, hide = true)]
    pub own_a_site: bool,
    /// All stages run up to the last of those that are named.
    #[command(flatten)]
    libtest: Libtest,
}

impl Options {
    pub fn of_command_line() -> Self {
        Self::parse()
    }

    /// The stages to run: each stands on those before it.
    pub fn wanted(&self) -> Vec<&'static Stage> {
        let is_named = |stage: &Stage| {
            self.libtest.filters.is_empty() || self.libtest.filters.iter().any(|part| stage.name.contains(part))
        };
        let last = stages::ALL.iter().rposition(is_named);
        let count = last.filter(|_| !self.libtest.ignored).map_or(0, |last| last + 1);
        stages::ALL.iter().take(count).collect()
    }
}
