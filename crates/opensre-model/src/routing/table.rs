//! What a person decided beforehand, beside the instances in the store: groups, routing rules, what to do in doubt.
//!
//! What cannot be read is left out with a diagnostic, except where that would ask more than was meant: a rule that names
//! something unreadable still decides, and finds nothing; a word for doubt that is none counts as `skip`.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::diagnostic::{Diagnostic, Severity, Source};
use crate::provider::Catalogue;
use crate::record::{Document, kind_of};
use crate::resolution::Resolved;
use crate::selector::{Group, Groups, Selector, nearest};

use super::named::{family_of, pick};
use super::words::{plain, quoted};

/// Groups, routing rules, and what to do in doubt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RoutingTable {
    /// The groups.
    pub groups: Groups,
    /// The rules, in order.
    pub rules: Vec<RoutingRule>,
    /// When a hint or rule names what is not there.
    pub on_unknown: InDoubt,
    /// When several instances fit alike where one is meant.
    pub on_ambiguous: InDoubt,
}

/// A standing decision: which instances an alert with such labels is about.
#[derive(Debug, Clone, PartialEq)]
pub struct RoutingRule {
    /// Its place among the written rules, counted from 1.
    pub position: usize,
    /// Which alerts it is for.
    pub matches: RuleMatch,
    /// What it names, in written order.
    pub uses: Vec<RuleUse>,
}

/// Which alerts a rule is for.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleMatch {
    /// Every one (`*`).
    Every,
    /// Those whose labels fit.
    Labels(Selector),
}

/// What a rule names for a service.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleUse {
    /// The service as written.
    pub service: String,
    /// Its family key.
    pub family: String,
    /// A name, a comma list of names, a tag selector, or groups.
    pub wanted: String,
}

/// What to do with a choice that is unknown or ambiguous.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InDoubt {
    /// What a program that must choose does. Unknown: the default instance. Ambiguous: of instances that an alert
    /// points at alike the default one, of several with one name the first, and of a tie all.
    #[default]
    Default,
    /// What is in doubt is left out, and nothing stands in for it.
    Skip,
    /// Nothing is asked at all: the choice is an error.
    Fail,
}

/// A word that says nothing about doubt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not known; write `default`, `skip` or `fail`", quoted(.0))]
pub struct UnknownInDoubt(pub String);

impl InDoubt {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Skip => "skip",
            Self::Fail => "fail",
        }
    }
}

impl fmt::Display for InDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for InDoubt {
    type Err = UnknownInDoubt;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.trim().to_lowercase();
        [Self::Default, Self::Skip, Self::Fail]
            .into_iter()
            .find(|one| one.as_str() == word)
            .ok_or_else(|| UnknownInDoubt(text.to_owned()))
    }
}

impl RuleMatch {
    /// Reads a selector over labels, or `*`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim() == "*" {
            return Ok(Self::Every);
        }
        let selector = Selector::parse(text).map_err(|error| format!("{error} ({})", error.hint))?;
        if selector.is_empty() {
            return Err("it is blank, so no alert fits; write `*` for every alert".to_owned());
        }
        Ok(Self::Labels(selector))
    }
}

impl fmt::Display for RuleMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => f.write_str("*"),
            Self::Labels(selector) => selector.fmt(f),
        }
    }
}

impl fmt::Display for RoutingRule {
    /// `team=payments: grafana=pay, aws=env=prod`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.matches)?;
        for (place, one) in self.uses.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{}={}", one.service, one.wanted)?;
        }
        Ok(())
    }
}

impl RoutingTable {
    /// Reads `groups` and `routing` of a store document.
    pub fn read(catalogue: &Catalogue, document: &Document, source: &Source) -> (Self, Vec<Diagnostic>) {
        let mut reader = Reader { catalogue, source, diagnostics: Vec::new() };
        let mut table = Self { groups: reader.groups(document.top_level("groups")), ..Self::default() };
        match document.top_level("routing") {
            None => {}
            Some(Json::Object(routing)) => {
                table.rules = reader.rules(routing.get("rules"));
                table.on_unknown = reader.in_doubt(routing, "unknown");
                table.on_ambiguous = reader.in_doubt(routing, "ambiguous");
            }
            Some(other) => {
                let reason = format!("`routing` is {}, not an object; no rule of it is used", kind_of(other));
                reader.error(reason, r#"write "routing": {"rules": []}"#);
            }
        }
        (table, reader.diagnostics)
    }

    /// What in the table makes no sense with these instances: a group without members, a rule that names what is not
    /// there.
    pub fn check(&self, catalogue: &Catalogue, resolved: &Resolved, source: &Source) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let mut report = |severity, reason: String, hint: Option<String>| {
            let mut diagnostic = Diagnostic::new(severity, source.clone(), reason);
            diagnostic.hint = hint;
            diagnostics.push(diagnostic);
        };
        for group in self.groups.iter() {
            if !resolved.instances().any(|instance| group.holds(instance)) {
                let reason = format!("the group {} has no member: no instance fits {}", group.name, group.select);
                report(Severity::Warning, reason, Some("`opensre integrations list` shows the tags".to_owned()));
            }
        }
        for instance in resolved.instances().filter(|instance| Group::is_named(instance.name.as_str())) {
            let reason = format!("the name of {} begins with `@`, as those of groups do", plain(&instance.address()));
            report(Severity::Warning, reason, Some("give the instance another name".to_owned()));
        }
        for (rule, used) in self.rules.iter().flat_map(|rule| rule.uses.iter().map(move |used| (rule, used))) {
            let place = format!("routing rule {}", rule.position);
            let Some(family) = resolved.family(&used.family) else {
                if catalogue.find(&used.family).is_some() {
                    let reason = format!("{place}: no instance of {} is configured", used.family);
                    report(Severity::Note, reason, None);
                } else {
                    let reason = format!("{place}: the service {} is not known", quoted(&used.service));
                    let names =
                        catalogue.iter().flat_map(|spec| std::iter::once(spec.key).chain(spec.aliases.iter().copied()));
                    let hint = nearest(&used.service, names).map(|near| format!("did you mean {}?", quoted(near)));
                    report(Severity::Warning, reason, hint);
                }
                continue;
            };
            if family.instances.is_empty() {
                continue;
            }
            for missing in pick(family, &self.groups, &used.wanted).missing {
                let reason =
                    format!("{place} names {}={}: {}", plain(&used.service), plain(&missing.wanted), missing.why);
                report(Severity::Warning, reason, None);
            }
        }
        diagnostics
    }
}

struct Reader<'a> {
    catalogue: &'a Catalogue,
    source: &'a Source,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn error(&mut self, reason: String, hint: &str) {
        self.diagnostics.push(Diagnostic::new(Severity::Error, self.source.clone(), reason).with_hint(hint));
    }

    fn groups(&mut self, written: Option<&Json>) -> Groups {
        const HINT: &str = r#"write a group as {"name": "@eu", "select": "region=eu"}"#;
        let mut groups = Groups::default();
        let entries = match written {
            None => return groups,
            Some(Json::Array(entries)) => entries,
            Some(other) => {
                self.error(format!("`groups` is {}, not a list; there are no groups", kind_of(other)), HINT);
                return groups;
            }
        };
        for (index, entry) in entries.iter().enumerate() {
            let text = |key: &str| entry.get(key).and_then(Json::as_str);
            let (Some(name), Some(select)) = (text("name"), text("select")) else {
                self.error(
                    format!("groups[{index}] has no `name` or no `select` that is a text; it is left out"),
                    HINT,
                );
                continue;
            };
            match Group::new(name, select) {
                Ok(group) => {
                    let name = group.name.clone();
                    if !groups.add(group) {
                        let reason =
                            format!("groups[{index}]: there is a group {} already; the first counts", quoted(&name));
                        self.error(reason, "give each group its own name");
                    }
                }
                Err(error) => self.error(format!("groups[{index}] {}: {error}; it is left out", quoted(name)), HINT),
            }
        }
        groups
    }

    fn rules(&mut self, written: Option<&Json>) -> Vec<RoutingRule> {
        let entries = match written {
            None | Some(Json::Null) => return Vec::new(),
            Some(Json::Array(entries)) => entries,
            Some(other) => {
                let reason = format!("`routing.rules` is {}, not a list; there are no rules", kind_of(other));
                self.error(reason, RULE_HINT);
                return Vec::new();
            }
        };
        entries.iter().enumerate().filter_map(|(index, entry)| self.rule(index + 1, entry)).collect()
    }

    fn rule(&mut self, position: usize, entry: &Json) -> Option<RoutingRule> {
        let place = format!("routing rule {position}");
        let Some(matches) = entry.get("match").and_then(Json::as_str) else {
            self.error(format!("{place} has no `match` that is a text; it is left out"), RULE_HINT);
            return None;
        };
        let matches = match RuleMatch::parse(matches) {
            Ok(matches) => matches,
            Err(reason) => {
                self.error(format!("{place}, `match`: {reason}; the rule is left out"), RULE_HINT);
                return None;
            }
        };
        let Some(uses) = entry.get("use").and_then(Json::as_object).filter(|uses| !uses.is_empty()) else {
            self.error(format!("{place} has no `use` that names a service; it is left out"), RULE_HINT);
            return None;
        };
        let uses = uses.iter().map(|(service, wanted)| {
            let text = wanted.as_str();
            if text.is_none() {
                let reason =
                    format!("{place} names {} for {}, not a text; it names nothing", kind_of(wanted), quoted(service));
                self.error(reason, RULE_HINT);
            }
            RuleUse {
                service: service.trim().to_owned(),
                family: family_of(self.catalogue, service),
                wanted: text.unwrap_or_default().trim().to_owned(),
            }
        });
        let uses = uses.collect();
        Some(RoutingRule { position, matches, uses })
    }

    fn in_doubt(&mut self, routing: &Map<String, Json>, key: &str) -> InDoubt {
        let reason = match routing.get(key) {
            None | Some(Json::Null) => return InDoubt::Default,
            Some(Json::String(word)) => match word.parse() {
                Ok(word) => return word,
                Err(error) => error.to_string(),
            },
            Some(other) => format!("it is {}, not a text", kind_of(other)),
        };
        self.error(format!("`routing.{key}`: {reason}; it counts as `skip`"), "write `default`, `skip` or `fail`");
        InDoubt::Skip
    }
}

const RULE_HINT: &str = r#"write a rule as {"match": "team=payments", "use": {"grafana": "pay"}}"#;
