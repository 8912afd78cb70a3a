//! Small servers that answer as they are told, and count.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opensre_http::{Client, Endpoint, Http, HttpOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that answers its nth request with the nth bytes (the last for all that follow), byte for byte.
#[derive(Clone)]
pub(crate) struct RawServer {
    /// `http://127.0.0.1:port`.
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl RawServer {
    pub(crate) async fn start(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, requests: Arc::default(), connections: Arc::default() };
        let (requests, connections) = (server.requests.clone(), server.connections.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, answers.clone(), requests.clone()));
            }
        });
        server
    }

    /// A server whose only answer is this status, with these headers and this body.
    pub(crate) async fn answering(status: &str, headers: &[(&str, &str)], body: &str) -> Self {
        Self::start(vec![answer(status, headers, body.as_bytes())]).await
    }

    /// The requests so far, as they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Connections that were ever made to it.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads one request, answers it, closes.
async fn serve(mut stream: TcpStream, answers: Vec<Vec<u8>>, requests: Arc<Mutex<Vec<String>>>) {
    let Some(request) = read_request(&mut stream).await else { return };
    let position = {
        let mut requests = requests.lock().unwrap();
        requests.push(request);
        requests.len() - 1
    };
    let answer = answers.get(position).or(answers.last()).unwrap();
    let _ = stream.write_all(answer).await;
    let _ = stream.shutdown().await;
}

pub(crate) async fn read_request(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.ok()?;
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:").map(str::trim).map(str::to_owned)
                })
                .and_then(|length| length.parse::<usize>().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return Some(text);
            }
        }
        if read == 0 {
            return None;
        }
    }
}

/// An HTTP/1.1 answer with a true length.
pub(crate) fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len()).into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// Options that wait as little as possible between attempts.
pub(crate) fn quick() -> HttpOptions {
    HttpOptions {
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(2),
        ..HttpOptions::default()
    }
}

pub(crate) fn in_a_minute() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

/// A client without credentials.
pub(crate) fn client(url: &str) -> Client {
    client_of(Endpoint::new("test/one", url).unwrap())
}

pub(crate) fn client_of(endpoint: Endpoint) -> Client {
    Http::new(quick()).client(endpoint, in_a_minute()).unwrap()
}

/// No parameters.
pub(crate) const NONE: &[(&str, &str)] = &[];
