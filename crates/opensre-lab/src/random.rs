//! Reproducible randomness: the same seed gives the same numbers on every machine.
//!
//! Not for anything secret. Values are drawn by key as well as in sequence, so that a sample does not depend on
//! how much history was generated before it.

/// A small generator (SplitMix64) that passes the usual statistical tests and needs one word of state.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A generator for one thing among many, for example sample number `key` of a series.
    pub(crate) fn keyed(seed: u64, key: u64) -> Self {
        let mut random = Self::new(seed ^ key.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.next_u64();
        random
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `0..bound`; 0 when the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next_u64() % bound }
    }

    /// Close to a normal distribution with mean 0 and deviation 1, without `ln` or `cos`, whose last bit differs
    /// between platforms (a sum of twelve uniform numbers, so never beyond 6).
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// FNV-1a over byte strings with a separator that no UTF-8 text contains; the hash Prometheus uses for fingerprints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn with(mut self, part: &str) -> Self {
        for byte in part.bytes().chain(std::iter::once(0xff)) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self
    }

    pub(crate) fn value(self) -> u64 {
        self.0
    }
}

/// The seed of one thing, named by its path (scenario, backend, series ...).
pub(crate) fn seed(parts: &[&str]) -> u64 {
    parts.iter().fold(Fingerprint::new(), |hash, part| hash.with(part)).value()
}
