//! A shell session in a home of its own: what one command sets, the next one sees.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use super::page::{Step, Style};

/// Runs a command in the shell that the last one left: its variables, its folder, its exit code.
const RUN: &str = r#"
exec 2>&1 </dev/null
[ -f "$STATE" ] && . "$STATE"
(exit "${LAST:-0}")
eval "$1"
LAST=$?
{ export -p; printf 'cd %q\nLAST=%d\n' "$PWD" "$LAST"; } >"$STATE"
exit "$LAST"
"#;

/// The home folder as the pages show it; as long as the real one, so that tables are as wide.
const SHOWN_HOME: &str = "/home/sre";

/// A session.
pub(super) struct Session {
    home: TempDir,
    state: TempDir,
    running: Vec<Child>,
}

impl Session {
    pub(super) fn new() -> Self {
        let home = tempfile::Builder::new().prefix("").rand_bytes(4).tempdir_in("/tmp").expect("a home");
        assert_eq!(home.path().as_os_str().len(), SHOWN_HOME.len());
        Self { home, state: TempDir::new().expect("a folder"), running: Vec::new() }
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        writeln!(File::create(path).expect("a file"), "{text}").expect("written");
    }

    /// Runs the commands of a fence; what each prints. How one ends that should not is among `ended`.
    pub(super) fn run(&mut self, steps: &[Step], style: Style, at: &str, ended: &mut Vec<String>) -> Vec<String> {
        let mut printed = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            if style == Style::Running {
                printed.push(self.start(step, at));
                continue;
            }
            let output = self.bash(&["-c", RUN, "guide", &step.command]).output().expect("bash runs");
            let text = String::from_utf8(output.stdout).expect("UTF-8");
            let told = steps.get(index + 1).is_some_and(|next| next.command == "echo $?");
            let fine = match style {
                Style::Fails => !output.status.success(),
                _ => output.status.success() || told,
            };
            if !fine {
                ended.push(format!("{at}: $ {}\nends with {}", step.command, output.status));
            }
            printed.push(self.shown(&text));
        }
        printed
    }

    /// Starts a command and waits for as much output as the page shows.
    fn start(&mut self, step: &Step, at: &str) -> String {
        let log = self.state.path().join(format!("running-{}", self.running.len()));
        let file = File::create(&log).expect("a file");
        let command = format!("[ -f \"$STATE\" ] && . \"$STATE\"; exec {}", step.command);
        let child = self
            .bash(&["-c", &command])
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a handle"))
            .stderr(file)
            .spawn()
            .expect("bash runs");
        self.running.push(child);
        let lines = step.output.lines().count().max(1);
        for _ in 0..600 {
            let text = std::fs::read_to_string(&log).expect("a file");
            if text.lines().count() >= lines && text.ends_with('\n') {
                return self.shown(&text);
            }
            sleep(Duration::from_millis(50));
        }
        let text = std::fs::read_to_string(&log).expect("a file");
        panic!("{at}: $ {}\nprinted in half a minute only:\n{text}", step.command);
    }

    fn shown(&self, text: &str) -> String {
        let text = text.replace(&self.home.path().display().to_string(), SHOWN_HOME);
        if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" }
    }

    fn bash(&self, arguments: &[&str]) -> Command {
        let binary = assert_cmd::cargo::cargo_bin("opensre");
        let folder: PathBuf = binary.parent().expect("a folder").to_owned();
        let mut command = Command::new("/bin/bash");
        command
            .args(["--noprofile", "--norc"])
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("LANG", "C.UTF-8")
            .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
            .env("STATE", self.state.path().join("state"))
            .current_dir(self.home.path());
        command
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in &mut self.running {
            // Gone already is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
