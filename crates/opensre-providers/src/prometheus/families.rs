//! What is generally known about metrics: which ones say something about a failing service, and how they are asked.
//!
//! The rules go by what names say, as the Prometheus documentation ("Metric and label naming") and OpenTelemetry's
//! semantic conventions have them; metrics of fixed names are in the tables of `known`. Only metrics that are there
//! are asked for.

use std::collections::{BTreeMap, BTreeSet};

use opensre_model::evidence::Meaning;

use super::known::{KNOWN, Known, RUNTIME};
use super::outcome;
use super::promql::{Matcher, Selector, label_name};

/// A metric that is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The labels that some of its series have.
    pub labels: BTreeSet<String>,
    /// Values of those labels that tell how a request ended, by label.
    pub outcomes: BTreeMap<String, BTreeSet<String>>,
    /// Finds its series of what the alert is about.
    pub selector: Selector,
    /// Labels that its series are kept apart by.
    pub grouping: Vec<String>,
}

/// The metrics that are there, by name.
pub type Inventory = BTreeMap<String, Found>;

/// One query to ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// What it shows, in words: `share of failed requests (http_requests_total)`.
    pub title: String,
    /// What it measures.
    pub meaning: Meaning,
    /// Its unit.
    pub unit: Option<&'static str>,
    /// The PromQL.
    pub query: String,
    /// The metrics that it covers.
    pub covers: Vec<String>,
}

/// Most queries of one kind: failures of requests, latencies.
const MOST_ALIKE: usize = 3;

/// Plans the queries, in order of what they tell: how requests fare, what is known by name, what a name's shape says,
/// what the alert's own words name, runtimes. `rate_range` is the range of a rate (`2m`).
pub fn plan(inventory: &Inventory, alert_words: &BTreeSet<String>, rate_range: &str) -> Vec<Planned> {
    let mut planner = Planner { inventory, range: rate_range, covered: BTreeSet::new(), planned: Vec::new() };
    planner.requests();
    for known in KNOWN {
        planner.known(known);
    }
    planner.by_shape();
    planner.by_words(alert_words);
    for known in RUNTIME {
        planner.known(known);
    }
    planner.planned
}

struct Planner<'a> {
    inventory: &'a Inventory,
    range: &'a str,
    covered: BTreeSet<String>,
    planned: Vec<Planned>,
}

impl<'a> Planner<'a> {
    fn push(
        &mut self,
        title: String,
        meaning: Meaning,
        unit: Option<&'static str>,
        query: String,
        covers: Vec<String>,
    ) {
        self.covered.extend(covers.iter().cloned());
        self.planned.push(Planned { title, meaning, unit, query, covers });
    }

    /// `sum by (...) (rate(metric{...}[range]))`
    fn rate(&self, found: &Found, selector: &Selector) -> String {
        format!("sum by ({}) (rate({selector}[{}]))", group(found, &[]), self.range)
    }

    /// Failures, latency and traffic of whatever counts requests.
    fn requests(&mut self) {
        // What a service is asked tells more than what it asks others, and both more than its runtime; a counter is
        // as good as the histogram that counts the same.
        let order = |name: &&String| (is_internal(name), is_outgoing(name), name.ends_with("_count"), (*name).clone());
        let sorted = |fits: fn(&str) -> bool| {
            let mut names: Vec<&'a String> = self.inventory.keys().filter(|name| fits(name)).collect();
            names.sort_by_key(order);
            names
        };
        let (counted, timed) = (sorted(counts_requests), sorted(measures_latency));
        let mut kinds = BTreeSet::new();
        let with_outcome = counted.iter().filter_map(|name| {
            let found = &self.inventory[*name];
            let failed = outcome::failed(&found.outcomes)?;
            let first = kinds.insert(is_outgoing(name));
            (first || !name.ends_with("_count")).then_some((*name, failed))
        });
        for (name, failed) in with_outcome.take(MOST_ALIKE).collect::<Vec<_>>() {
            let found = &self.inventory[name];
            let total = self.rate(found, &found.selector.of(name));
            let failed = self.rate(found, &found.selector.of(name).and(failed));
            let what = if is_outgoing(name) { "calls" } else { "requests" };
            // No failure at all has no series; then the share is zero, not unknown.
            let query = format!("({failed} or 0 * {total}) / {total}");
            self.push(
                format!("share of failed {what} ({name})"),
                Meaning::Errors,
                Some("ratio"),
                query,
                vec![name.clone()],
            );
        }
        for name in timed.into_iter().take(MOST_ALIKE) {
            self.latency(name);
        }
        if let Some(name) = counted.first() {
            let found = &self.inventory[*name];
            let query = self.rate(found, &found.selector.of(name));
            let title = format!("requests per second ({name})");
            self.push(title, Meaning::Traffic, Some("per_second"), query, vec![(*name).clone()]);
        }
    }

    /// The 99th percentile of a histogram.
    fn latency(&mut self, bucket: &str) {
        let Some(base) = bucket.strip_suffix("_bucket") else { return };
        let Some(found) = self.inventory.get(bucket).filter(|found| found.labels.contains("le")) else { return };
        let by = group(found, &["le"]);
        let query =
            format!("histogram_quantile(0.99, sum by ({by}) (rate({}[{}])))", found.selector.of(bucket), self.range);
        let covers = [bucket.to_owned(), format!("{base}_count"), format!("{base}_sum")];
        let covers = covers.into_iter().filter(|name| self.inventory.contains_key(name)).collect();
        self.push(format!("99th percentile of {base}"), Meaning::Latency, unit_of(base), query, covers);
    }

    fn known(&mut self, known: &Known) {
        let found: Vec<&Found> = known.metrics.iter().filter_map(|name| self.inventory.get(*name)).collect();
        let (true, Some(first)) = (found.len() == known.metrics.len(), found.first()) else { return };
        if !known.besides && self.covered.contains(known.metrics[0]) {
            return;
        }
        // Both sides of a division are kept apart by what both have.
        let all_have = |label: &str| found.iter().all(|one| one.labels.contains(label));
        let apart: Vec<&str> = known.apart.iter().copied().filter(|label| all_have(label)).collect();
        let mut shared = (*first).clone();
        shared.grouping.retain(|label| all_have(label));
        let selector = |position: usize| {
            let only =
                known.only.iter().filter(|(of, label, ..)| *of == position && found[position].labels.contains(*label));
            let matchers = only.map(|(_, label, compare, value)| Matcher::new(*label, *compare, *value));
            matchers.fold(found[position].selector.of(known.metrics[position]), Selector::and).to_string()
        };
        let query = fill(known.query, |place| match place {
            'R' => Some(self.range.to_owned()),
            'G' => Some(group(&shared, &apart)),
            'O' => Some(matched_on(&found)),
            digit => digit.to_digit(10).map(|position| selector(position as usize)),
        });
        let covers = known.metrics.iter().map(|name| (*name).to_owned()).collect();
        self.push(format!("{} ({})", known.title, known.metrics[0]), known.meaning, known.unit, query, covers);
        self.covered.extend(known.instead_of.iter().map(|name| (*name).to_owned()));
    }

    /// Failure counters, pools with a limit, queues: by what their names say.
    fn by_shape(&mut self) {
        for (name, found) in self.inventory {
            if self.covered.contains(name) || is_internal(name) || is_bookkeeping(name) {
                continue;
            }
            let selector = found.selector.of(name);
            let covers = vec![name.clone()];
            if is_counter(name) && says(name, FAILURE_WORDS) {
                let query = self.rate(found, &selector);
                self.push(format!("failures per second ({name})"), Meaning::Errors, Some("per_second"), query, covers);
            } else if is_counter(name) || name.ends_with("_bucket") || says(name, LIMIT_WORDS) {
                // Neither a use nor a queue.
            } else if says(name, POOL_WORDS) && says(name, USED_WORDS) {
                match self.limit_of(name) {
                    Some(limit) => {
                        let other = &self.inventory[&limit];
                        let on = matched_on(&[found, other]);
                        let query = format!("{selector} /{on} ({} > 0)", other.selector.of(&limit));
                        let title = format!("use of a pool ({name}, of {limit})");
                        self.push(title, Meaning::Pool, Some("ratio"), query, vec![name.clone(), limit]);
                    }
                    None => {
                        self.push(format!("use of a pool ({name})"), Meaning::Pool, None, selector.to_string(), covers);
                    }
                }
            } else if says(name, QUEUE_WORDS) {
                let title = format!("waiting in a queue ({name})");
                self.push(title, Meaning::Pool, None, selector.to_string(), covers);
            }
        }
    }

    /// The metric that limits another: the same words, with one for a limit in the place of one for use.
    fn limit_of(&self, used: &str) -> Option<String> {
        let core = |name: &str, without: &[&str]| -> Vec<String> {
            name.split('_').filter(|word| !without.contains(word)).map(str::to_owned).collect()
        };
        let wanted = core(used, USED_WORDS);
        let limits = self.inventory.keys().filter(|name| says(name, LIMIT_WORDS) && !is_counter(name));
        let fitting = limits.filter_map(|name| {
            let core = core(name, LIMIT_WORDS);
            let fits = core == wanted || (core.len() >= 2 && core.iter().all(|word| wanted.contains(word)));
            fits.then_some((core.len(), name))
        });
        fitting.max_by(|(a, one), (b, other)| a.cmp(b).then_with(|| other.cmp(one))).map(|(_, name)| name.clone())
    }

    /// Metrics whose names share a telling word with the alert's name or its labels.
    fn by_words(&mut self, alert_words: &BTreeSet<String>) {
        let mut left: Vec<(usize, &String)> = self
            .inventory
            .keys()
            .filter(|name| !self.covered.contains(*name) && !is_bookkeeping(name))
            .map(|name| (name.split(['_', ':']).filter(|word| alert_words.contains(*word)).count(), name))
            .filter(|(shared, _)| *shared > 0)
            .collect();
        left.sort_by_key(|(shared, name)| (std::cmp::Reverse(*shared), name.as_str()));
        for (_, name) in left.into_iter().take(MOST_BY_WORDS) {
            let found = &self.inventory[name];
            let selector = found.selector.of(name);
            if name.ends_with("_bucket") {
                self.latency(name);
            } else if is_counter(name) {
                let query = self.rate(found, &selector);
                self.push(format!("{name} per second"), Meaning::Other, Some("per_second"), query, vec![name.clone()]);
            } else {
                let query = selector.to_string();
                self.push(name.clone(), Meaning::Other, unit_of(name), query, vec![name.clone()]);
            }
        }
    }
}

/// Most metrics that are asked for only since the alert shares a word with them.
const MOST_BY_WORDS: usize = 4;

const FAILURE_WORDS: &[&str] = &[
    "error",
    "errors",
    "failure",
    "failures",
    "failed",
    "exception",
    "exceptions",
    "dropped",
    "rejected",
    "rejections",
    "timeouts",
    "retries",
    "panics",
    "crashes",
    "aborted",
    "deadlocks",
    "conflicts",
    "discarded",
];
const POOL_WORDS: &[&str] = &[
    "connection",
    "connections",
    "pool",
    "threads",
    "workers",
    "executor",
    "sessions",
    "slots",
    "semaphore",
    "permits",
    "client",
    "clients",
];
const USED_WORDS: &[&str] =
    &["active", "used", "usage", "busy", "open", "use", "in", "current", "borrowed", "connected"];
const LIMIT_WORDS: &[&str] = &["max", "limit", "maximum", "capacity", "size", "maxclients"];
const QUEUE_WORDS: &[&str] =
    &["queue", "queued", "pending", "backlog", "lag", "waiting", "depth", "unacked", "inflight", "outstanding"];
const REQUEST_WORDS: &[&str] = &[
    "request",
    "requests",
    "response",
    "responses",
    "call",
    "calls",
    "rpc",
    "rpcs",
    "handled",
    "queries",
    "operations",
    "invocations",
    "messages",
    "jobs",
    "tasks",
    "transactions",
];
const OUTGOING_WORDS: &[&str] = &["client", "upstream", "outgoing", "outbound", "egress"];
const DURATION_WORDS: &[&str] = &["duration", "latency", "time", "rt", "elapsed", "seconds", "milliseconds"];

fn says(name: &str, words: &[&str]) -> bool {
    name.split(['_', ':']).any(|word| words.contains(&word))
}

fn counts_requests(name: &str) -> bool {
    is_counter(name) && says(name, REQUEST_WORDS) && !says(name, FAILURE_WORDS)
        || name.ends_with("_count") && says(name, REQUEST_WORDS) && says(name, DURATION_WORDS)
}

fn measures_latency(name: &str) -> bool {
    name.ends_with("_bucket") && says(name, DURATION_WORDS)
}

fn is_outgoing(name: &str) -> bool {
    says(name, OUTGOING_WORDS)
}

/// Histograms of runtimes and of the scraping itself, not of anybody's requests.
fn is_internal(name: &str) -> bool {
    ["go_", "promhttp_", "prometheus_", "jvm_", "python_gc", "nodejs_", "dotnet_", "rest_client_", "workqueue_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

fn is_counter(name: &str) -> bool {
    // Two that are older than the convention.
    name.ends_with("_total") || matches!(name, "nginx_ingress_controller_requests" | "envoy_cluster_upstream_rq")
}

/// Series about series: when they began, and constants.
fn is_bookkeeping(name: &str) -> bool {
    name.ends_with("_created") || name.ends_with("_info") || matches!(name, "ALERTS" | "ALERTS_FOR_STATE")
}

/// The labels that both sides of a division have, where one side has more; nothing where they have the same.
fn matched_on(sides: &[&Found]) -> String {
    let mut rest = sides.iter().map(|side| &side.labels);
    let Some(first) = rest.next() else { return String::new() };
    if sides.iter().all(|side| side.labels == *first) {
        return String::new();
    }
    let shared = rest.fold(first.clone(), |shared, labels| shared.intersection(labels).cloned().collect());
    format!(" on ({})", shared.iter().map(|label| label_name(label)).collect::<Vec<_>>().join(", "))
}

/// Fills the places (`$R`, `$0`) of a template. What is filled in is not looked at again: it may hold a `$`.
fn fill(template: &str, value: impl Fn(char) -> Option<String>) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template.chars();
    while let Some(c) = rest.next() {
        match (c, rest.clone().next()) {
            ('$', Some(place)) => match value(place) {
                Some(text) => {
                    filled.push_str(&text);
                    rest.next();
                }
                None => filled.push(c),
            },
            _ => filled.push(c),
        }
    }
    filled
}

/// The unit that a metric's name ends in.
fn unit_of(name: &str) -> Option<&'static str> {
    let name = name.trim_end_matches("_total");
    const UNITS: &[(&str, &str)] = &[
        ("_seconds", "seconds"),
        ("_milliseconds", "milliseconds"),
        ("_ms", "milliseconds"),
        ("_bytes", "bytes"),
        ("_ratio", "ratio"),
        ("_percent", "percent"),
        ("_celsius", "celsius"),
    ];
    UNITS.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, unit)| *unit)
}

/// The labels of a `by` clause, each once.
fn group(found: &Found, also: &[&str]) -> String {
    let mut labels: Vec<&str> = Vec::new();
    for label in found.grouping.iter().map(String::as_str).chain(also.iter().copied()) {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    labels.into_iter().map(label_name).collect::<Vec<_>>().join(", ")
}
