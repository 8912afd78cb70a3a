//! A real terminal: the program inside tmux, its screen, its keys, and everything that it ever wrote.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::World;

const TMUX: &str = "/usr/bin/tmux";

/// How long a screen may take to come; a bound, not a measurement.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running program on a terminal of its own, which ends with the test.
pub(crate) struct Terminal {
    socket: PathBuf,
    recording: PathBuf,
}

impl Terminal {
    /// Starts the program in a world, on a terminal of so many columns and lines. `TERM` is the world's, else that of
    /// tmux.
    pub(crate) fn start(world: &World, columns: u16, lines: u16, arguments: &[&str]) -> Self {
        assert!(PathBuf::from(TMUX).exists(), "{TMUX} is missing: `cargo xtask setup` installs it");
        let folder = tempfile::Builder::new().prefix("t").tempdir_in(world.folder()).expect("a folder").keep();
        let terminal = Self { socket: folder.join("s"), recording: folder.join("recording") };
        let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        let variables: Vec<String> = [("HOME", world.folder().display().to_string()), ("LANG", "C.UTF-8".to_owned())]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .chain([("TERM".to_owned(), "screen".to_owned())])
            .chain(world.variables().iter().cloned())
            .map(|(name, value)| format!("{name}={}", quoted(&value)))
            .collect();
        let program = assert_cmd::cargo::cargo_bin("opensre").display().to_string();
        let arguments: Vec<String> =
            std::iter::once(program.as_str()).chain(arguments.iter().copied()).map(quoted).collect();
        // It waits until the recording has begun, and stays when it has ended, so that the last screen can be read.
        let script = format!(
            "trap : INT\nread go\nprintf '\\033[H\\033[2J'\ncd {}\nenv -i {} {}\necho \"exit=$?\"\nexec cat\n",
            quoted(&world.folder().display().to_string()),
            variables.join(" "),
            arguments.join(" "),
        );
        let script_file = write(&folder.join("script"), &script);
        let configuration = write(&folder.join("tmux.conf"), "set -g status off\nset -g escape-time 0\n");
        terminal.tmux(&[
            "-f",
            &configuration,
            "new-session",
            "-d",
            "-x",
            &columns.to_string(),
            "-y",
            &lines.to_string(),
            &format!("sh {script_file}"),
        ]);
        terminal.tmux(&["pipe-pane", "-o", &format!("cat >> {}", quoted(&terminal.recording.display().to_string()))]);
        terminal.keys(&["Enter"]);
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new(TMUX)
            .env_clear()
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", "/usr/bin:/bin")
            .args(["-u", "-S"])
            .arg(&self.socket)
            .args(arguments)
            .output()
            .expect("tmux runs");
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Presses keys by their tmux names: `Enter`, `Escape`, `C-c`, `Down`.
    pub(crate) fn keys(&self, keys: &[&str]) {
        for key in keys {
            self.tmux(&["send-keys", key]);
        }
    }

    /// Types a text.
    pub(crate) fn text(&self, text: &str) {
        self.tmux(&["send-keys", "-l", "--", text]);
    }

    /// What is on the screen, without the empty lines below.
    pub(crate) fn screen(&self) -> String {
        let captured = self.tmux(&["capture-pane", "-p"]);
        let lines: Vec<&str> = captured.lines().map(str::trim_end).collect();
        lines.join("\n").trim_end().to_owned()
    }

    /// Waits until a question (or anything else) stands in the last lines of the screen, and returns the screen.
    #[track_caller]
    pub(crate) fn shows(&self, words: &str) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if screen.contains(words) {
                return self.settled(screen);
            }
            assert!(begun.elapsed() < PATIENCE, "`{words}` never came:\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The screen when it has come to rest: the words that were waited for may be in the first half of what is drawn.
    fn settled(&self, mut screen: String) -> String {
        loop {
            std::thread::sleep(Duration::from_millis(80));
            let next = self.screen();
            if next == screen {
                return screen;
            }
            screen = next;
        }
    }

    /// Whether a question is open: a line begins with its mark.
    fn is_open(&self, question: &str) -> bool {
        let open = format!("? {question}");
        self.screen().lines().any(|line| line.starts_with(&open))
    }

    /// Waits until a question is open.
    #[track_caller]
    pub(crate) fn asks(&self, question: &str) -> String {
        let begun = Instant::now();
        while !self.is_open(question) {
            assert!(begun.elapsed() < PATIENCE, "`{question}` is never asked:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.shows(&format!("? {question}"))
    }

    /// Waits until a question is answered: its mark has changed, or it has left the screen.
    #[track_caller]
    pub(crate) fn gone(&self, question: &str) {
        let begun = Instant::now();
        while self.is_open(question) {
            assert!(begun.elapsed() < PATIENCE, "`{question}` stays:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for a question, and answers it: text, then Enter. The answer may be refused.
    #[track_caller]
    pub(crate) fn try_answer(&self, question: &str, text: &str) {
        self.asks(question);
        if !text.is_empty() {
            self.text(text);
        }
        self.keys(&["Enter"]);
    }

    /// Waits for a question, and answers it: text, then Enter. Returns when it is answered.
    #[track_caller]
    pub(crate) fn answer(&self, question: &str, text: &str) {
        self.try_answer(question, text);
        self.gone(question);
    }

    /// Waits for the end, and returns the last screen.
    #[track_caller]
    pub(crate) fn ends(&self, code: i32) -> String {
        let screen = self.shows("exit=");
        assert!(screen.contains(&format!("exit={code}")), "{screen}");
        screen
    }

    /// Everything that was ever written to the terminal, control sequences included.
    pub(crate) fn recording(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.recording).unwrap_or_default()).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Its own server, by its own socket.
        let _ = Command::new(TMUX).arg("-S").arg(&self.socket).arg("kill-server").output();
    }
}

fn write(path: &std::path::Path, text: &str) -> String {
    let mut file = std::fs::File::create(path).expect("a file");
    std::io::Write::write_all(&mut file, text.as_bytes()).expect("written");
    path.display().to_string()
}
