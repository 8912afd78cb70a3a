//! Real PostgreSQL servers: a primary and a standby of it, in folders of their own, started as the user postgres where
//! the tests run as root (the server refuses to run as root).

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_postgres::{Client, NoTls};

use crate::real::{Process, free_port, wait_for};

/// The password of every user.
pub(crate) const PASSWORD: &str = "c4nary-pg-Secret";

/// A running server.
pub(crate) struct Postgres {
    /// Its port on 127.0.0.1.
    pub(crate) port: u16,
    folder: PathBuf,
    _process: Process,
}

/// A folder that the servers' user owns.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    if let Some((uid, gid)) = server_user() {
        std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).unwrap();
    }
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

impl Postgres {
    /// A new primary with users, a database `shop` with a table, TLS, and the extension pg_stat_statements.
    pub(crate) async fn primary(folder: &Path) -> Self {
        let data = folder.join("primary");
        let at = data.display().to_string();
        run("initdb", &["-D", &at, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"]);
        certificates(&data);
        let hosts = "local all all trust\n\
                     host all postgres 127.0.0.1/32 trust\n\
                     host replication postgres 127.0.0.1/32 trust\n\
                     hostssl all only_tls 127.0.0.1/32 scram-sha-256\n\
                     hostnossl all only_plain 127.0.0.1/32 scram-sha-256\n\
                     host all opensre,limited,checkout 127.0.0.1/32 scram-sha-256\n";
        write(&data.join("pg_hba.conf"), hosts);
        let server = Self::start(&data, "primary").await;
        let admin = server.admin("postgres").await;
        let password = format!("PASSWORD '{PASSWORD}'");
        admin
            .batch_execute(&format!(
                "CREATE ROLE opensre LOGIN {password}; GRANT pg_monitor TO opensre;
                 CREATE ROLE limited LOGIN {password};
                 CREATE ROLE checkout LOGIN {password};
                 CREATE ROLE only_tls LOGIN {password};
                 CREATE ROLE only_plain LOGIN {password};
                 CREATE ROLE stranger LOGIN {password}"
            ))
            .await
            .unwrap();
        admin.batch_execute("CREATE DATABASE shop").await.unwrap();
        let shop = server.admin("shop").await;
        shop.batch_execute(
            "CREATE EXTENSION pg_stat_statements;
             CREATE TABLE orders (id int PRIMARY KEY, state text);
             INSERT INTO orders SELECT n, 'new' FROM generate_series(1, 100) AS n;
             CREATE SEQUENCE numbers;
             GRANT ALL ON orders, numbers TO opensre, checkout",
        )
        .await
        .unwrap();
        server
    }

    /// A standby that streams from a primary through a slot of its own.
    pub(crate) async fn standby(folder: &Path, primary: &Self) -> Self {
        let data = folder.join("standby");
        let (at, port) = (data.display().to_string(), primary.port.to_string());
        let arguments =
            ["-D", &at, "-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-R", "-C", "-S", "standby", "-N"];
        run("pg_basebackup", &[&arguments[..], &["-c", "fast"]].concat());
        Self::start(&data, "standby").await
    }

    async fn start(data: &Path, name: &str) -> Self {
        let port = free_port();
        let log = data.with_extension("log");
        let mut command = program("postgres");
        let settings = [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", data.display()),
            format!("cluster_name={name}"),
            "shared_preload_libraries=pg_stat_statements".to_owned(),
            "max_connections=20".to_owned(),
            "fsync=off".to_owned(),
            "ssl=on".to_owned(),
            "ssl_cert_file=server.pem".to_owned(),
            "ssl_key_file=server.key".to_owned(),
            "log_connections=on".to_owned(),
            "log_statement=all".to_owned(),
            "log_line_prefix=%a|".to_owned(),
        ];
        command.arg("-D").arg(data);
        for setting in &settings {
            command.args(["-c", setting]);
        }
        let process = Process::start(&mut command, &log, "postgresql");
        let server = Self { port, folder: data.to_owned(), _process: process };
        wait_for(
            || async { server.client("postgres", "postgres", "waiting").await.ok() },
            || std::fs::read_to_string(&log).unwrap_or_default(),
        )
        .await;
        server
    }

    /// A connection as superuser.
    pub(crate) async fn admin(&self, database: &str) -> Client {
        self.client("postgres", database, "admin").await.unwrap()
    }

    /// A connection as some user, by some application.
    pub(crate) async fn client(&self, user: &str, database: &str, application: &str) -> Result<Client, String> {
        client(self.port, user, database, application).await
    }

    /// What this program did there, by the server's own log.
    pub(crate) fn seen(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.with_extension("log")).unwrap_or_default();
        log.lines().filter(|line| line.starts_with("opensre|")).map(str::to_owned).collect()
    }

    /// The whole log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.with_extension("log")).unwrap_or_default()
    }

    /// The folder of its Unix socket.
    pub(crate) fn socket(&self) -> String {
        self.folder.display().to_string()
    }

    /// The authority that signed its certificate, which is for `localhost`.
    pub(crate) fn authority(&self) -> String {
        self.folder.join("authority.pem").display().to_string()
    }
}

/// A connection as some user, by some application; its task ends with the client.
pub(crate) async fn client(port: u16, user: &str, database: &str, application: &str) -> Result<Client, String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| error.to_string())?;
    let mut config = tokio_postgres::Config::new();
    config.user(user).password(PASSWORD).dbname(database).application_name(application);
    config.ssl_mode(tokio_postgres::config::SslMode::Disable);
    let (client, connection) = config.connect_raw(stream, NoTls).await.map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(client)
}

/// A PgBouncer in front of a server, with one connection that it hands from transaction to transaction.
pub(crate) struct Pooler {
    /// Its port on 127.0.0.1.
    pub(crate) port: u16,
    _process: Process,
}

impl Pooler {
    pub(crate) async fn start(folder: &Path, server: &Postgres) -> Self {
        let port = free_port();
        let (users, config) = (folder.join("users.txt"), folder.join("pgbouncer.ini"));
        write(&users, &format!("\"opensre\" \"{PASSWORD}\"\n\"checkout\" \"{PASSWORD}\"\n"));
        write(
            &config,
            &format!(
                "[databases]\nshop = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
                 unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\npool_mode = transaction\n\
                 default_pool_size = 1\n",
                server.port,
                users.display()
            ),
        );
        let log = folder.join("pgbouncer.log");
        let mut command = as_server_user(Command::new("/usr/sbin/pgbouncer"));
        let process = Process::start(command.arg(&config), &log, "pgbouncer");
        wait_for(
            || async { TcpStream::connect(("127.0.0.1", port)).await.ok() },
            || std::fs::read_to_string(&log).unwrap_or_default(),
        )
        .await;
        Self { port, _process: process }
    }
}

/// An authority, and a certificate for `localhost` signed by it.
fn certificates(data: &Path) {
    let openssl = |arguments: &[&str]| {
        let mut command = as_server_user(Command::new("openssl"));
        finish(command.current_dir(data).args(arguments), "openssl");
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let authority = [
        "req",
        "-x509",
        "-subj",
        "/CN=test authority",
        "-days",
        "2",
        "-keyout",
        "authority.key",
        "-out",
        "authority.pem",
    ];
    openssl(&[&authority[..], &key[..]].concat());
    let request = ["req", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"];
    openssl(&[&request[..], &key[..]].concat());
    write(&data.join("extensions"), "subjectAltName=DNS:localhost\n");
    openssl(&[
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "authority.pem",
        "-CAkey",
        "authority.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "extensions",
        "-out",
        "server.pem",
    ]);
}

#[expect(clippy::disallowed_methods, reason = "a file in the test's own folder")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    if let Some((uid, gid)) = server_user() {
        std::os::unix::fs::chown(path, Some(uid), Some(gid)).unwrap();
    }
}

fn run(name: &str, arguments: &[&str]) {
    finish(program(name).args(arguments), name);
}

fn finish(command: &mut Command, name: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("{name} does not start: {error}"));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A program of the newest version that is installed.
fn program(name: &str) -> Command {
    let newest = std::fs::read_dir("/usr/lib/postgresql")
        .expect("the test needs the Debian package postgresql")
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name)))
        .filter(|path| path.exists())
        .max_by_key(|path| version(path))
        .expect("the test needs the Debian package postgresql");
    as_server_user(Command::new(newest))
}

fn version(path: &Path) -> u32 {
    path.components().filter_map(|part| part.as_os_str().to_str()?.parse().ok()).max().unwrap_or(0)
}

fn as_server_user(mut command: Command) -> Command {
    if let Some((uid, gid)) = server_user() {
        command.uid(uid).gid(gid);
    }
    command.current_dir("/").env_remove("PGHOST").env_remove("PGPORT");
    command
}

/// Who the servers run as, if that is another user than the test's.
fn server_user() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> u32 {
        let output = Command::new("id").args(arguments).output().expect("id");
        String::from_utf8_lossy(&output.stdout).trim().parse().expect("the user postgres")
    };
    (id(&["-u"]) == 0).then(|| (id(&["-u", "postgres"]), id(&["-g", "postgres"])))
}
