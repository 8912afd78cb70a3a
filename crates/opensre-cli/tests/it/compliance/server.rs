//! A server of any row: healthy or failing, and what it was asked.

use std::net::SocketAddr;
use std::path::Path;

use opensre_lab::front::{Failing, Front};
use opensre_lab::vendors::postgresql::{Account, Fault, Postgres, Seen};

use super::scene::{Scene, canary};
use super::table::{Place, Row, Wire};

/// A server that one instance stands for.
pub(crate) enum Server {
    Http(Front),
    Postgres(Postgres),
}

impl Server {
    /// A healthy one.
    pub(crate) async fn healthy(row: &Row, scene: &Scene) -> Self {
        Self::of(row, scene, Fault::None).await
    }

    /// One that fails from the first request on.
    pub(crate) async fn failing(row: &Row, scene: &Scene, how: Option<Failing>, fault: Fault) -> Self {
        let server = Self::of(row, scene, fault).await;
        if let (Self::Http(front), Some(how)) = (&server, how) {
            front.fail(how);
        }
        server
    }

    async fn of(row: &Row, scene: &Scene, fault: Fault) -> Self {
        match row.wire {
            Wire::Http => {
                let front = Front::at(row.host, scene.server(row.key)).await;
                Self::Http(front.expect("a loopback port"))
            }
            Wire::Postgres => {
                let account = Account {
                    user: "opensre".to_owned(),
                    password: canary(row.key, "password", "prod"),
                    database: "shop".to_owned(),
                };
                Self::Postgres(Postgres::start(account, fault).await.expect("a loopback port"))
            }
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Http(front) => front.address,
            Self::Postgres(server) => server.address,
        }
    }

    /// The place of an instance that lives there.
    pub(crate) fn place<'a>(&self, name: &'a str, folder: &'a Path) -> Place<'a> {
        Place { address: self.address(), name, folder }
    }

    /// How often it was asked, or at least called.
    pub(crate) fn contacts(&self) -> usize {
        match self {
            Self::Http(front) => front.connections().max(front.heard().len()),
            Self::Postgres(server) => server.connections(),
        }
    }

    /// How many requests it heard.
    pub(crate) fn requests(&self) -> usize {
        match self {
            Self::Http(front) => front.heard().len(),
            Self::Postgres(server) => server.seen().iter().filter(|seen| matches!(seen, Seen::Statement(_))).count(),
        }
    }

    /// Whether a text was anywhere in what it was sent.
    pub(crate) fn was_sent(&self, text: &str) -> bool {
        match self {
            Self::Http(front) => front.heard().iter().any(|heard| heard.holds(text)),
            Self::Postgres(server) => {
                server.seen().contains(&Seen::Password(true)) && text == canary("postgresql", "password", "prod")
            }
        }
    }
}
