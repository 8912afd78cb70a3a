//! A small world to investigate: a window, a service, and everything that back ends would answer about it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use opensre_investigation::{Diagnosis, diagnose};
use opensre_model::alert::{Alert, AlertFormat, AlertItem, AlertState, Labels, References};
use opensre_model::evidence::{
    Event, EventKind, Evidence, EvidenceData, Gap, GapKind, LogLine, Meaning, Origin, ResourceState, Series, Span,
    Threshold,
};
use opensre_model::window::Window;

/// A small generator of pseudo-random numbers (splitmix64), so that a seed gives the same world everywhere.
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, limit: u64) -> i64 {
        (self.next() % limit).cast_signed()
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Roughly normal, mean 0, standard deviation 1.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[(self.next() % from.len() as u64) as usize]
    }

    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }
}

pub(crate) fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

/// The world.
pub(crate) struct World {
    pub(crate) window: Window,
    pub(crate) alert: Alert,
    pub(crate) service: String,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) dice: Dice,
}

impl World {
    /// A world with an alert that fires for a service, and nothing gathered yet.
    pub(crate) fn new(title: &str, service: &str, seed: u64) -> Self {
        let onset: Timestamp = "2026-03-14T10:00:00Z".parse().expect("constant");
        let window = Window::around(Some(onset), None, onset + minutes(40), None);
        let all = labels(&[("alertname", title), ("service", service), ("namespace", "shop"), ("env", "prod")]);
        let alert = Alert {
            format: AlertFormat::Alertmanager,
            title: title.to_owned(),
            state: AlertState::Firing,
            severity: Some("critical".to_owned()),
            starts_at: Some(onset),
            ends_at: None,
            labels: all.clone(),
            label_paths: Labels::new(),
            annotations: Labels::new(),
            items: vec![AlertItem { labels: all, starts_at: Some(onset), ..AlertItem::default() }],
            hints: Vec::new(),
            urls: Vec::new(),
            identifiers: Vec::new(),
            references: References::default(),
            text: String::new(),
            oddities: Vec::new(),
        };
        Self {
            window,
            alert,
            service: service.to_owned(),
            evidence: Vec::new(),
            gaps: Vec::new(),
            dice: Dice::new(seed),
        }
    }

    /// A time relative to the alert's onset.
    pub(crate) fn at(&self, minute: i64) -> Timestamp {
        self.window.onset + minutes(minute)
    }

    pub(crate) fn own(&self) -> Labels {
        labels(&[("service", &self.service), ("namespace", "shop"), ("env", "prod")])
    }

    pub(crate) fn diagnose(&self) -> Diagnosis {
        diagnose(&self.alert, self.window, &self.evidence, &self.gaps)
    }

    pub(crate) fn add(&mut self, operation: &str, query: &str, data: EvidenceData) {
        self.evidence.push(Evidence {
            origin: Origin {
                service: "grafana".to_owned(),
                instance: "prod".to_owned(),
                datasource: None,
                operation: operation.to_owned(),
                query: query.to_owned(),
                window: self.window,
                link: None,
            },
            summary: format!("{operation} answered"),
            truncated: None,
            data,
        });
    }

    /// A series of one value a minute.
    pub(crate) fn points(&mut self, mut value: impl FnMut(Timestamp, &mut Dice) -> f64) -> Vec<(Timestamp, f64)> {
        let mut time = self.window.baseline_start;
        let mut points = Vec::new();
        while time <= self.window.end {
            points.push((time, value(time, &mut self.dice)));
            time += minutes(1);
        }
        points
    }

    /// A noisy series at `usual` that goes to `bad` from `from` until `until` (minutes from the onset).
    pub(crate) fn step(&mut self, usual: f64, bad: f64, from: i64, until: Option<i64>) -> Vec<(Timestamp, f64)> {
        let start = self.at(from);
        let end = until.map(|until| self.at(until));
        self.points(|time, dice| {
            let level = if time >= start && end.is_none_or(|end| time < end) { bad } else { usual };
            (level * (1.0 + 0.06 * dice.normal())).max(0.0)
        })
    }

    pub(crate) fn metric(&mut self, meaning: Meaning, unit: &str, of: Labels, points: Vec<(Timestamp, f64)>) {
        let data = EvidenceData::Metrics {
            meaning,
            unit: Some(unit.to_owned()),
            threshold: None,
            series: vec![Series { labels: of, points }],
        };
        self.add("metrics.related", &format!("query of {meaning:?}"), data);
    }

    /// The alert's own expression with its threshold.
    pub(crate) fn condition(&mut self, above: f64, points: Vec<(Timestamp, f64)>) {
        let data = EvidenceData::Metrics {
            meaning: Meaning::AlertCondition,
            unit: None,
            threshold: Some(Threshold { value: above, above: true }),
            series: vec![Series { labels: self.own(), points }],
        };
        self.add("alert-rule", "rule expression", data);
    }

    /// Log lines of a service: chatter all the time, `extra` lines besides.
    pub(crate) fn logs(&mut self, of: &Labels, extra: Vec<(Timestamp, Option<&str>, String)>) {
        const CHATTER: &[&str] = &[
            "GET /cart 200 12ms user=8f14e45f",
            "processed 42 items in 18 ms",
            "cache hit ratio 0.93",
            "checkpoint complete: wrote 812 buffers (0.5%)",
            "health check ok",
            "retrying request 17, succeeded after 1 attempt",
        ];
        let mut lines = Vec::new();
        let mut time = self.window.baseline_start;
        while time <= self.window.end {
            lines.push(LogLine {
                time: time + SignedDuration::from_secs(self.dice.below(50)),
                level: Some("info".to_owned()),
                message: self.dice.pick(CHATTER).to_owned(),
                labels: of.clone(),
            });
            time += minutes(1);
        }
        lines.extend(extra.into_iter().map(|(time, level, message)| LogLine {
            time,
            level: level.map(str::to_owned),
            message,
            labels: of.clone(),
        }));
        lines.sort_by(|a, b| (a.time, &a.message).cmp(&(b.time, &b.message)));
        self.add("logs.related", "logs of the service", EvidenceData::Logs { lines });
    }

    /// A line that comes again and again between two minutes, `per_minute` times each.
    pub(crate) fn repeated(
        &mut self,
        from: i64,
        until: i64,
        per_minute: usize,
        level: Option<&'static str>,
        message: impl Fn(u64) -> String,
    ) -> Vec<(Timestamp, Option<&'static str>, String)> {
        let mut lines = Vec::new();
        for minute in from..until {
            for _ in 0..per_minute {
                let offset = SignedDuration::from_secs(self.dice.below(60));
                let salt = self.dice.next();
                lines.push((self.at(minute) + offset, level, message(salt)));
            }
        }
        lines
    }

    pub(crate) fn event(&mut self, kind: EventKind, minute: i64, title: &str, of: Labels) {
        let event = Event { time: self.at(minute), kind, title: title.to_owned(), text: String::new(), labels: of };
        self.add(&format!("events {title}"), "annotations", EvidenceData::Events { events: vec![event] });
    }

    pub(crate) fn state(&mut self, kind: &str, name: &str, healthy: bool, attributes: &[(&str, &str)]) {
        let state = ResourceState {
            kind: kind.to_owned(),
            name: name.to_owned(),
            observed_at: self.window.end,
            healthy: Some(healthy),
            attributes: labels(attributes),
        };
        self.add(&format!("states {kind}"), "states", EvidenceData::States { states: vec![state] });
    }

    /// Traces of requests through `path` (front first); from minute `from` on, the last of the path fails with
    /// `message`.
    pub(crate) fn traces(&mut self, path: &[&str], from: i64, message: &str) {
        let mut spans = Vec::new();
        for minute in -40..30 {
            let trace_id = format!("{:032x}", self.dice.next());
            let fails = minute >= from && self.dice.chance(0.9);
            let mut parent: Option<String> = None;
            for (depth, service) in path.iter().enumerate() {
                let span_id = format!("{:016x}", self.dice.next());
                let last = depth + 1 == path.len();
                spans.push(Span {
                    trace_id: trace_id.clone(),
                    span_id: span_id.clone(),
                    parent_id: parent.take(),
                    service: (*service).to_owned(),
                    name: format!("{service}.handle"),
                    start: self.at(minute),
                    duration_ms: 40.0 - depth as f64,
                    error: fails,
                    message: if fails && last { message.to_owned() } else { String::new() },
                    attributes: BTreeMap::new(),
                });
                parent = Some(span_id);
            }
        }
        self.add("traces.search", "traces of the service", EvidenceData::Spans { spans });
    }

    pub(crate) fn gap(&mut self, operation: &str, kind: GapKind) {
        self.gaps.push(Gap {
            service: "grafana".to_owned(),
            instance: Some("prod".to_owned()),
            operation: Some(operation.to_owned()),
            kind,
            reason: "HTTP 403: permission denied".to_owned(),
            hint: None,
        });
    }

    /// Things that go on in every system and mean nothing: another service's deployment and its errors, failures that
    /// were always there, a daily wave.
    pub(crate) fn noise(&mut self, other: &str) {
        let minute = -(self.dice.between(2.0, 25.0) as i64);
        self.event(EventKind::Deploy, minute, &format!("Deploy {other} v3.1.4"), labels(&[("service", other)]));
        let of = labels(&[("service", other), ("namespace", "shop"), ("env", "prod")]);
        let level = self.dice.between(20.0, 200.0);
        let points = self.points(|time, dice| {
            let phase = time.as_second() as f64 / 43_200.0 * std::f64::consts::TAU;
            level * (1.0 + 0.4 * phase.sin()) * (1.0 + 0.03 * dice.normal())
        });
        self.metric(Meaning::Traffic, "per_second", of.clone(), points);
        let lines = self.repeated(-90, 30, 1, Some("error"), |salt| {
            format!("could not load avatar {salt:016x}: FileNotFoundError: no such key")
        });
        self.logs(&of, lines);
        let own = self.own();
        let old = self.repeated(-85, 30, 1, Some("warn"), |salt| {
            format!("slow consumer detected, request {salt:x} timed out after 5000 ms")
        });
        self.logs(&own, old);
    }
}
