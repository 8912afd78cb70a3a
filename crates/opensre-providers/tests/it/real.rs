//! Starting and stopping real servers on free loopback ports, in folders of their own.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use opensre_http::{Http, HttpOptions};
use opensre_model::diagnostic::Source;
use opensre_model::instance::{Instance, InstanceName, Settings, Tags};
use opensre_model::secret::{Secret, SecretFailure, SecretSource, SecretValue};
use opensre_model::value::{Config, Value};
use opensre_model::window::Window;
use opensre_providers::driver::{Access, Answer, Input, Neighbours, Provider};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a real server may take to do what a test waits for. Generous: it only costs time when something is broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server; stopped when dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it, its output in `log`.
    pub(crate) fn start(command: &mut Command, log: &Path, package: &str) -> Self {
        let file = std::fs::File::create(log).unwrap();
        let started = command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).spawn();
        Self(started.unwrap_or_else(|error| panic!("{error}; the test needs the Debian package {package}")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It ends its children and frees what it shares with them; nothing of its data is worth the wait.
        let _ = Command::new("kill").args(["-QUIT", &self.0.id().to_string()]).status();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Waits until something is there; tells what is the matter if it never is.
pub(crate) async fn wait_for<T, F: Future<Output = Option<T>>>(
    mut there: impl FnMut() -> F,
    otherwise: impl Fn() -> String,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(it) = there().await {
            return it;
        }
        assert!(start.elapsed() < PATIENCE, "{}", otherwise());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

struct Plain;

impl SecretSource for Plain {
    fn resolve(&self, value: &SecretValue, _: &Source) -> Result<Secret, SecretFailure> {
        Ok(Secret::new(value.revealed()))
    }
}

/// An instance with these fields, of the types that the provider declares.
pub(crate) fn instance(provider: &Provider, name: &str, fields: &[(&'static str, &str)]) -> Access {
    let mut config = Config::default();
    for (key, text) in fields {
        let value = if provider.spec.field(key).expect("a declared field").secret {
            Value::Secret(SecretValue::Plain(Secret::new(*text)))
        } else {
            match (text.parse::<i64>(), text.parse::<bool>()) {
                (Ok(number), _) if *key != "database" => Value::Integer(number),
                (_, Ok(flag)) => Value::Boolean(flag),
                _ => Value::Text((*text).to_owned()),
            }
        };
        config.set(key, value);
    }
    Access {
        instance: Instance {
            service: provider.spec.key.to_owned(),
            family: provider.spec.family.to_owned(),
            name: InstanceName::new(name),
            tags: Tags::default(),
            settings: Settings::Typed(config),
            integration_id: "id".to_owned(),
            source: Source::Store { path: "store".to_owned() },
            expect: opensre_model::identity::Expect::default(),
            policy: opensre_model::policy::Policy::default(),
        },
        http: Http::new(HttpOptions { attempts: 1, ..HttpOptions::default() }),
        secrets: std::sync::Arc::new(Plain),
        deadline: Instant::now() + PATIENCE,
        neighbours: Neighbours::default(),
    }
}

/// Runs a query by its name over the last hours.
pub(crate) async fn ask(provider: &Provider, access: &Access, name: &str, input: &Input) -> Answer {
    let query = provider.queries.iter().find(|query| query.name == name).expect("a query of that name");
    (query.run)(access, input, last_hours()).await
}

/// An onset half an hour ago, and a baseline of an hour before.
#[expect(clippy::disallowed_methods, reason = "real servers live now")]
pub(crate) fn last_hours() -> Window {
    let now = jiff::Timestamp::now();
    Window::around(Some(now - jiff::SignedDuration::from_mins(30)), None, now, None)
}

/// A request over HTTP/1.0 to a server on 127.0.0.1; the status and the body, if it answers.
pub(crate) async fn http(port: u16, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let status = answer.split_whitespace().nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}
