//! `cargo xtask release`: everything that the page of a release holds. Nothing is published.
mod chart;
mod krew;
mod manifest;
mod notes;
mod provenance;
mod sbom;
#[cfg(test)]
mod tests;

use crate::{
    image::{self, Arch, Built, File, ImageError, Layout, Program, Source, digest_of},
    tool::ToolError,
};
use clap::Args;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// The package of the kubectl plugin, and its program.
const PLUGIN: &str = "kubectl-speech";
/// Where the files of releases would be found.
const DOWNLOADS: &str = "https://github.com/speech-operator/speech-operator/releases/download";

#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// The version: that of Cargo.toml, with a section in CHANGELOG.md.
    version: String,
    /// Folder to write into; new or empty.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Architectures of the image and of the plugin.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Arch::Amd64])]
    arch: Vec<Arch>,
    /// A static speech-operator to take instead of building it.
    #[arg(long, value_name = "ARCH=FILE")]
    operator: Vec<Built>,
    /// A static kubectl-speech to take instead of building it.
    #[arg(long, value_name = "ARCH=FILE")]
    plugin: Vec<Built>,
    /// Make one of files that are not committed. It names no commit.
    #[arg(long)]
    trial: bool,
    /// The root of the repository.
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error("the version in Cargo.toml is {there}, not {0}", there = env!("CARGO_PKG_VERSION"))]
    Version(String),
    #[error("there are changes that are not committed; commit them, or try with --trial")]
    Changed,
    #[error("{} is not empty", .0.display())]
    Occupied(PathBuf),
    #[error("CHANGELOG.md has no section \"## {0}\"")]
    NoNotes(String),
    #[error("{file} does not say {expected}")]
    Unexpected { file: &'static str, expected: String },
    #[error("{program} for {arch} holds code of {missing}, which its list of components lacks")]
    Unlisted {
        program: &'static str,
        arch: &'static str,
        missing: String,
    },
    #[error("a file cannot be packed")]
    Pack(#[source] io::Error),
    #[error("a file cannot be written as JSON or YAML")]
    Write(#[from] serde_json::Error),
}

/// What is released.
struct Release<'a> {
    root: &'a Path,
    version: &'a str,
    source: Source,
    /// Name and content of every file so far.
    files: BTreeMap<String, Vec<u8>>,
}

/// Makes all files, then writes them.
pub fn release(args: &ReleaseArgs) -> Result<(), ReleaseError> {
    let files = make(args)?;
    fs::create_dir_all(&args.out).map_err(ImageError::at(&args.out))?;
    for (name, content) in files {
        let path = args.out.join(name);
        fs::write(&path, content).map_err(ImageError::at(&path))?;
    }
    println!("{}", args.out.display());
    Ok(())
}

fn make(args: &ReleaseArgs) -> Result<BTreeMap<String, Vec<u8>>, ReleaseError> {
    if args.version != env!("CARGO_PKG_VERSION") {
        return Err(ReleaseError::Version(args.version.clone()));
    }
    if fs::read_dir(&args.out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(ReleaseError::Occupied(args.out.clone()));
    }
    let source = Source::read(&args.root)?;
    if source.is_changed() && !args.trial {
        return Err(ReleaseError::Changed);
    }
    let mut release = Release {
        root: &args.root,
        version: &args.version,
        source,
        files: BTreeMap::new(),
    };
    // What fails for a reason that a person can mend in a minute comes before what takes minutes.
    let notes = notes::of(&release.read("CHANGELOG.md")?, release.version)?;
    release.add_chart()?;
    let mut arches = args.arch.clone();
    arches.sort();
    arches.dedup();
    let digest = release.add_image(&arches, &args.operator)?;
    release.add_plugin(&arches, &args.plugin)?;
    let manifest = manifest::of(release.root, &image::published(Program::SpeechOperator), &digest)?;
    release.add("install.yaml", manifest);
    let notes = notes::document(&notes, release.version, &digest, &arches);
    release.add("NOTES.md", notes);
    let provenance = provenance::statement(&release, &digest)?;
    release.add("provenance.intoto.json", provenance);
    let sums = sums(&release.files);
    release.add("SHA256SUMS", sums);
    Ok(release.files)
}

impl Release<'_> {
    fn add(&mut self, name: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.files.insert(name.into(), content.into());
    }

    fn read(&self, path: &str) -> Result<String, ReleaseError> {
        let path = self.root.join(path);
        Ok(fs::read_to_string(&path).map_err(ImageError::at(&path))?)
    }

    fn add_chart(&mut self) -> Result<(), ReleaseError> {
        let package = chart::package(self.root, self.version, self.source.time)?;
        self.add(format!("speech-operator-{}.tgz", self.version), package);
        Ok(())
    }

    /// Adds the image with its components; returns its digest.
    fn add_image(&mut self, arches: &[Arch], there: &[Built]) -> Result<String, ReleaseError> {
        let program = Program::SpeechOperator;
        let mut images = Vec::new();
        for arch in arches {
            let binary = image::obtain(self.root, program.name(), *arch, there)?;
            images.push(image::of_program(program, *arch, &binary, &self.source)?);
            self.add_components(program.name(), *arch, &binary)?;
        }
        let layout = Layout::of(&images, &image::published(program))?;
        let archive = layout.archive(self.source.time)?;
        self.add(format!("speech-operator-v{}-image.tar", self.version), archive);
        Ok(layout.digest().to_owned())
    }

    /// Adds the plugin's archives with their components, and the manifest that names them.
    fn add_plugin(&mut self, arches: &[Arch], there: &[Built]) -> Result<(), ReleaseError> {
        let licence = self.read("LICENSE")?;
        let mut platforms = Vec::new();
        for arch in arches {
            let binary = image::obtain(self.root, PLUGIN, *arch, there)?;
            self.add_components(PLUGIN, *arch, &binary)?;
            let files = vec![
                File {
                    path: "LICENSE",
                    mode: 0o644,
                    content: licence.as_bytes(),
                },
                File {
                    path: PLUGIN,
                    mode: 0o755,
                    content: &binary,
                },
            ];
            let archive = image::tar(files, self.source.time).and_then(|archive| image::gzip(&archive));
            let archive = archive.map_err(ReleaseError::Pack)?;
            let name = format!("{PLUGIN}-v{}-linux-{}.tar.gz", self.version, arch.name());
            platforms.push(krew::Platform {
                arch: *arch,
                uri: format!("{DOWNLOADS}/v{}/{name}", self.version),
                sha256: sha256(&archive),
            });
            self.add(name, archive);
        }
        self.add("speech.yaml", krew::manifest(self.version, &platforms));
        Ok(())
    }

    fn add_components(&mut self, program: &'static str, arch: Arch, binary: &[u8]) -> Result<(), ReleaseError> {
        let components = sbom::Components::read(self.root, program, arch)?;
        if let Some(missing) = components.missing_in(binary) {
            let arch = arch.name();
            return Err(ReleaseError::Unlisted { program, arch, missing });
        }
        let document = components.document(program, binary, &self.source)?;
        let name = format!("{program}-v{}-linux-{}.cdx.json", self.version, arch.name());
        self.add(name, document);
        Ok(())
    }
}

fn sha256(content: &[u8]) -> String {
    digest_of(content).trim_start_matches("sha256:").to_owned()
}

/// As `sha256sum --check` reads it.
fn sums(files: &BTreeMap<String, Vec<u8>>) -> String {
    let lines = files
        .iter()
        .map(|(name, content)| format!("{}  {name}\n", sha256(content)));
    lines.collect()
}
