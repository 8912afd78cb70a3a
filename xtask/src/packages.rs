//! The Debian packages whose servers the tests start on loopback ports.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A program that the tests start, and the package that brings it.
struct Needed {
    program: &'static str,
    package: &'static str,
}

const NEEDED: &[Needed] = &[
    Needed { program: "/usr/bin/prometheus", package: "prometheus" },
    Needed { program: "/usr/bin/prometheus-alertmanager", package: "prometheus-alertmanager" },
    Needed { program: "/usr/sbin/nginx", package: "nginx-light" },
    Needed { program: "/usr/bin/tmux", package: "tmux" },
    Needed { program: "/usr/lib/postgresql/15/bin/postgres", package: "postgresql" },
    Needed { program: "/usr/sbin/pgbouncer", package: "pgbouncer" },
    Needed { program: "/usr/bin/victoria-metrics", package: "victoria-metrics" },
    Needed { program: "/usr/bin/python3", package: "python3-venv" },
    Needed { program: "/usr/bin/zsh", package: "zsh" },
    Needed { program: "/usr/bin/fish", package: "fish" },
];

/// Installs what is missing where this user may; otherwise fails with the packages' names.
pub(crate) fn ensure() -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    let advice = format!("the tests need these Debian packages: {names}\nhint: sudo apt-get install {names}");
    if !Path::new("/usr/bin/apt-get").exists() || !is_root() {
        bail!("{advice}");
    }
    // A fresh machine has no package list, an old one a stale list: fetch it, and go on if that fails, the list may do.
    let _ = apt(&["update", "-qq"]);
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(&missing);
    apt(&arguments).with_context(|| advice.clone())?;
    let still = self::missing();
    if !still.is_empty() {
        bail!("{advice}");
    }
    Ok(())
}

fn missing() -> Vec<&'static str> {
    NEEDED.iter().filter(|needed| !Path::new(needed.program).exists()).map(|needed| needed.package).collect()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == "0")
}

fn apt(arguments: &[&str]) -> Result<()> {
    crate::say(&format!("+ apt-get {}", arguments.join(" ")));
    let status = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("cannot start apt-get")?;
    if !status.success() {
        bail!("apt-get {} failed ({status})", arguments.join(" "));
    }
    Ok(())
}
