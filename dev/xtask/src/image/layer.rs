//! The files of an image as a tar archive whose bytes depend on the files alone.
use flate2::{Compression, GzBuilder};
use std::io::{self, Write as _};
use tar::{Builder, EntryType, Header};

/// A file of an archive.
pub struct File<'a> {
    /// Without a slash in front.
    pub path: &'a str,
    pub mode: u32,
    pub content: &'a [u8],
}

/// The files in the order of their paths, each after the folders that it needs; everything belongs to root.
pub fn tar(mut files: Vec<File<'_>>, time: u64) -> io::Result<Vec<u8>> {
    files.sort_by_key(|file| file.path);
    let mut folders: Vec<&str> = files.iter().flat_map(|file| folders_of(file.path)).collect();
    folders.sort_unstable();
    folders.dedup();
    let mut archive = Builder::new(Vec::new());
    for folder in folders {
        let mut header = header(EntryType::Directory, 0o755, 0, time);
        archive.append_data(&mut header, format!("{folder}/"), io::empty())?;
    }
    for file in files {
        let mut header = header(EntryType::Regular, file.mode, file.content.len(), time);
        archive.append_data(&mut header, file.path, file.content)?;
    }
    archive.into_inner()
}

/// The folders above a path, the outermost first.
fn folders_of(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(|(slash, _)| path.get(..slash))
}

fn header(kind: EntryType, mode: u32, size: usize, time: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size as u64);
    header.set_mtime(time);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// Compressed, with a header that names neither a time nor a system.
pub fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    const UNKNOWN_SYSTEM: u8 = 255;
    let encoder = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM);
    let mut encoder = encoder.write(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}
