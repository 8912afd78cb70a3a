//! The simulators. Each answers a request from generated data as the real server would; [`host`] puts them on a
//! socket, checks credentials, plays faults and keeps a record.

pub(crate) mod alertmanager;
pub(crate) mod exchange;
pub(crate) mod fault;
pub(crate) mod grafana;
pub(crate) mod host;
pub(crate) mod loki;
pub(crate) mod matcher;
pub(crate) mod prometheus;
pub(crate) mod record;
pub(crate) mod rules;
pub(crate) mod tempo;
pub(crate) mod time;

use std::sync::Arc;

use self::alertmanager::Alertmanager;
use self::exchange::{Call, Reply};
use self::grafana::Grafana;
use crate::data::DataPool;
use crate::scenario::AlertRule;

/// What stands behind a socket.
#[derive(Debug)]
pub(crate) enum Backend {
    Grafana(Grafana),
    Prometheus(Arc<DataPool>, Vec<AlertRule>),
    Loki(Arc<DataPool>),
    Tempo(Arc<DataPool>),
    Alertmanager(Alertmanager),
}

impl Backend {
    pub(crate) fn answer(&self, call: &Call) -> Reply {
        match self {
            Self::Grafana(grafana) => grafana.answer(call),
            Self::Prometheus(pool, rules) => prometheus::answer(pool, rules, call),
            Self::Loki(pool) => loki::answer(pool, call),
            Self::Tempo(pool) => tempo::answer(pool, call),
            Self::Alertmanager(alertmanager) => alertmanager.answer(call),
        }
    }
}
