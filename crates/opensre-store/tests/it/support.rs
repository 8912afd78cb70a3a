//! A folder with a store in it, and what tests ask about files.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use opensre_model::provider::Catalogue;
use opensre_model::record::{Document, RawInstance, Upserted};
use opensre_store::{Store, StoreError};
use serde_json::{Map, Value as Json, json};
use tempfile::TempDir;

/// A folder of its own, with a store that is not there yet.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
    pub(crate) store: Store,
}

impl Place {
    /// The store's folder does not exist either.
    pub(crate) fn empty() -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("home/.tracer/integrations.json");
        Self { store: Store::at(&path), folder, path }
    }

    /// A store with this content, mode 0600.
    pub(crate) fn with(content: impl AsRef<[u8]>) -> Self {
        let place = Self::empty();
        fs::create_dir_all(place.path.parent().expect("a parent")).expect("a folder");
        put(&place.path, content.as_ref(), 0o600);
        place
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(&self.path).expect("the store")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes()).expect("text")
    }

    pub(crate) fn json(&self) -> Json {
        serde_json::from_slice(&self.bytes()).expect("JSON")
    }

    /// The names of what is in the store's folder, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path.parent().expect("a parent")).expect("the folder");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }
}

pub(crate) fn put(path: &Path, content: &[u8], mode: u32) {
    let mut file = File::create(path).expect("a file");
    file.write_all(content).expect("written");
    file.set_permissions(Permissions::from_mode(mode)).expect("mode");
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("there").permissions().mode() & 0o7777
}

/// A catalogue that knows nothing: every service is itself.
pub(crate) fn catalogue() -> Catalogue {
    Catalogue::new(Vec::new())
}

/// An instance with a key.
pub(crate) fn instance(name: &str, key: &str) -> RawInstance {
    let mut credentials = Map::new();
    credentials.insert("api_key".to_owned(), json!(key));
    RawInstance { name: name.to_owned(), credentials, ..RawInstance::default() }
}

/// Adds `loki/NAME`, in the record `r`.
pub(crate) fn add(store: &Store, name: &str) -> Result<Upserted, StoreError> {
    store.edit(|document| Ok(upsert(document, name)))
}

pub(crate) fn upsert(document: &mut Document, name: &str) -> Upserted {
    document.upsert_instance(&catalogue(), "loki", &instance(name, "k"), Some("r"), 0)
}

/// Names of the instances of `loki`.
pub(crate) fn names(store: &Store) -> Vec<String> {
    let document = store.load().document;
    document.instances(&catalogue(), "loki").into_iter().map(|stored| stored.instance.name).collect()
}
