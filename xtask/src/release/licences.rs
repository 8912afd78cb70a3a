//! The licences of what the program is made of: that they allow it, and their texts, which they ask to be handed on.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Result, bail};

use super::graph::{Graph, Package};

/// Licences under which a part may be handed out inside the program. All are permissive; the texts go along.
const ALLOWED: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Fails when a package's licence does not allow what we do.
pub(super) fn check(graph: &Graph) -> Result<()> {
    let refused: Vec<String> = graph
        .packages
        .iter()
        .filter(|package| !allows(&package.licence))
        .map(|package| format!("{} {}: {:?}", package.name, package.version, package.licence))
        .collect();
    if !refused.is_empty() {
        bail!("licences that are not on the list in xtask/src/release/licences.rs:\n{}", refused.join("\n"));
    }
    Ok(())
}

/// Whether an SPDX expression can be met with allowed licences. An exception (`WITH`) only adds rights.
fn allows(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let met = either(&mut rest);
    met && rest.is_empty()
}

/// `a OR b`, where `AND` binds closer (SPDX specification, annex "SPDX license expressions").
fn either(words: &mut &[&str]) -> bool {
    let mut met = all(words);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        // Read on in any case.
        met |= all(words);
    }
    met
}

fn all(words: &mut &[&str]) -> bool {
    let mut met = one(words);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        met &= one(words);
    }
    met
}

fn one(words: &mut &[&str]) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let met = either(words);
            let [")", rest @ ..] = *words else { return false };
            *words = rest;
            met
        }
        [licence, "WITH", _, rest @ ..] | [licence, rest @ ..] => {
            *words = rest;
            ALLOWED.contains(licence)
        }
        [] => false,
    }
}

/// The list and the texts.
pub(super) fn document(graph: &Graph) -> String {
    let others: Vec<&Package> = graph.packages.iter().filter(|package| !package.is_own()).collect();
    let mut page = "# Licences of third parties\n\nThe program contains these packages, and Rust's standard library \
                    (MIT OR Apache-2.0).\n\n| package | version | licence |\n|---|---|---|\n"
        .to_owned();
    for package in &others {
        let _ = writeln!(page, "| {} | {} | {} |", package.name, package.version, package.licence);
    }
    // Many packages have the same text to the letter: it is printed once, with all their names.
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut without = Vec::new();
    for package in &others {
        let name = format!("{} {}", package.name, package.version);
        let found = texts_of(package);
        if found.is_empty() {
            without.push(name);
            continue;
        }
        for text in found {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    if !without.is_empty() {
        let _ = write!(
            page,
            "\nWithout a text of their own; the texts of the licences above hold: {}.\n",
            without.join(", ")
        );
    }
    let mut texts: Vec<(Vec<String>, String)> = texts.into_iter().map(|(text, names)| (names, text)).collect();
    texts.sort();
    for (names, text) in texts {
        let _ = write!(page, "\n## {}\n\n{}\n", names.join(", "), indented(&text));
    }
    page
}

/// As a block of code: a licence's text is not Markdown.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect()
}

fn texts_of(package: &Package) -> Vec<String> {
    const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];
    let Ok(entries) = std::fs::read_dir(&package.folder) else { return Vec::new() };
    let mut paths: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file()).collect();
    paths.sort();
    paths
        .iter()
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
            NAMES.iter().any(|start| name.starts_with(start))
        })
        .filter_map(|path| Some(std::fs::read_to_string(path).ok()?.replace("\r\n", "\n").trim().to_owned()))
        .filter(|text| !text.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::graph::Graph;
    use super::{allows, check, document};

    #[test]
    fn expressions_are_met_by_what_is_allowed() {
        for good in
            ["MIT", "GPL-3.0-only OR MIT", "(MIT OR GPL-2.0-only) AND Unicode-3.0", "Apache-2.0 WITH LLVM-exception"]
        {
            assert!(allows(good), "{good}");
        }
        for bad in
            ["", "GPL-3.0-only", "MIT AND GPL-3.0-only", "(MIT", "MIT MIT", "GPL-2.0-only WITH x OR AGPL-3.0-only"]
        {
            assert!(!allows(bad), "{bad}");
        }
    }

    #[test]
    fn all_that_is_in_the_program_may_be_handed_out_and_brings_its_text() {
        let graph = Graph::read(&crate::root(), "x86_64-unknown-linux-gnu").expect("a graph");
        check(&graph).expect("licences");
        let page = document(&graph);
        assert!(page.contains("| rustls |") && page.contains("Permission is hereby granted"), "no texts");
    }
}
