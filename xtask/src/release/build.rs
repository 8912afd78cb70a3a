//! The static program.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The program, and how it was built.
pub(super) struct Built {
    pub(super) program: PathBuf,
    pub(super) target: String,
    pub(super) profile: String,
    /// How the archive calls it: `x86_64-linux-musl`.
    pub(super) label: String,
    /// In words.
    pub(super) how: String,
}

/// Builds the program for musl where that target is installed, and otherwise for the C library of this machine, linked
/// in as well.
pub(super) fn program(root: &Path, profile: &str) -> Result<Built> {
    let (architecture, system) = (std::env::consts::ARCH, std::env::consts::OS);
    if system != "linux" {
        bail!("static programs are made on Linux only\nhint: build the image: docker build -f packaging/Dockerfile .");
    }
    let sysroot = super::output(root, "rustc", &["--print", "sysroot"])?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot).trim());
    let installed = |target: &str| sysroot.join("lib/rustlib").join(target).join("lib").is_dir();
    let musl = format!("{architecture}-unknown-linux-musl");
    let (target, library, how) = if installed(&musl) {
        (musl, "musl", "static, musl".to_owned())
    } else {
        let how = format!(
            "static, with this machine's glibc: {musl} is not installed (rustup target add {musl}). \
             Names are resolved by /etc/hosts and DNS; other modules of nsswitch.conf need this very glibc"
        );
        (format!("{architecture}-unknown-linux-gnu"), "glibc", how)
    };
    let mut command = Command::new(crate::cargo_program());
    command.args(["build", "--locked", "--package", "opensre-cli", "--profile", profile, "--target", &target]);
    // Paths of this machine would make every machine's program another one, and tell of it.
    let home = cargo_home();
    let flags = [
        "-Ctarget-feature=+crt-static".to_owned(),
        format!("--remap-path-prefix={}=/src", root.display()),
        format!("--remap-path-prefix={}=/cargo", home.display()),
        format!("--remap-path-prefix={}=/rust", sysroot.display()),
    ];
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    if library == "musl" {
        // The C parts (TLS) need a compiler that knows musl: Debian's musl-tools has it.
        command.env(format!("CC_{}", target.replace('-', "_")), "musl-gcc");
    }
    crate::run(command)?;
    let folder = if profile == "dev" { "debug" } else { profile };
    let program = root.join("target").join(&target).join(folder).join("opensre");
    let bytes = std::fs::read(&program).with_context(|| format!("cannot read {}", program.display()))?;
    if !is_static(&bytes)? {
        bail!("{} asks for a loader: it is not static", program.display());
    }
    let label = format!("{architecture}-linux-{library}");
    Ok(Built { program, target, profile: profile.to_owned(), label, how })
}

fn cargo_home() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "cargo's own folder is where its variables say")]
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    variable("CARGO_HOME").or_else(|| Some(variable("HOME")?.join(".cargo"))).unwrap_or_default()
}

/// Whether a 64-bit ELF file has no program header of the type `PT_INTERP` (`elf(5)`).
fn is_static(elf: &[u8]) -> Result<bool> {
    const PT_INTERP: u32 = 3;
    let number = |at: usize, length: usize| -> Result<u64> {
        let bytes = elf.get(at..at + length).context("the file ends within its ELF header")?;
        Ok(bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    };
    if !elf.starts_with(b"\x7fELF\x02\x01") {
        bail!("not a 64-bit little-endian ELF file");
    }
    let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for index in 0..count {
        let at = usize::try_from(table + index * size)?;
        if number(at, 4)? == u64::from(PT_INTERP) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::is_static;

    #[test]
    fn this_very_program_asks_for_a_loader() {
        let own = std::fs::read(std::env::current_exe().expect("a path")).expect("a program");
        assert!(!is_static(&own).expect("an ELF file"));
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(is_static(b"#!/bin/sh\n").is_err());
        assert!(is_static(b"\x7fELF\x02\x01\x01").is_err());
    }
}
