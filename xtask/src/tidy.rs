//! The rules that a compiler does not check.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

/// Which crates of ours a crate may build on: data flows one way. Development dependencies are free.
const ALLOWED: &[(&str, &[&str])] = &[
    ("opensre-model", &[]),
    ("opensre-store", &["opensre-model"]),
    ("opensre-http", &["opensre-model"]),
    ("opensre-providers", &["opensre-model", "opensre-http"]),
    ("opensre-investigation", &["opensre-model", "opensre-http", "opensre-providers"]),
    ("opensre-report", &["opensre-model"]),
    ("opensre-import", &["opensre-model"]),
    ("opensre-lab", &[]),
    (
        "opensre-python",
        &[
            "opensre-model",
            "opensre-store",
            "opensre-http",
            "opensre-providers",
            "opensre-investigation",
            "opensre-report",
        ],
    ),
    (
        "opensre-cli",
        &[
            "opensre-model",
            "opensre-store",
            "opensre-http",
            "opensre-providers",
            "opensre-investigation",
            "opensre-report",
            "opensre-import",
            "opensre-lab",
        ],
    ),
    ("xtask", &[]),
];

/// Most lines of one source file, tests left out.
const LONGEST_FILE: usize = 600;

/// Checks all rules; the error lists every breach.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut breaches = directions(root)?;
    let sources = sources(root)?;
    for path in &sources {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let shown = path.strip_prefix(root).unwrap_or(path).display().to_string();
        breaches.extend(file(&shown, &text));
    }
    breaches.extend(provider_names(root, &sources)?);
    if breaches.is_empty() {
        return Ok(());
    }
    bail!("tidy:\n  {}", breaches.join("\n  "));
}

/// Data flows one way: which of our crates may use which.
fn directions(root: &Path) -> Result<Vec<String>> {
    let cargo = crate::cargo_program();
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root)
        .output()
        .context("cannot run cargo metadata")?;
    let metadata: Json = serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")?;
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ALLOWED.iter().map(|(name, uses)| (*name, uses.iter().copied().collect())).collect();
    let mut breaches = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(allowed) = allowed.get(name) else {
            breaches.push(format!("{name} is not in the list of crates in xtask/src/tidy.rs"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let used = dependency["name"].as_str().unwrap_or_default();
            let ours = used.starts_with("opensre-");
            if ours && dependency["kind"].is_null() && !allowed.contains(used) {
                breaches.push(format!("{name} must not depend on {used}: data flows one way"));
            }
        }
    }
    Ok(breaches)
}

/// Every Rust file of the crates.
fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![root.join("crates"), root.join("xtask")];
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                if path.file_name().is_none_or(|name| name != "target") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn file(shown: &str, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let is_test = shown.contains("/tests/") || shown.contains("/benches/");
    if !text.starts_with("//!") {
        breaches.push(format!("{shown}: does not begin with module docs (//!)"));
    }
    let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
    if !is_test && lines > LONGEST_FILE {
        breaches.push(format!("{shown}: {lines} lines; find the second idea in it (at most {LONGEST_FILE})"));
    }
    // Spelt in two parts so that this file does not find itself.
    let allow = concat!("#[", "allow(");
    let ignore = concat!("#[", "ignore");
    for (number, line) in text.lines().enumerate() {
        if line.contains(allow) {
            breaches.push(format!("{shown}:{}: use #[expect(.., reason = \"..\")]", number + 1));
        }
        // A child process that is the test binary again is entered through a function that no run picks by itself.
        if line.contains(ignore) && !line.contains("no test:") {
            breaches.push(format!("{shown}:{}: a test that is never run tests nothing", number + 1));
        }
    }
    breaches
}

/// No crate but the providers' own knows a provider by name: the general path has no `if service == "grafana"`.
fn provider_names(root: &Path, sources: &[PathBuf]) -> Result<Vec<String>> {
    let providers = root.join("crates/opensre-providers/src");
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(&providers).context("cannot list the providers")? {
        let path = entry?.path();
        if path.is_dir()
            && let Some(name) = path.file_name().and_then(|name| name.to_str())
        {
            names.insert(format!("== \"{name}\""));
        }
    }
    let mut breaches = Vec::new();
    for path in sources {
        let shown = path.strip_prefix(root).unwrap_or(path).display().to_string();
        // What another tool's words mean here is said nowhere else.
        let free = ["crates/opensre-providers/", "crates/opensre-lab/", "crates/opensre-import/src/sources/", "xtask/"];
        if free.iter().any(|prefix| shown.starts_with(prefix)) || shown.contains("/tests/") {
            continue;
        }
        let text = std::fs::read_to_string(path)?;
        for (number, line) in text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).enumerate() {
            if let Some(name) = names.iter().find(|name| line.contains(name.as_str())) {
                breaches.push(format!("{shown}:{}: {name}: a provider is named only in its own folder", number + 1));
            }
        }
    }
    Ok(breaches)
}
