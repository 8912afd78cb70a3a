//! Checks what the YAML types cannot say: names that must exist, numbers that must make sense.

use std::collections::BTreeSet;

use serde_saphyr::Spanned;

use super::{
    AlertSpec, Backend, Host, Instance, LogStream, Metric, MetricKind, Offset, Profile, Scenario, ScenarioError,
    Series, Service, Span, TraceKind, Webhook,
};
use crate::data::template::Template;
use crate::fault::FaultKind;

/// Returns the first thing that is wrong, in the order of the document.
pub(super) fn check(scenario: &Scenario, text: &str) -> Result<(), ScenarioError> {
    let checker = Checker { text };
    checker.top(scenario)?;
    for (name, backend) in &scenario.backends {
        checker.backend(scenario, name, backend)?;
    }
    let mut ids = BTreeSet::new();
    for instance in &scenario.instances {
        if !ids.insert(instance.id()) {
            return Err(invalid(line(&instance.name), &instance.id(), "there are two instances of that name"));
        }
        check_instance(scenario, instance)?;
    }
    checker.alert(scenario)
}

struct Checker<'a> {
    text: &'a str,
}

fn line<T>(spanned: &Spanned<T>) -> u64 {
    spanned.referenced.line()
}

fn invalid(line: u64, at: &str, problem: impl Into<String>) -> ScenarioError {
    ScenarioError::Invalid { line, at: at.to_owned(), problem: problem.into() }
}

impl Checker<'_> {
    /// The first line that contains `needle`; 1 if none does.
    fn line_of(&self, needle: &str) -> u64 {
        let index = self.text.lines().position(|line| line.contains(needle)).unwrap_or(0);
        index as u64 + 1
    }

    fn top(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        let name_fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if scenario.name.is_empty() || !scenario.name.chars().all(name_fits) {
            let at = self.line_of("name:");
            return Err(invalid(at, "name", "use lower-case letters, digits and `-`, for example `db-pool-exhausted`"));
        }
        let lengths = [
            ("onset_ago", scenario.onset_ago, Offset::ZERO),
            ("history", scenario.history, Offset::from_seconds(60)),
            ("scrape_interval", scenario.scrape_interval, Offset::from_seconds(1)),
        ];
        for (key, length, least) in lengths {
            if length < least {
                return Err(invalid(self.line_of(key), key, format!("must be at least {least}")));
            }
        }
        let span = scenario.history.milliseconds() + scenario.onset_ago.milliseconds();
        if span / scenario.scrape_interval.milliseconds() > 100_000 {
            return Err(invalid(self.line_of("history"), "history", "more than 100,000 samples a series; shorten it"));
        }
        if scenario.instances.is_empty() {
            return Err(invalid(self.line_of("instances"), "instances", "a scenario needs at least one instance"));
        }
        for id in &scenario.cause.instances {
            if scenario.instance(id).is_none() {
                return Err(invalid(self.line_of(id), "cause.instances", unknown_instance(scenario, id)));
            }
        }
        Ok(())
    }

    fn backend(&self, scenario: &Scenario, name: &str, backend: &Backend) -> Result<(), ScenarioError> {
        let at = format!("backends.{name}");
        if let Some(base) = &backend.like {
            let here = self.line_of(&format!("like: {base}"));
            match scenario.backends.get(base) {
                None => return Err(invalid(here, &at, format!("`like: {base}` names a backend that does not exist"))),
                Some(found) if found.like.is_some() => {
                    return Err(invalid(here, &at, format!("`like: {base}`: that backend is itself `like` another")));
                }
                Some(_) => {}
            }
        }
        if backend.scale.is_some_and(|scale| !scale.is_finite() || scale < 0.0) {
            return Err(invalid(self.line_of("scale:"), &at, "`scale` must be a number that is not negative"));
        }
        for metric in &backend.metrics {
            let at = format!("{at}.metrics.{}", metric.name.value);
            metric_problem(metric).map_or(Ok(()), |problem| Err(invalid(line(&metric.name), &at, problem)))?;
        }
        for stream in &backend.logs {
            self.stream(stream, &format!("{at}.logs"))?;
        }
        for kind in &backend.traces {
            self.trace(kind, &format!("{at}.traces"))?;
        }
        Ok(())
    }

    fn stream(&self, stream: &LogStream, at: &str) -> Result<(), ScenarioError> {
        if stream.labels.is_empty() {
            return Err(invalid(self.line_of("logs:"), at, "a log stream needs labels"));
        }
        for entry in &stream.lines {
            let here = line(&entry.template);
            Template::parse(&entry.template.value).map_err(|problem| invalid(here, at, problem))?;
            if let Some(problem) = entry.per_minute.problem() {
                return Err(invalid(here, at, format!("per_minute: {problem}")));
            }
        }
        Ok(())
    }

    fn trace(&self, kind: &TraceKind, at: &str) -> Result<(), ScenarioError> {
        let problem = kind.per_minute.problem().map(|problem| format!("per_minute: {problem}"));
        match problem.or_else(|| span_problem(&kind.root)) {
            Some(problem) => Err(invalid(self.line_of(&kind.root.name), at, problem)),
            None => Ok(()),
        }
    }

    fn alert(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        let (key, webhook) = match &scenario.alert {
            AlertSpec::GrafanaWebhook(webhook) => ("grafana_webhook", webhook),
            AlertSpec::AlertmanagerWebhook(webhook) => ("alertmanager_webhook", webhook),
            AlertSpec::Payload(_) => return Ok(()),
        };
        let here = self.line_of(key);
        if webhook.alerts.is_empty() {
            return Err(invalid(here, key, "a webhook has at least one alert"));
        }
        for id in named_instances(webhook) {
            if scenario.instance(id).is_none() {
                return Err(invalid(here, key, unknown_instance(scenario, id)));
            }
        }
        Ok(())
    }
}

fn check_instance(scenario: &Scenario, instance: &Instance) -> Result<(), ScenarioError> {
    let id = instance.id();
    let here = line(&instance.name);
    let fail = |problem: String| Err(invalid(here, &id, problem));
    if instance.name.value.trim().is_empty() {
        return fail("the name is empty".into());
    }
    let prefix = &instance.path_prefix;
    if !prefix.is_empty() && (!prefix.starts_with('/') || prefix.ends_with('/')) {
        return fail(format!("path_prefix `{prefix}` must begin with `/` and not end with it"));
    }
    if instance.service == Service::Grafana {
        if instance.basic.is_some() {
            return fail("a Grafana is asked with a token, not with `basic`".into());
        }
        if instance.host == Host::Local && instance.token.is_some() {
            return fail("a local Grafana is asked without credentials; remove `token` or `host: local`".into());
        }
    }
    if instance.token.is_some() && instance.basic.is_some() {
        return fail("`token` and `basic` exclude each other".into());
    }
    let holds_data = matches!(instance.service, Service::Prometheus | Service::Loki | Service::Tempo);
    match &instance.backend {
        Some(name) if !scenario.backends.contains_key(name) => {
            return fail(format!("backend `{name}` does not exist; {}", known(scenario)));
        }
        Some(_) if !holds_data => return fail("only prometheus, loki and tempo have a `backend`".into()),
        None if holds_data => return fail(format!("`backend` is missing; {}", known(scenario))),
        _ => {}
    }
    if instance.service != Service::Grafana && !instance.datasources.is_empty() {
        return fail("only a grafana has `datasources`".into());
    }
    for source in &instance.datasources {
        match &source.backend {
            Some(name) if !scenario.backends.contains_key(&name.value) => {
                let problem =
                    format!("data source {}: backend `{}` does not exist; {}", source.uid, name.value, known(scenario));
                return Err(invalid(line(name), &id, problem));
            }
            _ => {}
        }
    }
    for rule in &instance.alert_rules {
        if let Err(problem) = promql_parser::parser::parse(&rule.expr.value) {
            return Err(invalid(line(&rule.expr), &id, format!("alert rule {}: {problem}", rule.uid)));
        }
    }
    for silence in &instance.silences {
        for matcher in &silence.matchers {
            if let Err(problem) = crate::server::matcher::Matcher::parse(matcher) {
                return fail(format!("silence {}: {problem}", silence.id));
            }
        }
    }
    for fault in &instance.faults {
        if let FaultKind::Status { code, .. } = fault.kind
            && !(400..=599).contains(&code)
        {
            return fail(format!("fault status {code} is not an error; use 400 to 599"));
        }
    }
    Ok(())
}

fn named_instances(webhook: &Webhook) -> impl Iterator<Item = &str> {
    let generator = webhook.generator.as_deref().filter(|generator| !generator.contains("://"));
    webhook.from.as_deref().into_iter().chain(generator)
}

fn known(scenario: &Scenario) -> String {
    let names: Vec<_> = scenario.backends.keys().map(String::as_str).collect();
    format!("there is {}", if names.is_empty() { "none".to_owned() } else { names.join(", ") })
}

fn unknown_instance(scenario: &Scenario, id: &str) -> String {
    let ids: Vec<_> = scenario.instances.iter().map(Instance::id).collect();
    format!("`{id}` is not an instance of this scenario; there are {}", ids.join(", "))
}

fn metric_problem(metric: &Metric) -> Option<String> {
    if let Some(buckets) = &metric.buckets {
        if metric.kind != MetricKind::Histogram {
            return Some("only a histogram has `buckets`".into());
        }
        if buckets.is_empty() || buckets.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Some("`buckets` must rise".into());
        }
    }
    metric.series.iter().find_map(|series| series_problem(metric.kind, series))
}

fn series_problem(kind: MetricKind, series: &Series) -> Option<String> {
    if let Some(points) = &series.points {
        if points.step <= Offset::ZERO {
            return Some("the step of `points` must be positive".into());
        }
        if kind == MetricKind::Histogram {
            return Some("a histogram cannot be given as `points`; give its `_bucket` series as counters".into());
        }
        let others = series.value.is_some() || series.rate.is_some();
        return others.then(|| "a series has either `points` or a profile".into());
    }
    let wrong = match kind {
        MetricKind::Gauge => series.value.is_none() || series.rate.is_some(),
        MetricKind::Counter => series.value.is_some() == series.rate.is_some(),
        MetricKind::Histogram => series.rate.is_none() || series.median.is_none() || series.value.is_some(),
    };
    if wrong {
        return Some(match kind {
            MetricKind::Gauge => "a gauge's series needs `value`".into(),
            MetricKind::Counter => "a counter's series needs either `rate` (per second) or `value`".into(),
            MetricKind::Histogram => "a histogram's series needs `rate` and `median`".into(),
        });
    }
    if series.shape.is_some_and(|shape| shape.is_nan() || shape <= 1.0) {
        return Some("`shape` must be greater than 1".into());
    }
    let profiles: [(&str, Option<&Profile>); 3] =
        [("value", series.value.as_ref()), ("rate", series.rate.as_ref()), ("median", series.median.as_ref())];
    profiles.into_iter().find_map(|(key, profile)| Some(format!("{key}: {}", profile?.problem()?)))
}

fn span_problem(span: &Span) -> Option<String> {
    if let Some(problem) = span.seconds.problem() {
        return Some(format!("span `{}`: seconds: {problem}", span.name));
    }
    if let Some(problem) = span.failure.as_ref().and_then(|failure| failure.ratio.problem()) {
        return Some(format!("span `{}`: failure.ratio: {problem}", span.name));
    }
    span.children.iter().find_map(span_problem)
}
