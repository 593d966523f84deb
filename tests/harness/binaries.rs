//! Where the programs are that the workspace builds and the scripts of `tests` and `benches` install.
use super::error::HarnessError;
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

/// The folder with what the `install.sh` in a folder of the repository installs. Nothing is installed here: a test must not
/// be the one that takes minutes.
/// Fails with the script that installs it.
pub fn installed(what: &str) -> Result<PathBuf, HarnessError> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(what).join("install.sh");
    let output = Command::new(&script)
        .arg("--print")
        .output()
        .map_err(|source| HarnessError::Spawn {
            program: script.clone(),
            source,
        })?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    match stdout.lines().last() {
        Some(folder) if output.status.success() => Ok(PathBuf::from(folder)),
        _ => Err(HarnessError::NotInstalled {
            what: what.to_owned(),
            told: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }),
    }
}

/// The operator of this build.
pub static OPERATOR: LazyLock<PathBuf> = LazyLock::new(|| built("speech-operator"));
/// The emulator of this build.
pub static EMULATOR: LazyLock<PathBuf> = LazyLock::new(|| built("speech-emulator"));
/// The tools of the repository of this build.
pub static XTASK: LazyLock<PathBuf> = LazyLock::new(|| built("xtask"));
/// The plugin of kubectl of this build.
pub static KUBECTL_SPEECH: LazyLock<PathBuf> = LazyLock::new(|| built("kubectl-speech"));

/// A program of the workspace, beside the test that asks for it: Cargo builds those of the test's own package only.
///
/// # Panics
///
/// When it is missing, or older than its sources: a test of an old program would tell nothing.
#[expect(
    clippy::expect_used,
    clippy::panic,
    reason = "nothing can be tested without it, and the words tell what to do"
)]
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own file");
    let folder = test.ancestors().nth(2).expect("Cargo puts tests two folders deep");
    let program = folder.join(name);
    let how = "run `cargo build --workspace --bins --examples`, with the profile of this test";
    let Ok(built) = program.metadata().and_then(|file| file.modified()) else {
        panic!("{} is not built: {how}", program.display());
    };
    let listed = std::fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    let Some((_, sources)) = listed.lines().next().and_then(|line| line.split_once(": ")) else {
        panic!("nobody knows what {} was built from: {how}", program.display());
    };
    for source in sources.replace("\\ ", "\0").split(' ') {
        let changed = std::fs::metadata(source.replace('\0', " ")).and_then(|file| file.modified());
        if changed.map_or(true, |changed| changed > built) {
            panic!("{} is older than {source}: {how}", program.display());
        }
    }
    program
}
