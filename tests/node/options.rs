//! The command line. `cargo test` gives every test program the arguments of libtest; what means nothing here is let pass.
use crate::stages::{self, Stage};
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
    /// Parts of names of stages: all run up to the last of them.
    filters: Vec<String>,
    #[arg(long, hide = true)]
    ignored: bool,
    #[arg(long, hide = true)]
    exact: bool,
    #[arg(long, hide = true)]
    nocapture: bool,
    #[arg(long, hide = true)]
    no_capture: bool,
    #[arg(long, hide = true)]
    show_output: bool,
    #[arg(long, hide = true)]
    include_ignored: bool,
    #[arg(long, short, hide = true)]
    quiet: bool,
    #[arg(long, hide = true)]
    test_threads: Option<String>,
    #[arg(long, hide = true)]
    skip: Vec<String>,
    #[arg(long, hide = true)]
    format: Option<String>,
    #[arg(long, hide = true)]
    color: Option<String>,
}

impl Options {
    pub fn of_command_line() -> Self {
        Self::parse()
    }

    /// The stages to run: each stands on those before it.
    pub fn wanted(&self) -> Vec<&'static Stage> {
        let is_named =
            |stage: &Stage| self.filters.is_empty() || self.filters.iter().any(|part| stage.name.contains(part));
        let last = stages::ALL.iter().rposition(is_named);
        let count = last.filter(|_| !self.ignored).map_or(0, |last| last + 1);
        stages::ALL.iter().take(count).collect()
    }
}
