//! What an alert is about, and how anything else relates to it: the same service, one that it depends on, or another.
//!
//! Labels decide, in the spellings of Prometheus, OpenTelemetry, Kubernetes and the clouds; names are
//! compared without environment words, ports, pod hashes and generic endings. Text only adds where labels are silent.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use opensre_model::alert::{Alert, Labels, standard_name};
use regex::Regex;

/// Labels that name a service, in the order in which they name it best: standard names ([`standard_name`] knows their
/// other spellings), and what is not standard but usual.
const SERVICE_LABELS: &[&str] = &[
    "service",
    "deployment",
    "statefulset",
    "k8s_statefulset_name",
    "daemonset",
    "k8s_daemonset_name",
    "workload",
    "component",
    "container",
    "pod",
    "functionname",
    "function_name",
    "dbinstanceidentifier",
    "dag_id",
    "job",
];

/// How many of [`SERVICE_LABELS`] name the service outright: where both sides have one of these, it alone decides.
const OUTRIGHT: usize = 1;

/// Labels that name a machine.
const HOST_LABELS: &[&str] = &["node", "nodename", "k8s_node_name", "kube_node", "instance"];

/// Labels that name a database inside of a server.
const DATABASE_LABELS: &[&str] = &["datname", "database", "dbname", "db_name", "db_namespace"];

/// Words of names that are those of database servers.
const DATABASES: &[&str] = &["postgres", "postgresql", "pg", "db", "database", "mysql", "mariadb", "sql", "pgbouncer"];

/// Labels that tell two places with the same service apart.
const SCOPE_LABELS: &[&str] = &["env", "cluster", "namespace", "region"];

/// Values of such labels that name the collector, not the service.
const COLLECTORS: &[&str] = &[
    "node",
    "node-exporter",
    "node_exporter",
    "prometheus",
    "cadvisor",
    "kubelet",
    "kube-state-metrics",
    "kubernetes-pods",
    "kubernetes-nodes",
    "kubernetes-service-endpoints",
    "kubernetes-apiservers",
    "blackbox",
    "blackbox-exporter",
    "pod",
    "grafana",
    "alertmanager",
    "otel-collector",
    "istio-proxy",
    "envoy",
    "linkerd-proxy",
    "systemd-journal",
    "systemd",
    "journald",
    "journal",
    "syslog",
    "kernel",
    "varlogs",
    "promtail",
    "alloy",
    "fluent-bit",
];

/// Words that say what kind of thing a name names, or where it runs, but not which.
const GENERIC: &[&str] = &[
    "service",
    "svc",
    "server",
    "app",
    "api",
    "deployment",
    "deploy",
    "prod",
    "production",
    "staging",
    "stage",
    "dev",
    "default",
    "local",
    "cluster",
];

/// How something relates to what the alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// It carries the alert's own service (or host).
    Same,
    /// It is something that the alert's service was seen to call, or a part of it.
    Linked,
    /// It does not say what it is about.
    Unknown,
    /// It is about something else.
    Other,
}

impl Relation {
    /// How much a sign with this relation counts.
    pub fn weight(self) -> f64 {
        match self {
            Self::Same => 1.0,
            Self::Linked => 0.85,
            Self::Unknown => 0.75,
            Self::Other => 0.15,
        }
    }
}

/// What an alert is about.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// Names of the service, best first, as written.
    names: Vec<String>,
    keys: BTreeSet<Name>,
    outright: BTreeSet<Name>,
    hosts: BTreeSet<String>,
    scopes: Vec<(usize, String)>,
    databases: BTreeSet<String>,
    /// Title and text of the alert, lower-cased: for evidence whose labels the alert's do not speak of.
    text: String,
}

/// A service's name, cut into the words that identify it. Two names are the same when these words are.
#[derive(Debug, Clone)]
pub struct Name {
    /// The words without the generic ones.
    specific: Vec<String>,
    /// All words.
    words: Vec<String>,
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.specific == other.specific
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.specific.cmp(&other.specific)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.specific.join("-"))
    }
}

impl Name {
    /// Reads a written name; `None` when nothing in it identifies anything.
    pub fn parse(written: &str) -> Option<Self> {
        static POD: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"^(.+?)(?:-[a-f0-9]{6,10})?-(?:[bcdfghjklmnpqrstvwxz2456789]{5}|\d{1,3})$").expect("constant")
        });
        let lower = written.trim().to_lowercase();
        // `namespace/service` and `redis sessions` are known by what comes last.
        let lower = lower.rsplit(['/', ' ']).next().unwrap_or_default();
        let host = lower.split(':').next().unwrap_or_default();
        if host.is_empty() || COLLECTORS.contains(&host) || host.parse::<std::net::IpAddr>().is_ok() {
            return None;
        }
        // A DNS name is known by its first label: `payments.shop.svc.cluster.local`.
        let first = host.split('.').next().unwrap_or_default();
        let bare = POD.captures(first).and_then(|found| found.get(1)).map_or(first, |found| found.as_str());
        let words: Vec<String> = bare.split(['-', '_']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let mut specific: Vec<String> =
            words.iter().filter(|word| !GENERIC.contains(&word.as_str())).cloned().collect();
        if specific.is_empty() {
            specific.clone_from(&words);
        }
        (!words.is_empty()).then_some(Self { specific, words })
    }

    fn is_generic(&self) -> bool {
        self.specific.iter().all(|word| GENERIC.contains(&word.as_str()))
    }

    /// Whether one name is the other with more words after it (`checkout`, `checkout-worker`).
    fn extends(&self, other: &Self) -> bool {
        let (short, long) = if self.words.len() < other.words.len() {
            (&self.words, &other.words)
        } else {
            (&other.words, &self.words)
        };
        short.len() < long.len() && long.starts_with(short)
    }
}

impl Subject {
    /// What an alert is about, from its labels; its text helps only where labels are silent.
    pub fn of(alert: &Alert) -> Self {
        let mut subject = Self::default();
        let mut maps: Vec<&Labels> = vec![&alert.labels];
        maps.extend(alert.items.iter().map(|item| &item.labels));
        for &map in &maps {
            subject.outright.extend(parsed(&values_of(map, &SERVICE_LABELS[..OUTRIGHT])));
            for name in names(map) {
                if let Some(key) = Name::parse(&name)
                    && subject.keys.insert(key)
                {
                    subject.names.push(name);
                }
            }
            subject.hosts.extend(hosts(map));
            let databases = DATABASE_LABELS.iter().filter_map(|wanted| lookup(map, wanted));
            subject.databases.extend(databases.map(|name| name.to_lowercase()));
        }
        for (position, wanted) in SCOPE_LABELS.iter().enumerate() {
            // Alerts of one group may come from several places; then the scope tells nothing apart.
            let values: BTreeSet<String> = maps.iter().filter_map(|map| scope(map, wanted)).collect();
            if let [value] = values.into_iter().collect::<Vec<_>>().as_slice() {
                subject.scopes.push((position, value.clone()));
            }
        }
        if subject.keys.iter().any(|key| !key.is_generic()) {
            subject.keys.retain(|key| !key.is_generic());
            subject.names.retain(|name| Name::parse(name).is_some_and(|key| !key.is_generic()));
        }
        let text = format!("{}\n{}", alert.title, alert.text);
        subject.text = format!("{text}\n{}", words_apart(&text)).to_lowercase();
        subject
    }

    /// The best name for it: the service, else the host, else nothing.
    pub fn name(&self) -> Option<&str> {
        self.names.first().or_else(|| self.hosts.first()).map(String::as_str)
    }

    /// How something with these labels relates to it.
    pub fn relation(&self, labels: &Labels) -> Relation {
        for (position, wanted) in &self.scopes {
            if scope(labels, SCOPE_LABELS[*position]).is_some_and(|value| value != *wanted) {
                return Relation::Other;
            }
        }
        if !self.outright.is_empty() {
            let theirs = parsed(&values_of(labels, &SERVICE_LABELS[..OUTRIGHT]));
            if !theirs.is_empty() {
                return compare(&self.outright, &theirs);
            }
        }
        let theirs = parsed(&names(labels));
        if self.keys.is_empty() {
            let their_hosts = hosts(labels);
            if !self.hosts.is_empty() && !their_hosts.is_empty() {
                return if their_hosts.is_disjoint(&self.hosts) { Relation::Other } else { Relation::Same };
            }
            // The alert names nothing: whatever its text mentions is what it is about.
            let mentioned = names(labels).iter().any(|name| Name::parse(name).is_some() && self.says(name));
            return if mentioned { Relation::Same } else { Relation::Unknown };
        }
        if theirs.is_empty() {
            let their_hosts = hosts(labels);
            return match (their_hosts.is_empty(), self.hosts.is_empty()) {
                (false, false) if their_hosts.is_disjoint(&self.hosts) => Relation::Unknown,
                (false, false) => Relation::Same,
                _ => Relation::Unknown,
            };
        }
        compare(&self.keys, &theirs)
    }

    /// How something of this name relates to it.
    pub fn relation_of(&self, name: &str) -> Relation {
        match Name::parse(name) {
            Some(name) if !self.keys.is_empty() => compare(&self.keys, &[name]),
            Some(_) if mentions(&self.text, name) => Relation::Same,
            _ => Relation::Unknown,
        }
    }

    /// Whether a name is a machine's: one that the alert is about, or one that is written as exporters write machines,
    /// with a port or as an address.
    pub fn is_machine(&self, name: &str) -> bool {
        let lower = name.trim().to_lowercase();
        let host = lower.rsplit_once(':').map_or(lower.as_str(), |(host, _)| host);
        (self.keys.is_empty() && self.hosts.contains(host)) || host.len() < lower.len() || Name::parse(name).is_none()
    }

    /// Whether the alert names this database.
    pub fn is_database(&self, name: &str) -> bool {
        self.databases.contains(&name.to_lowercase())
    }

    /// Whether the alert is about a database or its server rather than about a service that uses one.
    pub fn is_about_a_database(&self) -> bool {
        let of_servers = |name: &str| name.split(['-', '_', '.', ':']).any(|word| DATABASES.contains(&word));
        !self.databases.is_empty() || self.names.iter().chain(&self.hosts).any(|name| of_servers(&name.to_lowercase()))
    }

    /// Whether a text names it.
    pub fn is_named_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.names.iter().chain(&self.hosts).any(|name| mentions(&text, name))
    }

    /// Whether the alert's title or text says a word (lower case).
    pub fn says(&self, word: &str) -> bool {
        mentions(&self.text, word)
    }
}

/// `HighErrorRate` and `high_error_rate` as words: alert names are seldom prose.
pub(crate) fn words_apart(text: &str) -> String {
    let mut apart = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    for c in text.chars() {
        let starts_word = (c.is_uppercase() && before.is_lowercase()) || (c.is_ascii_digit() && before.is_alphabetic());
        if starts_word {
            apart.push(' ');
        }
        apart.push(if matches!(c, '_' | '-' | '.') { ' ' } else { c });
        before = c;
    }
    apart
}

/// The best name of what labels are about, as written: its service, else its host.
pub fn name_of(labels: &Labels) -> Option<String> {
    names(labels).into_iter().find(|name| Name::parse(name).is_some()).or_else(|| host_of(labels))
}

/// The machine that labels name, as written.
pub fn host_of(labels: &Labels) -> Option<String> {
    HOST_LABELS.iter().find_map(|wanted| lookup(labels, wanted))
}

/// The value of a label, whatever convention spells its name; the standard spelling first.
pub fn lookup(labels: &Labels, wanted: &str) -> Option<String> {
    labels
        .get_key_value(wanted)
        .into_iter()
        .chain(labels.iter().filter(|(key, _)| canonical(key) == wanted))
        .map(|(_, value)| value.trim())
        .find(|value| !value.is_empty())
        .map(str::to_owned)
}

/// Whether lower-cased `text` has `name` as a word of its own.
pub fn mentions(text: &str, name: &str) -> bool {
    let name = name.trim().to_lowercase();
    if name.len() < 2 {
        return false;
    }
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(&name).any(|(at, found)| {
        !text[..at].chars().next_back().is_some_and(inside)
            && !text[at + found.len()..].chars().next().is_some_and(inside)
    })
}

fn compare(own: &BTreeSet<Name>, theirs: &[Name]) -> Relation {
    if theirs.iter().any(|name| own.contains(name)) {
        Relation::Same
    } else if theirs.iter().any(|name| own.iter().any(|known| known.extends(name))) {
        Relation::Linked
    } else {
        Relation::Other
    }
}

/// Names that identify something; those made of generic words alone (`app`) count only where there is no better.
fn parsed(written: &[String]) -> Vec<Name> {
    let all: Vec<Name> = written.iter().filter_map(|name| Name::parse(name)).collect();
    if all.iter().any(|name| !name.is_generic()) {
        all.into_iter().filter(|name| !name.is_generic()).collect()
    } else {
        all
    }
}

fn names(labels: &Labels) -> Vec<String> {
    values_of(labels, SERVICE_LABELS)
}

fn values_of(labels: &Labels, keys: &[&str]) -> Vec<String> {
    keys.iter().filter_map(|wanted| lookup(labels, wanted)).collect()
}

fn hosts(labels: &Labels) -> BTreeSet<String> {
    HOST_LABELS
        .iter()
        .filter_map(|wanted| lookup(labels, wanted))
        .map(|host| {
            let lower = host.to_lowercase();
            lower.rsplit_once(':').map_or(lower.as_str(), |(host, _)| host).to_owned()
        })
        .collect()
}

fn scope(labels: &Labels, wanted: &str) -> Option<String> {
    lookup(labels, wanted).map(|value| value.to_lowercase())
}

/// The standard name of a label, else its own name in one spelling.
fn canonical(key: &str) -> String {
    standard_name(key).map_or_else(|| key.to_lowercase().replace(['.', '-', '/'], "_"), str::to_owned)
}
