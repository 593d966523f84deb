//! helm, and the programs that look at charts.
use crate::harness::{CommandOutput, Folder, Plane, installed};
use std::{path::Path, process::Command, sync::LazyLock};

/// What helm writes for itself; none of it is the user's.
static OWN: LazyLock<Folder> = LazyLock::new(|| Folder::new("helm").unwrap());

/// Runs one of the programs of `tests/chart/install.sh`.
pub fn run(program: &str, kubeconfig: Option<&Path>, args: &[&str], stdin: &str) -> CommandOutput {
    let folder = installed("tests/chart").unwrap_or_else(|error| panic!("{error}"));
    let input = OWN
        .write(&format!("stdin-{}", uuid::Uuid::new_v4().simple()), stdin)
        .unwrap();
    let mut command = Command::new(folder.join(program));
    command.args(args).stdin(std::fs::File::open(&input).unwrap());
    for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(name, OWN.path());
    }
    command.env("KUBECONFIG", kubeconfig.unwrap_or(Path::new("/dev/null")));
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    CommandOutput {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

/// The same, which has to succeed; returns what it wrote.
pub fn done(program: &str, args: &[&str]) -> String {
    let output = run(program, None, args, "");
    assert!(
        output.success(),
        "{program} {args:?}\n{}\n{}",
        output.stdout,
        output.stderr
    );
    output.stdout
}

/// helm against a cluster.
pub fn helm(plane: &Plane, args: &[&str]) -> CommandOutput {
    run("helm", Some(plane.kubeconfig()), args, "")
}

/// The same, which has to succeed.
pub fn helm_ok(plane: &Plane, args: &[&str]) -> String {
    let output = helm(plane, args);
    assert!(output.success(), "helm {args:?}\n{}\n{}", output.stdout, output.stderr);
    output.stdout
}

/// Packs the chart as another version; returns the file.
pub fn packed(version: &str) -> String {
    let folder = OWN.path().display().to_string();
    let app = format!("v{version}");
    let args = [
        "package",
        &crate::chart(),
        "--version",
        version,
        "--app-version",
        &app,
        "--destination",
        &folder,
    ];
    done("helm", &args);
    format!("{folder}/speech-operator-{version}.tgz")
}
