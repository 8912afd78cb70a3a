//! Which applications an alert is about. Pure.

use opensre_model::alert::{Labels, standard_name};
use opensre_model::window::Window;

use super::wire::Application;
use crate::subject::SERVICE;

/// Most applications that are looked at closely.
pub const MOST: usize = 4;

/// Kinds of resources that run or expose a service.
const WORKLOADS: &[&str] =
    &["Deployment", "StatefulSet", "DaemonSet", "Rollout", "CronJob", "Job", "Service", "ReplicaSet", "Pod"];

/// Words that say where an application runs, not which it is.
const PLACES: &[&str] =
    &["prod", "production", "staging", "stage", "dev", "test", "qa", "app", "service", "svc", "api"];

/// An application that was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The application, as far as the list tells.
    pub application: Application,
    /// Whose it is: the alert's own word for its service, or its own name where it has nothing to do with the alert's.
    /// `None` where it is only near: in the same namespace.
    pub service: Option<String>,
}

/// What was chosen, and by what.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The applications, best first.
    pub chosen: Vec<Chosen>,
    /// How many more fit.
    pub more: usize,
    /// Why these, in words that go before "applications".
    pub why: &'static str,
    /// Whether the alert itself names them.
    pub named: bool,
}

/// The applications of the alert's service; else those in its namespace; else those that are not well or were
/// synced lately.
pub fn choose(all: &[Application], labels: &Labels, window: &Window) -> Choice {
    let in_cluster: Vec<&Application> = all.iter().filter(|application| !elsewhere(application, labels)).collect();
    // The first name that fits anything decides: what follows it (`job`) may name the collector.
    let of_service = services(labels).into_iter().map(|service| of(&in_cluster, &service, labels));
    if let Some(of_service) = of_service.into_iter().find(|fitting| !fitting.is_empty()) {
        return cut(of_service, "of the alert's service", true);
    }
    if !values(labels, "namespace").is_empty() {
        let near: Vec<Chosen> = in_cluster
            .iter()
            .filter(|application| in_namespace(application, labels))
            .map(|application| Chosen { service: None, application: (*application).clone() })
            .collect();
        if !near.is_empty() {
            return cut(near, "in the alert's namespace", true);
        }
    }
    let mut odd: Vec<&Application> =
        in_cluster.into_iter().filter(|application| not_well(application) || synced(application, window)).collect();
    odd.sort_by_key(|application| (!not_well(application), application.name.clone()));
    let own_name = |application: &Application| Chosen {
        service: Some(application.name.clone()),
        application: application.clone(),
    };
    cut(odd.into_iter().map(own_name).collect(), "that are not well or were synced lately", false)
}

/// The applications that fit a service's name, best first; those in the alert's namespace alone, if there are any: the
/// same name in another namespace is another place's.
fn of(applications: &[&Application], service: &str, labels: &Labels) -> Vec<Chosen> {
    let mut fitting: Vec<(bool, usize, &Application)> = applications
        .iter()
        .filter_map(|application| Some((!in_namespace(application, labels), fit(application, service)?, *application)))
        .collect();
    if fitting.iter().any(|(away, ..)| !away) {
        fitting.retain(|(away, ..)| !away);
    }
    fitting.sort_by_key(|(_, rank, application)| (*rank, application.name.clone()));
    let chosen =
        |application: &Application| Chosen { application: application.clone(), service: Some(service.to_owned()) };
    fitting.into_iter().map(|(.., application)| chosen(application)).collect()
}

fn cut(mut chosen: Vec<Chosen>, why: &'static str, named: bool) -> Choice {
    let more = chosen.len().saturating_sub(MOST);
    chosen.truncate(MOST);
    Choice { chosen, more, why, named }
}

/// How well an application fits a service's name: 0 is best.
fn fit(application: &Application, service: &str) -> Option<usize> {
    let same = |name: &str| name.eq_ignore_ascii_case(service);
    let instance = application.labels.iter().any(|(name, value)| standard_name(name) == Some("service") && same(value));
    if same(&application.name) || instance {
        return Some(0);
    }
    let runs = |kinds: &[&str]| {
        let mut resources = application.resources.iter();
        resources.any(|resource| kinds.contains(&resource.kind.as_str()) && same(&resource.name))
    };
    if runs(WORKLOADS) {
        return Some(1);
    }
    // `checkout-prod`, `prod-checkout` and `eu-checkout` hold the name as words of their own.
    let (name, service) = (words(&application.name), words(service));
    if name == service && !name.is_empty() {
        return Some(2);
    }
    let whole = application.name.to_lowercase();
    let inside = whole.split(['-', '_', '.']).collect::<Vec<_>>();
    let held = !service.is_empty() && inside.windows(service.len()).any(|window| window == service);
    held.then_some(3)
}

/// The words of a name that say which thing it is.
fn words(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    let all: Vec<String> = lower.split(['-', '_', '.']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let telling: Vec<String> = all.iter().filter(|word| !PLACES.contains(&word.as_str())).cloned().collect();
    if telling.is_empty() { all } else { telling }
}

/// The names that an alert gives its service, the most telling first. Argo CD's own alerts have the application's
/// name under `name`.
fn services(labels: &Labels) -> Vec<String> {
    let own = labels.get("name").filter(|_| labels.contains_key("dest_server") || labels.contains_key("sync_status"));
    let named = ["argocd_app", "argocd_application", "argocd_app_name", "argocd_argoproj_io_instance"];
    let mut services: Vec<String> =
        own.into_iter().chain(named.iter().filter_map(|key| labels.get(*key))).cloned().collect();
    if services.is_empty() {
        services = SERVICE.iter().filter_map(|key| labels.get(*key)).cloned().collect();
        services.extend(values(labels, "service"));
    }
    services.retain(|service| !service.trim().is_empty());
    let mut seen = std::collections::BTreeSet::new();
    services.retain(|service| seen.insert(service.to_lowercase()));
    services
}

fn values(labels: &Labels, standard: &str) -> Vec<String> {
    labels
        .iter()
        .filter(|(name, value)| standard_name(name) == Some(standard) && !value.trim().is_empty())
        .map(|(_, value)| value.clone())
        .collect()
}

fn in_namespace(application: &Application, labels: &Labels) -> bool {
    // Argo CD's own alerts carry its own namespace; that of the destination is another label.
    let mut wanted = labels.get("dest_namespace").cloned().into_iter().collect::<Vec<_>>();
    if wanted.is_empty() {
        wanted = values(labels, "namespace");
    }
    let is = |namespace: Option<&String>| namespace.is_some_and(|namespace| wanted.contains(namespace));
    wanted.is_empty()
        || is(application.destination.namespace.as_ref())
        || application.resources.iter().any(|resource| is(resource.namespace.as_ref()))
}

/// Whether it is deployed to another cluster than the alert's. Clusters that only a URL names may be any.
fn elsewhere(application: &Application, labels: &Labels) -> bool {
    let wanted = values(labels, "cluster");
    match application.destination.cluster.as_deref() {
        Some(cluster) if cluster != "in-cluster" && !wanted.is_empty() => {
            !wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(cluster))
        }
        _ => false,
    }
}

fn not_well(application: &Application) -> bool {
    application.health.is_good() == Some(false)
        || application.operation.as_ref().is_some_and(super::wire::Operation::is_failed)
}

fn synced(application: &Application, window: &Window) -> bool {
    let Some(operation) = &application.operation else { return false };
    let ended = operation.finished_at.or(operation.started_at);
    ended.is_some_and(|time| time >= super::queries::since(window) && time <= window.end)
}
