//! How an image is to be run, and what it says about itself.
use super::{
    Arch, Image, ImageError, Program, Source, certificates,
    layer::{self, File},
    layout::{Blob, digest_of, json},
};
use jiff::Timestamp;
use oci_spec::image::{
    ANNOTATION_CREATED, ANNOTATION_DESCRIPTION, ANNOTATION_LICENSES, ANNOTATION_REVISION, ANNOTATION_SOURCE,
    ANNOTATION_TITLE, ANNOTATION_VERSION, Arch as OciArch, ConfigBuilder, ImageConfigurationBuilder,
    ImageManifestBuilder, MediaType, Os, RootFsBuilder, SCHEMA_VERSION,
};
use std::collections::HashMap;

/// As in the chart: nobody's number on any node, and a number, so that `runAsNonRoot` can be checked without /etc/passwd.
const USER: &str = "65532:65532";
const SOURCE: &str = "https://github.com/speech-operator/speech-operator";

/// The image of one architecture: one layer with the program and the certificates.
pub fn image(program: Program, arch: Arch, binary: &[u8], source: &Source) -> Result<Image, ImageError> {
    let bundle = certificates::bundle();
    let files = vec![
        File {
            path: certificates::PATH,
            mode: 0o644,
            content: bundle.as_bytes(),
        },
        File {
            path: program.name(),
            mode: 0o755,
            content: binary,
        },
    ];
    let unpacked = files.iter().map(|file| file.content.len()).sum();
    let layer = layer::tar(files, source.time).map_err(ImageError::Pack)?;
    let packed = layer::gzip(&layer).map_err(ImageError::Pack)?;
    let layer = Blob::new(MediaType::ImageLayerGzip, packed, digest_of(&layer));
    let config = configuration(program, arch, layer.diff_id(), source)?;
    let config = Blob::from(MediaType::ImageConfig, json(&config)?);
    let manifest = ImageManifestBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageManifest)
        .config(config.descriptor()?)
        .layers(vec![layer.descriptor()?])
        .annotations(labels(program, source))
        .build()?;
    Ok(Image {
        arch,
        program_size: binary.len(),
        unpacked,
        manifest: Blob::from(MediaType::ImageManifest, json(&manifest)?),
        blobs: vec![config, layer],
    })
}

fn configuration(
    program: Program,
    arch: Arch,
    layer: &str,
    source: &Source,
) -> Result<oci_spec::image::ImageConfiguration, ImageError> {
    let config = ConfigBuilder::default()
        .user(USER)
        .exposed_ports([format!("{}/tcp", program.port())])
        .entrypoint([format!("/{}", program.name())])
        .cmd(program.arguments().iter().map(ToString::to_string).collect::<Vec<_>>())
        .working_dir("/")
        .labels(labels(program, source))
        .build()?;
    let files = RootFsBuilder::default()
        .typ("layers")
        .diff_ids([layer.to_owned()])
        .build()?;
    let configuration = ImageConfigurationBuilder::default()
        .created(created(source))
        .architecture(arch.of_oci())
        .os(Os::Linux)
        .config(config)
        .rootfs(files)
        .history([])
        .build()?;
    Ok(configuration)
}

impl Arch {
    pub(super) fn of_oci(self) -> OciArch {
        match self {
            Self::Amd64 => OciArch::Amd64,
            Self::Arm64 => OciArch::ARM64,
        }
    }
}

fn created(source: &Source) -> String {
    let seconds = i64::try_from(source.time).unwrap_or_default();
    Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

fn labels(program: Program, source: &Source) -> HashMap<String, String> {
    let description = match program {
        Program::SpeechOperator => "Keeps Azure custom-speech models and endpoints as declared",
        Program::SpeechEmulator => "A local Azure Speech service for tests",
    };
    let labels = [
        (ANNOTATION_TITLE, program.name()),
        (ANNOTATION_DESCRIPTION, description),
        (ANNOTATION_SOURCE, SOURCE),
        (ANNOTATION_LICENSES, env!("CARGO_PKG_LICENSE")),
        (ANNOTATION_VERSION, env!("CARGO_PKG_VERSION")),
    ];
    let mut labels: HashMap<String, String> = labels
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    labels.insert(ANNOTATION_CREATED.to_owned(), created(source));
    if let Some(commit) = &source.commit {
        labels.insert(ANNOTATION_REVISION.to_owned(), commit.clone());
    }
    labels
}
