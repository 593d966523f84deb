//! What the figures depend on: the build, the machine and its load, the versions.
use crate::{
    Outcome,
    harness::{Plane, installed},
};
use serde::Serialize;
use std::{path::Path, process::Command};

/// What a plane and the tools of the build say.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// The commit that was built, and whether there was more.
    build: String,
    date: String,
    cpus: usize,
    processor: String,
    load_at_start: String,
    load_at_end: String,
    versions: Vec<String>,
}

impl Facts {
    /// Reads all that is known before the first figure.
    pub fn at_start() -> Outcome<Self> {
        Ok(Self {
            build: build(),
            date: jiff::Zoned::now().date().to_string(),
            cpus: std::thread::available_parallelism()?.get(),
            processor: processor(),
            load_at_start: load(),
            load_at_end: String::new(),
            versions: vec![of_rust(), of_the_plain_operator()?],
        })
    }

    /// Adds the versions of a control plane; the first one told is kept.
    pub async fn of_plane(&mut self, plane: &Plane) -> Outcome<()> {
        if self.versions.iter().any(|version| version.starts_with("Kubernetes")) {
            return Ok(());
        }
        let kubernetes = plane.client().await?.apiserver_version().await?.git_version;
        let etcd = plane.etcd_version().await?;
        let planes = [format!("Kubernetes {kubernetes}"), format!("etcd {etcd}")];
        self.versions.splice(0..0, planes);
        Ok(())
    }

    /// Reads what only the end can tell.
    pub fn at_end(&mut self) {
        self.load_at_end = load();
    }

    /// The lines above the table.
    pub fn head(&self, rounds: usize) -> String {
        let rounds = match rounds {
            1 => "one round".to_owned(),
            several => format!("medians of {several} rounds"),
        };
        format!(
            "`make bench`, {}, {rounds}, build {}.\n{} CPUs ({}), load average {} at the start, {} at the end.\n{}.",
            self.date,
            self.build,
            self.cpus,
            self.processor,
            self.load_at_start,
            self.load_at_end,
            self.versions.join(", ")
        )
    }
}

/// The output of a command; none when it fails.
fn told(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The commit; documents, which the benchmark itself writes, are no part of what was built.
fn build() -> String {
    let commit = told("git", &["rev-parse", "--short", "HEAD"]).unwrap_or("unknown".to_owned());
    match told("git", &["status", "--porcelain", "--", ".", ":!docs"]) {
        Some(changes) if !changes.is_empty() => format!("{commit} with changes"),
        _ => commit,
    }
}

fn of_rust() -> String {
    let version = told("rustc", &["--version"]).unwrap_or("rustc unknown".to_owned());
    version.split(" (").next().unwrap_or_default().to_owned()
}

/// What the plain operator is built from.
fn of_the_plain_operator() -> Outcome<String> {
    let modules = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/plain/go.mod"))?;
    let library = "sigs.k8s.io/controller-runtime ";
    let library = modules.lines().find_map(|line| line.trim().strip_prefix(library));
    let go = std::fs::read_to_string(installed("benches/plain")?.join("go-version")).unwrap_or_default();
    let go = if go.is_empty() { "unknown Go" } else { go.trim() };
    Ok(format!("controller-runtime {} with {go}", library.unwrap_or("unknown")))
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
