//! Images of programs that are a few bytes long.
use super::{
    Arch, Program, Source, build, certificates, config,
    layout::{Layout, digest_of},
};
use serde_json::Value;
use std::{collections::BTreeMap, fs, io::Read as _, path::Path};

const TIME: u64 = 1_700_000_000;
const NAME: &str = "example.com/speech-operator:v1";

fn layout(arches: &[Arch]) -> Layout {
    let source = Source::at_commit("c0ffee", TIME);
    let image = |arch: &Arch| config::image(Program::SpeechOperator, *arch, arch.name().as_bytes(), &source).unwrap();
    Layout::of(&arches.iter().map(image).collect::<Vec<_>>(), NAME).unwrap()
}

/// The files of an archive.
fn files(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(archive);
    let file = |mut entry: tar::Entry<'_, &[u8]>| {
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.path().unwrap().display().to_string(), content)
    };
    archive.entries().unwrap().map(|entry| file(entry.unwrap())).collect()
}

fn blob<'a>(files: &'a BTreeMap<String, Vec<u8>>, descriptor: &Value) -> &'a [u8] {
    let digest = descriptor["digest"].as_str().unwrap();
    let content = &files[&format!("blobs/{}", digest.replace(':', "/"))];
    assert_eq!(digest_of(content), digest);
    assert_eq!(descriptor["size"], content.len());
    content
}

fn parse(content: &[u8]) -> Value {
    serde_json::from_slice(content).unwrap()
}

/// The configuration and the layer of each architecture, found as a registry's client finds them.
fn images(archive: &[u8]) -> Vec<(Value, Vec<u8>)> {
    let files = files(archive);
    let entries = parse(&files["index.json"]);
    let entry = &entries["manifests"][0];
    assert_eq!(entry["annotations"]["io.containerd.image.name"], NAME);
    assert_eq!(entries["manifests"].as_array().unwrap().len(), 1);
    assert_eq!(files["oci-layout"], br#"{"imageLayoutVersion":"1.0.0"}"#);
    let index = parse(blob(&files, entry));
    let image = |manifest: &Value| {
        let platform = &manifest["platform"];
        let manifest = parse(blob(&files, manifest));
        let config = parse(blob(&files, &manifest["config"]));
        assert_eq!(&config["architecture"], &platform["architecture"]);
        let mut layer = Vec::new();
        let packed = blob(&files, &manifest["layers"][0]);
        flate2::read::GzDecoder::new(packed).read_to_end(&mut layer).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], digest_of(&layer));
        (config, layer)
    };
    index["manifests"].as_array().unwrap().iter().map(image).collect()
}

#[test]
fn the_same_program_gives_the_same_bytes() {
    let arches = [Arch::Amd64, Arch::Arm64];
    let archives = [0, 1].map(|_| layout(&arches).archive(TIME).unwrap());
    assert!(archives[0] == archives[1]);
    assert_ne!(layout(&[Arch::Amd64]).digest(), layout(&arches).digest());
}

#[test]
fn an_image_has_its_program_and_the_certificates_and_nothing_else() {
    let archive = layout(&[Arch::Amd64, Arch::Arm64]).archive(TIME).unwrap();
    let images = images(&archive);
    assert_eq!(images.len(), 2);
    for (config, layer) in images {
        let arch = config["architecture"].as_str().unwrap();
        let files = files(&layer);
        let folders = ["etc/", "etc/ssl/", "etc/ssl/certs/"];
        let expected = [&folders[..], &[certificates::PATH, "speech-operator"]].concat();
        assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), expected);
        assert_eq!(files["speech-operator"], arch.as_bytes());
        let mut layer = tar::Archive::new(layer.as_slice());
        for entry in layer.entries().unwrap() {
            let header = entry.unwrap().header().clone();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!(header.mtime().unwrap(), TIME);
            assert_eq!(header.mode().unwrap() & 0o022, 0, "only root may write");
        }
    }
}

#[test]
fn a_container_runs_the_operator_and_not_as_root() {
    let archive = layout(&[Arch::Amd64]).archive(TIME).unwrap();
    let (config, _) = images(&archive).remove(0);
    let run = &config["config"];
    assert_eq!(run["User"], "65532:65532");
    assert_eq!(run["Entrypoint"], serde_json::json!(["/speech-operator"]));
    assert_eq!(run["Cmd"], serde_json::json!(["run"]));
    assert_eq!(run["ExposedPorts"], serde_json::json!({"8080/tcp": {}}));
    assert_eq!(run["Labels"]["org.opencontainers.image.revision"], "c0ffee");
    assert_eq!(config["created"], "2023-11-14T22:13:20Z");
}

#[test]
fn a_layout_replaces_another_one_but_no_other_folder() {
    let folder = std::env::temp_dir().join(format!("speech-operator-layout-{}", std::process::id()));
    let write = |arches: &[Arch]| layout(arches).write(&folder);
    write(&[Arch::Arm64]).unwrap();
    write(&[Arch::Amd64]).unwrap();
    let blobs = |folder: &Path| fs::read_dir(folder.join("blobs/sha256")).unwrap().count();
    assert_eq!(blobs(&folder), 4, "index, manifest, configuration, layer");
    fs::remove_file(folder.join("oci-layout")).unwrap();
    let refused = write(&[Arch::Amd64]).unwrap_err().to_string();
    assert!(refused.contains("something else"), "{refused}");
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_program_that_needs_a_dynamic_linker_is_refused() {
    let this_test = fs::read(std::env::current_exe().unwrap()).unwrap();
    assert!(!build::is_static(&this_test));
    assert!(!build::is_static(b"#!/bin/sh\n"));
    let mut without_segments = [0; 64];
    without_segments[..5].copy_from_slice(b"\x7fELF\x02");
    assert!(build::is_static(&without_segments));
}
