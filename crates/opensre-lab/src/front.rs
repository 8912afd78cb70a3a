//! A server that stands before another one and, when told to, fails in its place.
//!
//! It works for every HTTP API: requests are handed on as they came, and whatever comes back can be replaced, twisted,
//! swollen, slowed down or cut. One failure serves all simulators, so that "what does a client make of a login page?" can
//! be asked of each of them alike. It remembers every request, byte by byte: what is looked for is what was really sent.

mod answer;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

pub use answer::Passed;

/// Requests and answers larger than this are cut off.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// What an endless answer repeats, and between two of which a trickle waits.
const PIECE: &[u8] = &[b' '; 64 * 1024];

/// How a server fails.
#[derive(Clone)]
pub enum Failing {
    /// Answers with this status, these headers and this body, whatever was asked.
    Status(u16, Vec<(&'static str, String)>, &'static str),
    /// 200 and an HTML page, as of a login proxy.
    LoginPage,
    /// The right status and head, and this in place of the body.
    Body(&'static str),
    /// The right answer with every value of another type.
    WrongTypes,
    /// The right answer with its outermost lists so many items long, or at least much longer where items are large.
    Swollen(usize),
    /// The right answer, and then white space for ever; its length is not said.
    Endless,
    /// The head of the right answer, and then a byte now and again, for ever.
    Trickle(Duration),
    /// The right answer, after this time.
    Slow(Duration),
    /// No answer at all.
    Silent,
    /// Half of the right answer, then the connection ends.
    Cut,
    /// The connection ends before the answer begins.
    HangUp,
    /// The right answer, changed by hand: what says that there are more pages, for example.
    Altered(Alter),
}

/// Changes an answer; sees the request.
pub type Alter = Arc<dyn Fn(&Heard, &mut Passed) + Send + Sync>;

impl fmt::Debug for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status, ..) => write!(f, "status {status}"),
            Self::LoginPage => f.write_str("login page"),
            Self::Body(body) => write!(f, "the body {body:?}"),
            Self::WrongTypes => f.write_str("wrong types"),
            Self::Swollen(items) => write!(f, "lists of {items}"),
            Self::Endless => f.write_str("endless"),
            Self::Trickle(_) => f.write_str("trickle"),
            Self::Slow(_) => f.write_str("slow"),
            Self::Silent => f.write_str("silent"),
            Self::Cut => f.write_str("cut"),
            Self::HangUp => f.write_str("hang up"),
            Self::Altered(_) => f.write_str("altered"),
        }
    }
}

/// A request, as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Method.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// Request line and headers, as sent.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Heard {
    /// Whether these bytes are anywhere in the request.
    pub fn holds(&self, text: &str) -> bool {
        let found = |bytes: &[u8]| bytes.windows(text.len().max(1)).any(|part| part == text.as_bytes());
        found(self.head.as_bytes()) || found(&self.body)
    }
}

#[derive(Default)]
struct State {
    connections: usize,
    heard: Vec<Heard>,
    /// Bytes of endless answers that were sent.
    sent: usize,
    /// After so many requests, this.
    plan: Option<(usize, Failing)>,
}

/// A server before another one. It ends when it is dropped.
pub struct Front {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Front {
    /// Stands before a server on a free port of 127.0.0.1 and hands everything on.
    pub async fn before(server: SocketAddr) -> io::Result<Self> {
        Self::at(Ipv4Addr::LOCALHOST, server).await
    }

    /// The same on another loopback address (127.0.0.2 is no local Grafana's).
    pub async fn at(host: Ipv4Addr, server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((host, 0)).await?;
        let address = listener.local_addr()?;
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                lock(&shared).connections += 1;
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    // A client that goes away is no event.
                    let _ = serve(stream, server, &shared).await;
                });
            }
        });
        Ok(Self { address, state, task })
    }

    /// Fails from now on, after so many more requests were answered well.
    pub fn fail_after(&self, requests: usize, how: Failing) {
        let mut state = lock(&self.state);
        state.plan = Some((state.heard.len() + requests, how));
    }

    /// Fails from now on.
    pub fn fail(&self, how: Failing) {
        self.fail_after(0, how);
    }

    /// Connections so far, also those over which nothing was asked.
    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }

    /// Bytes of endless answers that were sent so far.
    pub fn sent(&self) -> usize {
        lock(&self.state).sent
    }

    /// Requests so far, in order.
    pub fn heard(&self) -> Vec<Heard> {
        lock(&self.state).heard.clone()
    }
}

/// An address where nobody listens, for as long as the socket lives.
pub fn nobody(host: Ipv4Addr) -> io::Result<(SocketAddr, TcpSocket)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((host, 0)))?;
    Ok((socket.local_addr()?, socket))
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One request of a connection. The connection ends with the answer: that keeps the count of requests plain.
async fn serve(mut stream: TcpStream, server: SocketAddr, state: &Mutex<State>) -> io::Result<()> {
    let Some(heard) = read(&mut stream).await? else { return Ok(()) };
    let how = {
        let mut state = lock(state);
        let how = state.plan.clone().filter(|(after, _)| state.heard.len() >= *after).map(|(_, how)| how);
        state.heard.push(heard.clone());
        how
    };
    match how {
        None => stream.write_all(&passed(&heard, server).await?.bytes()).await?,
        Some(Failing::Status(status, headers, body)) => {
            stream.write_all(&Passed::refusal(status, &headers, body).bytes()).await?;
        }
        Some(Failing::LoginPage) => stream.write_all(&Passed::login_page().bytes()).await?,
        Some(Failing::Silent) => silence(&mut stream).await,
        Some(Failing::HangUp) => {}
        Some(how) => {
            let mut passed = passed(&heard, server).await?;
            match how {
                Failing::Body(body) => passed.body = body.into(),
                Failing::WrongTypes => passed.twist(),
                Failing::Swollen(items) => passed.swell(items),
                Failing::Altered(alter) => alter(&heard, &mut passed),
                Failing::Cut => {
                    let whole = passed.bytes();
                    let half = whole.len() - passed.body.len().div_ceil(2).max(1).min(whole.len());
                    stream.write_all(&whole[..half]).await?;
                    return stream.shutdown().await;
                }
                Failing::Endless => {
                    stream.write_all(&passed.without_length()).await?;
                    loop {
                        stream.write_all(PIECE).await?;
                        lock(state).sent += PIECE.len();
                    }
                }
                Failing::Trickle(pause) => {
                    passed.body.clear();
                    stream.write_all(&passed.without_length()).await?;
                    loop {
                        stream.write_all(b" ").await?;
                        tokio::time::sleep(pause).await;
                    }
                }
                Failing::Slow(time) => tokio::time::sleep(time).await,
                Failing::Status(..) | Failing::LoginPage | Failing::Silent | Failing::HangUp => {}
            }
            stream.write_all(&passed.bytes()).await?;
        }
    }
    stream.shutdown().await
}

/// Says nothing until the client goes away.
async fn silence(stream: &mut TcpStream) {
    let mut rest = [0; 1024];
    while matches!(stream.read(&mut rest).await, Ok(read) if read > 0) {}
}

async fn read(stream: &mut TcpStream) -> io::Result<Option<Heard>> {
    let mut bytes = Vec::new();
    let head_ends = loop {
        if bytes.first().is_some_and(|first: &u8| !first.is_ascii_alphabetic()) {
            // A client that begins with TLS; web servers answer it so.
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
            return Ok(None);
        }
        if let Some(place) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            break place + 4;
        }
        if bytes.len() > MOST_BYTES || stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_ends]).into_owned();
    let length = answer::header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0_usize);
    let mut body = bytes.split_off(head_ends);
    while body.len() < length.min(MOST_BYTES) {
        if stream.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    let mut line = head.lines().next().unwrap_or_default().split(' ');
    let mut word = || line.next().unwrap_or_default().to_owned();
    Ok(Some(Heard { method: word(), target: word(), head, body }))
}

/// Asks the server behind. As HTTP/1.0, so that the answer ends with the connection.
async fn passed(heard: &Heard, server: SocketAddr) -> io::Result<Passed> {
    let mut stream = TcpStream::connect(server).await?;
    let mut head = format!("{} {} HTTP/1.0\r\n", heard.method, heard.target);
    for line in heard.head.lines().skip(1).filter(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default();
        if !["connection", "accept-encoding"].iter().any(|own| name.eq_ignore_ascii_case(own)) {
            head.push_str(line);
            head.push_str("\r\n");
        }
    }
    head.push_str("connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&heard.body).await?;
    let mut bytes = Vec::new();
    stream.take(MOST_BYTES as u64).read_to_end(&mut bytes).await?;
    Passed::read(&bytes).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}
