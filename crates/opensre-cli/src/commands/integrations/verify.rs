//! `integrations verify`: a real call to every instance that was asked for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use opensre_model::instance::Instance;
use opensre_model::resolution::Resolved;
use opensre_providers::driver::{Access, Neighbours, Probe, ProbeStatus, Provider, verify};
use serde::Serialize;

use super::address::Address;
use super::groups;
use crate::app::{App, duration};
use crate::args::VerifyArgs;
use crate::commands::deliver;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::text::table;

/// Instances that are probed at a time.
const AT_A_TIME: usize = 16;

/// One row: an instance, or a service that was asked for and has none.
#[derive(Debug, Serialize)]
struct Row {
    service: String,
    instance: Option<String>,
    /// `local store`, `local env` or `-`.
    source: String,
    status: ProbeStatus,
    detail: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    identity: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    milliseconds: u64,
}

pub(super) fn run(app: &App, args: &VerifyArgs) -> Outcome {
    let wants_json = app.wants_json()?;
    let limit = Duration::try_from(duration("--timeout", &args.timeout)?)
        .ok()
        .filter(|limit| !limit.is_zero())
        .ok_or_else(|| Failure::input("--timeout must be more than nothing"))?;
    let effective = app.effective()?;
    app.report(&effective.resolved.diagnostics);
    let mut addresses = Vec::new();
    for written in &args.instances {
        addresses.extend(groups::addresses(app, &effective.resolved, written)?);
    }
    let tests = Tests::of(app, &effective.resolved, &args.send_test)?;
    addresses.extend(tests.named.iter().cloned());
    let (instances, mut rows) = asked_for(&effective.resolved, &addresses);
    if instances.is_empty() && rows.is_empty() {
        if wants_json {
            app.output.json(&Vec::<Row>::new())?;
        }
        return Err(Failure::new(Exit::NothingConfigured, "nothing is configured, so there is nothing to verify")
            .hint("`opensre integrations add SERVICE` sets an instance up; `opensre demo` needs none"));
    }
    let neighbours = Neighbours::of(&effective.resolved);
    let probed = App::runtime()?.block_on(probe_all(app, instances, &neighbours, limit, &tests));
    rows.extend(probed);
    rows.sort_by(|one, other| (&one.service, &one.instance).cmp(&(&other.service, &other.instance)));

    if wants_json {
        app.output.json(&rows)?;
    } else {
        print(app, &rows)?;
    }
    let good = rows.iter().all(|row| match row.status {
        ProbeStatus::Passed | ProbeStatus::Configured => true,
        // What cannot be probed yet fails only if it was asked for by name: it has not passed.
        ProbeStatus::NotProbed => args.instances.is_empty(),
        ProbeStatus::Failed | ProbeStatus::Missing => false,
    });
    Ok(if good { Exit::Success } else { Exit::Failure })
}

/// The usable instances that were asked for (all when none was named), and rows for what is missing.
fn asked_for(resolved: &Resolved, addresses: &[Address]) -> (Vec<Instance>, Vec<Row>) {
    let named = |family: &str, name: &str| {
        addresses.is_empty()
            || addresses.iter().any(|address| {
                address.family == family && address.name.as_ref().is_none_or(|wanted| wanted.answers_to(name))
            })
    };
    let mut instances = Vec::new();
    let mut rows = Vec::new();
    for family in &resolved.families {
        let usable = family.instances.iter().filter(|instance| named(&family.key, instance.name.as_str()));
        instances.extend(usable.cloned());
        for incomplete in family.incomplete.iter().filter(|incomplete| named(&family.key, &incomplete.name)) {
            rows.push(Row::missing(
                &family.key,
                Some(&incomplete.name),
                incomplete.source.label(),
                incomplete.reason.clone(),
            ));
        }
    }
    for address in addresses {
        let found = |service: &str, name: Option<&str>| {
            service == address.family
                && address.name.as_ref().is_none_or(|wanted| name.is_some_and(|name| wanted.answers_to(name)))
        };
        let there = instances.iter().any(|instance| found(&instance.family, Some(instance.name.as_str())))
            || rows.iter().any(|row: &Row| found(&row.service, row.instance.as_deref()));
        if !there {
            let name = address.name.as_ref().map(|name| name.as_str().to_owned());
            let what = if name.is_some() { "no such instance is configured" } else { "no instance is configured" };
            rows.push(Row::missing(&address.family, name.as_deref(), "-", what.to_owned()));
        }
    }
    (instances, rows)
}

/// Probes instances, so many at a time, each with its own time limit. One odd answer never disturbs the others.
async fn probe_all(
    app: &App,
    instances: Vec<Instance>,
    neighbours: &Neighbours,
    limit: Duration,
    tests: &Tests,
) -> Vec<Row> {
    let (http, secrets) = app.network();
    let bar = progress(app, instances.len());
    let probes = instances.into_iter().map(|instance| {
        let provider = app.providers.iter().find(|provider| provider.spec.key == instance.service).copied();
        let (http, secrets, neighbours, bar) = (http.clone(), secrets.clone(), neighbours.clone(), bar.clone());
        let test = provider.filter(|provider| tests.wants(provider, &instance));
        async move {
            let begun = Instant::now();
            let access = Access { instance, http, secrets, deadline: begun + limit, neighbours };
            let result = prove(provider, access.clone(), limit).await;
            let result = match test {
                Some(provider) => tested(provider, access.clone(), limit, result).await,
                None => result,
            };
            bar.inc(1);
            Row {
                service: access.instance.family.clone(),
                instance: Some(access.instance.name.to_string()),
                source: access.instance.source.label().to_owned(),
                status: result.status,
                detail: result.detail,
                identity: result.identity,
                hint: result.hint,
                milliseconds: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            }
        }
    });
    let rows = futures::stream::iter(probes).buffer_unordered(AT_A_TIME).collect().await;
    bar.finish_and_clear();
    rows
}

/// Probes one instance within a time limit, under its pin.
pub(in crate::commands) async fn prove(provider: Option<Provider>, access: Access, limit: Duration) -> Probe {
    let Some(provider) = provider else {
        let detail = format!("opensre cannot probe {} yet", access.instance.service);
        return Probe { detail, ..Probe::not_probed() };
    };
    // In a task of its own: a panic is that instance's failure and nobody else's.
    let task = tokio::spawn(async move { verify(&provider, &access).await });
    match tokio::time::timeout(limit, task).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => failed("the probe failed unexpectedly", None),
        Err(_) => failed(
            &format!("no answer within {} s", limit.as_secs_f64()),
            Some("check that the host can be reached from here, or allow more with --timeout"),
        ),
    }
}

/// Where test messages go.
#[derive(Default)]
struct Tests {
    /// To every instance that is verified and can be delivered to.
    all: bool,
    /// To these.
    named: Vec<Address>,
}

impl Tests {
    fn of(app: &App, resolved: &Resolved, written: &[String]) -> Result<Self, Failure> {
        let mut tests = Self::default();
        for target in written {
            if target.trim().is_empty() {
                tests.all = true;
                continue;
            }
            for address in groups::addresses(app, resolved, target)? {
                deliver::provider(app, &address)?;
                tests.named.push(address);
            }
        }
        Ok(tests)
    }

    fn wants(&self, provider: &Provider, instance: &Instance) -> bool {
        let named = |address: &Address| {
            address.family == instance.family && address.name.as_ref().is_none_or(|name| *name == instance.name)
        };
        provider.deliver.is_some() && (self.all || self.named.iter().any(named))
    }
}

/// Sends a test message to what was probed, unless that failed: the message is the proof.
async fn tested(provider: Provider, access: Access, limit: Duration, probe: Probe) -> Probe {
    if !matches!(probe.status, ProbeStatus::Passed | ProbeStatus::Configured) {
        return probe;
    }
    match deliver::send(provider, access, limit, deliver::test_message).await {
        Ok(receipt) => {
            Probe { status: ProbeStatus::Passed, detail: format!("a test message was {}", receipt.detail), ..probe }
        }
        Err(failure) => Probe {
            status: ProbeStatus::Failed,
            detail: format!("the test message was not delivered: {}", failure.reason),
            hint: failure.hint,
            ..probe
        },
    }
}

fn failed(detail: &str, hint: Option<&str>) -> Probe {
    Probe {
        status: ProbeStatus::Failed,
        detail: detail.to_owned(),
        identity: BTreeMap::new(),
        hint: hint.map(str::to_owned),
    }
}

fn progress(app: &App, number: usize) -> ProgressBar {
    let bar = ProgressBar::new(number as u64);
    if app.global.quiet || !app.surroundings.progress {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("verifying {pos}/{len} {wide_bar} {elapsed}") {
        bar.set_style(style);
    }
    bar
}

fn print(app: &App, rows: &[Row]) -> Result<(), Failure> {
    let lines = rows
        .iter()
        .map(|row| {
            let address =
                row.instance.as_ref().map_or_else(|| row.service.clone(), |name| format!("{}/{name}", row.service));
            let identity: Vec<String> = row.identity.iter().map(|(key, value)| format!("{key} {value}")).collect();
            let identity = if identity.is_empty() { String::new() } else { format!(" ({})", identity.join(", ")) };
            let hint = row.hint.as_ref().map(|hint| format!("; hint: {hint}")).unwrap_or_default();
            let detail = format!("{}{identity}{hint}", row.detail);
            vec![address, row.source.clone(), word(row.status).to_owned(), detail]
        })
        .collect();
    app.output.data(&table(&["instance", "source", "status", "detail"], lines, app.surroundings.width))
}

/// The one set of status words.
fn word(status: ProbeStatus) -> &'static str {
    match status {
        ProbeStatus::Passed => "passed",
        ProbeStatus::Failed => "failed",
        ProbeStatus::Missing => "missing",
        ProbeStatus::Configured => "configured",
        ProbeStatus::NotProbed => "not probed",
    }
}

impl Row {
    fn missing(service: &str, instance: Option<&str>, source: &str, detail: String) -> Self {
        Self {
            service: service.to_owned(),
            instance: instance.map(str::to_owned),
            source: source.to_owned(),
            status: ProbeStatus::Missing,
            detail,
            identity: BTreeMap::new(),
            hint: Some(format!("`opensre integrations add {service}` sets it up")),
            milliseconds: 0,
        }
    }
}
