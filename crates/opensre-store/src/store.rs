//! The store file: loading it, and changing it under its lock.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use opensre_model::diagnostic::{Diagnostic, Severity, Source};
use opensre_model::provider::EnvironmentMap;
use opensre_model::record::{Document, Record, Version};

use crate::atomic;
use crate::error::{Malformed, StoreError, hint_for_malformed};
use crate::lock::Lock;
use crate::text::{self, StoreText};

/// Largest file that is read. A hundred thousand instances fit.
const SIZE_LIMIT: u64 = 64 * 1024 * 1024;

/// Most symbolic links that are followed, as many as Linux follows.
const MOST_LINKS: usize = 40;

/// Name of the copy that is kept when a version 1 file is migrated, behind the store's own name.
const BACKUP_LABEL: &str = "v1.bak";

/// A store file, there or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    path: PathBuf,
}

/// What loading a store has given: what worked, and for everything that did not a diagnostic.
#[derive(Debug)]
pub struct Loaded {
    /// The document in version 2 shape; empty when there is none that can be read. To look at, not to write: changes
    /// go through [`Store::edit`].
    pub document: Document,
    /// Its records, in order.
    pub records: Vec<Record>,
    /// What was odd.
    pub diagnostics: Vec<Diagnostic>,
    /// What became of the file.
    pub state: State,
}

/// What became of the file when it was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There is no file. Nothing was written.
    Missing,
    /// A version 2 file was read.
    Read,
    /// A version 1 file was read and is now a version 2 file.
    Migrated {
        /// Where the old content is kept.
        backup: PathBuf,
    },
    /// A version 1 file was read and migrated in memory; writing it back failed and the file is as it was.
    MigratedInMemory,
    /// The version is newer than 2, or not understood: read as far as understood, never written.
    ForeignVersion,
    /// The file is malformed or cannot be read: it counts as empty and is never written.
    Unreadable,
}

/// What is at a store's path.
enum Content {
    Missing,
    File { bytes: Vec<u8>, metadata: Metadata },
}

/// Why what is there cannot be had.
enum ReadError {
    Malformed(Malformed),
    Io(io::Error),
}

impl Store {
    /// Variable that names the store file.
    pub const VARIABLE: &'static str = "OPENSRE_STORE";

    /// The store at a path. The path may be a symbolic link: the file that it means is read and replaced, and the
    /// link stays.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The store that an environment names: `OPENSRE_STORE` (where a leading `~/` is `HOME`), else
    /// `.tracer/integrations.json` in `HOME`. Blank variables count as unset.
    pub fn from_environment(environment: &EnvironmentMap) -> Result<Self, StoreError> {
        let variable = |name| environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        let home = variable("HOME").map(Path::new);
        if let Some(named) = variable(Self::VARIABLE) {
            return match named.strip_prefix("~/") {
                Some(rest) => Ok(Self::at(home.ok_or(StoreError::NoHome)?.join(rest))),
                None => Ok(Self::at(named)),
            };
        }
        Ok(Self::at(home.ok_or(StoreError::NoHome)?.join(".tracer").join("integrations.json")))
    }

    /// The path as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How diagnostics and instances name this store.
    pub fn source(&self) -> Source {
        Source::Store { path: self.path.display().to_string() }
    }

    /// Reads the store. Never fails: what cannot be read is empty, with a diagnostic.
    ///
    /// A version 1 file is migrated and written back at once, with a copy of the old content beside it
    /// (`integrations.json.v1.bak`, mode 0600). When that fails the migration stays in memory, with a warning. No
    /// other file is ever written by loading.
    pub fn load(&self) -> Loaded {
        self.read(Self::migrate_file)
    }

    /// Reads the store and writes nothing: a version 1 file is migrated in memory. For callers that only look, such as
    /// shell completion.
    pub fn glance(&self) -> Loaded {
        self.read(|_, _| State::MigratedInMemory)
    }

    fn read(&self, migrate: impl FnOnce(&Self, &mut Vec<Diagnostic>) -> State) -> Loaded {
        let (bytes, metadata) = match self.resolved().map_err(ReadError::Io).and_then(|path| read(&path)) {
            Ok(Content::Missing) => {
                return Loaded {
                    document: Document::empty(),
                    records: Vec::new(),
                    diagnostics: Vec::new(),
                    state: State::Missing,
                };
            }
            Ok(Content::File { bytes, metadata }) => (bytes, metadata),
            Err(error) => return self.unreadable(error),
        };
        let mut document = match text::read(&bytes) {
            Ok(document) => document,
            Err(reason) => return self.unreadable(ReadError::Malformed(reason)),
        };
        let mut diagnostics = Vec::new();
        if metadata.permissions().mode() & 0o077 != 0 {
            let reason = "other users may read or change the store, and it holds secrets";
            let hint = format!("chmod 600 '{}'", self.path.display());
            diagnostics.push(Diagnostic::new(Severity::Warning, self.source(), reason).with_hint(hint));
        }
        // Records are read before the migration, so that what it could not read is reported this once too.
        let (records, reports) = document.records(&self.source());
        diagnostics.extend(reports);
        let state = match document.version() {
            Version::Two => State::Read,
            Version::Newer | Version::Unknown => State::ForeignVersion,
            Version::One => {
                document.migrate();
                migrate(self, &mut diagnostics)
            }
        };
        Loaded { document, records, diagnostics, state }
    }

    /// Changes the store: takes the lock, reads, calls `change`, and replaces the file when the document is another
    /// one than before. An error from `change`, or any failure on the way, leaves the file as it was.
    ///
    /// A missing store is an empty one; its folder is made with mode 0700. The file has mode 0600 afterwards, also
    /// when it was wider. A version 1 file is migrated by the way, with a copy of the old one beside it. Malformed,
    /// foreign, unreadable and newer files are refused.
    ///
    /// What `change` sees, and how numbers beyond 64 bits survive it, is told at [`StoreText`].
    pub fn edit<T, E: From<StoreError>>(&self, change: impl FnOnce(&mut Document) -> Result<T, E>) -> Result<T, E> {
        let path = self.resolved().map_err(|source| self.unreadable_error(source))?;
        // Refused before anything is made beside a file that is not ours.
        self.open(&path)?;
        atomic::create_folder_of(&path)
            .map_err(|source| StoreError::Write { path: atomic::folder_of(&path).to_owned(), source })?;
        let _lock = Lock::beside(&path)?;
        let mut open = self.open(&path)?;
        let before = open.text.document.clone();
        let outcome = change(&mut open.text.document)?;
        if open.text.document != before {
            write(&path, open)?;
        }
        Ok(outcome)
    }

    /// Writes a version 1 file back as version 2. What goes wrong is a warning: the next load tries again.
    fn migrate_file(&self, diagnostics: &mut Vec<Diagnostic>) -> State {
        let migrate = || {
            let path = self.resolved().map_err(|source| self.unreadable_error(source))?;
            let _lock = Lock::beside(&path)?;
            let open = self.open(&path)?;
            // Another process may have been faster: then there is nothing left to do.
            if open.version_1.is_some() { write(&path, open) } else { Ok(None) }
        };
        match migrate() {
            Ok(Some(backup)) => {
                let kept = backup.display();
                let reason = format!("the store was of version 1 and is now of version 2; {kept} is the old one");
                diagnostics.push(Diagnostic::new(Severity::Note, self.source(), reason));
                State::Migrated { backup }
            }
            Ok(None) => State::Read,
            Err(error) => {
                let reason = format!("the store is of version 1; it is used, but could not be migrated: {error}");
                let mut diagnostic = Diagnostic::new(Severity::Warning, self.source(), reason);
                diagnostic.hint = error.hint();
                diagnostics.push(diagnostic);
                State::MigratedInMemory
            }
        }
    }

    /// Reads the file for a change; refuses what must not be written.
    fn open(&self, path: &Path) -> Result<Open, StoreError> {
        let malformed = |reason| StoreError::Malformed { path: self.path.clone(), reason };
        let (bytes, metadata) = match read(path) {
            Ok(Content::File { bytes, metadata }) => (bytes, metadata),
            Ok(Content::Missing) => {
                return Ok(Open { text: StoreText::empty(), metadata: None, version_1: None });
            }
            Err(ReadError::Malformed(reason)) => return Err(malformed(reason)),
            Err(ReadError::Io(source)) => return Err(self.unreadable_error(source)),
        };
        let mut text = StoreText::parse(&bytes).map_err(malformed)?;
        let version_1 = match text.document.version() {
            Version::One => Some(bytes),
            Version::Two => None,
            Version::Newer | Version::Unknown => {
                return Err(StoreError::ForeignVersion { path: self.path.clone() });
            }
        };
        if version_1.is_some() {
            text.document.migrate();
        }
        Ok(Open { text, metadata: Some(metadata), version_1 })
    }

    /// What loading gives when the file is there and cannot be had.
    fn unreadable(&self, error: ReadError) -> Loaded {
        let (reason, hint) = match error {
            ReadError::Malformed(reason) => (
                format!("{reason}; it is read as empty and never written over"),
                hint_for_malformed(&self.path, reason),
            ),
            ReadError::Io(source) => {
                let reason = format!("the file cannot be read ({source}); it counts as empty");
                (reason, self.unreadable_error(source).hint().unwrap_or_default())
            }
        };
        Loaded {
            document: Document::empty(),
            records: Vec::new(),
            diagnostics: vec![Diagnostic::new(Severity::Error, self.source(), reason).with_hint(hint)],
            state: State::Unreadable,
        }
    }

    fn unreadable_error(&self, source: io::Error) -> StoreError {
        StoreError::Unreadable { path: self.path.clone(), source }
    }

    /// The file that the path means, symbolic links followed, also a dangling one: what is replaced is the target, and
    /// every alias of a store meets at one lock.
    fn resolved(&self) -> io::Result<PathBuf> {
        let mut path = self.path.clone();
        for _ in 0..MOST_LINKS {
            match std::fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_symlink() => {
                    let target = std::fs::read_link(&path)?;
                    path = atomic::folder_of(&path).join(target);
                }
                _ => return Ok(path),
            }
        }
        Err(io::Error::other("too many symbolic links"))
    }
}

/// A store as it was opened for a change.
struct Open {
    /// Its text, in version 2 shape.
    text: StoreText,
    /// The file's, when there is one.
    metadata: Option<Metadata>,
    /// The file's bytes, when it is of version 1 and a copy must be kept.
    version_1: Option<Vec<u8>>,
}

/// Replaces the file, under its lock. Returns where the version 1 content is kept, if that is what it was.
fn write(path: &Path, open: Open) -> Result<Option<PathBuf>, StoreError> {
    let failed = |source| StoreError::Write { path: path.to_owned(), source };
    let text = open.text.write().ok_or_else(|| StoreError::WouldNotRead { path: path.to_owned() })?;
    atomic::remove_leftovers(path);
    let backup = match (&open.version_1, &open.metadata) {
        (Some(bytes), Some(metadata)) => Some(atomic::keep_copy(path, metadata, BACKUP_LABEL, bytes).map_err(failed)?),
        _ => None,
    };
    atomic::replace(path, open.metadata.as_ref(), &text).map_err(failed)?;
    tracing::debug!(path = %path.display(), bytes = text.len(), "store written");
    Ok(backup)
}

fn read(path: &Path) -> Result<Content, ReadError> {
    // A pipe would block when it is opened, and a device must not be renamed over.
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => return Err(ReadError::Malformed(Malformed::NotAFile)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::Missing),
        Err(error) => return Err(ReadError::Io(error)),
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(ReadError::Io)?;
    file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).map_err(ReadError::Io)?;
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err(ReadError::Malformed(Malformed::TooLarge { limit: SIZE_LIMIT }));
    }
    Ok(Content::File { bytes, metadata })
}
