//! From a record as it is written to instances that can be used: typed fields with their defaults, the provider's own
//! check, and the rule that says when an instance is configured.
//!
//! An instance that cannot be used is left out with a reason and affects none of its siblings. No diagnostic repeats
//! what a field holds. That a left-out instance moves the default is said by [`resolve`](crate::resolution::resolve),
//! which sees all records of the family.

mod reading;
mod userinfo;

use serde_json::{Map, Value as Json};

use crate::diagnostic::{Diagnostic, Severity, Source};
use crate::identity::Expect;
use crate::instance::{Instance, InstanceName, OpaqueCredentials, Settings, Tags};
use crate::policy::Policy;
use crate::provider::{Catalogue, Draft, ProviderSpec};
use crate::record::{RawInstance, Record};
use crate::resolution::Incomplete;
use crate::rule;
use crate::wording::{joined, misspelt, quoted, related};

/// What a record's instances are.
#[derive(Debug, Clone, Default)]
pub struct Classified {
    /// Those that can be used, in written order.
    pub instances: Vec<Instance>,
    /// Those that cannot, in written order.
    pub incomplete: Vec<Incomplete>,
    /// What was left out, or read differently from how it was written.
    pub diagnostics: Vec<Diagnostic>,
}

/// What one written instance is.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are usable; a box for each would cost more than it saves")]
pub(crate) enum Outcome {
    /// It can be used.
    Usable(Instance),
    /// It cannot; `service` is the canonical key as far as it was made out.
    Unusable { service: String, incomplete: Incomplete },
}

/// Makes a record's instances out of what is written. An inactive record has none.
pub fn classify(catalogue: &Catalogue, record: &Record) -> Classified {
    let (outcomes, diagnostics) = outcomes(catalogue, record);
    let mut classified = Classified { diagnostics, ..Classified::default() };
    for outcome in outcomes {
        match outcome {
            Outcome::Usable(instance) => classified.instances.push(instance),
            Outcome::Unusable { incomplete, .. } => classified.incomplete.push(incomplete),
        }
    }
    classified
}

/// One outcome for each written instance of an active record, in order.
pub(crate) fn outcomes(catalogue: &Catalogue, record: &Record) -> (Vec<Outcome>, Vec<Diagnostic>) {
    let service = catalogue.canonical(&record.service);
    if !record.is_active() {
        let note = Diagnostic::new(Severity::Note, record.source.clone(), "the record is not active and is not used")
            .with_service(service)
            .with_field("status");
        return (Vec::new(), vec![note]);
    }
    let mut diagnostics = Vec::new();
    let Some(spec) = catalogue.find(&record.service) else {
        diagnostics.push(unknown_service(catalogue, record, &service));
        let outcomes = record.instances.iter().map(|raw| opaque(record, &service, raw, &mut diagnostics)).collect();
        return (outcomes, diagnostics);
    };
    let outcomes: Vec<Outcome> = record
        .instances
        .iter()
        .map(|raw| {
            let mut classifier = Classifier {
                catalogue,
                spec,
                record,
                service: spec.key,
                name: InstanceName::new(&raw.name),
                diagnostics: &mut diagnostics,
            };
            classifier.classify(raw)
        })
        .collect();
    diagnostics.extend(unusable_variable(spec, record, &outcomes));
    (outcomes, diagnostics)
}

fn unknown_service(catalogue: &Catalogue, record: &Record, service: &str) -> Diagnostic {
    let names = || catalogue.iter().flat_map(|spec| std::iter::once(spec.key).chain(spec.aliases.iter().copied()));
    let report = |severity| {
        Diagnostic::new(severity, record.source.clone(), "is not a known service; it is kept as stored")
            .with_service(service)
    };
    match misspelt(service, names()).or_else(|| related(service, names())) {
        Some(name) => report(Severity::Warning).with_hint(format!("did you mean `{name}`?")),
        None => report(Severity::Note),
    }
}

/// An instances variable hides the single-instance ones even when nothing in it can be used: worth an own line.
fn unusable_variable(spec: &ProviderSpec, record: &Record, outcomes: &[Outcome]) -> Option<Diagnostic> {
    let Source::Environment { variable } = &record.source else { return None };
    let none_usable = !outcomes.iter().any(|outcome| matches!(outcome, Outcome::Usable(_)));
    (none_usable && spec.instances_variable == Some(variable.as_str())).then(|| {
        Diagnostic::new(Severity::Error, record.source.clone(), format!("no entry of {variable} can be used"))
            .with_service(spec.key)
            .with_hint(format!("repair an entry, or unset {variable} to use the single-instance variables"))
    })
}

/// An instance of a service that the catalogue does not know: kept as stored.
fn opaque(record: &Record, service: &str, raw: &RawInstance, diagnostics: &mut Vec<Diagnostic>) -> Outcome {
    let name = InstanceName::new(&raw.name);
    let tags = read_tags(record, service, &name, &raw.tags, diagnostics);
    let expect = match read_expect(record, service, &name, raw, diagnostics) {
        Ok(expect) => expect,
        Err(reason) => {
            diagnostics.push(
                Diagnostic::new(Severity::Error, record.source.clone(), reason.clone())
                    .with_service(service)
                    .with_instance(name.as_str())
                    .with_field(EXPECT)
                    .with_hint(EXPECT_HINT),
            );
            let incomplete = Incomplete {
                name: name.as_str().to_owned(),
                integration_id: record.id.clone(),
                reason: format!("{EXPECT}: {reason}"),
                source: record.source.clone(),
            };
            return Outcome::Unusable { service: service.to_owned(), incomplete };
        }
    };
    let policy = read_policy(record, service, &name, raw, diagnostics);
    Outcome::Usable(Instance {
        service: service.to_owned(),
        family: service.to_owned(),
        name,
        tags,
        expect,
        policy,
        settings: Settings::Opaque(OpaqueCredentials::new(raw.credentials.clone())),
        integration_id: record.id.clone(),
        source: record.source.clone(),
    })
}

fn read_tags(
    record: &Record,
    service: &str,
    name: &InstanceName,
    written: &Map<String, Json>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Tags {
    let (tags, rejected) = Tags::from_json(written);
    for tag in rejected {
        let reason = format!("the tag {} is no text, number or boolean; it is left out", quoted(&tag));
        diagnostics.push(
            Diagnostic::new(Severity::Warning, record.source.clone(), reason)
                .with_service(service)
                .with_instance(name.as_str())
                .with_field("tags"),
        );
    }
    tags
}

const EXPECT: &str = "expect";
const EXPECT_HINT: &str = r#"write it as {"account_id": "123456789012"}, or remove it"#;

/// An instance's pin. One that cannot be read makes the instance unusable.
fn read_expect(
    record: &Record,
    service: &str,
    name: &InstanceName,
    raw: &RawInstance,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Expect, String> {
    let reading = Expect::read(raw.expect.as_ref()).map_err(|reason| format!("the pin {reason}"))?;
    for key in reading.as_text {
        let reason = format!("{} is no text; it is read as one", quoted(&key));
        diagnostics.push(
            Diagnostic::new(Severity::Warning, record.source.clone(), reason)
                .with_service(service)
                .with_instance(name.as_str())
                .with_field(EXPECT),
        );
    }
    Ok(reading.expect)
}

/// An instance's policies. One that cannot be read protects as much as it can.
fn read_policy(
    record: &Record,
    service: &str,
    name: &InstanceName,
    raw: &RawInstance,
    diagnostics: &mut Vec<Diagnostic>,
) -> Policy {
    let reading = Policy::read(&raw.policy);
    for (key, reason) in reading.unreadable {
        diagnostics.push(
            Diagnostic::new(Severity::Error, record.source.clone(), format!("the policy {reason}"))
                .with_service(service)
                .with_instance(name.as_str())
                .with_field(key)
                .with_hint(r#"write "requires_explicit": true, "route_from": ["hint", "urls"]"#),
        );
    }
    reading.policy
}

/// Makes one instance of a known provider.
struct Classifier<'a> {
    catalogue: &'a Catalogue,
    spec: &'static ProviderSpec,
    record: &'a Record,
    /// The canonical key, as far as it is known.
    service: &'static str,
    name: InstanceName,
    diagnostics: &'a mut Vec<Diagnostic>,
}

/// Why an instance cannot be used.
struct Rejection {
    field: Option<&'static str>,
    reason: String,
    hint: Option<String>,
}

impl Classifier<'_> {
    fn classify(&mut self, raw: &RawInstance) -> Outcome {
        let tags = read_tags(self.record, self.spec.key, &self.name, &raw.tags, self.diagnostics);
        let expect = read_expect(self.record, self.spec.key, &self.name, raw, self.diagnostics);
        let policy = read_policy(self.record, self.spec.key, &self.name, raw, self.diagnostics);
        let settled = expect
            .map_err(|reason| Rejection { field: Some(EXPECT), reason, hint: Some(EXPECT_HINT.to_owned()) })
            .and_then(|expect| Ok((expect, self.settle(raw)?)));
        match settled {
            Ok((expect, (spec, config))) => Outcome::Usable(Instance {
                service: spec.key.to_owned(),
                family: spec.family.to_owned(),
                name: self.name.clone(),
                tags,
                expect,
                policy,
                settings: Settings::Typed(config),
                integration_id: self.record.id.clone(),
                source: self.record.source.clone(),
            }),
            Err(rejection) => {
                let mut report = self.report(Severity::Error, rejection.field, rejection.reason.clone());
                report.hint = rejection.hint;
                self.diagnostics.push(report);
                let reason = match rejection.field {
                    // The words of a missing field name it themselves.
                    Some(field) if !rejection.reason.contains(&format!("`{field}`")) => {
                        format!("{field}: {}", rejection.reason)
                    }
                    _ => rejection.reason,
                };
                Outcome::Unusable {
                    service: self.service.to_owned(),
                    incomplete: Incomplete {
                        name: self.name.as_str().to_owned(),
                        integration_id: self.record.id.clone(),
                        reason,
                        source: self.record.source.clone(),
                    },
                }
            }
        }
    }

    /// The way of an instance: its fields, the provider's own check, the rule.
    fn settle(&mut self, raw: &RawInstance) -> Result<(&'static ProviderSpec, crate::value::Config), Rejection> {
        self.report_unknown_keys(&raw.credentials);
        let mut config = self.read_fields(&raw.credentials)?;
        self.lift_userinfo(&mut config);

        let mut draft = Draft { service: self.spec.key, config, warnings: Vec::new(), rejection: None };
        if let Some(refine) = self.spec.hooks.refine {
            refine(&mut draft);
        }
        let Draft { service, config, warnings, rejection } = draft;
        let spec = self.moved_to(service)?;
        self.service = spec.key;
        for (field, reason) in warnings {
            self.warn(field, reason, None);
        }
        if let Some((field, reason)) = rejection {
            return Err(Rejection { field, reason, hint: None });
        }
        match rule::missing(&spec.configured, spec, &config) {
            None => Ok((spec, config)),
            Some(missing) => {
                let field = if let [only] = missing.fields[..] { Some(only) } else { None };
                Err(Rejection {
                    field,
                    reason: format!("needs {}", missing.words),
                    hint: self.variables_hint(&missing.fields),
                })
            }
        }
    }

    /// The declaration of the key that the provider's hook moved the instance to; a family is never left.
    fn moved_to(&self, service: &str) -> Result<&'static ProviderSpec, Rejection> {
        if service == self.spec.key {
            return Ok(self.spec);
        }
        self.catalogue.find(service).filter(|spec| spec.family == self.spec.family).ok_or_else(|| Rejection {
            field: None,
            reason: format!("was moved to {}, which is not of the family `{}`", quoted(service), self.spec.family),
            hint: Some("this is an error in the provider's declaration: please report it".to_owned()),
        })
    }

    /// For an instance of the single-instance variables: which variables to set.
    fn variables_hint(&self, missing: &[&str]) -> Option<String> {
        let Source::Environment { variable } = &self.record.source else { return None };
        if self.spec.instances_variable == Some(variable.as_str()) {
            return None;
        }
        let variables: Vec<String> = missing
            .iter()
            .filter_map(|key| self.spec.field(key)?.env.first())
            .map(|variable| (*variable).to_owned())
            .collect();
        (!variables.is_empty()).then(|| format!("set {}", joined(&variables, "or")))
    }

    fn report(&self, severity: Severity, field: Option<&str>, reason: String) -> Diagnostic {
        let mut report = Diagnostic::new(severity, self.record.source.clone(), reason)
            .with_service(self.service)
            .with_instance(self.name.as_str());
        report.field = field.map(str::to_owned);
        report
    }

    fn warn(&mut self, field: Option<&str>, reason: String, hint: Option<String>) {
        let mut report = self.report(Severity::Warning, field, reason);
        report.hint = hint;
        self.diagnostics.push(report);
    }
}
