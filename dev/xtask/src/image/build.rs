//! A program without a dynamic linker, whose bytes depend on the source, the compiler and the C library alone.
use super::{Arch, ImageError};
use crate::tool::{self, ToolError};
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Apart from the folder of ordinary builds: these flags would make Cargo build everything again.
const TARGET_FOLDER: &str = "target/image";

impl Arch {
    /// How everything of an image's program is compiled.
    fn compiled(self) -> &'static [&'static str] {
        match self {
            // The program can lie at any address. What has to be adjusted then costs half a megabyte as a list, and nearly
            // nothing as bits.
            Self::Amd64 => &["-Ctarget-feature=+crt-static", "-Clink-arg=-Wl,-z,pack-relative-relocs"],
            Self::Arm64 => &["-Ctarget-feature=+crt-static"],
        }
    }

    /// How it is linked: functions with the same instructions are one. Rust brings the linker for it on one architecture.
    fn linked(self) -> &'static [&'static str] {
        match self {
            Self::Amd64 => &["-Clink-arg=-Wl,--icf=all"],
            Self::Arm64 => &[],
        }
    }

    /// As Rust names the processor.
    fn machine(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// Cargo's variable for the linker, and the usual name of the compiler that links for it.
    fn linker(self) -> (&'static str, &'static str) {
        match self {
            Self::Amd64 => ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "x86_64-linux-gnu-gcc"),
            Self::Arm64 => ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc"),
        }
    }
}

/// Builds a program and returns where it lies.
pub fn program(root: &Path, package: &str, arch: Arch) -> Result<PathBuf, ImageError> {
    let root = root.canonicalize().map_err(ImageError::at(root))?;
    let target = arch.target();
    let folder = root.join(TARGET_FOLDER);
    let library = tool::output("rustc", &["--print", "target-libdir", "--target", target], &root)?;
    if !Path::new(library.trim()).exists() {
        return Err(ImageError::NoTarget(target));
    }
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(&root)
        .args(["rustc", "--locked", "--release", "--package", package, "--bin", package])
        .args(["--target", target, "--target-dir"])
        .arg(&folder)
        .arg("--")
        .args(arch.linked())
        .env("CARGO_ENCODED_RUSTFLAGS", flags(&root, arch)?)
        .stdout(Stdio::null());
    let (variable, linker) = arch.linker();
    if env::consts::ARCH != arch.machine() && env::var_os(variable).is_none() {
        cargo.env(variable, linker);
    }
    let status = cargo.status().map_err(|source| ToolError::Start {
        program: "cargo".to_owned(),
        source,
    })?;
    if !status.success() {
        let message = format!("{package} was not built for {target}");
        return Err(ImageError::Tool(ToolError::Failed {
            program: "cargo".to_owned(),
            message,
        }));
    }
    Ok(folder.join(target).join("release").join(package))
}

/// The flags, with names in place of the folders that differ from machine to machine.
fn flags(root: &Path, arch: Arch) -> Result<OsString, ImageError> {
    let sysroot = tool::output("rustc", &["--print", "sysroot"], root)?;
    let version = tool::output("rustc", &["--version", "--verbose"], root)?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "));
    let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let places = [
        // As the standard library that is shipped built names its own files.
        (Some(library), format!("/rustc/{}", commit.unwrap_or("unknown"))),
        (home, "/cargo".to_owned()),
        (Some(root.to_owned()), "/source".to_owned()),
    ];
    let mut flags: Vec<OsString> = arch.compiled().iter().map(OsString::from).collect();
    for (folder, name) in places {
        let Some(folder) = folder else { continue };
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(folder);
        flag.push(format!("={name}"));
        flags.push(flag);
    }
    const SEPARATOR: &str = "\x1f";
    Ok(flags.join(SEPARATOR.as_ref()))
}

/// Whether a file is an ELF file of 64 bits without a segment that names a dynamic linker.
pub fn is_static(file: &[u8]) -> bool {
    const MAGIC: &[u8] = b"\x7fELF\x02";
    const PT_INTERP: u64 = 3;
    const SIZE_OF_A_SEGMENT: u64 = 56;
    let number = |at: u64, length: usize| -> Option<u64> {
        let bytes = file.get(usize::try_from(at).ok()?..)?.get(..length)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        )
    };
    let (Some(first), Some(count)) = (number(32, 8), number(56, 2)) else {
        return false;
    };
    let mut segments = (0..count).map(|segment| number(first.saturating_add(segment * SIZE_OF_A_SEGMENT), 4));
    file.starts_with(MAGIC) && segments.all(|kind| kind.is_some_and(|kind| kind != PT_INTERP))
}
