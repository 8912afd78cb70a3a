//! `opensre investigate`: an alert in, a report out.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use opensre_investigation::{Inquiry, InvestigationError, Observer, Progress, investigate};
use opensre_model::alert::Alert;
use opensre_model::report::Report;
use opensre_model::routing::{ExplicitChoice, RouteOptions};
use opensre_model::window::Window;
use opensre_report::text::TextOptions;

use super::deliver;
use crate::app::{App, duration, routing};
use crate::args::{Format, InvestigateArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::surroundings::Surroundings;

/// What the caller wants to know, apart from the alert.
pub(super) struct Wishes {
    pub(super) explicit: Vec<ExplicitChoice>,
    pub(super) routing: RouteOptions,
    pub(super) now: Timestamp,
    pub(super) since: Option<SignedDuration>,
    pub(super) deadline: Duration,
}

pub(super) fn run(app: &App, args: &InvestigateArgs) -> Outcome {
    let format = report_format(app)?;
    let wishes = Wishes {
        explicit: args.instance.iter().map(|written| explicit(written)).collect::<Result<_, _>>()?,
        routing: routing(&args.routing)?,
        now: present(args.now.as_deref())?.unwrap_or_else(Surroundings::now),
        since: args.since.as_deref().map(|text| duration("--since", text)).transpose()?,
        deadline: positive("--deadline", &args.deadline)?,
    };
    let alert = match (&args.input, &args.text) {
        (Some(path), _) => App::read_alert(path)?,
        (None, Some(text)) if !text.trim().is_empty() => Alert::from_text(text),
        _ => return Err(Failure::input("--text is empty").hint("say what is wrong, or give the payload with --input")),
    };
    let targets = deliver::targets(app, &args.deliver)?;
    let runtime = App::runtime()?;
    let report = runtime.block_on(report(app, alert, wishes))?;
    // A report that cannot be printed is delivered all the same.
    let printed = print(app, &report, format, args.output.as_deref());
    let delivered = runtime.block_on(deliver::report(app, targets, &report));
    printed?;
    Ok(match exit(&report) {
        Exit::Success if !delivered => Exit::NotDelivered,
        exit => exit,
    })
}

/// Reports are printed as text, JSON or Markdown.
pub(super) fn report_format(app: &App) -> Result<Format, Failure> {
    app.format(&[Format::Text, Format::Json, Format::Markdown])
}

/// A finished investigation is a success, whatever its verdict; one that every back end refused has not taken place.
pub(super) fn exit(report: &Report) -> Exit {
    if report.evidence.is_empty() && report.gaps.iter().any(|gap| gap.kind.is_failure()) {
        Exit::NothingGathered
    } else {
        Exit::Success
    }
}

/// Investigates an alert with the instances in effect.
pub(super) async fn report(app: &App, alert: Alert, wishes: Wishes) -> Result<Report, Failure> {
    let effective = app.effective()?;
    let (http, secrets) = app.network();
    let bar = progress(app);
    let placed = Window::place(alert.starts_at, alert.ends_at, wishes.now, wishes.since);
    let mut warnings = effective.warnings();
    warnings.extend(placed.notes);
    let inquiry = Inquiry {
        window: placed.window,
        alert,
        resolved: &effective.resolved,
        providers: &app.providers,
        explicit: wishes.explicit,
        routing: wishes.routing,
        http,
        secrets,
        deadline: wishes.deadline,
        observer: Some(observer(&bar)),
        warnings,
    };
    let outcome = investigate(inquiry).await;
    bar.finish_and_clear();
    outcome.map_err(|error| {
        let exit = match &error {
            InvestigationError::NoUsableIntegration { .. } => Exit::NothingConfigured,
            InvestigationError::DeadlinePassed { .. } => Exit::Deadline,
            InvestigationError::UnknownInstance { .. } => Exit::BadInput,
        };
        Failure::new(exit, error.to_string())
    })
}

/// Prints the report in a format, or writes it to a file for its owner only.
pub(super) fn print(app: &App, report: &Report, format: Format, file: Option<&Path>) -> Result<(), Failure> {
    let text = match format {
        Format::Json => opensre_report::json::render(report)
            .map_err(|error| Failure::new(Exit::Internal, format!("cannot write the report: {error}")))?,
        Format::Markdown => opensre_report::markdown::render(report),
        Format::Text => opensre_report::text::render(
            report,
            TextOptions {
                color: file.is_none() && app.output.color(),
                width: app.surroundings.width,
                unicode: app.surroundings.unicode,
            },
        ),
    };
    let Some(path) = file else { return app.output.data(&text) };
    opensre_store::write_private(path, text.as_bytes()).map_err(|error| {
        Failure::failed(format!("cannot write {}: {error}", path.display()))
            .hint("the folder must exist and be writable")
    })?;
    app.output.note(&format!("wrote {}", path.display()));
    Ok(())
}

/// Reads `SERVICE=WANTED`.
pub(super) fn explicit(written: &str) -> Result<ExplicitChoice, Failure> {
    match written.split_once('=') {
        Some((service, wanted)) if !service.trim().is_empty() && !wanted.trim().is_empty() => {
            Ok(ExplicitChoice { service: service.trim().to_owned(), wanted: wanted.trim().to_owned() })
        }
        _ => Err(Failure::input(format!("--instance {written}: names no instance"))
            .hint("write --instance SERVICE=NAME, or a tag selector: --instance 'aws=env=prod,region!=eu'")),
    }
}

/// Reads `--now`.
pub(super) fn present(written: Option<&str>) -> Result<Option<Timestamp>, Failure> {
    written
        .map(|text| {
            text.trim().parse().map_err(|_| {
                Failure::input(format!("--now: `{text}` is no time")).hint("write it as 2026-11-24T10:00:00Z")
            })
        })
        .transpose()
}

pub(super) fn positive(name: &str, text: &str) -> Result<Duration, Failure> {
    Duration::try_from(duration(name, text)?)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| Failure::input(format!("{name} must be more than nothing")))
}

fn progress(app: &App) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if app.global.quiet || !app.surroundings.progress {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn observer(bar: &ProgressBar) -> Observer {
    let bar = bar.clone();
    Arc::new(move |progress| match progress {
        Progress::Planned { queries, instances } => {
            bar.set_message(format!("asking {queries} queries of {instances} instances"));
        }
        Progress::Answered { service, instance, operation, open, .. } => {
            bar.set_message(format!("{service}/{instance} answered {operation}, {open} open"));
        }
        Progress::Diagnosing => bar.set_message("weighing the evidence"),
    })
}
