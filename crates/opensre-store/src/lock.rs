//! The lock that keeps parallel writers from losing each other's changes.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::StoreError;

/// How long a writer waits for the others. A write takes milliseconds; only a stopped process holds a lock for long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The exclusive right to write a store, held until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock beside a store. The lock file stays (removing it would let two writers hold two files of
    /// one name) and is always empty.
    pub(crate) fn beside(store: &Path) -> Result<Self, StoreError> {
        let path = lock_path(store);
        let failed = |source: io::Error| StoreError::Write { path: path.clone(), source };
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
        let mut waited = Duration::ZERO;
        let mut pause = Duration::from_millis(1);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if waited < PATIENCE => {
                    std::thread::sleep(pause);
                    waited += pause;
                    pause = (pause * 2).min(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(StoreError::Busy { path }),
                Err(TryLockError::Error(source)) if source.kind() == io::ErrorKind::Interrupted => {}
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    }
}

/// `integrations.json.lock` beside `integrations.json`.
fn lock_path(store: &Path) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    store.with_file_name(name)
}
