//! Writing a file whole or not at all, readable for its owner only from the first byte.

use std::fs::{DirBuilder, File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

const SUFFIX: &str = ".tmp";
const RANDOM_CHARACTERS: usize = 8;

/// Makes the folder of a file, mode 0700, with its parents. A folder that exists keeps its mode: it may be shared.
pub(crate) fn create_folder_of(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder_of(path))
}

/// Replaces a file: temporary file, sync, rename, sync of the folder. `old` is what the file was, if it was there; its
/// owner keeps the new one too, so that a store changed with `sudo` stays its user's.
pub(crate) fn replace(path: &Path, old: Option<&Metadata>, content: &[u8]) -> io::Result<()> {
    let file = temporary(path, old, content)?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder_of(path)
}

/// Writes a file whole or not at all, mode 0600 from its first byte, in a folder that exists: reports and whatever else
/// is for its owner only.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    // A pipe or device is written to, not replaced.
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return File::options().write(true).open(path)?.write_all(content);
    }
    replace(path, None, content)
}

/// Keeps a copy of a file's content beside it, in a new file of mode 0600: `<name>.<label>`, or with a number behind
/// when that name is taken by something else. A copy that is already there is not made again.
pub(crate) fn keep_copy(path: &Path, old: &Metadata, label: &str, content: &[u8]) -> io::Result<PathBuf> {
    let mut file = temporary(path, Some(old), content)?;
    for number in 0_u32.. {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(if number == 0 { format!(".{label}") } else { format!(".{label}.{number}") });
        let copy = path.with_file_name(name);
        match file.persist_noclobber(&copy) {
            Ok(_) => {
                sync_folder_of(path)?;
                return Ok(copy);
            }
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                if copy.metadata().is_ok_and(|found| found.is_file() && found.len() == content.len() as u64)
                    && std::fs::read(&copy)? == content
                {
                    return Ok(copy);
                }
                file = error.file;
            }
            Err(error) => return Err(error.error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Removes the temporary files that killed writers of this very file have left. Only under the file's lock: nobody
/// else can be using one then.
pub(crate) fn remove_leftovers(path: &Path) {
    let prefix = prefix(path);
    let Ok(entries) = std::fs::read_dir(folder_of(path)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_ours =
            name.to_str().and_then(|name| name.strip_prefix(&prefix)?.strip_suffix(SUFFIX)).is_some_and(|random| {
                random.len() == RANDOM_CHARACTERS && random.bytes().all(|c| c.is_ascii_alphanumeric())
            });
        if is_ours {
            // One that cannot be removed does no harm.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn prefix(path: &Path) -> String {
    format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy())
}

fn temporary(path: &Path, old: Option<&Metadata>, content: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix(&prefix(path))
        .suffix(SUFFIX)
        .rand_bytes(RANDOM_CHARACTERS)
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder_of(path))?;
    if let Some(old) = old
        && let Ok(new) = file.as_file().metadata()
        && (old.uid(), old.gid()) != (new.uid(), new.gid())
    {
        // Only root may give a file away; for others the new file is their own, as with any editor.
        let _ = fchown(file.as_file(), Some(old.uid()), Some(old.gid()));
    }
    file.write_all(content)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Makes a rename last through a power cut.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}
