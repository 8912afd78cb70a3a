//! Archives that come out the same wherever they are made.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::Result;
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

/// A file of an archive.
pub(super) struct Entry {
    /// Its path below the archive's folder.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) mode: u32,
}

impl Entry {
    /// A file that everybody may read.
    pub(super) fn file(name: &str, text: String) -> Self {
        Self { name: name.to_owned(), bytes: text.into_bytes(), mode: 0o644 }
    }

    /// A program that everybody may start.
    pub(super) fn program(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), bytes, mode: 0o755 }
    }
}

/// A `.tar.gz` with one folder: sorted, of one time, of nobody in particular.
pub(super) fn tar_gz(folder: &str, mut entries: Vec<Entry>, time: u64) -> Result<Vec<u8>> {
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let mut tar = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_ustar();
        header.set_size(entry.bytes.len() as u64);
        header.set_mode(entry.mode);
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        header.set_username("root")?;
        header.set_groupname("root")?;
        tar.append_data(&mut header, format!("{folder}/{}", entry.name), entry.bytes.as_slice())?;
    }
    gz(&tar.into_inner()?)
}

/// Compressed, without a name or time of its own.
pub(super) fn gz(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut compressed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    compressed.write_all(bytes)?;
    Ok(compressed.finish()?)
}

/// The SHA-256 in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::{Entry, sha256, tar_gz};

    #[test]
    fn the_order_of_the_files_makes_no_difference_and_modes_stay() {
        let entries = || vec![Entry::file("b/two", "2".to_owned()), Entry::program("a", b"1".to_vec())];
        let reversed = entries().into_iter().rev().collect();
        let archive = tar_gz("opensre", entries(), 7).expect("an archive");
        assert_eq!(archive, tar_gz("opensre", reversed, 7).expect("an archive"));
        let mut tar = Vec::new();
        flate2::read::GzDecoder::new(archive.as_slice()).read_to_end(&mut tar).expect("gzip");
        let mut read = tar::Archive::new(tar.as_slice());
        let found: Vec<(String, u32, u64)> = read
            .entries()
            .expect("entries")
            .map(|entry| {
                let entry = entry.expect("an entry");
                let header = entry.header();
                let path = entry.path().expect("a path").display().to_string();
                (path, header.mode().expect("a mode"), header.mtime().expect("a time"))
            })
            .collect();
        assert_eq!(found, [("opensre/a".to_owned(), 0o755, 7), ("opensre/b/two".to_owned(), 0o644, 7)]);
    }

    #[test]
    fn sums_are_those_of_sha256sum() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
