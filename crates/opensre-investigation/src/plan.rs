//! From routes to tasks: which queries are asked of which instance, and why the others are not.
//!
//! Every configured service leaves a trace: a task for each query that the alert makes relevant, a gap with its reason
//! for everything else. The kind of alert never silences a service; only its own queries say what they need.

use opensre_model::alert::Alert;
use opensre_model::evidence::{Gap, GapKind};
use opensre_model::instance::Instance;
use opensre_model::resolution::Resolved;
use opensre_model::routing::Route;
use opensre_providers::driver::{Input, Provider, Query, Relevance};

/// One query to one instance with one input.
#[derive(Clone)]
pub struct Task {
    /// The instance that is asked.
    pub instance: Instance,
    /// Its provider.
    pub provider: Provider,
    /// The query.
    pub query: &'static Query,
    /// Its input.
    pub input: Input,
    /// Its place in the plan of its instance: what evidence is ordered by, whoever answers first.
    pub order: usize,
}

/// What is asked, and what is not.
#[derive(Clone, Default)]
pub struct Plan {
    /// The tasks, by service, instance and order.
    pub tasks: Vec<Task>,
    /// What is not asked, and why.
    pub gaps: Vec<Gap>,
    /// Whether any instance is there that this program can ask at all.
    pub usable: bool,
}

/// Makes the plan. Pure.
pub fn plan(alert: &Alert, routes: &[Route<'_>], resolved: &Resolved, providers: &[Provider]) -> Plan {
    let mut plan = Plan::default();
    for route in routes {
        let incomplete = resolved.family(&route.service).is_some_and(|family| !family.incomplete.is_empty());
        if route.chosen.is_empty() && !incomplete {
            plan.gaps.push(gap(&route.service, None, None, GapKind::NotRelevant, route.reason.clone()));
        }
        for instance in &route.chosen {
            ask(&mut plan, alert, instance, providers);
        }
    }
    for family in &resolved.families {
        if !routes.iter().any(|route| route.service == family.key) && !family.instances.is_empty() {
            let reason = "no instance was chosen for this alert".to_owned();
            plan.gaps.push(gap(&family.key, None, None, GapKind::NotRelevant, reason));
        }
        if family.instances.is_empty() {
            for incomplete in &family.incomplete {
                let mut gap = gap(
                    &family.key,
                    Some(&incomplete.name),
                    None,
                    GapKind::Denied,
                    format!("its configuration is incomplete: {}", incomplete.reason),
                );
                gap.hint =
                    Some(format!("complete it with `opensre integrations set {}/{}`", family.key, incomplete.name));
                plan.gaps.push(gap);
            }
        }
    }
    plan.tasks.sort_by(|a, b| key(a).cmp(&key(b)));
    plan
}

fn ask(plan: &mut Plan, alert: &Alert, instance: &Instance, providers: &[Provider]) {
    let name = instance.name.as_str();
    let Some(provider) = providers.iter().find(|provider| provider.spec.key == instance.service) else {
        let reason = format!("this version knows no service called \"{}\"", instance.service);
        plan.gaps.push(gap(&instance.family, Some(name), None, GapKind::NotSupported, reason));
        return;
    };
    if provider.queries.is_empty() {
        let reason = format!("this version cannot gather evidence from {} yet", provider.spec.name);
        plan.gaps.push(gap(&instance.family, Some(name), None, GapKind::NotSupported, reason));
        return;
    }
    plan.usable = true;
    let mut order = 0;
    for query in provider.queries {
        match (query.relevance)(alert) {
            Relevance::Ask(inputs) if inputs.is_empty() => {
                let reason = "the alert gives it nothing to ask for".to_owned();
                plan.gaps.push(gap(&instance.family, Some(name), Some(query.name), GapKind::NotRelevant, reason));
            }
            Relevance::Ask(inputs) => {
                for input in inputs {
                    plan.tasks.push(Task { instance: instance.clone(), provider: *provider, query, input, order });
                    order += 1;
                }
            }
            Relevance::Skip(why) => {
                let reason = why.to_owned();
                plan.gaps.push(gap(&instance.family, Some(name), Some(query.name), GapKind::NotRelevant, reason));
            }
        }
    }
}

/// What tasks, and their answers, are ordered by.
pub(crate) fn key(task: &Task) -> (&str, &str, usize) {
    (&task.instance.family, task.instance.name.as_str(), task.order)
}

fn gap(service: &str, instance: Option<&str>, operation: Option<&str>, kind: GapKind, reason: String) -> Gap {
    Gap {
        service: service.to_owned(),
        instance: instance.map(str::to_owned),
        operation: operation.map(str::to_owned),
        kind,
        reason,
        hint: None,
    }
}
