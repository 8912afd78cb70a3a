//! What the program is made of: the packages behind `opensre-cli`, as cargo resolves them for one target.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value as Json;

/// The packages, by cargo's id.
pub(super) struct Graph {
    root: String,
    /// In order of name and version.
    pub(super) packages: Vec<Package>,
}

/// A package.
pub(super) struct Package {
    /// Cargo's id.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression.
    pub(super) licence: String,
    pub(super) repository: Option<String>,
    /// The SHA-256 of its archive in the registry; none for our own.
    pub(super) checksum: Option<String>,
    /// Where its sources are.
    pub(super) folder: PathBuf,
    /// Ids of what it is built on.
    pub(super) needs: Vec<String>,
}

impl Package {
    /// Its package URL ("purl specification", type cargo).
    pub(super) fn purl(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version.replace('+', "%2B"))
    }

    /// Whether it is one of ours.
    pub(super) fn is_own(&self) -> bool {
        self.checksum.is_none()
    }
}

impl Graph {
    /// Reads it from cargo, without the network.
    pub(super) fn read(root: &Path, target: &str) -> Result<Self> {
        let arguments = ["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", target];
        let cargo = crate::cargo_program();
        let written = super::output(root, &cargo.to_string_lossy(), &arguments).context("hint: cargo fetch")?;
        let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
        Self::from_metadata(&serde_json::from_slice(&written)?, &checksums(&lock))
    }

    /// From the answer of `cargo metadata` and the checksums of the lock file.
    fn from_metadata(metadata: &Json, checksums: &BTreeMap<(String, String), String>) -> Result<Self> {
        let list = |value: &Json| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let mut needs: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for node in list(&metadata["resolve"]["nodes"]) {
            // Normal dependencies only: what builds or tests the program is not in it.
            let normal = |dependency: &Json| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            let ids = list(&node["deps"])
                .iter()
                .filter(|&dependency| normal(dependency))
                .map(|one| text(&one["pkg"]))
                .collect();
            needs.insert(text(&node["id"]), ids);
        }
        let packages = list(&metadata["packages"]);
        let root =
            packages.iter().find(|package| package["name"] == "opensre-cli").context("no package opensre-cli")?;
        let root = text(&root["id"]);
        let mut inside = BTreeSet::new();
        let mut waiting = vec![root.clone()];
        while let Some(id) = waiting.pop() {
            if inside.insert(id.clone()) {
                waiting.extend(needs.get(&id).cloned().unwrap_or_default());
            }
        }
        let mut packages: Vec<Package> = packages
            .iter()
            .filter(|package| inside.contains(package["id"].as_str().unwrap_or_default()))
            .map(|package| {
                let (id, name, version) = (text(&package["id"]), text(&package["name"]), text(&package["version"]));
                Package {
                    checksum: checksums.get(&(name.clone(), version.clone())).cloned(),
                    // The old spelling of "or".
                    licence: text(&package["license"]).replace(" / ", "/").replace('/', " OR "),
                    repository: package["repository"].as_str().map(str::to_owned),
                    folder: Path::new(&text(&package["manifest_path"])).parent().unwrap_or(Path::new("")).to_owned(),
                    needs: needs.get(&id).cloned().unwrap_or_default(),
                    id,
                    name,
                    version,
                }
            })
            .collect();
        packages.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
        Ok(Self { root, packages })
    }

    /// The program's own package.
    pub(super) fn root(&self) -> &Package {
        // `from_metadata` starts at it.
        self.packages.iter().find(|package| package.id == self.root).unwrap_or(&self.packages[0])
    }
}

/// The checksums of a lock file, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let value = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
        line.map(|rest| rest.trim_end_matches('"').to_owned())
    };
    lock.split("[[package]]")
        .filter_map(|block| Some(((value(block, "name")?, value(block, "version")?), value(block, "checksum")?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Graph;

    #[test]
    fn the_program_is_made_of_what_it_links_and_nothing_else() {
        let graph = Graph::read(&crate::root(), "x86_64-unknown-linux-gnu").expect("a graph");
        let has = |name: &str| graph.packages.iter().any(|package| package.name == name);
        assert_eq!(graph.root().name, "opensre-cli");
        assert!(has("rustls") && has("opensre-model"), "linked");
        assert!(!has("insta") && !has("snapbox") && !has("xtask"), "for tests and development");
        for package in &graph.packages {
            assert_eq!(package.is_own(), package.name.starts_with("opensre-"), "{}", package.name);
            assert!(package.needs.iter().all(|need| graph.packages.iter().any(|package| package.id == *need)));
        }
    }
}
