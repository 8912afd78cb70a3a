//! Metrics whose names tell what breaks: a table, read from the top.
//!
//! Most metrics measure an effect (errors, latency) or a use; what moves them is open. These measure one mechanism and
//! nothing else, so that their movement, or an alert's own condition over them, tells it.

use std::sync::LazyLock;

use regex::Regex;

use super::Sign;
use super::pattern::compile;
use crate::mechanism::Mechanism as M;

/// A metric that tells a mechanism.
#[derive(Debug)]
pub struct Named {
    /// What it tells of.
    pub mechanism: M,
    /// What it says, as a phrase.
    pub means: &'static str,
    /// How far its movement carries: 0 to 1.
    pub weight: f64,
    /// Which movement is bad.
    pub bad: Bad,
    /// Its name, or a query over it, in lower case.
    pattern: &'static str,
}

/// Which movement of a metric is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// Away from its usual level, upwards.
    Rising,
    /// Away from its usual level, either way.
    Moving,
    /// Down to nothing.
    RunningOut,
    /// Known from an alert's condition alone: it goes down all the time, and only a threshold says when that is bad.
    ByCondition,
}

impl Named {
    /// What it is a sign of.
    pub fn sign(&self) -> Sign {
        Sign::Failure {
            mechanism: Some(self.mechanism),
            means: self.means,
            peer: None,
            what: None,
            line: None,
            weight: self.weight,
        }
    }
}

const fn row(mechanism: M, weight: f64, bad: Bad, means: &'static str, pattern: &'static str) -> Named {
    Named { mechanism, means, weight, bad, pattern }
}

static TABLE: &[Named] = &[
    row(M::Cpu, 0.75, Bad::RunningOut, "its CPU credits are used up", r"cpu_?credit_?balance"),
    row(M::Quota, 0.7, Bad::RunningOut, "its I/O credits are used up", r"burst_?balance|ebs_?(?:io|byte)_?balance"),
    row(M::Disk, 0.75, Bad::RunningOut, "no storage is left", r"free_?(?:local_?)?storage(?:_?space)?"),
    row(M::Memory, 0.6, Bad::RunningOut, "hardly any memory is left", r"freeable_?memory"),
    row(
        M::Quota,
        0.65,
        Bad::Rising,
        "calls are throttled",
        r"\bthrottles\b|throttled_?(?:requests|events|calls)|throughput_?exceeded|rate_?limited|quota_?exceeded|_429_|throttling_exceptions",
    ),
    row(M::Node, 0.75, Bad::Rising, "a status check of the machine fails", r"status_?check_?failed"),
    row(
        M::Clock,
        0.7,
        Bad::Moving,
        "the clock is off",
        r"timex_offset|clock_?skew|ntp_?offset|chrony\w*offset|timesync",
    ),
    row(M::Lock, 0.6, Bad::Rising, "deadlocks", r"deadlocks?\b|deadlocks?_total"),
    row(
        M::Lock,
        0.5,
        Bad::Rising,
        "waiting for locks",
        r"lock_?waits?\b|blocked_(?:sessions|queries|backends)|locks_waiting",
    ),
    row(
        M::Replication,
        0.65,
        Bad::Rising,
        "a replica is behind",
        r"replica(?:tion)?_?lag|seconds_?behind|replay_lag|slave_lag",
    ),
    row(M::Memory, 0.75, Bad::Rising, "killed for using too much memory", r"oom_(?:events|kill)"),
    row(M::Dns, 0.55, Bad::Rising, "names do not resolve", r"servfail|dns\w*_(?:failures|errors)"),
    row(
        M::Certificate,
        0.7,
        Bad::ByCondition,
        "the certificate is expired, or soon will be",
        r"cert\w*expir|expir\w*cert|cert\w*not_?after|cert\w*_valid|x509_cert",
    ),
    row(
        M::Quota,
        0.6,
        Bad::ByCondition,
        "a quota is used up",
        r"kube_resourcequota|service_?quota|quota_(?:used|usage)",
    ),
];

/// What a query over metrics tells of, if it is one of these.
pub fn find(query: &str) -> Option<&'static Named> {
    static ROWS: LazyLock<Vec<Regex>> =
        LazyLock::new(|| TABLE.iter().map(|row| compile(&format!("(?i){}", row.pattern))).collect());
    TABLE.iter().zip(ROWS.iter()).find(|(_, pattern)| pattern.is_match(query)).map(|(row, _)| row)
}
