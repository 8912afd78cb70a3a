//! Answers that several callers share: what is asked of the same endpoint with the same credentials at the same
//! time, or again soon after, is asked once.
//!
//! A failure is told to those who wait for it and then forgotten, so that the next caller asks again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use crate::failure::HttpFailure;
use crate::reply::Reply;

/// What tells calls apart: the endpoint (credentials included), the size limit and the URL.
pub(crate) type Key = ([u8; 32], usize, String);
type Outcome = Result<Reply, HttpFailure>;
pub(crate) type Pending = Shared<BoxFuture<'static, Outcome>>;

/// Answers that are kept at a time; the oldest go first.
const KEPT: usize = 256;

#[derive(Default)]
pub(crate) struct Memo {
    slots: Mutex<HashMap<Key, Slot>>,
}

struct Slot {
    pending: Pending,
    asked: Instant,
}

impl Memo {
    /// The call of this key that is under way, or was answered less than `fresh` ago; else the one that `ask` makes.
    /// Also whether it is the caller's own.
    pub(crate) fn join(
        &self,
        key: Key,
        fresh: Duration,
        ask: impl FnOnce() -> BoxFuture<'static, Outcome>,
    ) -> (Pending, bool) {
        let now = Instant::now();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&key) {
            let under_way = slot.pending.peek().is_none();
            let answered = matches!(slot.pending.peek(), Some(Ok(_)));
            if under_way || (answered && now.duration_since(slot.asked) < fresh) {
                return (slot.pending.clone(), false);
            }
        }
        if slots.len() >= KEPT
            && let Some(oldest) = slots.iter().min_by_key(|(_, slot)| slot.asked).map(|(key, _)| key.clone())
        {
            slots.remove(&oldest);
        }
        let pending = ask().shared();
        slots.insert(key, Slot { pending: pending.clone(), asked: now });
        (pending, true)
    }
}
