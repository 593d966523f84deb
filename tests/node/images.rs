//! The images of the shipped programs, and the registry that has them.
use crate::{
    document::repository,
    harness::{CommandOutput, HarnessError},
    site::{self, Site},
};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::process::Command;

/// An image to take instead of building one, such as that of a release: `SPEECH_NODE_IMAGES` names a folder with layouts.
pub fn given(program: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SPEECH_NODE_IMAGES").filter(|folder| !folder.is_empty())?;
    Some(Path::new(&folder).join(program))
}

/// Builds the image of a program into a folder; takes seconds where Cargo has built it.
pub async fn built(program: &str) -> Result<PathBuf, HarnessError> {
    if let Some(given) = given(program) {
        println!(
            "SPEECH_NODE_IMAGES: {} is tested, not an image of this build",
            given.display()
        );
        return Ok(given);
    }
    let folder = repository().join("target/images").join(program);
    let out = folder.display().to_string();
    let args = ["xtask", "image", "--program", program, "--arch", "amd64", "--out", &out];
    // By the command of CI and of the documents, which find what they have built themselves.
    done(&site::program("cargo")?, &args, &repository())
        .await
        .map(|_| folder)
}

/// What Cargo sets for a test. A Cargo below would take it for a change, and build what reads it again.
pub fn cargos_own() -> impl Iterator<Item = String> {
    let single = [
        "CARGO",
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_CRATE_NAME",
        "CARGO_TARGET_TMPDIR",
        "CARGO_PRIMARY_PACKAGE",
    ];
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(move |name| {
        single.contains(&name.as_str()) || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_BIN_")
    })
}

/// Pushes the layout of an image into the registry.
pub async fn push(site: &Site, layout: &Path, name: &str) -> Result<(), HarnessError> {
    let args = ["push", &layout.display().to_string(), name, "--insecure"];
    done(&site.assets.join("crane"), &args, &repository()).await.map(drop)
}

/// Makes the image of what holds a Pod's namespaces. It also serves as a Pod that does nothing.
pub async fn push_pause(site: &Site, registry: &str) -> Result<(), HarnessError> {
    let folder = site.folder().path();
    let assets = site.assets.display().to_string();
    done(
        Path::new("/bin/tar"),
        &["-chf", "pause.tar", "-C", &assets, "pause"],
        folder,
    )
    .await?;
    let crane = site.assets.join("crane");
    let name = format!("{registry}/pause:1");
    done(
        &crane,
        &["append", "--insecure", "--new_layer", "pause.tar", "--new_tag", &name],
        folder,
    )
    .await?;
    let entrypoint = [
        "mutate",
        "--insecure",
        &name,
        "--entrypoint",
        "/pause",
        "--set-platform",
        "linux/amd64",
        "--tag",
        &name,
    ];
    done(&crane, &entrypoint, folder).await.map(drop)
}

/// Runs a program that has to succeed.
async fn done(program: &Path, args: &[&str], folder: &Path) -> Result<CommandOutput, HarnessError> {
    let spawn = |source| HarnessError::Spawn {
        program: program.to_owned(),
        source,
    };
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).stdin(Stdio::null());
    cargos_own().for_each(|name| {
        command.env_remove(name);
    });
    let output = command.output().await.map_err(spawn)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let output = CommandOutput {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    };
    match output.success() {
        true => Ok(output),
        false => Err(HarnessError::NotUnderstood {
            what: format!("{} {}", program.display(), args.join(" ")),
            got: output.stderr,
        }),
    }
}
