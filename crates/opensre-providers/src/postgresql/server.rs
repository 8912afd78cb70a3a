//! Which server, database and user an instance is: its fields, read.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use opensre_model::evidence::GapKind;
use opensre_model::secret::Secret;
use opensre_model::value::Value;

use super::ssl_mode::{Attempt, SslMode};
use crate::access::Access;
use crate::failure::Failure;

/// A server as an instance declares it. Shown as `host:port`, without user or password.
#[derive(Clone)]
pub(super) struct Server {
    /// Name or address; a path is the folder of a Unix socket, as in libpq.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
    pub(super) user: String,
    pub(super) password: Option<Secret>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) ca_bundle: Option<PathBuf>,
    /// How long connecting and each statement may take.
    pub(super) timeout: Duration,
    /// Most rows of one query.
    pub(super) rows: usize,
}

impl Server {
    /// Reads the fields. The password's reference is resolved.
    pub(super) async fn of(access: &Access) -> Result<Self, Failure> {
        let config = access.instance.config();
        let text = |field: &str| config.text(field).map(str::trim).filter(|text| !text.is_empty());
        let host = text("host").ok_or_else(|| Failure::missing("host"))?;
        let database = text("database").ok_or_else(|| Failure::missing("database"))?;
        let port = config.integer("port").unwrap_or(5432);
        let port = u16::try_from(port)
            .map_err(|_| Failure::new(GapKind::Failed, format!("port {port} is not between 1 and 65535")))?;
        let ca_bundle = text("ca_bundle").map(PathBuf::from);
        let verify_ssl = config.boolean("verify_ssl").unwrap_or(true);
        let attempts = match SslMode::parse(text("ssl_mode"))? {
            // A Unix socket does not leave the machine; libpq ignores the mode there, too.
            _ if host.starts_with('/') => vec![Attempt::Plain],
            mode => mode.attempts(ca_bundle.is_some(), verify_ssl),
        };
        let seconds = match config.get("timeout_seconds") {
            Some(Value::Number(seconds)) => *seconds,
            Some(Value::Integer(seconds)) => *seconds as f64,
            _ => 10.0,
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            database: database.to_owned(),
            user: text("username").unwrap_or("postgres").to_owned(),
            password: access.secret("password").await?.filter(|password| !password.is_empty()),
            attempts,
            ca_bundle,
            timeout: Duration::try_from_secs_f64(seconds.clamp(0.1, 600.0)).unwrap_or(Duration::from_secs(10)),
            rows: config.integer("max_results").and_then(|rows| usize::try_from(rows).ok()).unwrap_or(50).max(1),
        })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
