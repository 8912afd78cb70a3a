//! Other processes: this test binary again, told by variables what to do. Real processes, so that locks, kills,
//! limits and users are the kernel's.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use opensre_model::record::Upserted;
use opensre_store::{State, Store, StoreError};

use crate::support::{Place, add, catalogue, instance, names};

const JOB: &str = "OPENSRE_TEST_JOB";
const STORE: &str = "OPENSRE_TEST_STORE";
const PREFIX: &str = "OPENSRE_TEST_PREFIX";
const READY: &str = "child is ready";

/// How many instances the job `add` adds.
pub(crate) const ADDS: usize = 50;

/// The command that does a job on a place's store.
pub(crate) fn command(place: &Place, job: &str, prefix: &str) -> Command {
    wrapped(Command::new(env::current_exe().expect("this binary")), place, job, prefix)
}

/// The same under a shell script that must end in `exec "$@"`.
pub(crate) fn command_under(script: &str, place: &Place, job: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(env::current_exe().expect("this binary"));
    wrapped(shell, place, job, "x")
}

/// The same as a user without rights, when the tests run as root, whom no permission stops.
pub(crate) fn command_without_rights(place: &Place, job: &str) -> Command {
    let mut command = command(place, job, "x");
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// A user that owns nothing.
pub(crate) const NOBODY: u32 = 65534;

fn wrapped(mut command: Command, place: &Place, job: &str, prefix: &str) -> Command {
    command
        .args(["child::works", "--exact", "--ignored", "--nocapture"])
        .env(JOB, job)
        .env(STORE, &place.path)
        .env(PREFIX, prefix)
        .stdout(Stdio::piped());
    command
}

/// Starts a job and waits until it is at work.
pub(crate) fn start(mut command: Command) -> Child {
    let mut child = command.spawn().expect("a process");
    let mut output = BufReader::new(child.stdout.take().expect("its output"));
    let mut line = String::new();
    while !line.contains(READY) {
        line.clear();
        assert_ne!(output.read_line(&mut line).expect("its output"), 0, "it ended early");
    }
    child.stdout = Some(output.into_inner());
    child
}

/// Not a test: what a child process does.
#[test]
#[ignore = "no test: what other tests run in a process of its own"]
fn works() {
    let (Ok(job), Ok(path), Ok(prefix)) = (env::var(JOB), env::var(STORE), env::var(PREFIX)) else { return };
    let store = Store::at(path);
    let mut output = std::io::stdout();
    writeln!(output, "{READY}").expect("output");
    match job.as_str() {
        "add" => {
            for number in 0..ADDS {
                add(&store, &format!("{prefix}-{number}")).expect("added");
            }
        }
        "load" => drop(store.load()),
        "grow" => grow(&store),
        "fail to add" => {
            let error = add(&store, "new").expect_err("it must not work");
            writeln!(output, "error: {error}\nhint: {}", error.hint().unwrap_or_default()).expect("output");
        }
        "load without migrating" => {
            let loaded = store.load();
            assert_eq!(loaded.state, State::MigratedInMemory);
            assert_eq!(loaded.records.len(), 1);
            for diagnostic in loaded.diagnostics {
                writeln!(output, "warning: {diagnostic}").expect("output");
            }
        }
        other => panic!("no such job: {other}"),
    }
}

/// Adds numbered instances for ever.
fn grow(store: &Store) {
    for number in names(store).len().. {
        add_large(store, number).expect("written");
    }
}

/// Adds a numbered instance with enough text to make a write take its time.
pub(crate) fn add_large(store: &Store, number: usize) -> Result<Upserted, StoreError> {
    let instance = instance(&format!("i{number}"), &"x".repeat(LARGE));
    store.edit(|document| Ok(document.upsert_instance(&catalogue(), "loki", &instance, Some("r"), 0)))
}

/// How long the key of a large instance is.
pub(crate) const LARGE: usize = 2_000;
