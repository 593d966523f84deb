//! An OCI image layout: blobs under their digests, and an index that names the image.
use super::{
    Arch, ImageError,
    layer::{self, File},
};
use oci_spec::image::{
    ANNOTATION_REF_NAME, Descriptor, DescriptorBuilder, Digest, ImageIndexBuilder, MediaType, OciLayoutBuilder, Os,
    PlatformBuilder, SCHEMA_VERSION,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::{fs, path::Path};

/// Where containerd looks for the name of an image that it imports.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// Content with its digest.
#[derive(Debug)]
pub struct Blob {
    kind: MediaType,
    content: Vec<u8>,
    digest: String,
    diff_id: String,
}

impl Blob {
    /// A layer: packed, with the digest of what is in it.
    pub fn new(kind: MediaType, content: Vec<u8>, diff_id: String) -> Self {
        let digest = digest_of(&content);
        Self {
            kind,
            content,
            digest,
            diff_id,
        }
    }

    pub fn from(kind: MediaType, content: Vec<u8>) -> Self {
        let digest = digest_of(&content);
        Self::new(kind, content, digest)
    }

    pub fn diff_id(&self) -> &str {
        &self.diff_id
    }

    pub fn descriptor(&self) -> Result<Descriptor, ImageError> {
        let digest = Digest::try_from(self.digest.as_str())?;
        Ok(Descriptor::new(self.kind.clone(), self.content.len() as u64, digest))
    }

    fn path(&self) -> String {
        format!("blobs/{}", self.digest.replacen(':', "/", 1))
    }
}

/// The image of one architecture.
#[derive(Debug)]
pub struct Image {
    pub arch: Arch,
    /// Bytes of the program.
    pub program_size: usize,
    /// Bytes of all files.
    pub unpacked: usize,
    pub manifest: Blob,
    pub blobs: Vec<Blob>,
}

impl Image {
    /// Bytes that a node fetches.
    pub fn packed(&self) -> usize {
        self.blobs
            .iter()
            .chain([&self.manifest])
            .map(|blob| blob.content.len())
            .sum()
    }
}

/// An image of one or more architectures as files.
#[derive(Debug)]
pub struct Layout {
    digest: String,
    /// Path and content, each once.
    files: Vec<(String, Vec<u8>)>,
}

impl Layout {
    /// The image of all architectures under one name. Its digest does not depend on the name.
    pub fn of(images: &[Image], name: &str) -> Result<Self, ImageError> {
        let mut manifests = Vec::new();
        for image in images {
            let platform = PlatformBuilder::default()
                .os(Os::Linux)
                .architecture(image.arch.of_oci())
                .build()?;
            let mut descriptor = image.manifest.descriptor()?;
            descriptor.set_platform(Some(platform));
            manifests.push(descriptor);
        }
        let index = ImageIndexBuilder::default()
            .schema_version(SCHEMA_VERSION)
            .media_type(MediaType::ImageIndex)
            .manifests(manifests)
            .build()?;
        let index = Blob::from(MediaType::ImageIndex, json(&index)?);
        let entry = DescriptorBuilder::default()
            .media_type(MediaType::ImageIndex)
            .size(index.content.len() as u64)
            .digest(Digest::try_from(index.digest.as_str())?)
            .annotations([CONTAINERD_NAME, ANNOTATION_REF_NAME].map(|key| (key.to_owned(), name.to_owned())))
            .build()?;
        let entries = ImageIndexBuilder::default()
            .schema_version(SCHEMA_VERSION)
            .media_type(MediaType::ImageIndex)
            .manifests(vec![entry])
            .build()?;
        let marker = OciLayoutBuilder::default().image_layout_version("1.0.0").build()?;
        let blobs = images
            .iter()
            .flat_map(|image| image.blobs.iter().chain([&image.manifest]));
        let blobs = blobs.chain([&index]).map(|blob| (blob.path(), blob.content.clone()));
        let mut files: Vec<(String, Vec<u8>)> = blobs.collect();
        files.push(("index.json".to_owned(), json(&entries)?));
        files.push(("oci-layout".to_owned(), json(&marker)?));
        files.sort();
        files.dedup();
        Ok(Self {
            digest: index.digest,
            files,
        })
    }

    /// What a registry calls the image.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Writes the layout in place of one that is there.
    pub fn write(&self, folder: &Path) -> Result<(), ImageError> {
        let blobs = folder.join("blobs");
        let is_layout = folder.join("oci-layout").exists();
        let is_empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
        if !is_layout && !is_empty {
            return Err(ImageError::Occupied(folder.to_owned()));
        }
        if blobs.exists() {
            fs::remove_dir_all(&blobs).map_err(ImageError::at(&blobs))?;
        }
        for (path, content) in &self.files {
            let path = folder.join(path);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent).map_err(ImageError::at(parent))?;
            fs::write(&path, content).map_err(ImageError::at(&path))?;
        }
        Ok(())
    }

    /// The layout as one file.
    pub fn archive(&self, time: u64) -> Result<Vec<u8>, ImageError> {
        let files = self.files.iter().map(|(path, content)| File {
            path,
            mode: 0o644,
            content,
        });
        layer::tar(files.collect(), time).map_err(ImageError::Pack)
    }
}

pub fn digest_of(content: &[u8]) -> String {
    let hex: String = Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

/// JSON whose keys are sorted: the types of the specification hold maps without an order.
pub fn json(value: &impl Serialize) -> Result<Vec<u8>, ImageError> {
    let mut value = serde_json::to_value(value)?;
    value.sort_all_objects();
    Ok(serde_json::to_vec(&value)?)
}
