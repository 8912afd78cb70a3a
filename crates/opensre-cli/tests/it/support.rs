//! Running the binary in a world of its own: empty environment, own home, own store.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value as Json;
use tempfile::TempDir;

/// A home folder of its own, gone with the test.
pub(crate) struct World {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a run of the binary left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder"), variables: Vec::new() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path(".tracer/integrations.json")
    }

    /// Sets a variable for every following run.
    pub(crate) fn variable(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        let mut file = std::fs::File::create(&path).expect("a file");
        std::io::Write::write_all(&mut file, text.as_bytes()).expect("written");
        path
    }

    pub(crate) fn write_store(&self, document: &Json) {
        self.write(".tracer/integrations.json", &document.to_string());
    }

    pub(crate) fn read_store(&self) -> Json {
        let text = std::fs::read_to_string(self.store()).expect("a store");
        serde_json::from_str(&text).expect("a store of JSON")
    }

    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::cargo_bin("opensre").expect("the binary");
        command.env_clear().env("HOME", self.folder.path()).env("LANG", "C.UTF-8").current_dir(self.folder.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        Ran::of(&self.command().args(arguments).output().expect("it runs"))
    }

    pub(crate) fn run_with_input<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>, input: &str) -> Ran {
        Ran::of(&self.command().args(arguments).write_stdin(input).output().expect("it runs"))
    }

    /// Runs, and reads standard output as JSON.
    pub(crate) fn json<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Json {
        let ran = self.run(arguments);
        serde_json::from_str(&ran.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}), exit {}:\n{}\n{}", ran.code, ran.stdout, ran.stderr))
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout.clone()).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr.clone()).expect("UTF-8"),
        }
    }

    /// Asserts the exit code, and shows everything when it is another.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// A world whose store names the simulators of a scenario, which run beside it.
pub(crate) struct LabWorld {
    pub(crate) world: World,
    lab: Option<opensre_lab::Lab>,
    runtime: tokio::runtime::Runtime,
}

impl LabWorld {
    /// Starts a bundled scenario whose present is the real one.
    pub(crate) fn start(scenario: &str) -> Self {
        Self::start_now(scenario, jiff::Timestamp::from_second(jiff_now()).expect("a time"))
    }

    /// Starts a bundled scenario in another present.
    pub(crate) fn start_at(scenario: &str, now: &str) -> Self {
        Self::start_now(scenario, now.parse().expect("a time"))
    }

    fn start_now(name: &str, now: jiff::Timestamp) -> Self {
        let scenario = opensre_lab::scenario_named(name).expect("a bundled scenario").load().expect("a good scenario");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let lab = runtime.block_on(opensre_lab::Lab::start(scenario, now)).expect("simulators");
        let world = World::new();
        world.write_store(&lab.store_document());
        world.write("alert.json", &lab.alert().to_string());
        Self { world, lab: Some(lab), runtime }
    }

    fn lab(&self) -> &opensre_lab::Lab {
        self.lab.as_ref().expect("running until dropped")
    }

    /// Runs something beside the simulators, on their runtime.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn alert(&self) -> Json {
        self.lab().alert()
    }

    pub(crate) fn alert_file(&self) -> String {
        self.world.path("alert.json").display().to_string()
    }

    /// A field of one of the scenario's instances, as its store file has it.
    pub(crate) fn credential(&self, service: &str, name: &str, field: &str) -> String {
        let document = self.lab().store_document();
        let records = document["integrations"].as_array().expect("records").iter();
        let instances = records
            .filter(|record| record["service"] == service)
            .flat_map(|record| record["instances"].as_array().expect("instances").iter());
        let mut named = instances.filter(|instance| instance["name"] == name);
        named.next().and_then(|one| one["credentials"][field].as_str()).expect("a field").to_owned()
    }

    /// How many requests an instance (`grafana/prod`) has seen.
    pub(crate) fn requests(&self, instance: &str) -> usize {
        self.lab().requests().iter().filter(|seen| seen.instance == instance).count()
    }

    /// Every answer of a Grafana comes with this status.
    pub(crate) fn status(&self, name: &str, code: u16) {
        self.fault(name, opensre_lab::FaultKind::Status { code, retry_after: None });
    }

    /// Every answer of a Grafana is an HTML login page with status 200.
    pub(crate) fn html_login(&self, name: &str) {
        self.fault(name, opensre_lab::FaultKind::LoginPage);
    }

    /// Every answer of a Grafana takes half a minute.
    pub(crate) fn slow(&self, name: &str) {
        self.fault(
            name,
            opensre_lab::FaultKind::Latency(opensre_lab::scenario::Offset::parse("30s").expect("an offset")),
        );
    }

    fn fault(&self, name: &str, kind: opensre_lab::FaultKind) {
        self.lab().set_fault(&format!("grafana/{name}"), opensre_lab::Fault::new(kind)).expect("an instance");
    }
}

impl Drop for LabWorld {
    fn drop(&mut self) {
        let lab = self.lab.take();
        self.runtime.block_on(async move { drop(lab) });
    }
}

#[expect(clippy::disallowed_methods, reason = "a scenario that happens now needs the clock")]
fn jiff_now() -> i64 {
    jiff::Timestamp::now().as_second()
}
