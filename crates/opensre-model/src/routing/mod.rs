//! Choosing the instances that an alert is about: one function for every provider, which explains itself.
//!
//! The steps, in order; the first that decides ends it:
//!
//! 1. **Command line.** `--instance SERVICE=WANTED`. What it names and is not there is an error, never a fallback.
//! 2. **Hint.** `<service>_instance` in the alert. What holds for the group comes before what its single alerts say;
//!    single alerts that name different instances each get theirs. A hint that names nothing is in doubt (see below).
//! 3. **Rule.** The first routing rule of the store that fits the alert's labels and names the service: a person's
//!    standing decision, which the hint, being about this very alert, precedes, and which precedes everything that is
//!    only inferred. What it names and is not there is in doubt.
//! 4. **Identifiers.** URLs of the alert under an instance's URL, the AWS account, AWS region, Datadog site or cluster
//!    that an instance is configured with. What fits several instances alike tells only that it is one of them: the
//!    following steps choose among these.
//! 5. **Tags** that agree with the alert's labels; the instance with most agreeing tags. A tie chooses all of the tied
//!    ones and is reported: the alert gives no reason to leave one out, and their order is none.
//! 6. **The default instance.**
//!
//! A tag that contradicts the alert's labels rules its instance out: no step that infers (4 to 6) chooses it. A hint or
//! rule that names it is followed, with a warning. Free text never takes part. [`RoutingMode::Hints`] keeps to steps 1,
//! 2 and 6.
//!
//! What is wanted, in steps 1 to 3, is a name, several names, a tag selector or groups (`@eu`). What the steps choose
//! then passes the instances' [policies](crate::policy), in every mode: a policy takes away and puts nothing in the place
//! of it.
//!
//! **In doubt** ([`InDoubt`]): a hint or rule that names what is not there is *unknown*; a tie of tags, identifiers that
//! fit several alike and a name that several instances have are *ambiguous*. `default` does what is said above, `skip`
//! leaves out what is in doubt, `fail` refuses to ask anything at all.

mod choice;
mod default;
mod explain;
mod identify;
mod named;
mod rules;
mod table;
mod tags;
mod words;

use std::str::FromStr;

use serde::Serialize;

use crate::alert::Alert;
use crate::instance::Instance;
use crate::provider::Catalogue;
use crate::resolution::{Family, Resolved};

use choice::Choice;
use default::{among_alike, by_default, fallback_in_words};
use words::quoted;

pub use explain::{ChosenInstance, Explanation};
pub use table::{InDoubt, RoutingRule, RoutingTable, RuleMatch, RuleUse, UnknownInDoubt};

/// How instances are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoutingMode {
    /// Command line, hint, routing rules, the alert's own URLs and ids, agreeing tags, default.
    #[default]
    Full,
    /// Command line, hint, default: the rule of the Python product.
    Hints,
}

/// How to route, beside what the store says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RouteOptions {
    /// How instances are chosen.
    pub mode: RoutingMode,
    /// What to do with what is unknown; `None` for what the store says.
    pub on_unknown: Option<InDoubt>,
    /// What to do with what is ambiguous; `None` for what the store says.
    pub on_ambiguous: Option<InDoubt>,
}

impl From<RoutingMode> for RouteOptions {
    fn from(mode: RoutingMode) -> Self {
        Self { mode, ..Self::default() }
    }
}

/// `--instance SERVICE=WANTED`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplicitChoice {
    /// The service as written.
    pub service: String,
    /// A name, a comma list of names, a tag selector, or groups.
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
    /// A routing rule of the store.
    Rule,
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

/// A routing rule that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct AppliedRule {
    /// Its place among the rules, counted from 1.
    pub position: usize,
    /// The rule: `team=payments: grafana=pay, aws=env=prod`.
    pub text: String,
}

/// A group that was named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct GroupUse {
    /// Its name, such as `@eu`.
    pub group: String,
    /// Its members of the service that are asked.
    pub members: Vec<String>,
    /// Its members of the service that are not, and why.
    pub left_out: Vec<Rejected>,
}

/// A policy of an instance that was up to be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct AppliedPolicy {
    /// The instance's name.
    pub instance: String,
    /// Its policies: `requires_explicit route_from=hint,urls`.
    pub policy: String,
    /// What they said to it.
    pub effect: String,
    /// Whether they kept it out.
    pub kept_out: bool,
}

/// The route of one service (family): which instances are asked, and why these.
#[derive(Debug, Clone)]
pub struct Route<'a> {
    /// Family key.
    pub service: String,
    /// The chosen instances, in resolution order; empty when none may be asked.
    pub chosen: Vec<&'a Instance>,
    /// Why each chosen instance was, in the same order.
    pub reasons: Vec<String>,
    /// Which step decided.
    pub step: RouteStep,
    /// Why, in words.
    pub reason: String,
    /// The path in the alert that decided (`annotations.grafana_instance`), where one did.
    pub path: Option<String>,
    /// The routing rules that named something; of several, one for each alert of the group that differs.
    pub rules: Vec<AppliedRule>,
    /// The groups that were named.
    pub groups: Vec<GroupUse>,
    /// The policies of instances that were up to be chosen.
    pub policies: Vec<AppliedPolicy>,
    /// What was considered and rejected.
    pub rejected: Vec<Rejected>,
    /// What a person must know: unknown hint, tie, disagreeing alerts.
    pub warnings: Vec<String>,
    /// Why nothing may be asked at all, where a choice in doubt is to fail.
    pub refused: Option<String>,
}

impl Route<'_> {
    /// Why nothing may be asked, if so: the command line names an unknown service, name or tag, or a choice is in doubt
    /// and is to fail ([`InDoubt::Fail`]). The caller reports it as an error; nothing was chosen in its place.
    pub fn refusal(&self) -> Option<&str> {
        if let Some(refused) = &self.refused {
            return Some(refused);
        }
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
    options: impl Into<RouteOptions>,
) -> Vec<Route<'a>> {
    let options = options.into();
    let named = named::Named::new(catalogue, resolved, alert, explicit);
    let around = Around {
        catalogue,
        named: &named,
        rules: rules::Fitting::of(&resolved.routing, alert),
        pointers: identify::Pointers::of(alert),
        mode: options.mode,
        on_unknown: options.on_unknown.unwrap_or(resolved.routing.on_unknown),
    };
    let on_ambiguous = options.on_ambiguous.unwrap_or(resolved.routing.on_ambiguous);
    let mut routes: Vec<Route<'a>> = resolved
        .families
        .iter()
        .map(|family| {
            if family.instances.is_empty() {
                return unusable(family, &named);
            }
            let agreement = match options.mode {
                RoutingMode::Full => tags::Agreement::of(family, alert),
                RoutingMode::Hints => tags::Agreement::ignored(),
            };
            let mut choice = around.choose(family, &agreement);
            if choice.refused.is_none() {
                choice.apply_policies(family, &agreement);
                choice.settle_doubts(family, on_ambiguous);
            }
            choice.into_route(family)
        })
        .collect();
    routes.extend(named.without_family().into_iter().map(|nameless| Route {
        path: nameless.path,
        warnings: nameless.warnings,
        ..Route::without(nameless.service, nameless.step, nameless.reason)
    }));
    routes
}

impl Route<'_> {
    /// A route that asks nothing.
    fn without(service: String, step: RouteStep, reason: String) -> Self {
        Self {
            service,
            chosen: Vec::new(),
            reasons: Vec::new(),
            step,
            reason,
            path: None,
            rules: Vec::new(),
            groups: Vec::new(),
            policies: Vec::new(),
            rejected: Vec::new(),
            warnings: Vec::new(),
            refused: None,
        }
    }
}

/// What all families are routed with.
struct Around<'a> {
    catalogue: &'a Catalogue,
    named: &'a named::Named<'a>,
    rules: rules::Fitting<'a>,
    pointers: identify::Pointers,
    mode: RoutingMode,
    on_unknown: InDoubt,
}

impl Around<'_> {
    fn choose(&self, family: &Family, agreement: &tags::Agreement) -> Choice {
        if let Some(choice) = self.named.on_command_line(family) {
            return choice;
        }
        let fallback = match self.on_unknown {
            InDoubt::Default => fallback_in_words(family, agreement),
            InDoubt::Skip => "what is unknown is skipped".to_owned(),
            InDoubt::Fail => "nothing is asked".to_owned(),
        };
        if let Some(choice) = self.named.by_hint(family, &fallback) {
            return self.as_named(choice, family, agreement, "the hint");
        }
        if self.mode == RoutingMode::Hints {
            return by_default(family, agreement, "the alert has no hint");
        }
        match self.rules.choose(family, &fallback) {
            Some(choice) => self.as_named(choice, family, agreement, "the routing rule"),
            None => self.infer(family, agreement),
        }
    }

    /// What a hint or rule names, or what becomes of it when that is not there.
    fn as_named(&self, mut choice: Choice, family: &Family, agreement: &tags::Agreement, who: &str) -> Choice {
        for position in choice.chosen.keys() {
            if let Some(conflict) = agreement.conflict(*position) {
                let name = quoted(family.instances[*position].name.as_str());
                choice.warnings.push(format!("{who} names {name}, although {conflict}"));
            }
        }
        if self.on_unknown == InDoubt::Fail && !choice.unknown.is_empty() {
            let unknown = choice.unknown.join("; ");
            choice.refuse(&unknown);
            return choice;
        }
        if !choice.chosen.is_empty() {
            return choice;
        }
        let why = choice.reason.clone().unwrap_or_default();
        if self.on_unknown == InDoubt::Skip {
            choice.reason = Some(format!("{why}, and what is unknown is skipped"));
            choice.warn_nothing_asked(family);
            return choice;
        }
        // The default instance, as if there were no other steps.
        let mut fallback = by_default(family, agreement, &why);
        fallback.warnings.splice(0..0, choice.warnings);
        fallback.path = choice.path;
        fallback.rules = choice.rules;
        fallback
    }

    fn infer(&self, family: &Family, agreement: &tags::Agreement) -> Choice {
        let mut found = identify::identify(self.catalogue, family, &self.pointers, agreement);
        let mut warnings = std::mem::take(&mut found.warnings);
        let mut choice = if !found.chosen.is_empty() {
            let mut choice = Choice::new(RouteStep::Identifier, "nothing in the alert points at it");
            choice.chosen = found.chosen;
            choice.path = found.path;
            choice
        } else if let Some(choice) = agreement.winners(found.all_alike().as_deref()) {
            choice
        } else if let Some(choice) = among_alike(family, &found.alike) {
            choice
        } else {
            by_default(family, agreement, "nothing in the alert points at an instance")
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
        path,
        rejected: family
            .incomplete
            .iter()
            .map(|one| Rejected { instance: one.name.clone(), why: one.reason.clone() })
            .collect(),
        ..Route::without(family.key.clone(), step, reason)
    }
}
