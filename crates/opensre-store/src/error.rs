//! What can go wrong with the store file, in words for a person.

use std::io;
use std::path::PathBuf;

use opensre_model::record::{EditError, NotAStore};

/// Why a file's content cannot be taken for a store. Never holds content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// There is nothing in it; not even what an empty store holds.
    #[error("the file is empty")]
    Empty,
    /// It is larger than any store ({limit} bytes).
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// It is no UTF-8 text.
    #[error("the file is not valid UTF-8 at line {line}, column {column}")]
    Encoding {
        /// Line of the first bad byte, from 1.
        line: usize,
        /// Column of the first bad byte in bytes, from 1.
        column: usize,
    },
    /// It is no JSON.
    #[error("the file is not valid JSON at line {line}, column {column}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1 (0: at the very start of the line).
        column: usize,
    },
    /// Its objects and lists are nested too deeply.
    #[error("the file is nested more than {limit} levels deep at line {line}, column {column}")]
    TooDeep {
        /// The deepest level that is read.
        limit: usize,
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
    },
    /// It is JSON, but no store.
    #[error("{0}")]
    NotAStore(#[from] NotAStore),
    /// It is a folder, a pipe or a device.
    #[error("it is not a regular file")]
    NotAFile,
}

/// Why the store could not be written or changed. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Neither `OPENSRE_STORE` nor `HOME` say where the store is.
    #[error("there is no place for the store: neither OPENSRE_STORE nor HOME is set")]
    NoHome,
    /// The file exists but cannot be understood, so it is not overwritten.
    #[error("{path} is not changed: {reason}", path = path.display())]
    Malformed {
        /// The store file.
        path: PathBuf,
        /// What is wrong with its content, and where.
        reason: Malformed,
    },
    /// The file exists but cannot be read, so it is not overwritten.
    #[error("{path} is not changed: it cannot be read ({source})", path = path.display())]
    Unreadable {
        /// The store file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file's version is newer than this program, or none that it knows.
    #[error("{path} is not changed: its version is not 1 or 2", path = path.display())]
    ForeignVersion {
        /// The store file.
        path: PathBuf,
    },
    /// Another process has held the lock for too long.
    #[error("{path} is locked by another process", path = path.display())]
    Busy {
        /// The lock file.
        path: PathBuf,
    },
    /// The lock, a folder, the temporary file, the backup or the rename failed; the old file is whole.
    #[error("{path} cannot be written ({source})", path = path.display())]
    Write {
        /// What was being written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The changed document would not be read back as the same one (nested too deeply): nothing was written.
    #[error("{path} is not changed: the new content could not be read back", path = path.display())]
    WouldNotRead {
        /// The store file.
        path: PathBuf,
    },
    /// The change itself makes no sense.
    #[error(transparent)]
    Edit(#[from] EditError),
}

impl StoreError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoHome => "name the file with --store or OPENSRE_STORE".to_owned(),
            Self::Malformed { reason: Malformed::NotAFile, .. } => {
                "name a regular file with --store or OPENSRE_STORE".to_owned()
            }
            Self::Malformed { path, reason } => hint_for_malformed(path, *reason),
            Self::Unreadable { path, .. } => {
                format!("make {} readable for your user, or name another file with --store", path.display())
            }
            Self::ForeignVersion { .. } => {
                "update opensre to the version that wrote the file, or name another file with --store".to_owned()
            }
            Self::Busy { .. } => "try again when the other opensre process has finished".to_owned(),
            Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space and try again".to_owned(),
                io::ErrorKind::Unsupported => {
                    "this file system has no locks: name a file on a local disk with --store".to_owned()
                }
                _ => "the old file is unchanged; check the folder's permissions, or name another file with --store"
                    .to_owned(),
            },
            Self::WouldNotRead { .. } => "nest the values less deeply".to_owned(),
            Self::Edit(_) => return None,
        };
        Some(hint)
    }
}

/// The way out of a malformed store.
pub(crate) fn hint_for_malformed(path: &std::path::Path, reason: Malformed) -> String {
    let path = path.display();
    match reason {
        Malformed::Empty => {
            format!("restore your backup, or remove the empty file to start anew: rm '{path}'")
        }
        Malformed::NotAFile => "name a regular file with --store or OPENSRE_STORE".to_owned(),
        _ => format!("repair the file, or move it away to start anew: mv '{path}' '{path}.broken'"),
    }
}
