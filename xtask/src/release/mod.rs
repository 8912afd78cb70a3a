//! `cargo xtask release`: what is handed out, made from this checkout alone and without the network (once the crates
//! are there: `cargo fetch`).
//!
//! In `target/release-files/`: an archive with the static program, manual pages, completions and units; the archive of
//! the sources; an SBOM (CycloneDX); a Homebrew formula; `SHA256SUMS`. The same commit and compiler give the same
//! bytes: paths are taken out of the program, files are sorted, and their time is the commit's (`SOURCE_DATE_EPOCH`
//! overrides it).

mod archive;
mod build;
mod graph;
mod licences;
mod sbom;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use archive::Entry;
use build::Built;
use graph::Graph;

/// Makes everything; `--profile NAME` builds another profile than `dist`, `--only-program` makes the program alone.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    let (profile, only_program) = options(arguments)?;
    let built = build::program(root, &profile)?;
    let folder = root.join("target/release-files");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder)?;
    if only_program {
        std::fs::copy(&built.program, folder.join("opensre"))?;
        crate::say(&format!("target/release-files/opensre: {}", built.how));
        return Ok(());
    }
    let time = time_of_sources(root)?;
    let graph = Graph::read(root, &built.target)?;
    licences::check(&graph)?;
    let version = graph.root().version.clone();

    let mut files = Vec::new();
    let mut add = |name: String, bytes: Vec<u8>| -> Result<String> {
        write(&folder.join(&name), &bytes)?;
        let sum = archive::sha256(&bytes);
        files.push((name, sum.clone()));
        Ok(sum)
    };
    let sbom = sbom::document(&graph, time)?;
    add(format!("opensre-{version}.cdx.json"), sbom.clone().into_bytes())?;
    let name = format!("opensre-{version}-{}", built.label);
    let contents = contents(root, &built, &graph, sbom)?;
    add(format!("{name}.tar.gz"), archive::tar_gz(&name, contents, time)?)?;
    let sources = sources(root, &version)?;
    let sum = add(format!("opensre-{version}-source.tar.gz"), sources)?;
    let formula = read(&root.join("packaging/homebrew/opensre.rb.in"))?.replace("@VERSION@", &version);
    add("opensre.rb".to_owned(), formula.replace("@SHA256@", &sum).into_bytes())?;

    files.sort();
    let sums = files.iter().fold(String::new(), |sums, (name, sum)| sums + sum + "  " + name + "\n");
    write(&folder.join("SHA256SUMS"), sums.as_bytes())?;
    check(root, &folder, &built)?;
    crate::say(&format!("target/release-files:\n{sums}{}", built.how));
    Ok(())
}

fn options(arguments: &[String]) -> Result<(String, bool)> {
    let (mut profile, mut only_program) = ("dist".to_owned(), false);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--profile" => profile.clone_from(arguments.next().context("--profile wants a name")?),
            "--only-program" => only_program = true,
            other => bail!("release knows --profile NAME and --only-program, not `{other}`"),
        }
    }
    Ok((profile, only_program))
}

/// Seconds since 1970 that every file gets: `SOURCE_DATE_EPOCH`, or the time of the commit.
fn time_of_sources(root: &Path) -> Result<u64> {
    #[expect(clippy::disallowed_methods, reason = "the agreed variable of reproducible builds")]
    if let Ok(written) = std::env::var("SOURCE_DATE_EPOCH") {
        return written.trim().parse().context("SOURCE_DATE_EPOCH is no number of seconds");
    }
    let written = output(root, "git", &["log", "-1", "--format=%ct"])?;
    String::from_utf8_lossy(&written).trim().parse().context("git tells no time of the commit")
}

/// What stands in the archive beside and with the program.
fn contents(root: &Path, built: &Built, graph: &Graph, sbom: String) -> Result<Vec<Entry>> {
    let mut entries = vec![
        Entry::program("opensre", std::fs::read(&built.program)?),
        Entry::file("BUILD.txt", build_notes(root, built)?),
        Entry::file("THIRD-PARTY-LICENCES.md", licences::document(graph)),
        Entry::file("sbom.cdx.json", sbom),
    ];
    for name in ["LICENSE", "README.md", "CHANGELOG.md"] {
        entries.push(Entry::file(name, read(&root.join(name))?));
    }
    for (from, to) in [("docs/man", "man"), ("packaging/systemd", "systemd")] {
        let mut paths: Vec<_> =
            std::fs::read_dir(root.join(from))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            entries.push(Entry::file(&format!("{to}/{name}"), read(&path)?));
        }
    }
    for (shell, name) in [("bash", "opensre"), ("zsh", "_opensre"), ("fish", "opensre.fish")] {
        let program = built.program.display().to_string();
        let script = output(root, &program, &["completions", shell])?;
        entries.push(Entry { name: format!("completions/{shell}/{name}"), bytes: script, mode: 0o644 });
    }
    Ok(entries)
}

fn build_notes(root: &Path, built: &Built) -> Result<String> {
    let commit = output(root, "git", &["rev-parse", "HEAD"])?;
    let compiler = output(root, "rustc", &["--version"])?;
    Ok(format!(
        "commit   {}\ncompiler {}\ntarget   {}\nprofile  {}\nprogram  {}\n",
        String::from_utf8_lossy(&commit).trim(),
        String::from_utf8_lossy(&compiler).trim(),
        built.target,
        built.profile,
        built.how
    ))
}

/// The sources of the commit. What is not committed is not in it, and that is said.
fn sources(root: &Path, version: &str) -> Result<Vec<u8>> {
    if !output(root, "git", &["status", "--porcelain", "--untracked-files=no"])?.is_empty() {
        crate::say(
            "warning: there are changes that are not committed: the program has them, the archive of the sources has not",
        );
    }
    let tar = output(root, "git", &["archive", "--format=tar", &format!("--prefix=opensre-{version}/"), "HEAD"])?;
    archive::gz(&tar)
}

/// Proves what was made: sums, the program itself, and the files of others where their own tools are at hand.
fn check(root: &Path, folder: &Path, built: &Built) -> Result<()> {
    output(folder, "sha256sum", &["--check", "--quiet", "SHA256SUMS"])?;
    let program = built.program.display().to_string();
    let demo = output(root, &program, &["demo", "--quiet"])?;
    if !String::from_utf8_lossy(&demo).contains("grafana/staging") {
        bail!("the demo of the built program does not find what it should");
    }
    if has("ruby") {
        output(folder, "ruby", &["-c", "opensre.rb"])?;
    } else {
        crate::say("not checked for want of ruby: opensre.rb");
    }
    if has("systemd-analyze") {
        units(root, &program)?;
    } else {
        crate::say("not checked for want of systemd-analyze: packaging/systemd");
    }
    Ok(())
}

/// systemd's own check of the units, with the built program in the place where they expect it.
fn units(root: &Path, program: &str) -> Result<()> {
    let folder = root.join("target/release-units");
    std::fs::create_dir_all(&folder)?;
    let mut arguments = vec!["verify".to_owned(), "--man=no".to_owned()];
    for entry in std::fs::read_dir(root.join("packaging/systemd"))? {
        let path = entry?.path();
        let copy = folder.join(path.file_name().unwrap_or_default());
        write(&copy, read(&path)?.replace("/usr/bin/opensre", program).as_bytes())?;
        arguments.push(copy.display().to_string());
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let checked = output(root, "systemd-analyze", &arguments);
    std::fs::remove_dir_all(&folder)?;
    checked.map(|_| ())
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "made anew by every run, and read by nobody before it has ended")]
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// What a program prints; its complaint when it fails.
pub(super) fn output(folder: &Path, program: &str, arguments: &[&str]) -> Result<Vec<u8>> {
    let shown = format!("{program} {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .with_context(|| format!("cannot start {shown}"))?;
    if !output.status.success() {
        bail!("{shown} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}
