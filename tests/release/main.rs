//! A release into an empty folder, with programs that are no programs: what its files hold, and what others say of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is test code; the lints only know functions marked #[test]"
)]

#[path = "../harness/mod.rs"]
mod harness;

use harness::{Folder, HarnessError, Plane, XTASK, installed};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a program prints; fails if it does.
fn done(program: impl AsRef<OsStr>, folder: &Path, args: &[&str]) -> String {
    let output = Command::new(program.as_ref()).current_dir(folder).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.as_ref().display()));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{} {args:?}: {stdout}{stderr}",
        program.as_ref().display()
    );
    stdout
}

/// A release in a folder that goes with it.
struct Release {
    _folder: Folder,
    path: PathBuf,
}

impl Release {
    /// Of both architectures; files that begin as a static program does take the place of programs.
    fn make() -> Self {
        let folder = Folder::new("release").unwrap();
        let mut program = [0; 64];
        program[..5].copy_from_slice(b"\x7fELF\x02");
        let binary = folder.path().join("program");
        fs::write(&binary, program).unwrap();
        let path = folder.path().join("out");
        let binary = binary.display().to_string();
        let (amd64, arm64) = (format!("amd64={binary}"), format!("arm64={binary}"));
        let mut args = vec!["release", VERSION, "--trial", "--arch", "amd64,arm64"];
        for option in ["--operator", "--plugin"] {
            args.extend([option, &amd64, option, &arm64]);
        }
        let out = path.display().to_string();
        args.extend(["--out", &out]);
        done(&*XTASK, &repository(), &args);
        Self { _folder: folder, path }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn parsed(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// The image's digest as the archive's own index names it.
    fn image(&self) -> String {
        let archive = format!("speech-operator-v{VERSION}-image.tar");
        let args = ["--extract", "--to-stdout", "--file", &archive, "index.json"];
        let index: Value = serde_json::from_str(&done("tar", &self.path, &args)).unwrap();
        index["manifests"][0]["digest"].as_str().unwrap().to_owned()
    }
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_release_has_these_files_and_their_sums() {
    let release = Release::make();
    let mut expected = BTreeSet::from([
        "NOTES.md".to_owned(),
        "SHA256SUMS".to_owned(),
        "install.yaml".to_owned(),
        "provenance.intoto.json".to_owned(),
        "speech.yaml".to_owned(),
        format!("speech-operator-{VERSION}.tgz"),
        format!("speech-operator-v{VERSION}-image.tar"),
    ]);
    for arch in ["amd64", "arm64"] {
        expected.insert(format!("kubectl-speech-v{VERSION}-linux-{arch}.tar.gz"));
        for program in ["kubectl-speech", "speech-operator"] {
            expected.insert(format!("{program}-v{VERSION}-linux-{arch}.cdx.json"));
        }
    }
    let names = fs::read_dir(&release.path).unwrap();
    let names: BTreeSet<String> = names
        .map(|file| file.unwrap().file_name().display().to_string())
        .collect();
    assert_eq!(names, expected);
    let checked = done("sha256sum", &release.path, &["--strict", "--check", "SHA256SUMS"]);
    assert_eq!(
        checked.lines().count(),
        expected.len() - 1,
        "all but the sums themselves"
    );
}

#[test]
fn two_releases_of_one_source_are_the_same() {
    let sums = [0, 1].map(|_| Release::make().read("SHA256SUMS"));
    assert_eq!(sums[0], sums[1]);
}

#[test]
fn helm_accepts_the_package_of_the_chart() {
    let release = Release::make();
    let helm = installed("tests/chart").unwrap().join("helm");
    let package = format!("speech-operator-{VERSION}.tgz");
    done(&helm, &release.path, &["lint", "--strict", &package]);
    let chart = done(&helm, &release.path, &["show", "chart", &package]);
    assert!(chart.contains(&format!("\nversion: {VERSION}")), "{chart}");
    let template = |chart: &str| done(&helm, &release.path, &["template", "x", chart, "--namespace", "y"]);
    let folder = repository().join("deploy/chart");
    assert_eq!(template(&package), template(&folder.display().to_string()));
}

#[tokio::test]
async fn the_single_manifest_installs_the_operator_with_its_image_by_digest() -> Result<(), HarnessError> {
    let release = Release::make();
    let plane = Plane::start().await?;
    let manifest = release.path.join("install.yaml").display().to_string();
    plane.kubectl_ok(&["apply", "--filename", &manifest]).await?;
    let path = "jsonpath={.spec.template.spec.containers[0].image}";
    let args = [
        "get",
        "deployment",
        "speech-operator",
        "--namespace",
        "speech-system",
        "--output",
        path,
    ];
    let pinned = plane.kubectl_ok(&args).await?;
    assert_eq!(
        pinned,
        format!("ghcr.io/speech-operator/speech-operator:v{VERSION}@{}", release.image())
    );
    plane
        .kubectl_ok(&[
            "get",
            "speechendpoints,speechmodels,speechconnections",
            "--all-namespaces",
        ])
        .await?;
    Ok(())
}

#[test]
fn krew_accepts_the_manifest_of_the_plugin() {
    let release = Release::make();
    let judge = installed("tests/release").unwrap().join("validate-krew-manifest");
    done(&judge, &release.path, &["-manifest", "speech.yaml", "-skip-install"]);
    let manifest: Value = serde_saphyr::from_str(&release.read("speech.yaml")).unwrap();
    let platforms = manifest["spec"]["platforms"].as_array().unwrap();
    assert_eq!(platforms.len(), 2);
    let sums = release.read("SHA256SUMS");
    for platform in platforms {
        let (_, file) = platform["uri"].as_str().unwrap().rsplit_once('/').unwrap();
        let sum = platform["sha256"].as_str().unwrap();
        assert!(sums.contains(&format!("{sum}  {file}\n")), "{file}");
        let files = done("tar", &release.path, &["--list", "--file", file]);
        assert_eq!(files, "LICENSE\nkubectl-speech\n");
    }
}

#[test]
fn the_provenance_names_the_image_and_every_file() {
    let release = Release::make();
    let provenance = release.parsed("provenance.intoto.json");
    assert_eq!(provenance["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(provenance["predicateType"], "https://slsa.dev/provenance/v1");
    let subjects: BTreeSet<(&str, &str)> = provenance["subject"]
        .as_array()
        .unwrap()
        .iter()
        .map(|subject| {
            (
                subject["name"].as_str().unwrap(),
                subject["digest"]["sha256"].as_str().unwrap(),
            )
        })
        .collect();
    let image = release.image();
    let digest = image.strip_prefix("sha256:").unwrap();
    let sums = release.read("SHA256SUMS");
    let mut expected: BTreeSet<(&str, &str)> = sums
        .lines()
        .map(|line| line.split_once("  ").map(|(sum, name)| (name, sum)).unwrap())
        .filter(|(name, _)| *name != "provenance.intoto.json")
        .collect();
    expected.insert(("ghcr.io/speech-operator/speech-operator", digest));
    assert_eq!(subjects, expected);
    let lock = repository().join("Cargo.lock");
    let lock = done("sha256sum", &release.path, &[&lock.display().to_string()]);
    let materials = &provenance["predicate"]["buildDefinition"]["resolvedDependencies"];
    let names_lock = |material: &Value| lock.starts_with(material["digest"]["sha256"].as_str().unwrap_or("none"));
    assert!(materials.as_array().unwrap().iter().any(names_lock), "{materials}");
}

#[test]
fn the_components_are_those_of_the_program() {
    let release = Release::make();
    let components = |program: &str| -> BTreeSet<String> {
        let document = release.parsed(&format!("{program}-v{VERSION}-linux-amd64.cdx.json"));
        assert_eq!(document["bomFormat"], "CycloneDX");
        assert_eq!(document["metadata"]["component"]["name"], program);
        let components = document["components"].as_array().unwrap();
        for component in components {
            let of_registry = component.get("purl").is_some();
            assert_eq!(component.get("hashes").is_some(), of_registry, "{component}");
        }
        components
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let operator = components("speech-operator");
    let plugin = components("kubectl-speech");
    for name in ["rustls", "kube", "tokio", "speech-plan", "std", "glibc"] {
        assert!(operator.contains(name) && plugin.contains(name), "{name}");
    }
    assert!(operator.contains("axum") && !plugin.contains("axum"));
    assert!(!operator.contains("speech-emulator"));
}

#[test]
fn another_version_and_a_full_folder_are_refused() {
    let refused = |args: &[&str]| {
        let output = Command::new(&*XTASK)
            .current_dir(repository())
            .args(args)
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let folder = Folder::new("refused").unwrap();
    let out = folder.path().display().to_string();
    let message = refused(&["release", "9.9.9", "--trial", "--out", &out]);
    assert!(
        message.contains(&format!("the version in Cargo.toml is {VERSION}, not 9.9.9")),
        "{message}"
    );
    folder.write("of-somebody", "").unwrap();
    let message = refused(&["release", VERSION, "--trial", "--out", &out]);
    assert!(message.contains("is not empty"), "{message}");
}
