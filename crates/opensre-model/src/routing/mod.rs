//! Choosing the instances that an alert is about: one function for every provider, which explains itself.
//!
//! The steps, in order; the first that decides ends it:
//!
//! 1. **Command line.** `--instance SERVICE=WANTED`. What it names and is not there is an error, never a fallback.
//! 2. **Hint.** `<service>_instance` in the alert. What holds for the group comes before what its single alerts say;
//!    single alerts that name different instances each get theirs. A hint that names nothing falls back to the default
//!    instance and says so.
//! 3. **Identifiers.** URLs of the alert under an instance's URL, the AWS account, AWS region, Datadog site or cluster
//!    that an instance is configured with. What fits several instances alike tells only that it is one of them: the
//!    following steps choose among these.
//! 4. **Tags** that agree with the alert's labels; the instance with most agreeing tags. A tie chooses all of the tied
//!    ones and is reported: the alert gives no reason to leave one out, and their order is none.
//! 5. **The default instance.**
//!
//! A tag that contradicts the alert's labels rules its instance out: no step after the hint chooses it, also not as the
//! default. Free text never takes part. [`RoutingMode::Hints`] keeps to steps 1, 2 and 5.

mod default;
mod identify;
mod named;
mod tags;
mod words;

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Serialize;

use crate::alert::Alert;
use crate::instance::Instance;
use crate::provider::Catalogue;
use crate::resolution::{Family, Resolved};

use default::{among_alike, by_default, fallback_in_words};
use words::{joined, quoted};

/// How instances are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoutingMode {
    /// Command line, hint, the alert's own URLs and ids, agreeing tags, default.
    #[default]
    Full,
    /// Command line, hint, default: the rule of the Python product.
    Hints,
}

/// `--instance SERVICE=WANTED`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplicitChoice {
    /// The service as written.
    pub service: String,
    /// A name, a comma list of names, or a tag selector.
    pub wanted: String,
}

/// Which step of the rule decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RouteStep {
    /// `--instance` on the command line.
    CommandLine,
    /// A `<service>_instance` hint in the alert.
    Hint,
    /// A URL or id of the alert that belongs to the instance.
    Identifier,
    /// Tags that agree with the alert's labels.
    Tags,
    /// The default (first) instance.
    Default,
    /// Nothing could be chosen.
    None,
}

/// One instance that was considered and not chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Rejected {
    /// The instance's name.
    pub instance: String,
    /// Why not.
    pub why: String,
}

/// The route of one service (family): which instances are asked, and why these.
#[derive(Debug, Clone)]
pub struct Route<'a> {
    /// Family key.
    pub service: String,
    /// The chosen instances, in resolution order; empty when none may be asked.
    pub chosen: Vec<&'a Instance>,
    /// Which step decided.
    pub step: RouteStep,
    /// Why, in words.
    pub reason: String,
    /// The path in the alert that decided (`annotations.grafana_instance`), where one did.
    pub path: Option<String>,
    /// What was considered and rejected.
    pub rejected: Vec<Rejected>,
    /// What a person must know: unknown hint, tie, disagreeing alerts.
    pub warnings: Vec<String>,
}

impl Route<'_> {
    /// Why a choice on the command line cannot be honoured, if it cannot: an unknown service, name or tag. The caller
    /// reports it as an error; nothing was chosen in its place.
    pub fn refusal(&self) -> Option<&str> {
        (self.step == RouteStep::CommandLine && self.chosen.is_empty()).then_some(self.reason.as_str())
    }
}

impl RoutingMode {
    /// The mode as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Hints => "hints",
        }
    }
}

/// A text that names no routing mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is no routing mode; write `full` or `hints`", quoted(.0))]
pub struct UnknownRoutingMode(pub String);

impl FromStr for RoutingMode {
    type Err = UnknownRoutingMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_lowercase().as_str() {
            "full" => Ok(Self::Full),
            "hints" => Ok(Self::Hints),
            _ => Err(UnknownRoutingMode(text.to_owned())),
        }
    }
}

/// Chooses the instances that an alert is about: one route for each family of `resolved`, in its order, then one
/// without instances for each service that the command line or the alert names and that has none.
pub fn route<'a>(
    catalogue: &Catalogue,
    resolved: &'a Resolved,
    alert: &Alert,
    explicit: &[ExplicitChoice],
    mode: RoutingMode,
) -> Vec<Route<'a>> {
    let named = named::Named::new(catalogue, resolved, alert, explicit);
    let identify = identify::Pointers::of(alert);
    let mut routes: Vec<Route<'a>> = resolved
        .families
        .iter()
        .map(|family| {
            if family.instances.is_empty() {
                return unusable(family, &named);
            }
            let choice = choose(catalogue, family, alert, &named, &identify, mode);
            choice.into_route(family)
        })
        .collect();
    routes.extend(named.without_family().into_iter().map(|nameless| Route {
        service: nameless.service,
        chosen: Vec::new(),
        step: nameless.step,
        reason: nameless.reason,
        path: nameless.path,
        rejected: Vec::new(),
        warnings: nameless.warnings,
    }));
    routes
}

/// What was chosen in one family, by position.
#[derive(Debug)]
struct Choice {
    step: RouteStep,
    /// Each chosen position with why it was chosen.
    chosen: BTreeMap<usize, String>,
    /// Why nothing was chosen, where nothing was; else a word before the reasons of the single instances.
    reason: Option<String>,
    path: Option<String>,
    /// Why a position was rejected, where it is more than `otherwise`.
    rejected: BTreeMap<usize, String>,
    /// Why everything else was rejected.
    otherwise: String,
    warnings: Vec<String>,
}

impl Choice {
    fn new(step: RouteStep, otherwise: impl Into<String>) -> Self {
        Self {
            step,
            chosen: BTreeMap::new(),
            reason: None,
            path: None,
            rejected: BTreeMap::new(),
            otherwise: otherwise.into(),
            warnings: Vec::new(),
        }
    }

    fn into_route(self, family: &Family) -> Route<'_> {
        let name = |position: &usize| family.instances[*position].name.to_string();
        let reason = self.reason.unwrap_or_else(|| {
            // Instances that were chosen for one and the same reason are named together.
            let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
            for (position, reason) in &self.chosen {
                match reasons.iter_mut().find(|(known, _)| known == reason) {
                    Some((_, names)) => names.push(name(position)),
                    None => reasons.push((reason, vec![name(position)])),
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
        let rejected = (0..family.instances.len())
            .filter(|position| !self.chosen.contains_key(position))
            .map(|position| Rejected {
                instance: name(&position),
                why: self.rejected.get(&position).unwrap_or(&self.otherwise).clone(),
            })
            .collect();
        Route {
            service: family.key.clone(),
            chosen: self.chosen.keys().map(|position| &family.instances[*position]).collect(),
            step: self.step,
            reason,
            path: self.path,
            rejected,
            warnings: self.warnings,
        }
    }
}

fn choose(
    catalogue: &Catalogue,
    family: &Family,
    alert: &Alert,
    named: &named::Named<'_>,
    pointers: &identify::Pointers,
    mode: RoutingMode,
) -> Choice {
    if let Some(choice) = named.on_command_line(family) {
        return choice;
    }
    let agreement = match mode {
        RoutingMode::Full => tags::Agreement::of(family, alert),
        RoutingMode::Hints => tags::Agreement::ignored(),
    };
    if let Some(mut choice) = named.by_hint(family, &fallback_in_words(family, &agreement)) {
        for position in choice.chosen.keys() {
            if let Some(conflict) = agreement.conflict(*position) {
                let name = quoted(family.instances[*position].name.as_str());
                choice.warnings.push(format!("the hint names {name}, although {conflict}"));
            }
        }
        if !choice.chosen.is_empty() {
            return choice;
        }
        // The hint names nothing: the default instance, as if there were no other steps.
        let why = choice.reason.unwrap_or_default();
        let mut fallback = by_default(family, &agreement, &why);
        fallback.warnings.splice(0..0, choice.warnings);
        fallback.path = choice.path;
        return fallback;
    }
    if mode == RoutingMode::Hints {
        return by_default(family, &agreement, "the alert has no hint");
    }

    let mut found = identify::identify(catalogue, family, pointers, &agreement);
    let mut warnings = std::mem::take(&mut found.warnings);
    let mut choice = if !found.chosen.is_empty() {
        let mut choice = Choice::new(RouteStep::Identifier, "nothing in the alert points at it");
        choice.chosen = found.chosen;
        choice.path = found.path;
        choice
    } else if let Some(choice) = agreement.winners(family, found.all_alike().as_deref()) {
        choice
    } else if let Some(choice) = among_alike(family, &found.alike) {
        choice
    } else {
        by_default(family, &agreement, "nothing in the alert points at an instance")
    };
    for position in choice.chosen.keys() {
        if let Some(mismatch) = found.mismatches.get(position) {
            warnings.push(mismatch.clone());
        }
    }
    choice.warnings.splice(0..0, warnings);
    agreement.explain(&mut choice.rejected);
    choice
}

/// The route of a family without a usable instance.
fn unusable<'a>(family: &Family, named: &named::Named<'_>) -> Route<'a> {
    let reasons: Vec<String> =
        family.incomplete.iter().map(|one| format!("{} cannot be used: {}", quoted(&one.name), one.reason)).collect();
    let mut reason = "there is no usable instance".to_owned();
    if !reasons.is_empty() {
        reason = format!("{reason}: {}", reasons.join("; "));
    }
    let (step, path) = named.step_of(family);
    Route {
        service: family.key.clone(),
        chosen: Vec::new(),
        step,
        reason,
        path,
        rejected: family
            .incomplete
            .iter()
            .map(|one| Rejected { instance: one.name.clone(), why: one.reason.clone() })
            .collect(),
        warnings: Vec::new(),
    }
}
