//! Development tasks. `cargo xtask help` lists them.
//!
//! * `setup`: installs the Debian and Python packages that the tests start as real servers;
//! * `test`: set-up, then formatting, lints, tidy rules, tests, doc tests, the Python wheel, the fuzz targets' build and
//!   the demo: what CI runs;
//! * `fmt`: formats every file (`cargo fmt` alone misses the providers, whose modules a macro declares);
//! * `python`: the Python wheel alone: built, installed, its tests run, its types checked;
//! * `generate`: writes the generated reference documents anew (the tests fail when they are stale);
//! * `tidy`: the rules that a compiler does not check;
//! * `release`: what is handed out: static program, archives, SBOM, checksums.

mod packages;
mod python;
mod release;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

const HELP: &str = "\
cargo xtask setup      install the Debian and Python packages that the tests need
cargo xtask test       everything that CI checks, set-up included
cargo xtask fmt        format every file, those of the providers too
cargo xtask generate   write the generated reference documents anew
cargo xtask python     the Python wheel: built, installed, tested and type-checked
cargo xtask tidy       the rules that a compiler does not check
cargo xtask release    the static program, archives, SBOM and checksums, without the network
";

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    let outcome = match task.as_str() {
        "setup" => setup(),
        "test" => test(),
        "fmt" => format_files(&[]),
        "generate" => generate(),
        "python" => python::ensure()
            .and_then(|()| cargo(&["build", "--quiet", "--package", "opensre-cli"]))
            .and_then(|()| python::test()),
        "release" => release::run(&root(), &std::env::args().skip(2).collect::<Vec<_>>()),
        "tidy" => tidy::check(&root()),
        "" | "help" | "--help" | "-h" => {
            say(HELP);
            Ok(())
        }
        other => Err(anyhow::anyhow!("no task `{other}`\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// What the tests need of the machine.
fn setup() -> Result<()> {
    packages::ensure()?;
    python::ensure()
}

/// Everything that CI checks, cheapest first.
fn test() -> Result<()> {
    setup()?;
    format_files(&["--check"]).context("`cargo xtask fmt` formats every file")?;
    tidy::check(&root())?;
    cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"])?;
    cargo(&["test", "--workspace"])?;
    python::test()?;
    if root().join("fuzz/Cargo.toml").is_file() {
        // Built with the workspace's own compiler: running them needs nightly, keeping them whole does not.
        cargo(&["check", "--quiet", "--manifest-path", "fuzz/Cargo.toml", "--target-dir", "target/fuzz"])?;
    }
    cargo(&["run", "--quiet", "--package", "opensre-cli", "--", "demo"])
}

/// Formats, or checks that every file is formatted. `cargo fmt` follows `mod` lines, and misses those in a macro: the
/// providers' folders are named to rustfmt one by one.
fn format_files(options: &[&str]) -> Result<()> {
    cargo(&[&["fmt", "--all"], options].concat())?;
    let folders = root().join("crates/opensre-providers/src");
    let mut roots = Vec::new();
    for entry in std::fs::read_dir(&folders).with_context(|| format!("cannot list {}", folders.display()))? {
        let file = entry?.path().join("mod.rs");
        if file.is_file() {
            roots.push(file);
        }
    }
    roots.sort();
    let mut command = Command::new("rustfmt");
    command.args(["--edition", "2024"]).args(options).args(&roots);
    let status = command.current_dir(root()).status().context("cannot start rustfmt")?;
    if !status.success() {
        bail!("rustfmt of the providers' folders failed ({status})");
    }
    Ok(())
}

/// The reference documents are compared by a test, which writes them when told to.
fn generate() -> Result<()> {
    let mut command = Command::new(cargo_program());
    command.args(["test", "--quiet", "--package", "opensre-cli", "--test", "it", "reference"]);
    command.env("OPENSRE_UPDATE_REFERENCE", "1");
    run(command)
}

fn cargo(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(cargo_program());
    command.args(arguments);
    run(command)
}

fn cargo_program() -> std::ffi::OsString {
    #[expect(clippy::disallowed_methods, reason = "cargo tells its children by this variable which cargo it is")]
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn run(mut command: Command) -> Result<()> {
    let shown = format!("{command:?}").replace('"', "");
    say(&format!("+ {shown}"));
    let status = command.current_dir(root()).status().with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("{shown} failed ({status})");
    }
    Ok(())
}

/// The workspace's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

#[expect(clippy::print_stderr, reason = "a development task talks to the developer")]
fn say(text: &str) {
    eprintln!("{text}");
}
