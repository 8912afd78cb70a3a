//! The data sources of a Grafana: reading the list, and deciding which of them are asked.
//!
//! Facts from the vendor's page "Data source HTTP API" (`GET /api/datasources`: an array of objects with `uid`,
//! `name`, `type`, `isDefault`, `orgId`).

use opensre_model::alert::Labels;
use serde_json::Value as Json;

/// Most data sources of one kind that one investigation asks.
pub const MOST_ASKED: usize = 3;

/// What a data source speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The Prometheus HTTP API: Prometheus, Mimir, Cortex, Thanos, VictoriaMetrics, Amazon's.
    Prometheus,
    /// The Loki HTTP API.
    Loki,
    /// The Tempo HTTP API.
    Tempo,
}

impl Kind {
    /// In one word, as it is shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Loki => "loki",
            Self::Tempo => "tempo",
        }
    }

    fn of(written: &str) -> Option<Self> {
        let written = written.to_ascii_lowercase();
        let holds = |words: &[&str]| words.iter().any(|word| written.contains(word));
        if holds(&["loki"]) {
            Some(Self::Loki)
        } else if holds(&["tempo"]) {
            Some(Self::Tempo)
        } else if holds(&["prometheus", "mimir", "cortex", "thanos", "victoriametrics-metrics"]) {
            Some(Self::Prometheus)
        } else {
            None
        }
    }

    /// Words in a name that hint at the main data source of the kind.
    fn hints(self) -> &'static [&'static str] {
        match self {
            Self::Prometheus => &["prom", "metrics", "mimir"],
            Self::Loki => &["loki", "logs"],
            Self::Tempo => &["tempo", "traces"],
        }
    }
}

/// One data source that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSource {
    /// Its uid, unique within the organisation.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// The plug-in's id, as Explore wants it.
    pub plugin: String,
    /// What it speaks.
    pub kind: Kind,
    /// Whether it is the organisation's default data source.
    pub is_default: bool,
    /// The organisation's id.
    pub org_id: Option<i64>,
}

impl DataSource {
    /// A data source of which nothing but the configured uid is known.
    pub fn configured(uid: &str, kind: Kind) -> Self {
        let (uid, plugin) = (uid.to_owned(), kind.word().to_owned());
        Self { name: uid.clone(), uid, plugin, kind, is_default: false, org_id: None }
    }

    /// `name (kind)`, as the report names it.
    pub fn label(&self) -> String {
        format!("{} ({})", self.name, self.kind.word())
    }
}

/// The data sources of one Grafana.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataSources {
    /// Those that can be asked, in Grafana's order.
    pub known: Vec<DataSource>,
    /// How many there are of other types.
    pub other: usize,
}

/// Why a list of data sources is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not Grafana's: the list of data sources is no array")]
pub struct NotGrafana;

impl DataSources {
    /// Reads the answer of `GET /api/datasources`. Entries without uid or type cannot be asked and count as other.
    pub fn parse(answer: &Json) -> Result<Self, NotGrafana> {
        let entries = answer.as_array().ok_or(NotGrafana)?;
        let known: Vec<DataSource> = entries.iter().filter_map(parse_one).collect();
        let other = entries.len() - known.len();
        Ok(Self { known, other })
    }

    /// The data source of a uid.
    pub fn by_uid(&self, uid: &str) -> Option<&DataSource> {
        self.known.iter().find(|source| source.uid == uid)
    }

    /// Which data sources of a kind are asked, and which are not and why.
    ///
    /// A uid that the user configured decides alone. Otherwise those whose name agrees with the alert's cluster,
    /// environment, region or the like are asked, together with the default; if none agrees, in order: the default,
    /// those whose name says that they are the main one, the others. Data sources about Grafana itself (alert state
    /// history, usage insights, machine learning) come last, and are asked only when there is nothing else. Never
    /// more than [`MOST_ASKED`].
    pub fn choose(&self, kind: Kind, configured: Option<&str>, labels: &Labels) -> Choice<'_> {
        let of_kind: Vec<&DataSource> = self.known.iter().filter(|source| source.kind == kind).collect();
        if let Some(uid) = configured {
            let (asked, others): (Vec<_>, Vec<_>) = of_kind.into_iter().partition(|source| source.uid == uid);
            let skipped = others.into_iter().map(|source| (source, "another one is configured by its uid")).collect();
            return Choice { asked, skipped };
        }
        let mut ranked: Vec<(Rank, &DataSource)> =
            of_kind.into_iter().map(|source| (Rank::of(source, labels), source)).collect();
        // Stable: equals stay in Grafana's order.
        ranked.sort_by_key(|(rank, _)| *rank);
        let best = ranked.first().map(|(rank, _)| *rank);
        let mut choice = Choice::default();
        for (rank, source) in ranked {
            let reason = if rank == Rank::Internal && best != Some(Rank::Internal) {
                Some("it is about Grafana itself")
            } else if best == Some(Rank::Agrees) && rank > Rank::Default {
                Some("another one's name agrees with the alert's labels")
            } else if choice.asked.len() >= MOST_ASKED || (rank == Rank::Internal && !choice.asked.is_empty()) {
                Some("enough others of its kind are asked")
            } else {
                None
            };
            match reason {
                None => choice.asked.push(source),
                Some(reason) => choice.skipped.push((source, reason)),
            }
        }
        choice
    }
}

/// Which data sources are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice<'a> {
    /// Those that are asked, the most telling first.
    pub asked: Vec<&'a DataSource>,
    /// Those that are not, each with the reason.
    pub skipped: Vec<(&'a DataSource, &'static str)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Agrees,
    Default,
    Hinted,
    Plain,
    Internal,
}

impl Rank {
    fn of(source: &DataSource, labels: &Labels) -> Self {
        const INTERNAL: &[&str] = &["alert", "state-history", "ml-", "usage-insights"];
        const SCOPES: &[&str] = &[
            "cluster",
            "k8s_cluster",
            "env",
            "environment",
            "stage",
            "region",
            "datacenter",
            "dc",
            "zone",
            "tenant",
            "team",
        ];
        let name = source.name.to_lowercase();
        if source.is_default {
            return if SCOPES.iter().filter_map(|scope| labels.get(*scope)).any(|value| agrees(&name, value)) {
                Self::Agrees
            } else {
                Self::Default
            };
        }
        if INTERNAL.iter().any(|word| name.contains(word)) {
            Self::Internal
        } else if SCOPES.iter().filter_map(|scope| labels.get(*scope)).any(|value| agrees(&name, value)) {
            Self::Agrees
        } else if source.kind.hints().iter().any(|hint| name.contains(hint)) {
            Self::Hinted
        } else {
            Self::Plain
        }
    }
}

/// Whether a name holds a label's value as whole words: `Loki prod-eu` holds `prod-eu` and `prod`, not `pro`.
fn agrees(name: &str, value: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (name, value) = (words(name), words(value));
    !value.is_empty() && name.windows(value.len()).any(|window| window == value)
}

fn parse_one(entry: &Json) -> Option<DataSource> {
    let text = |key: &str| entry.get(key).and_then(Json::as_str).map(str::trim).filter(|text| !text.is_empty());
    let plugin = text("type")?;
    let uid = text("uid")?;
    Some(DataSource {
        uid: uid.to_owned(),
        name: text("name").unwrap_or(uid).to_owned(),
        plugin: plugin.to_owned(),
        kind: Kind::of(plugin)?,
        is_default: entry.get("isDefault").and_then(Json::as_bool).unwrap_or(false),
        org_id: entry.get("orgId").and_then(Json::as_i64),
    })
}
