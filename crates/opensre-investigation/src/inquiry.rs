//! One investigation, from what a caller passes in to the report.

use std::sync::Arc;
use std::time::{Duration, Instant};

use opensre_http::Http;
use opensre_model::alert::Alert;
use opensre_model::evidence::{Gap, GapKind};
use opensre_model::provider::Catalogue;
use opensre_model::report::Report;
use opensre_model::resolution::Resolved;
use opensre_model::routing::{ExplicitChoice, Route, RouteOptions, route};
use opensre_model::secret::SecretSource;
use opensre_model::window::Window;
use opensre_providers::driver::{Neighbours, Provider};

use crate::gather::{Means, Observer, Progress, gather};
use crate::hypotheses::diagnose;
use crate::plan::plan;
use crate::redact::{RecordingSecrets, Redactor, plain_secrets};
use crate::report::{Parts, assemble};

/// Everything that an investigation needs.
pub struct Inquiry<'a> {
    /// The alert.
    pub alert: Alert,
    /// The instances in effect.
    pub resolved: &'a Resolved,
    /// The providers that this program knows.
    pub providers: &'a [Provider],
    /// The shared HTTP layer.
    pub http: Http,
    /// Resolves secret references.
    pub secrets: Arc<dyn SecretSource>,
    /// Instances that the command line names.
    pub explicit: Vec<ExplicitChoice>,
    /// How instances are chosen.
    pub routing: RouteOptions,
    /// The window to look at ([`Window::around`]).
    pub window: Window,
    /// How long the gathering may take.
    pub deadline: Duration,
    /// Who is told about progress.
    pub observer: Option<Observer>,
    /// What a person must know about what was passed in (shadowed records, bad variables); goes into the report.
    pub warnings: Vec<String>,
}

impl Inquiry<'_> {
    /// How long the gathering may take, unless told otherwise.
    pub const DEADLINE: Duration = Duration::from_mins(1);
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum InvestigationError {
    /// No instance is configured that this program can ask.
    #[error(
        "no integration is configured that can be asked for evidence{}\nhint: add one with `opensre integrations add SERVICE`, or see `opensre integrations list`",
        listed(.services)
    )]
    NoUsableIntegration {
        /// Services that are configured and cannot be asked.
        services: Vec<String>,
    },
    /// The time was over before anything was gathered.
    #[error("the deadline of {} s passed before anything was gathered\nhint: allow more time with --deadline, or check the integrations with `opensre integrations verify`", .deadline.as_secs_f64())]
    DeadlinePassed {
        /// The deadline.
        deadline: Duration,
        /// What was not answered.
        gaps: Vec<Gap>,
    },
    /// `--instance` names a service or instance that is not there, or a choice is in doubt and is to fail.
    #[error("{reason}\nhint: {hint}")]
    UnknownInstance {
        /// What was not found.
        reason: String,
        /// What is there.
        hint: String,
    },
}

impl InvestigationError {
    /// Why nothing may be asked, if a route says so ([`Route::refusal`]), with what is there instead.
    pub fn refusal(route: &Route<'_>, resolved: &Resolved) -> Option<Self> {
        let reason = route.refusal()?.to_owned();
        let names: Vec<String> = resolved
            .family(&route.service)
            .map(|family| family.instances.iter().map(|instance| instance.name.to_string()).collect())
            .unwrap_or_default();
        let hint = if names.is_empty() {
            "see `opensre integrations list` for what is configured".to_owned()
        } else {
            format!("instances of {}: {}", route.service, names.join(", "))
        };
        Some(Self::UnknownInstance { reason, hint })
    }
}

fn listed(services: &[String]) -> String {
    if services.is_empty() { String::new() } else { format!(" ({} cannot be asked)", services.join(", ")) }
}

/// Investigates an alert: chooses the instances, gathers from them, and says what is wrong.
///
/// Needs a Tokio runtime with timers. A query that blocks its thread holds up the others only where the runtime has
/// one thread.
pub async fn investigate(inquiry: Inquiry<'_>) -> Result<Report, InvestigationError> {
    let catalogue = Catalogue::new(inquiry.providers.iter().map(|provider| provider.spec).collect());
    let routes = route(&catalogue, inquiry.resolved, &inquiry.alert, &inquiry.explicit, inquiry.routing);
    if let Some(error) = routes.iter().find_map(|route| InvestigationError::refusal(route, inquiry.resolved)) {
        return Err(error);
    }
    investigate_along(inquiry, &routes).await
}

/// Investigates along routes that were chosen already.
pub async fn investigate_along(inquiry: Inquiry<'_>, routes: &[Route<'_>]) -> Result<Report, InvestigationError> {
    let began = Instant::now();
    let planned = plan(&inquiry.alert, routes, inquiry.resolved, inquiry.providers);
    if !planned.usable {
        let mut services: Vec<String> = inquiry.resolved.families.iter().map(|family| family.key.clone()).collect();
        services.sort();
        services.dedup();
        return Err(InvestigationError::NoUsableIntegration { services });
    }
    let tell = |progress| {
        if let Some(observer) = &inquiry.observer {
            observer(progress);
        }
    };
    let mut asked: Vec<String> = planned.tasks.iter().map(|task| task.instance.address()).collect();
    asked.dedup();
    tell(Progress::Planned { queries: planned.tasks.len(), instances: asked.len() });
    let recording = Arc::new(RecordingSecrets::new(Arc::clone(&inquiry.secrets)));
    let means = Means {
        http: inquiry.http.clone(),
        secrets: Arc::clone(&recording) as Arc<dyn SecretSource>,
        neighbours: Neighbours::of(inquiry.resolved),
        window: inquiry.window,
        deadline: inquiry.deadline,
    };
    let mut gathered = gather(&planned.tasks, &means, inquiry.observer.as_ref()).await;
    if gathered.evidence.is_empty() && gathered.deadline_passed {
        let gaps = gathered.gaps.into_iter().filter(|gap| gap.kind == GapKind::Deadline).collect();
        return Err(InvestigationError::DeadlinePassed { deadline: inquiry.deadline, gaps });
    }
    tell(Progress::Diagnosing);
    let redactor = recording.redactor(plain_secrets(routes.iter().flat_map(|route| route.chosen.iter().copied())));
    for evidence in &mut gathered.evidence {
        redactor.evidence(evidence);
    }
    let mut alert = inquiry.alert;
    redactor.alert(&mut alert);
    let gaps = gaps(planned.gaps, &mut gathered.gaps, &redactor);
    let warnings = inquiry.warnings.iter().map(|warning| redactor.text(warning)).collect();
    let diagnosis = diagnose(&alert, inquiry.window, &gathered.evidence, &gaps);
    Ok(assemble(Parts {
        alert: &alert,
        window: inquiry.window,
        routes,
        gathered: &gathered,
        gaps,
        diagnosis,
        warnings,
        total: began.elapsed(),
    }))
}

/// What failed first, then what was not asked; each once.
fn gaps(planned: Vec<Gap>, gathered: &mut Vec<Gap>, redactor: &Redactor) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for mut gap in std::mem::take(gathered).into_iter().chain(planned) {
        redactor.gap(&mut gap);
        if !gaps.contains(&gap) {
            gaps.push(gap);
        }
    }
    gaps.sort_by_key(|gap| matches!(gap.kind, GapKind::NotRelevant | GapKind::NotSupported));
    gaps
}
