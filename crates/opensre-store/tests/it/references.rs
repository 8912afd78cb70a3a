//! Secrets kept elsewhere.

use std::fs;
use std::path::Path;
use std::time::Duration;

use opensre_model::diagnostic::Source;
use opensre_model::secret::{SecretFailure, SecretSource, SecretValue};
use opensre_store::references::LocalSecrets;
use tempfile::TempDir;

const CANARY: &str = "canary-9c1d";

fn secrets() -> LocalSecrets {
    let environment = [("PATH", "/usr/bin:/bin"), ("KEY", " canary-9c1d\n"), ("EMPTY", "  ")];
    LocalSecrets::new(environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
}

fn store() -> Source {
    Source::Store { path: "store.json".to_owned() }
}

fn resolve(text: &str) -> Result<String, SecretFailure> {
    resolve_with(&secrets(), text)
}

fn resolve_with(secrets: &LocalSecrets, text: &str) -> Result<String, SecretFailure> {
    let value = SecretValue::parse(text).expect("a reference");
    let outcome = secrets.resolve(&value, &store());
    assert!(!format!("{outcome:?} {secrets:?}").contains(CANARY), "{outcome:?}");
    outcome.map(|secret| secret.expose().to_owned())
}

fn reason(text: &str) -> String {
    resolve(text).expect_err(text).reason
}

#[test]
fn a_plain_secret_is_itself() {
    assert_eq!(resolve("plain").as_deref(), Ok("plain"));
}

#[test]
fn variables_come_from_the_given_environment() {
    assert_eq!(resolve("${env:KEY}").as_deref(), Ok(CANARY));
    assert_eq!(reason("${env:HOME}"), "variable HOME is not set");
    assert_eq!(reason("${env:EMPTY}"), "variable EMPTY is empty");
}

#[test]
fn files_are_read_without_their_final_line_break() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("key");
    let reference = |path: &Path| format!("${{file:{}}}", path.display());
    fs::write(&file, format!("{CANARY}\r\n")).expect("written");
    assert_eq!(resolve(&reference(&file)).as_deref(), Ok(CANARY));

    let at_home = LocalSecrets::new([("HOME".to_owned(), folder.path().display().to_string())].into());
    assert_eq!(resolve_with(&at_home, "${file:~/key}").as_deref(), Ok(CANARY));
    assert!(reason("${file:~/key}").ends_with("HOME is not set"));
    assert!(reason("${file:key}").ends_with("is not an absolute path"));
    assert!(reason("${file:/dev/zero}").ends_with("is not a regular file"));
    assert!(reason(&reference(folder.path())).ends_with("is not a regular file"));
    assert!(reason(&reference(&folder.path().join("none"))).contains("cannot be read (No such file"));

    fs::write(&file, format!("{CANARY}\n").repeat(10_000)).expect("written");
    assert!(reason(&reference(&file)).ends_with("cannot be read (longer than 65536 bytes)"));
    fs::write(&file, b"\n").expect("written");
    assert!(reason(&reference(&file)).ends_with("gives an empty secret"));
    fs::write(&file, b"canary-9c1d\xff").expect("written");
    assert!(reason(&reference(&file)).ends_with("gives something that is not UTF-8 text"));
}

#[test]
fn commands_run_without_a_shell_in_the_given_environment() {
    assert_eq!(resolve("${exec:printf %s canary-9c1d}").as_deref(), Ok(CANARY));
    assert_eq!(resolve("${exec:echo $KEY ; *}").as_deref(), Ok("$KEY ; *"));
    assert_eq!(resolve("${exec:sh -c 'echo \"$KEY\"'}").as_deref(), Ok(CANARY));
    assert_eq!(resolve("${exec:sh -c 'cat; echo \"${HOME-unset}\"'}").as_deref(), Ok("unset"));
}

#[test]
fn what_a_command_prints_is_never_shown() {
    assert_eq!(
        reason("${exec:sh -c 'echo canary-9c1d; echo canary-9c1d >&2; exit 3'}"),
        "secret command `sh` failed (exit status: 3)"
    );
    assert_eq!(reason("${exec:true}"), "secret command `true` gives an empty secret");
    assert!(reason("${exec:no-such-command}").starts_with("secret command `no-such-command` cannot be started"));
    assert!(reason("${exec:head -c 100000 /dev/zero}").ends_with("(longer than 65536 bytes)"));
    assert!(reason("${exec:cat /dev/zero}").ends_with("(longer than 65536 bytes)"));
}

#[test]
fn a_command_that_takes_too_long_is_killed_with_its_children() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("pids");
    let scripts = [
        "sleep 1000 & echo $! > FILE; echo $$ >> FILE; wait",
        // Output closed: nothing more will come, but the end does not come either.
        "sleep 1000 >&- & echo $! > FILE; echo $$ >> FILE; exec >&-; wait",
    ];
    for script in scripts {
        let script = script.replace("FILE", &file.display().to_string());
        let secrets = secrets().with_time_limit(Duration::from_millis(300));
        let failure = resolve_with(&secrets, &format!("${{exec:sh -c '{script}'}}")).expect_err("too long");
        assert_eq!(failure.reason, "secret command `sh` took longer than 300ms");
        let pids = fs::read_to_string(&file).expect("it had started");
        assert_eq!(pids.lines().count(), 2);
        for pid in pids.lines() {
            // The kernel takes its time to end a process: wait for that, not for a duration.
            while is_running(pid) {
                std::thread::yield_now();
            }
        }
    }
}

/// Whether a process is there and no zombie.
fn is_running(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}

#[test]
fn variables_must_not_start_programs() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("touched");
    let value = SecretValue::parse(&format!("${{exec:touch {}}}", file.display())).expect("a reference");
    let source = Source::Environment { variable: "GRAFANA_INSTANCES".to_owned() };
    let failure = secrets().resolve(&value, &source).expect_err("refused");
    assert_eq!(failure.reason, "${exec:...} is not honoured in variable GRAFANA_INSTANCES");
    assert!(failure.hint.is_some());
    assert!(!file.exists());
    let env = SecretValue::parse("${env:KEY}").expect("a reference");
    assert!(secrets().resolve(&env, &source).is_ok());
}
