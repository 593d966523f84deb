//! `cargo xtask image`: an OCI image of one static program and the certificates that it verifies others with.
//!
//! The same source gives the same bytes: nothing of the image says when, where or by whom it was built.
mod build;
mod certificates;
mod config;
mod layer;
mod layout;
mod source;
#[cfg(test)]
mod tests;

pub use layer::{File, gzip, tar};
pub use layout::{Image, Layout, digest_of};
pub use source::Source;

use crate::tool::ToolError;
use clap::{Args, ValueEnum};
use std::{
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Where a release would be published.
const REGISTRY: &str = "ghcr.io/speech-operator";

/// A program that is shipped as an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Program {
    SpeechOperator,
    SpeechEmulator,
}

impl Program {
    pub fn name(self) -> &'static str {
        match self {
            Self::SpeechOperator => "speech-operator",
            Self::SpeechEmulator => "speech-emulator",
        }
    }

    /// What a container runs by default.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::SpeechOperator => &["run"],
            Self::SpeechEmulator => &["--listen", "0.0.0.0:8765"],
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::SpeechOperator => 8080,
            Self::SpeechEmulator => 8765,
        }
    }
}

/// A processor architecture, as images name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Arch {
    Amd64,
    Arm64,
}

impl Arch {
    pub fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// As the compiler names it.
    pub fn target(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }
}

/// A program that is built already.
#[derive(Clone, Debug)]
pub struct Built {
    arch: Arch,
    path: PathBuf,
}

impl FromStr for Built {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (arch, path) = text.split_once('=').ok_or("write ARCH=FILE")?;
        Ok(Self {
            arch: Arch::from_str(arch, false)?,
            path: path.into(),
        })
    }
}

#[derive(Debug, Args)]
pub struct ImageArgs {
    /// The program in the image.
    #[arg(long, value_enum, default_value_t = Program::SpeechOperator)]
    program: Program,
    /// Architectures of the image, each named once.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Arch::Amd64])]
    arch: Vec<Arch>,
    /// Folder to write the OCI image layout into, in place of what it holds.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Also write the layout as one file, as `ctr images import` and `podman load` read it.
    #[arg(long, value_name = "FILE")]
    archive: Option<PathBuf>,
    /// Name and tag of the image, for those who import it; without it, the name of a release.
    #[arg(long, value_name = "NAME:TAG")]
    name: Option<String>,
    /// A static program to take instead of building it.
    #[arg(long, value_name = "ARCH=FILE")]
    binary: Vec<Built>,
    /// The root of the repository.
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error("{} cannot be accessed", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} is not a static program of Linux", .0.display())]
    NotStatic(PathBuf),
    #[error("there is no standard library for {0}; run `rustup target add {0}`")]
    NoTarget(&'static str),
    #[error("{} holds something else than an OCI image layout; name an empty folder", .0.display())]
    Occupied(PathBuf),
    #[error("the image cannot be described")]
    Spec(#[from] oci_spec::OciSpecError),
    #[error("the image cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error("the image cannot be packed")]
    Pack(#[source] io::Error),
    #[error("SOURCE_DATE_EPOCH must be a number of seconds, not {0:?}")]
    Epoch(String),
}

impl ImageError {
    /// For `map_err`: what could not be accessed.
    pub fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

/// Builds the program for each architecture and writes the image.
pub fn image(args: &ImageArgs) -> Result<(), ImageError> {
    let source = Source::read(&args.root)?;
    if source.is_changed() {
        eprintln!("xtask: there are changes that are not committed: the image names no commit");
    }
    let mut arches = args.arch.clone();
    arches.sort();
    arches.dedup();
    let mut images = Vec::new();
    for arch in arches {
        let program = obtain(&args.root, args.program.name(), arch, &args.binary)?;
        images.push(of_program(args.program, arch, &program, &source)?);
    }
    let name = args.name.clone().unwrap_or_else(|| published(args.program));
    let layout = Layout::of(&images, &name)?;
    layout.write(&args.out)?;
    if let Some(archive) = &args.archive {
        fs::write(archive, layout.archive(source.time)?).map_err(ImageError::at(archive))?;
    }
    println!("{name}@{}", layout.digest());
    Ok(())
}

/// The image of one architecture; prints what it takes.
pub fn of_program(program: Program, arch: Arch, binary: &[u8], source: &Source) -> Result<Image, ImageError> {
    let image = config::image(program, arch, binary, source)?;
    eprintln!(
        "{} for {}: program {} bytes, unpacked {} bytes, to transfer {} bytes",
        program.name(),
        arch.name(),
        image.program_size,
        image.unpacked,
        image.packed(),
    );
    Ok(image)
}

/// The name under which the chart looks for an image of this version.
pub fn published(program: Program) -> String {
    format!("{REGISTRY}/{}:v{}", program.name(), env!("CARGO_PKG_VERSION"))
}

/// A static program: the one that is there, or else it is built. The image has no dynamic linker.
pub fn obtain(root: &Path, package: &str, arch: Arch, there: &[Built]) -> Result<Vec<u8>, ImageError> {
    let path = match there.iter().find(|built| built.arch == arch) {
        Some(built) => built.path.clone(),
        None => build::program(root, package, arch)?,
    };
    let program = fs::read(&path).map_err(ImageError::at(&path))?;
    match build::is_static(&program) {
        true => Ok(program),
        false => Err(ImageError::NotStatic(path)),
    }
}
