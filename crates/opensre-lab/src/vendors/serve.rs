//! Puts a router on a loopback socket.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A server that runs until this is dropped.
#[derive(Debug)]
pub struct Serving {
    task: JoinHandle<()>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves a router on a free port of the loopback interface.
pub async fn serve(router: Router) -> io::Result<(SocketAddr, Serving)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        // It ends when it is aborted; a failed accept is retried inside.
        let _ = axum::serve(listener, router).await;
    });
    Ok((address, Serving { task }))
}
