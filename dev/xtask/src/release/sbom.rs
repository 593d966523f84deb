//! The components of a program, as CycloneDX: the crates that Cargo links for the target, the standard library and the C
//! library. What is needed only to build is not listed.
use super::{ReleaseError, sha256};
use crate::{
    image::{Arch, ImageError, Source},
    tool,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};
use uuid::Uuid;

/// A crate in a program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crate {
    pub name: String,
    pub version: String,
    pub licence: String,
}

/// The components of a program.
#[derive(Debug)]
pub struct Components {
    pub crates: BTreeSet<Crate>,
    /// By name and version, as the registry gives them.
    checksums: BTreeMap<(String, String), String>,
    compiler: String,
    libc: String,
}

impl Components {
    pub fn read(root: &Path, package: &str, arch: Arch) -> Result<Self, ReleaseError> {
        let args = [
            "tree",
            "--locked",
            "--package",
            package,
            "--edges",
            "normal,no-proc-macro",
            "--target",
            arch.target(),
            "--prefix",
            "none",
            "--format",
            "{l}\t{p}",
        ];
        let tree = tool::output("cargo", &args, root)?;
        let lock = root.join("Cargo.lock");
        let lock = fs::read_to_string(&lock).map_err(ImageError::at(&lock))?;
        let compiler = tool::output("rustc", &["--version"], root)?;
        let libc = tool::output("getconf", &["GNU_LIBC_VERSION"], root)?;
        Ok(Self {
            crates: crates(&tree),
            checksums: checksums(&lock),
            compiler: compiler.split(' ').nth(1).unwrap_or_default().to_owned(),
            libc: libc.trim().trim_start_matches("glibc ").to_owned(),
        })
    }

    /// A crate that the program holds code of, by the paths that it prints when it panics, and that is not listed.
    pub fn missing_in(&self, binary: &[u8]) -> Option<String> {
        let listed: BTreeSet<String> = self
            .crates
            .iter()
            .map(|one| format!("{}-{}", one.name, one.version))
            .collect();
        named_crates(binary).into_iter().find(|name| !listed.contains(name))
    }

    pub fn document(&self, program: &str, binary: &[u8], source: &Source) -> Result<String, ReleaseError> {
        let (own, crates): (Vec<&Crate>, Vec<&Crate>) = self.crates.iter().partition(|one| one.name == program);
        let mut components: Vec<Value> = crates.into_iter().map(|one| self.component(one)).collect();
        let others = [
            library("std", &self.compiler, "MIT OR Apache-2.0"),
            library("glibc", &self.libc, "LGPL-2.1-or-later"),
        ];
        components.extend(others.map(Value::Object));
        let version = own
            .first()
            .map_or(env!("CARGO_PKG_VERSION"), |own| own.version.as_str());
        let digest = sha256(binary);
        let seconds = i64::try_from(source.time).unwrap_or_default();
        let document = json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            // Made of the program: the same program has the same number.
            "serialNumber": Uuid::new_v5(&Uuid::NAMESPACE_URL, digest.as_bytes()).urn().to_string(),
            "version": 1,
            "metadata": {
                "timestamp": Timestamp::from_second(seconds).unwrap_or_default().to_string(),
                "component": {
                    "type": "application",
                    "bom-ref": program,
                    "name": program,
                    "version": version,
                    "licenses": [{"expression": env!("CARGO_PKG_LICENSE")}],
                    "hashes": [{"alg": "SHA-256", "content": digest}],
                },
            },
            "components": components,
        });
        Ok(serde_json::to_string_pretty(&document)? + "\n")
    }

    fn component(&self, one: &Crate) -> Value {
        let purl = format!("pkg:cargo/{}@{}", one.name, one.version);
        let mut component = library(&one.name, &one.version, &one.licence);
        // The crates of this repository are in no registry.
        if let Some(checksum) = self.checksums.get(&(one.name.clone(), one.version.clone())) {
            component.insert("purl".to_owned(), purl.into());
            component.insert("hashes".to_owned(), json!([{"alg": "SHA-256", "content": checksum}]));
        }
        Value::Object(component)
    }
}

fn library(name: &str, version: &str, licence: &str) -> Map<String, Value> {
    let fields = [
        ("type", "library".into()),
        ("bom-ref", format!("{name}@{version}").into()),
        ("name", name.into()),
        ("version", version.into()),
        ("licenses", json!([{"expression": licence}])),
    ];
    fields
        .map(|(field, value): (&str, Value)| (field.to_owned(), value))
        .into_iter()
        .collect()
}

/// From what `cargo tree` prints: licence, tab, name, version with a `v`, and remarks.
pub fn crates(tree: &str) -> BTreeSet<Crate> {
    let one = |line: &str| {
        let (licence, package) = line.split_once('\t')?;
        let mut words = package.split(' ');
        Some(Crate {
            name: words.next()?.to_owned(),
            version: words.next()?.trim_start_matches('v').to_owned(),
            // The old way to write a choice.
            licence: licence.replace('/', " OR ").replace("  OR  ", " OR "),
        })
    };
    tree.lines().filter_map(one).collect()
}

/// The checksums of a Cargo.lock.
pub fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let package = |package: &str| {
        let value = |key: &str| {
            let start = format!("{key} = \"");
            let line = package.lines().find_map(|line| line.strip_prefix(start.as_str()));
            line.map(|line| line.trim_end_matches('"').to_owned())
        };
        Some(((value("name")?, value("version")?), value("checksum")?))
    };
    lock.split("[[package]]").filter_map(package).collect()
}

/// Name and version of the crates whose paths stand in a program, as the image's build writes them.
pub fn named_crates(binary: &[u8]) -> BTreeSet<String> {
    const REGISTRY: &[u8] = b"/cargo/registry/src/";
    let mut names = BTreeSet::new();
    let mut rest = binary;
    while let Some(at) = rest.windows(REGISTRY.len()).position(|window| window == REGISTRY) {
        rest = rest.get(at + REGISTRY.len()..).unwrap_or_default();
        // Registry, crate, file.
        if let Some(name) = rest.split(|byte| *byte == b'/').nth(1) {
            names.extend(str::from_utf8(name).map(str::to_owned));
        }
    }
    names
}
