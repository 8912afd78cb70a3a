//! Delivering: to instances that a person named, each on its own, and never anywhere else.

use std::time::{Duration, Instant};

use opensre_model::instance::Instance;
use opensre_model::message::Message;
use opensre_model::report::Report;
use opensre_providers::driver::{self, Access, Neighbours, Provider, Receipt};

use super::integrations::address::Address;
use super::integrations::{groups, named_or_default};
use crate::app::App;
use crate::failure::Failure;
use crate::text::printable;

/// Longest time for one target, waits that it asks for included.
const LONGEST: Duration = Duration::from_secs(30);

/// An instance that a report is delivered to.
pub(super) struct Target {
    instance: Instance,
    provider: Provider,
    neighbours: Neighbours,
}

/// The targets that were written, each once. Fails before anything is asked, so that nobody waits for an investigation
/// whose report goes nowhere.
pub(super) fn targets(app: &App, written: &[String]) -> Result<Vec<Target>, Failure> {
    let mut targets: Vec<Target> = Vec::new();
    if written.is_empty() {
        return Ok(targets);
    }
    let effective = app.effective()?;
    let neighbours = Neighbours::of(&effective.resolved);
    let mut add = |instance: &Instance, provider: Provider| {
        if !targets.iter().any(|target| target.instance == *instance) {
            targets.push(Target { instance: instance.clone(), provider, neighbours: neighbours.clone() });
        }
    };
    for text in written {
        if let Some(members) = groups::members_to_ask(app, &effective.resolved, text)? {
            for instance in members {
                let address = Address::parse(&app.catalogue, &instance.address())?;
                add(instance, provider(app, &address)?);
            }
            continue;
        }
        let address = Address::parse(&app.catalogue, text)?;
        let provider = provider(app, &address)?;
        add(named_or_default(&effective.resolved, &address)?, provider);
    }
    Ok(targets)
}

/// The provider of an address, if it can be delivered to.
pub(super) fn provider(app: &App, address: &Address) -> Result<Provider, Failure> {
    let able = || app.providers.iter().filter(|provider| provider.deliver.is_some());
    able().find(|provider| provider.spec.family == address.family).copied().ok_or_else(|| {
        let known: Vec<&str> = able().map(|provider| provider.spec.key).collect();
        Failure::input(format!("nothing can be delivered to {}", printable(&address.written)))
            .hint(format!("deliver to one of: {}", known.join(", ")))
    })
}

/// Delivers a report to all targets at once, and tells how it went on standard error. Returns whether all have it.
pub(super) async fn report(app: &App, targets: Vec<Target>, report: &Report) -> bool {
    if targets.is_empty() {
        return true;
    }
    let message = opensre_report::slack::render(report);
    let (http, secrets) = app.network();
    let sending = targets.into_iter().map(|target| {
        let address = target.instance.address();
        let deadline = Instant::now() + LONGEST;
        let Target { instance, provider, neighbours } = target;
        let access = Access { instance, http: http.clone(), secrets: secrets.clone(), deadline, neighbours };
        let message = message.clone();
        async move { (address, send(provider, access, LONGEST, move |_| message).await) }
    });
    let mut all = true;
    for (address, outcome) in futures::future::join_all(sending).await {
        match outcome {
            Ok(receipt) => app.output.note(&printable(&format!("delivered to {address}: {}", receipt.detail))),
            Err(failure) => {
                all = false;
                app.output.complain(&printable(&format!("warning: not delivered to {address}: {}", failure.reason)));
                if let Some(hint) = failure.hint {
                    app.output.complain(&printable(&format!("  hint: {hint}")));
                }
            }
        }
    }
    all
}

/// A message that says that it is a test.
pub(super) fn test_message(instance: &Instance) -> Message {
    opensre_report::slack::test(&instance.address())
}

/// Delivers one message to one instance within a limit, in a task of its own: whatever happens there happens to nobody
/// else.
pub(super) async fn send(
    provider: Provider,
    access: Access,
    limit: Duration,
    message: impl FnOnce(&Instance) -> Message,
) -> Result<Receipt, driver::Failure> {
    use opensre_model::evidence::GapKind;
    let message = message(&access.instance);
    let access = Access { deadline: Instant::now() + limit, ..access };
    let task = tokio::spawn(async move { driver::deliver(&provider, &access, &message).await });
    // A little longer than the access has, so that it can say itself what it waited for.
    match tokio::time::timeout(limit + Duration::from_millis(500), task).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(driver::Failure::new(GapKind::Failed, "the delivery broke off by a fault of this program")),
        Err(_) => Err(driver::Failure::new(GapKind::Deadline, format!("no answer within {} s", limit.as_secs_f64()))),
    }
}
