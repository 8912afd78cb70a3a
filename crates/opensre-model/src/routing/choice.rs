//! What was chosen in one family, and what policies and doubt leave of it.

use std::collections::BTreeMap;

use crate::policy::{AlertPart, Way};
use crate::resolution::Family;

use super::default::default_position;
use super::table::{InDoubt, RoutingRule};
use super::tags::Agreement;
use super::words::{joined, plain, quoted, shortened};
use super::{AppliedPolicy, AppliedRule, GroupUse, Rejected, Route, RouteStep};

/// The longest text of a rule, in characters.
const LONGEST_RULE: usize = 400;

/// What was chosen in one family, by position.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) step: RouteStep,
    /// Each chosen position.
    pub(super) chosen: BTreeMap<usize, Chosen>,
    /// Why nothing was chosen, where nothing was.
    pub(super) reason: Option<String>,
    pub(super) path: Option<String>,
    /// Why a position was rejected, where it is more than `otherwise`.
    pub(super) rejected: BTreeMap<usize, String>,
    /// Why everything else was rejected.
    pub(super) otherwise: String,
    pub(super) warnings: Vec<String>,
    /// The rules that named something.
    pub(super) rules: Vec<AppliedRule>,
    /// The groups that were written, each with the positions of its members.
    pub(super) groups: Vec<(String, Vec<usize>)>,
    /// What was named and is not there, in words.
    pub(super) unknown: Vec<String>,
    /// Where several fit alike and one was meant.
    pub(super) doubts: Vec<Doubt>,
    pub(super) policies: Vec<AppliedPolicy>,
    /// Why nothing may be asked at all, where a person wants that.
    pub(super) refused: Option<String>,
}

/// A chosen instance.
#[derive(Debug, Clone, Default)]
pub(super) struct Chosen {
    /// Why, in words.
    pub(super) why: String,
    /// How the alert names it.
    pub(super) ways: Vec<Way>,
    /// Whether its own name was written, and not only a selector or group that it fits.
    pub(super) by_name: bool,
    /// Whether something points at it alone, so that no doubt concerns it.
    pub(super) certain: bool,
}

/// Instances that fit alike where one was meant.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    /// Their positions, each with how the alert names it.
    pub(super) candidates: Vec<(usize, Chosen)>,
    /// What fits them, in words.
    pub(super) why: String,
    /// What a person is told where all of them are asked; `None` where one of them is taken.
    pub(super) tie: Option<Tie>,
}

/// The words of a tie. They name who is left after policies, so they are put together last.
#[derive(Debug, Clone)]
pub(super) struct Tie {
    /// What is alike, before the names and after them.
    pub(super) alike: (String, String),
    /// What, apart from `--instance`, would tell them apart.
    pub(super) remedy: &'static str,
}

impl Tie {
    fn in_words(&self, names: &[String], family: &str) -> String {
        let (before, after) = &self.alike;
        format!(
            "tie: {before} {} {after}; all of them are asked; to ask one, use --instance {family}=NAME{}",
            joined(names),
            self.remedy
        )
    }
}

impl Chosen {
    /// Something that is chosen for a reason, named by the alert in one way.
    pub(super) fn by(why: String, part: AlertPart, path: Option<String>) -> Self {
        Self { why, ways: vec![Way { part, path }], ..Self::default() }
    }

    /// Adds another reason's ways; the first reason stays.
    pub(super) fn or(&mut self, other: Self) {
        for way in other.ways {
            if !self.ways.contains(&way) {
                self.ways.push(way);
            }
        }
        self.by_name |= other.by_name;
        self.certain |= other.certain;
    }
}

impl AppliedRule {
    pub(super) fn of(rule: &RoutingRule) -> Self {
        Self { position: rule.position, text: shortened(&rule.to_string(), LONGEST_RULE) }
    }
}

impl Choice {
    pub(super) fn new(step: RouteStep, otherwise: impl Into<String>) -> Self {
        Self {
            step,
            chosen: BTreeMap::new(),
            reason: None,
            path: None,
            rejected: BTreeMap::new(),
            otherwise: otherwise.into(),
            warnings: Vec::new(),
            rules: Vec::new(),
            groups: Vec::new(),
            unknown: Vec::new(),
            doubts: Vec::new(),
            policies: Vec::new(),
            refused: None,
        }
    }

    /// Chooses a position, or adds to why it is chosen.
    pub(super) fn choose(&mut self, position: usize, chosen: Chosen) {
        match self.chosen.entry(position) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(chosen);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().or(chosen),
        }
    }

    /// Takes away what the policies of instances forbid. Nothing is put in its place: what is left is part of what
    /// would be chosen without policies. (An instance that the alert may not name stays the default that it would be
    /// without being named.)
    pub(super) fn apply_policies(&mut self, family: &Family, agreement: &Agreement) {
        let forbidden: BTreeMap<usize, Forbidden> = self
            .chosen
            .iter()
            .filter_map(|(position, chosen)| Some((*position, forbids(family, *position, chosen, self.step)?)))
            .collect();
        for (position, chosen) in &self.chosen {
            let instance = &family.instances[*position];
            if instance.policy.is_empty() {
                continue;
            }
            let (effect, kept_out) = match forbidden.get(position) {
                Some(forbidden) => (forbidden.why.clone(), true),
                None => (allowed(chosen, self.step), false),
            };
            let policy = instance.policy.to_string();
            self.policies.push(AppliedPolicy { instance: instance.name.to_string(), policy, effect, kept_out });
        }
        if forbidden.is_empty() {
            return;
        }
        let default = default_position(family)
            .filter(|default| forbidden.get(default).is_some_and(|one| !one.even_default))
            .filter(|default| agreement.conflict(*default).is_none() && self.step != RouteStep::CommandLine);
        self.chosen.retain(|position, _| !forbidden.contains_key(position));
        let mut whys = Vec::new();
        for (position, Forbidden { why, .. }) in forbidden {
            whys.push(format!("{}, {why}", quoted(family.instances[position].name.as_str())));
            self.rejected.insert(position, format!("policy {why}"));
        }
        let whys = whys.join("; ");
        if !self.chosen.is_empty() {
            return;
        }
        if let Some(default) = default {
            self.step = RouteStep::Default;
            self.rejected.remove(&default);
            "not the default".clone_into(&mut self.otherwise);
            self.reason = None;
            self.choose(
                default,
                Chosen { why: format!("the default instance; {whys}"), certain: true, ..Chosen::default() },
            );
            self.doubts.clear();
            return;
        }
        self.reason = Some(format!("a policy keeps out what would be asked: {whys}"));
        self.warn_nothing_asked(family);
    }

    /// Leaves out, or refuses, what is ambiguous, as a person wants it. What policies keep out makes nothing ambiguous.
    pub(super) fn settle_doubts(&mut self, family: &Family, wanted: InDoubt) {
        let step = self.step;
        for Doubt { candidates, why, tie } in std::mem::take(&mut self.doubts) {
            let open: Vec<usize> = candidates
                .iter()
                .filter(|(position, chosen)| forbids(family, *position, chosen, step).is_none())
                .map(|(position, _)| *position)
                .collect();
            if open.len() < 2 {
                continue;
            }
            let names: Vec<String> = open.iter().map(|position| family.instances[*position].name.to_string()).collect();
            if wanted == InDoubt::Default {
                let warning = tie.map(|tie| tie.in_words(&names, &family.key));
                self.warnings.extend(warning.filter(|warning| !self.warnings.contains(warning)));
                continue;
            }
            let between = match names.as_slice() {
                [first, rest @ ..] if rest.iter().all(|name| name == first) => {
                    format!("{} instances named {}", names.len(), quoted(first))
                }
                several => joined(several),
            };
            let said = format!("ambiguous between {between}: {why}");
            if wanted == InDoubt::Fail {
                self.refuse(&said);
                return;
            }
            let before = self.chosen.len();
            self.chosen.retain(|position, chosen| chosen.certain || !open.contains(position));
            for position in open.iter().filter(|position| !self.chosen.contains_key(position)) {
                self.rejected.insert(*position, format!("left out as {said}"));
            }
            if self.chosen.is_empty() && before > 0 {
                self.reason = Some(format!("{said}, and what is ambiguous is skipped"));
                self.warn_nothing_asked(family);
            }
        }
    }

    /// Nothing is asked, of this service or any other.
    pub(super) fn refuse(&mut self, why: &str) {
        self.chosen.clear();
        self.refused = Some(why.to_owned());
        self.reason = Some(why.to_owned());
    }

    pub(super) fn warn_nothing_asked(&mut self, family: &Family) {
        let warning = format!(
            "no instance of {} is asked; to ask one all the same, use --instance {}=NAME",
            family.key, family.key
        );
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    pub(super) fn into_route(self, family: &Family) -> Route<'_> {
        let name = |position: &usize| family.instances[*position].name.to_string();
        let reason = self.reason.unwrap_or_else(|| {
            // Instances that were chosen for one and the same reason are named together.
            let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
            for (position, chosen) in &self.chosen {
                match reasons.iter_mut().find(|(known, _)| *known == chosen.why) {
                    Some((_, names)) => names.push(name(position)),
                    None => reasons.push((&chosen.why, vec![name(position)])),
                }
            }
            match reasons.as_slice() {
                [(only, _)] => (*only).to_owned(),
                several => {
                    let parts: Vec<String> =
                        several.iter().map(|(reason, names)| format!("{}: {reason}", joined(names))).collect();
                    parts.join("; ")
                }
            }
        });
        let rejected: Vec<Rejected> = (0..family.instances.len())
            .filter(|position| !self.chosen.contains_key(position))
            .map(|position| Rejected {
                instance: name(&position),
                why: self.rejected.get(&position).unwrap_or(&self.otherwise).clone(),
            })
            .collect();
        let groups = self.groups.iter().map(|(group, members)| {
            let (asked, left_out): (Vec<usize>, Vec<usize>) =
                members.iter().partition(|position| self.chosen.contains_key(position));
            GroupUse {
                group: group.clone(),
                members: asked.iter().map(name).collect(),
                left_out: left_out
                    .iter()
                    .map(|position| Rejected {
                        instance: name(position),
                        why: self.rejected.get(position).unwrap_or(&self.otherwise).clone(),
                    })
                    .collect(),
            }
        });
        let groups = groups.collect();
        let step =
            if self.chosen.is_empty() && self.step != RouteStep::CommandLine { RouteStep::None } else { self.step };
        Route {
            service: family.key.clone(),
            reasons: self.chosen.values().map(|chosen| chosen.why.clone()).collect(),
            chosen: self.chosen.keys().map(|position| &family.instances[*position]).collect(),
            step,
            reason,
            path: self.path,
            rules: self.rules,
            groups,
            policies: self.policies,
            rejected,
            warnings: self.warnings,
            refused: self.refused,
        }
    }
}

/// That a policy keeps an instance out.
struct Forbidden {
    why: String,
    /// Whether also as the default.
    even_default: bool,
}

/// Whether the policies of an instance forbid to choose it so.
fn forbids(family: &Family, position: usize, chosen: &Chosen, step: RouteStep) -> Option<Forbidden> {
    let policy = &family.instances[position].policy;
    let named = chosen.by_name && matches!(step, RouteStep::CommandLine | RouteStep::Hint | RouteStep::Rule);
    if policy.requires_explicit && !named {
        let instead = match step {
            RouteStep::CommandLine | RouteStep::Hint | RouteStep::Rule => "a selector or group does not",
            RouteStep::Default => "being the default does not",
            _ => "tags, ids and URLs do not",
        };
        let why = format!("requires_explicit: only its own name chooses it, {instead}");
        return Some(Forbidden { why, even_default: true });
    }
    if matches!(step, RouteStep::CommandLine | RouteStep::Default) || chosen.ways.iter().any(|way| policy.allows(way)) {
        return None;
    }
    let parts = policy.parts_in_words()?;
    let mut named_by: Vec<String> = Vec::new();
    for way in &chosen.ways {
        let at = way.path.as_deref().map(|path| format!(" ({})", plain(path))).unwrap_or_default();
        let said = format!("{}{at}", way.part);
        if !named_by.contains(&said) {
            named_by.push(said);
        }
    }
    let why = format!("route_from: {parts} may name it, not {}", joined(&named_by));
    Some(Forbidden { why, even_default: policy.requires_explicit })
}

/// What a policy said to a choice that it lets pass.
fn allowed(chosen: &Chosen, step: RouteStep) -> String {
    match (step, chosen.by_name) {
        (RouteStep::CommandLine, true) => "named on the command line".to_owned(),
        (RouteStep::Default, _) => "being the default names nothing".to_owned(),
        (RouteStep::CommandLine, false) => "the command line may always name it".to_owned(),
        (_, true) => "its own name is written".to_owned(),
        (_, false) => "it may be named so".to_owned(),
    }
}
