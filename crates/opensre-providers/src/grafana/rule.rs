//! Grafana-managed alert rules: reading one, finding the queries that its condition reads, and the threshold that it
//! compares each with.
//!
//! Facts from the vendor's pages "Alerting Provisioning HTTP API" (`ProvisionedAlertRule`, `AlertQuery`), "Queries and
//! conditions" (reduce, math, resample, threshold and classic conditions) and, for the interpolated variables, "Global
//! variables". Expressions are nodes of the data source `__expr__` (`-100` in old versions).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use opensre_model::evidence::Threshold;
use regex::Regex;
use serde_json::Value as Json;

/// Most steps from the condition back to a query; also ends rings of expressions.
const MOST_STEPS: usize = 16;

/// A Grafana-managed alert rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its uid.
    pub uid: String,
    /// What it is called.
    pub title: String,
    /// Reference of the node that decides whether the rule fires.
    pub condition: String,
    /// Its queries and expressions.
    pub nodes: Vec<Node>,
    /// How long the condition must hold (`5m`).
    pub pending_for: Option<String>,
    /// Whether it is not evaluated at present.
    pub paused: bool,
    /// Labels that it adds to its alerts.
    pub labels: BTreeMap<String, String>,
}

/// A query or an expression of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its reference (`A`).
    pub reference: String,
    /// Uid of the data source that it asks; `__expr__` for an expression.
    pub datasource: String,
    /// How far back the query looks, in seconds.
    pub range_seconds: i64,
    /// The query as the data source's plug-in has it, or the expression.
    pub model: Json,
}

/// A query that the condition of a rule reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Its reference (`A`).
    pub reference: String,
    /// Uid of its data source.
    pub datasource: String,
    /// PromQL or LogQL, as written (variables not replaced yet).
    pub expression: String,
    /// How far back the query looks, in seconds.
    pub range_seconds: i64,
    /// What its values are compared with, where they are compared as they are (reduced or resampled, not computed
    /// with).
    pub threshold: Option<Threshold>,
}

impl Rule {
    /// Reads a `ProvisionedAlertRule`. `None` when it has no nodes.
    pub fn provisioned(answer: &Json) -> Option<Self> {
        Some(Self {
            pending_for: text(answer, "for"),
            paused: answer.get("isPaused").and_then(Json::as_bool).unwrap_or(false),
            labels: texts(answer.get("labels")),
            ..Self::core(answer)?
        })
    }

    /// Finds a rule by its uid in the answer of the ruler: folders, of groups, of rules.
    pub fn of_ruler(answer: &Json, uid: &str) -> Option<Self> {
        let groups = answer.as_object()?.values().filter_map(Json::as_array).flatten();
        let rule = groups.filter_map(|group| group.get("rules")?.as_array()).flatten().find(|rule| {
            rule.get("grafana_alert").and_then(|alert| alert.get("uid")).and_then(Json::as_str) == Some(uid)
        })?;
        let alert = rule.get("grafana_alert")?;
        Some(Self {
            pending_for: text(rule, "for"),
            paused: alert.get("is_paused").and_then(Json::as_bool).unwrap_or(false),
            labels: texts(rule.get("labels")),
            ..Self::core(alert)?
        })
    }

    fn core(rule: &Json) -> Option<Self> {
        let nodes: Vec<Node> = rule.get("data")?.as_array()?.iter().filter_map(node).collect();
        if nodes.is_empty() {
            return None;
        }
        Some(Self {
            uid: text(rule, "uid").unwrap_or_default(),
            title: text(rule, "title").unwrap_or_default(),
            condition: text(rule, "condition").unwrap_or_default(),
            nodes,
            pending_for: None,
            paused: false,
            labels: BTreeMap::new(),
        })
    }

    fn node(&self, reference: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.reference == reference)
    }

    /// The queries that the condition reads, each once, in the order in which they are found. A rule whose condition
    /// names nothing (or nothing with an expression that this program can send) yields all of its queries, without
    /// thresholds.
    pub fn measured(&self) -> Vec<Measured> {
        let mut found: Vec<Measured> = Vec::new();
        // What is still to be followed: a reference, the comparison that holds for its values, and the steps so far.
        let mut open = vec![(self.condition.clone(), None, 0)];
        while let Some((reference, threshold, steps)) = open.pop() {
            let Some(node) = self.node(&reference) else { continue };
            if node.is_expression() {
                if steps < MOST_STEPS {
                    open.extend(node.reads(threshold).into_iter().map(|(next, kept)| (next, kept, steps + 1)));
                }
            } else if let Some(measured) = node.measured(threshold)
                && !found.iter().any(|known| known.reference == measured.reference)
            {
                found.push(measured);
            }
        }
        if found.is_empty() {
            found =
                self.nodes.iter().filter(|node| !node.is_expression()).filter_map(|node| node.measured(None)).collect();
        }
        found
    }

    /// The rule's condition in words (`B > 0.05`), where it is a comparison.
    pub fn condition_words(&self) -> Option<String> {
        let node = self.node(&self.condition)?;
        if let Some(expression) =
            text(&node.model, "expression").filter(|_| text(&node.model, "type").as_deref() == Some("math"))
        {
            return Some(expression);
        }
        // A threshold has an `expression`, and in its conditions a reference that the UI leaves at its own.
        let expression = text(&node.model, "expression").map(|of| bare(&of));
        let words: Vec<String> = node
            .conditions()
            .filter_map(|condition| {
                let evaluator = condition.get("evaluator")?;
                let of = expression.clone().or_else(|| read_by(condition))?;
                let params: Vec<String> = parameters(evaluator).iter().map(f64::to_string).collect();
                let kind = evaluator.get("type").and_then(Json::as_str)?;
                let kind = match kind {
                    "gt" => ">",
                    "gte" => ">=",
                    "lt" => "<",
                    "lte" => "<=",
                    other => other,
                };
                let params =
                    if kind.len() <= 2 { params.first().cloned().unwrap_or_default() } else { params.join("..") };
                Some(format!("{of} {kind} {params}"))
            })
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

impl Node {
    /// Whether it computes with other nodes instead of asking a data source.
    pub fn is_expression(&self) -> bool {
        matches!(self.datasource.as_str(), "__expr__" | "-100")
    }

    fn measured(&self, threshold: Option<Threshold>) -> Option<Measured> {
        // `expr` is what Prometheus and Loki data sources call it, `query` what some plug-ins do.
        let expression = text(&self.model, "expr").or_else(|| text(&self.model, "query"))?;
        Some(Measured {
            reference: self.reference.clone(),
            datasource: self.datasource.clone(),
            expression,
            range_seconds: self.range_seconds,
            threshold,
        })
    }

    fn conditions(&self) -> impl Iterator<Item = &Json> {
        self.model.get("conditions").and_then(Json::as_array).into_iter().flatten()
    }

    /// The nodes that an expression reads, each with the comparison that holds for its values. `after` is the
    /// comparison that this expression's own values meet further on.
    fn reads(&self, after: Option<Threshold>) -> Vec<(String, Option<Threshold>)> {
        let expression = text(&self.model, "expression");
        match text(&self.model, "type").as_deref() {
            // These keep what the values mean. The UI writes a leading `$` or not.
            Some("reduce" | "resample") => expression.into_iter().map(|of| (bare(&of), after)).collect(),
            Some("threshold") => {
                let threshold = self.conditions().find_map(|condition| comparison(condition.get("evaluator")?));
                expression.into_iter().map(|of| (bare(&of), threshold)).collect()
            }
            Some("classic_conditions") => self
                .conditions()
                .filter_map(|condition| Some((read_by(condition)?, condition.get("evaluator").and_then(comparison))))
                .collect(),
            Some("math") => expression.map(|written| math(&written)).unwrap_or_default(),
            _ => Vec::new(),
        }
    }
}

/// The reference that one of the classic conditions reads.
fn read_by(condition: &Json) -> Option<String> {
    Some(condition.get("query")?.get("params")?.get(0)?.as_str()?.to_owned())
}

/// What a math expression reads. A comparison is known where the expression is nothing but comparisons of single
/// references with numbers, joined by `&&` or `||`; where it computes, its inputs are compared with nothing.
fn math(written: &str) -> Vec<(String, Option<Threshold>)> {
    static COMPARED: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^\$\{?(\w+)\}?\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$"));
    static REVERSED: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(>=|<=|>|<)\s*\$\{?(\w+)\}?$"));
    static READ: LazyLock<Regex> = LazyLock::new(|| pattern(r"\$\{?(\w+)\}?"));
    let compared: Option<Vec<(String, Option<Threshold>)>> = written
        .split("&&")
        .flat_map(|part| part.split("||"))
        .map(|part| {
            let part = part.trim().trim_start_matches('(').trim_end_matches(')').trim();
            if let Some(found) = COMPARED.captures(part) {
                let threshold = Threshold { value: found[3].parse().ok()?, above: found[2].starts_with('>') };
                return Some((found[1].to_owned(), Some(threshold)));
            }
            let found = REVERSED.captures(part)?;
            let threshold = Threshold { value: found[1].parse().ok()?, above: found[2].starts_with('<') };
            Some((found[3].to_owned(), Some(threshold)))
        })
        .collect();
    compared.unwrap_or_else(|| READ.captures_iter(written).map(|found| (found[1].to_owned(), None)).collect())
}

/// An evaluator as a comparison with one value. Of `outside_range` the upper bound, which is what mostly is crossed;
/// `within_range`, `eq` and `ne` compare with no one side.
fn comparison(evaluator: &Json) -> Option<Threshold> {
    let parameters = parameters(evaluator);
    match evaluator.get("type")?.as_str()? {
        "gt" | "gte" => Some(Threshold { value: *parameters.first()?, above: true }),
        "lt" | "lte" => Some(Threshold { value: *parameters.first()?, above: false }),
        "outside_range" | "outside_range_included" => Some(Threshold { value: *parameters.get(1)?, above: true }),
        _ => None,
    }
}

fn parameters(evaluator: &Json) -> Vec<f64> {
    evaluator.get("params").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_f64).collect()
}

fn bare(reference: &str) -> String {
    reference.trim().trim_start_matches('$').trim_matches(['{', '}']).to_owned()
}

/// Replaces Grafana's variables in a query, as its rule evaluation does: `$__interval`, `$__rate_interval`,
/// `$__range` and their forms in seconds, milliseconds and braces.
pub fn interpolate(expression: &str, step_seconds: i64, range_seconds: i64) -> String {
    static VARIABLE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\$(?:\{__(interval_ms|interval|rate_interval_ms|rate_interval|range_ms|range_s|range|auto)\}|__(interval_ms|interval|rate_interval_ms|rate_interval|range_ms|range_s|range|auto)\b)",
        )
    });
    let (step, range) = (step_seconds.max(1), range_seconds.max(1));
    // Grafana's own is max(step + scrape interval, 4 x scrape interval), with a scrape interval of 15 s by default.
    let rate = (step + 15).max(60);
    VARIABLE
        .replace_all(expression, |found: &regex::Captures<'_>| {
            match found.get(1).or_else(|| found.get(2)).map_or("", |name| name.as_str()) {
                "interval_ms" => (step * 1000).to_string(),
                "rate_interval_ms" => (rate * 1000).to_string(),
                "rate_interval" => format!("{rate}s"),
                "range_ms" => (range * 1000).to_string(),
                "range_s" => range.to_string(),
                "range" => format!("{range}s"),
                _ => format!("{step}s"),
            }
        })
        .into_owned()
}

fn node(entry: &Json) -> Option<Node> {
    let model = entry.get("model")?.clone();
    let reference = text(entry, "refId").or_else(|| text(&model, "refId"))?;
    // Some answers name the data source in the model alone.
    let inner = model.get("datasource").and_then(|source| text(source, "uid"));
    let datasource = text(entry, "datasourceUid").or(inner)?;
    let range = entry.get("relativeTimeRange");
    let seconds = |key: &str| range.and_then(|range| range.get(key)).and_then(Json::as_i64).unwrap_or(0);
    let range_seconds = (seconds("from") - seconds("to")).clamp(0, 90 * 86_400);
    Some(Node { reference, datasource, range_seconds, model })
}

fn text(of: &Json, key: &str) -> Option<String> {
    of.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn texts(map: Option<&Json>) -> BTreeMap<String, String> {
    map.and_then(Json::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn pattern(written: &str) -> Regex {
    Regex::new(written).expect("a constant pattern, compiled by the tests of this module")
}
