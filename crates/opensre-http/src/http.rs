//! The shared HTTP layer: limits, pools and the log of calls.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::Semaphore;
use url::Url;

use crate::client::Client;
use crate::endpoint::{Endpoint, host_and_port};
use crate::failure::HttpFailure;
use crate::log::{Call, CallLog, Tally};
use crate::memo::Memo;
use crate::transport;

/// Limits and habits of the HTTP layer.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Calls at a time to one host and port.
    pub per_host: usize,
    /// Calls at a time altogether.
    pub total: usize,
    /// Longest time to make a connection.
    pub connect_timeout: Duration,
    /// Longest time of one attempt, from sending it to the end of the answer.
    pub call_timeout: Duration,
    /// Most bytes of one answer, decompressed.
    pub max_bytes: usize,
    /// Most attempts per call.
    pub attempts: u32,
    /// The first wait between two attempts; it doubles, up to [`HttpOptions::longest_wait`]. `Retry-After` wins.
    pub first_wait: Duration,
    /// The longest wait between two attempts that is not the server's wish.
    pub longest_wait: Duration,
    /// Which proxies are used.
    pub proxies: Proxies,
    /// The clock: signatures hold the time.
    pub clock: fn() -> Timestamp,
}

/// Which proxies are used. A loopback host is never asked through one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Proxies {
    /// Those of `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    #[default]
    Environment,
    /// None.
    None,
    /// This one.
    Through(Url),
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            per_host: 8,
            total: 64,
            connect_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(30),
            max_bytes: 32 * 1024 * 1024,
            attempts: 3,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(5),
            proxies: Proxies::default(),
            clock: system_clock,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the default of an option that says which clock is read")]
fn system_clock() -> Timestamp {
    Timestamp::now()
}

/// The shared HTTP layer: one per process; cheap to clone.
#[derive(Clone)]
pub struct Http {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) options: HttpOptions,
    pub(crate) total: Semaphore,
    pub(crate) log: CallLog,
    pub(crate) memo: Memo,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    pools: Mutex<HashMap<[u8; 32], reqwest::Client>>,
}

impl Default for Http {
    fn default() -> Self {
        Self::new(HttpOptions::default())
    }
}

impl Http {
    /// A layer with these limits.
    pub fn new(options: HttpOptions) -> Self {
        let total = Semaphore::new(options.total.max(1));
        Self {
            shared: Arc::new(Shared {
                options,
                total,
                log: CallLog::default(),
                memo: Memo::default(),
                hosts: Mutex::default(),
                pools: Mutex::default(),
            }),
        }
    }

    /// A client that asks this endpoint and nothing else; every call ends at the deadline at the latest.
    ///
    /// Fails without any network traffic when the endpoint cannot be asked as it is configured. Reads the CA bundle
    /// and, for https, the system's certificates the first time: call it off the async threads.
    pub fn client(&self, endpoint: Endpoint, deadline: Instant) -> Result<Client, HttpFailure> {
        let headers = endpoint.header_map()?;
        let pool = self.pool(&endpoint)?;
        let gate = self.gate(&endpoint.base);
        Ok(Client::new(self.clone(), endpoint, headers, pool, gate, deadline))
    }

    /// The time by this layer's clock: when an answer without a time of its own was seen.
    pub fn now(&self) -> Timestamp {
        (self.shared.options.clock)()
    }

    /// The calls so far, in order of their end. Bounded; holds no credential.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.log.calls()
    }

    /// The totals so far, per instance address.
    pub fn tallies(&self) -> BTreeMap<String, Tally> {
        self.shared.log.tallies()
    }

    /// The connection pool of an endpoint: one per whole identity, credentials included, so that nothing is ever
    /// shared between two instances of the same host.
    fn pool(&self, endpoint: &Endpoint) -> Result<reqwest::Client, HttpFailure> {
        let identity = endpoint.identity();
        let known = self.shared.pools.lock().unwrap_or_else(PoisonError::into_inner).get(&identity).cloned();
        if let Some(pool) = known {
            return Ok(pool);
        }
        // Not under the lock: building may read files. Two builders of the same pool at once agree on the first.
        let built = transport::build(endpoint, &self.shared.options)?;
        let mut pools = self.shared.pools.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(pools.entry(identity).or_insert(built).clone())
    }

    /// The limit of calls at a time to one host and port, which all its instances share.
    fn gate(&self, base: &Url) -> Arc<Semaphore> {
        let mut hosts = self.shared.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let permits = self.shared.options.per_host.max(1);
        hosts.entry(host_and_port(base)).or_insert_with(|| Arc::new(Semaphore::new(permits))).clone()
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("options", &self.shared.options).finish_non_exhaustive()
    }
}
