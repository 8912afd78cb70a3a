//! Secrets that are kept elsewhere: `${env:NAME}`, `${file:/path}`, `${exec:command args}`, resolved when an instance
//! is used.
//!
//! What goes wrong is told without the secret and without anything that a command printed: its error output may hold
//! one as well.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use opensre_model::diagnostic::Source;
use opensre_model::provider::EnvironmentMap;
use opensre_model::secret::{Secret, SecretFailure, SecretReference, SecretSource, SecretValue};
use zeroize::Zeroizing;

/// Largest secret: a file or an output that is longer is refused.
const SIZE_LIMIT: u64 = 64 * 1024;

/// How long a command may take.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Resolves secrets on this machine.
///
/// * `${env:NAME}`: a variable of the given environment.
/// * `${file:/path}`: a regular file of at most 64 KiB of UTF-8; an absolute path, or one that begins with `~/`.
/// * `${exec:command args}`: the standard output of a command, at most 64 KiB of UTF-8. The command is started without
///   a shell, with the given environment, nothing on its standard input and its error output discarded; after 10 s
///   it is killed with everything it has started. Only where the reference stands in the store file: a variable must
///   not be able to start programs.
///
/// White space around the secret, a final line break above all, is not part of it, as with every text field.
pub struct LocalSecrets {
    environment: EnvironmentMap,
    time_limit: Duration,
}

impl LocalSecrets {
    /// Resolves with this environment.
    pub fn new(environment: EnvironmentMap) -> Self {
        Self { environment, time_limit: TIME_LIMIT }
    }

    /// Changes how long a command may take.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    fn variable(&self, name: &str) -> Result<Secret, SecretFailure> {
        match self.environment.get(name).map(|value| value.trim()) {
            None => Err(failure(format!("variable {name} is not set"), Some("set it, or change the reference"))),
            Some("") => Err(failure(format!("variable {name} is empty"), Some("set it, or change the reference"))),
            Some(value) => Ok(Secret::new(value)),
        }
    }

    fn file(&self, written: &str) -> Result<Secret, SecretFailure> {
        let path = self.absolute(written)?;
        let failed = |reason: String| failure(format!("secret file {written} {reason}"), None);
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => return Err(failed("is not a regular file".to_owned())),
            Err(error) => return Err(failed(format!("cannot be read ({error})"))),
        }
        let read = File::open(&path).and_then(read_bounded);
        secret_of(&read.map_err(|error| failed(format!("cannot be read ({error})")))?).map_err(failed)
    }

    fn absolute(&self, written: &str) -> Result<PathBuf, SecretFailure> {
        let home = self.environment.get("HOME").map(|home| home.trim()).filter(|home| !home.is_empty());
        match (written.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => Ok(Path::new(home).join(rest)),
            (Some(_), None) => Err(failure(format!("secret file {written} cannot be found: HOME is not set"), None)),
            // A relative path would mean another file in another folder.
            (None, _) if !Path::new(written).is_absolute() => Err(failure(
                format!("secret file {written} is not an absolute path"),
                Some("write ${file:/path} or ${file:~/path}"),
            )),
            (None, _) => Ok(PathBuf::from(written)),
        }
    }

    fn command(&self, words: &[String]) -> Result<Secret, SecretFailure> {
        let Some((program, arguments)) = words.split_first() else {
            return Err(failure("the secret command is empty".to_owned(), None));
        };
        let failed = |reason: String| {
            let hint = "run it by hand to see why; what it prints is not shown because it may hold secrets";
            failure(format!("secret command `{program}` {reason}"), Some(hint))
        };
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A group of its own, so that what it has started can be killed with it.
            .process_group(0)
            .spawn()
            .map_err(|error| failed(format!("cannot be started ({error})")))?;
        let outcome = self.output(&mut child);
        if outcome.is_err() {
            kill_group(&mut child);
        }
        match outcome {
            Ok((_, status)) if !status.success() => Err(failed(format!("failed ({status})"))),
            Ok((output, _)) => secret_of(&output).map_err(failed),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(failed(format!("took longer than {:?}", self.time_limit)))
            }
            Err(error) => Err(failed(format!("gave no output that can be read ({error})"))),
        }
    }

    /// Waits for a command's whole output and its end.
    fn output(&self, child: &mut Child) -> io::Result<(Zeroizing<Vec<u8>>, ExitStatus)> {
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("no standard output"))?;
        let (sender, receiver) = mpsc::channel();
        // The thread ends when the pipe does: at the latest when the group has been killed.
        std::thread::Builder::new().name("secret command".to_owned()).spawn(move || {
            // Nobody listens any more when the time is up.
            let _ = sender.send(read_bounded(stdout));
        })?;
        let timed_out = || io::Error::from(io::ErrorKind::TimedOut);
        let output = receiver.recv_timeout(self.time_limit).map_err(|_| timed_out())??;
        // It has closed its output and is about to end; one that goes on is not waited for longer than another limit.
        let mut waited = Duration::ZERO;
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok((output, status));
            }
            if waited >= self.time_limit {
                return Err(timed_out());
            }
            std::thread::sleep(pause);
            waited += pause;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

impl SecretSource for LocalSecrets {
    fn resolve(&self, value: &SecretValue, source: &Source) -> Result<Secret, SecretFailure> {
        match value {
            SecretValue::Plain(secret) => Ok(secret.clone()),
            SecretValue::Reference(SecretReference::Env(name)) => self.variable(name),
            SecretValue::Reference(SecretReference::File(path)) => self.file(path),
            SecretValue::Reference(SecretReference::Exec(words)) => match source {
                Source::Store { .. } => self.command(words),
                Source::Environment { variable } => Err(failure(
                    format!("${{exec:...}} is not honoured in variable {variable}"),
                    Some("use ${env:NAME} or ${file:/path} there, or move the instance to the store file"),
                )),
            },
        }
    }
}

impl fmt::Debug for LocalSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The environment holds secrets.
        f.debug_struct("LocalSecrets").field("time_limit", &self.time_limit).finish_non_exhaustive()
    }
}

fn failure(reason: String, hint: Option<&str>) -> SecretFailure {
    SecretFailure { reason, hint: hint.map(str::to_owned) }
}

fn read_bounded(reader: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // Room for all of it at once: a buffer that grows leaves copies behind that are not wiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(SIZE_LIMIT as usize + 1));
    reader.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {SIZE_LIMIT} bytes")));
    }
    Ok(bytes)
}

fn secret_of(bytes: &[u8]) -> Result<Secret, String> {
    match std::str::from_utf8(bytes).map(str::trim) {
        Ok("") => Err("gives an empty secret".to_owned()),
        Ok(text) => Ok(Secret::new(text)),
        Err(_) => Err("gives something that is not UTF-8 text".to_owned()),
    }
}

/// Kills a command with everything that it has started, and takes its exit status so that no zombie stays.
fn kill_group(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // The only failure is that they have ended already.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.wait();
}
