//! Simulators of vendors' hosted APIs, one module per vendor: a router over a little in-memory state with canned data.
//!
//! Each is written from the vendor's documentation and depends on nothing else of the workspace. [`serve`] puts a
//! router on a loopback socket; a [`Stage`](stage::Stage) around it remembers the requests and misbehaves on demand.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub mod argocd;
pub mod aws;
pub mod coralogix;
pub mod datadog;
pub mod github;
pub mod honeycomb;
pub mod kubernetes;
pub mod postgresql;
pub mod slack;
pub mod stage;
mod tls;

pub use tls::serve_tls;

/// Keeps a server running until it is dropped.
#[derive(Debug)]
pub struct Guard(JoinHandle<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves a router on a free loopback port until the guard is dropped.
pub async fn serve(router: Router) -> io::Result<(SocketAddr, Guard)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "a simulator stopped serving");
        }
    });
    Ok((address, Guard(task)))
}
