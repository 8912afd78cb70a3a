//! Python: the packages that the tests need, in `target/venv`, and the wheel with its own tests.
//!
//! Only what is not to be had as a Debian package. Versions are pinned; dependencies are those that pip finds.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// What is installed: the AWS peer, and what builds and checks the wheel.
const PACKAGES: &[&str] =
    &["moto[server]==5.2.5", "maturin==1.16.0", "mypy==2.4.1", "pytest==9.2.0", "hypothesis==6.170.17"];

/// Where the wheel's sources are.
const CRATE: &str = "crates/opensre-python";

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

/// Builds the wheel with the `dev` profile, installs it and runs its tests and type checks.
pub(crate) fn test() -> Result<()> {
    let (venv, wheels) = (target().join("venv"), target().join("wheels"));
    let python = venv.join("bin/python");
    // The one wheel that is found there afterwards is the one that was built.
    if wheels.exists() {
        std::fs::remove_dir_all(&wheels).with_context(|| format!("cannot empty {}", wheels.display()))?;
    }
    let mut build = Command::new(venv.join("bin/maturin"));
    // In the workspace's own target folder, so that what the other steps have compiled is there.
    build.args(["build", "--quiet", "--locked", "--profile", "dev", "--compatibility", "linux", "--manifest-path"]);
    build.arg(crate::root().join(CRATE).join("Cargo.toml")).arg("--out").arg(&wheels);
    run(&mut build)?;
    let wheel = only_file(&wheels)?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]);
    run(install.arg("--force-reinstall").arg(wheel))?;

    let modules: [&[&str]; 3] = [
        &["pytest", "--quiet"],
        &["mypy", "--no-incremental", "python", "tests", "benches"],
        &["mypy.stubtest", "--concise", "opensre"],
    ];
    for arguments in modules {
        let mut check = Command::new(&python);
        check.arg("-m").args(arguments).current_dir(crate::root().join(CRATE));
        check.env("OPENSRE_PROGRAM", target().join("debug/opensre")).env("OPENSRE_WHEELS", &wheels);
        run(&mut check)?;
    }
    Ok(())
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    match files.as_slice() {
        [only] => Ok(only.clone()),
        _ => bail!("{} holds {} files, not one", folder.display(), files.len()),
    }
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
