//! The Python packages that the tests start as real servers, in `target/venv`.
//!
//! Only what is not to be had as a Debian package. Versions are pinned; dependencies are those that pip finds.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// What is installed: the AWS peer.
const PACKAGES: &[&str] = &["moto[server]==5.2.5"];

/// Makes the environment and installs what is missing in it.
pub(crate) fn ensure() -> Result<()> {
    let venv = target().join("venv");
    let done = venv.join("installed.txt");
    let wanted = PACKAGES.join("\n");
    if std::fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let path = venv.to_string_lossy().into_owned();
    run(Command::new("python3").args(["-m", "venv", &path]))
        .context("cannot make a Python environment\nhint: sudo apt-get install python3-venv")?;
    let mut install = Command::new(venv.join("bin/python"));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES);
    run(&mut install).context("cannot install the tests' Python packages\nhint: pip needs a package index")?;
    // Written last, so that what was interrupted is done again.
    #[expect(
        clippy::disallowed_methods,
        reason = "a marker in the target folder; half of it only means to install again"
    )]
    std::fs::write(&done, wanted).with_context(|| format!("cannot write {}", done.display()))
}

/// Cargo's target folder.
fn target() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo's own variable, which moves the folder that the tests look in"
    )]
    let moved = std::env::var_os("CARGO_TARGET_DIR");
    crate::root().join(moved.map_or_else(|| PathBuf::from("target"), PathBuf::from))
}

fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}").replace('"', "");
    crate::say(&format!("+ {shown}"));
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("{shown} failed ({status})");
    }
    Ok(())
}
