//! Planning, gathering and the whole way to a report, with providers made for the purpose.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use opensre_http::Http;
use opensre_investigation::{Inquiry, InvestigationError, Progress, investigate};
use opensre_model::alert::{Alert, Hint, Located};
use opensre_model::diagnostic::Source;
use opensre_model::evidence::{Evidence, EvidenceData, Gap, GapKind, LogLine, Meaning, Origin, Series};
use opensre_model::identity::Expect;
use opensre_model::instance::{Instance, InstanceName, Settings, Tags};
use opensre_model::provider::{FieldSpec, Hooks, ProviderKind, ProviderSpec, Rule};
use opensre_model::report::{Category, Report};
use opensre_model::resolution::{Family, Incomplete, Resolved};
use opensre_model::routing::{ExplicitChoice, RoutingMode};
use opensre_model::secret::{Secret, SecretFailure, SecretSource, SecretValue};
use opensre_model::value::{Config, Value};
use opensre_model::window::Window;
use opensre_providers::driver::{Access, Answer, Bounds, Input, Provider, Query, Relevance};

use crate::world::World;

const CANARY: &str = "c4n4ry-S3cret-Value-99";

const FIELDS: &[FieldSpec] = &[FieldSpec::text("mode"), FieldSpec::secret("api_key")];

const fn spec(key: &'static str, name: &'static str) -> ProviderSpec {
    ProviderSpec { key, name, family: key, fields: FIELDS, configured: Rule::Set("api_key"), ..BLANK }
}

const BLANK: ProviderSpec = ProviderSpec {
    key: "",
    name: "",
    aliases: &[],
    family: "",
    kind: ProviderKind::Observability,
    instances_variable: None,
    fields: &[],
    configured: Rule::Never,
    environment: Rule::Never,
    hooks: Hooks::NONE,
    documentation: "",
};

static METRICS: ProviderSpec = spec("metrics", "Metrics");
static CHAT: ProviderSpec = spec("chat", "Chat");

static QUERIES: &[Query] = &[
    Query {
        name: "series",
        relevance: ask,
        run: |access, input, window| series(access, input, window).boxed(),
        ..QUERY
    },
    Query { name: "lines", relevance: ask, run: |access, input, window| lines(access, input, window).boxed(), ..QUERY },
    Query {
        name: "tickets",
        relevance: |_| Relevance::Skip("the alert names no ticket"),
        run: |_, _, _| async { Answer::default() }.boxed(),
        ..QUERY
    },
];

const QUERY: Query = Query {
    name: "",
    summary: "",
    input: &[],
    bounds: Bounds { rows: 100, bytes: 1 << 20, seconds: 20 },
    relevance: ask,
    run: |_, _, _| async { Answer::default() }.boxed(),
};

fn ask(alert: &Alert) -> Relevance {
    let mut input = Input::default();
    input.0.insert("service".to_owned(), alert.labels.get("service").cloned().unwrap_or_default().into());
    Relevance::Ask(vec![input])
}

fn providers() -> Vec<Provider> {
    vec![Provider { queries: QUERIES, ..Provider::declared(&METRICS) }, Provider::declared(&CHAT)]
}

fn origin(access: &Access, operation: &str, query: &str, window: Window) -> Origin {
    Origin {
        service: access.instance.family.clone(),
        instance: access.instance.name.as_str().to_owned(),
        datasource: None,
        operation: operation.to_owned(),
        query: query.to_owned(),
        window,
        link: Some(format!("https://u:{CANARY}@metrics.example/explore")),
    }
}

/// Behaves as the instance's `mode` says.
async fn series(access: &Access, input: &Input, window: Window) -> Answer {
    // A query that uses its credential, as a real one would.
    let secret = access.instance.config().secret("api_key").cloned();
    if let Some(secret) = secret {
        let _ = access.secrets.resolve(&secret, &access.instance.source);
    }
    match access.instance.config().text("mode").unwrap_or_default() {
        "panic" => panic!("a fault of the query, {CANARY}"),
        "never" => std::future::pending().await,
        "denied" => {
            return Answer {
                gaps: vec![Gap {
                    service: access.instance.family.clone(),
                    instance: Some(access.instance.name.as_str().to_owned()),
                    operation: Some("series".to_owned()),
                    kind: GapKind::Denied,
                    reason: format!("HTTP 401 for Bearer {CANARY}"),
                    hint: None,
                }],
                calls: 1,
                ..Answer::default()
            };
        }
        "slow" => tokio::time::sleep(Duration::from_millis(40)).await,
        _ => {}
    }
    let service = input.text("service").unwrap_or("nobody").to_owned();
    let mut world = World::new("any", &service, 5);
    let points = world.step(0.003, 0.4, -2, None);
    let labels = world.own();
    Answer {
        evidence: vec![Evidence {
            origin: origin(access, "series", "errors", window),
            summary: "error ratio".to_owned(),
            truncated: None,
            data: EvidenceData::Metrics {
                meaning: Meaning::Errors,
                unit: Some("ratio".to_owned()),
                threshold: None,
                series: vec![Series { labels, points }],
            },
        }],
        calls: 2,
        ..Answer::default()
    }
}

async fn lines(access: &Access, _: &Input, window: Window) -> Answer {
    if access.instance.config().text("mode") == Some("never") {
        std::future::pending::<()>().await;
    }
    tokio::task::yield_now().await;
    let labels = World::new("any", "checkout", 1).own();
    let line = |seconds: i64| LogLine {
        time: window.onset + jiff::SignedDuration::from_secs(seconds),
        level: Some("error".to_owned()),
        message: format!(
            "login with password={CANARY} and key {CANARY} failed: authentication failed for user \"shop\""
        ),
        labels: labels.clone(),
    };
    Answer {
        evidence: vec![Evidence {
            origin: origin(access, "lines", "errors of checkout", window),
            summary: format!("40 lines, among them {CANARY}"),
            truncated: None,
            data: EvidenceData::Logs { lines: (0..40).map(|at| line(at * 30)).collect() },
        }],
        calls: 1,
        ..Answer::default()
    }
}

/// Hands out what plain values hold, and the canary for references.
struct Secrets(AtomicUsize);

impl SecretSource for Secrets {
    fn resolve(&self, value: &SecretValue, _: &Source) -> Result<Secret, SecretFailure> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(match value {
            SecretValue::Plain(secret) => secret.clone(),
            SecretValue::Reference(_) => Secret::new(CANARY),
        })
    }
}

fn instance(service: &str, name: &str, mode: &str) -> Instance {
    let mut config = Config::default();
    config.set("mode", Value::Text(mode.to_owned()));
    config.set("api_key", Value::Secret(SecretValue::parse("${env:METRICS_KEY}").expect("a reference")));
    Instance {
        service: service.to_owned(),
        family: service.to_owned(),
        name: InstanceName::new(name),
        tags: Tags::from_pairs([("team", name)]),
        expect: Expect::default(),
        policy: opensre_model::policy::Policy::default(),
        settings: Settings::Typed(config),
        integration_id: format!("{service}-record"),
        source: Source::Store { path: "/tmp/store.json".to_owned() },
    }
}

fn resolved(instances: &[(&str, &str, &str)]) -> Resolved {
    let mut resolved = Resolved::default();
    for (service, name, mode) in instances {
        let made = instance(service, name, mode);
        match resolved.families.iter_mut().find(|family| family.key == *service) {
            Some(family) => family.instances.push(made),
            None => resolved.families.push(Family {
                key: (*service).to_owned(),
                instances: vec![made],
                incomplete: Vec::new(),
            }),
        }
    }
    resolved
}

struct Asked {
    world: World,
    resolved: Resolved,
    providers: Vec<Provider>,
    explicit: Vec<ExplicitChoice>,
    deadline: Duration,
    progress: Arc<Mutex<Vec<Progress>>>,
}

impl Asked {
    fn of(instances: &[(&str, &str, &str)]) -> Self {
        Self {
            world: World::new("HighErrorRate", "checkout", 1),
            resolved: resolved(instances),
            providers: providers(),
            explicit: Vec::new(),
            deadline: Duration::from_secs(30),
            progress: Arc::default(),
        }
    }

    fn instance(mut self, service: &str, wanted: &str) -> Self {
        self.explicit.push(ExplicitChoice { service: service.to_owned(), wanted: wanted.to_owned() });
        self
    }

    fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    fn run(&self) -> Result<Report, InvestigationError> {
        let progress = Arc::clone(&self.progress);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        runtime.block_on(investigate(Inquiry {
            alert: self.world.alert.clone(),
            resolved: &self.resolved,
            providers: &self.providers,
            http: Http::default(),
            secrets: Arc::new(Secrets(AtomicUsize::new(0))),
            explicit: self.explicit.clone(),
            routing: RoutingMode::Full.into(),
            window: self.world.window,
            deadline: self.deadline,
            observer: Some(Arc::new(move |step| progress.lock().expect("no panic").push(step))),
            warnings: vec!["GRAFANA_INSTANCES is not valid JSON".to_owned()],
        }))
    }
}

/// Everything but the timings, as JSON.
fn stable(report: &Report) -> String {
    let mut json = serde_json::to_value(report).expect("a report is JSON");
    json.as_object_mut().expect("an object").remove("timings");
    json.to_string()
}

#[test]
fn a_report_holds_every_choice_every_answer_and_every_gap() {
    let report =
        Asked::of(&[("metrics", "prod", ""), ("metrics", "lab", ""), ("chat", "default", ""), ("odd", "x", "")])
            .run()
            .expect("a report");
    assert_eq!(report.schema, "opensre.report/v1");
    assert_eq!(report.verdict.category, Category::ConfigurationError, "{:#?}", report.verdict);
    let ids: Vec<&str> = report.evidence.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["E1", "E2"]);
    assert!(report.evidence.iter().all(|one| one.used), "{:#?}", report.evidence);
    assert!(!report.evidence[0].sparkline.is_empty() && report.evidence[0].sparkline.len() <= 60);
    assert_eq!(report.evidence[1].excerpt.len(), 1, "one kind of line, quoted once");
    let choices: Vec<(&str, Option<&str>, usize)> =
        report.instances.iter().map(|one| (one.service.as_str(), one.instance.as_deref(), one.queries)).collect();
    assert_eq!(choices, [("metrics", Some("prod"), 2), ("chat", Some("default"), 0), ("odd", Some("x"), 0)]);
    let gaps: Vec<(&str, Option<&str>, GapKind)> =
        report.gaps.iter().map(|gap| (gap.service.as_str(), gap.operation.as_deref(), gap.kind)).collect();
    assert_eq!(
        gaps,
        [
            ("metrics", Some("tickets"), GapKind::NotRelevant),
            ("chat", None, GapKind::NotSupported),
            ("odd", None, GapKind::NotSupported)
        ]
    );
    assert!(report.gaps[0].reason.contains("the alert names no ticket"));
    assert!(report.warnings.iter().any(|warning| warning.contains("GRAFANA_INSTANCES")));
    assert_eq!(report.timings.calls, 3);
    assert!(!report.timings.deadline_passed);
    assert_eq!(report.timings.instances[0].0, "metrics/prod");
}

#[test]
fn no_secret_is_in_the_report() {
    let report = Asked::of(&[("metrics", "prod", "")]).run().expect("a report");
    let json = serde_json::to_string(&report).expect("JSON");
    assert!(!json.contains("c4n4ry") && !format!("{report:?}").contains("c4n4ry"), "{json}");
    assert!(json.contains("[redacted]"));
}

#[test]
fn the_same_answers_give_the_same_report_whoever_answers_first() {
    let reports: Vec<String> = ["", "slow", "", "slow"]
        .iter()
        .map(|mode| {
            let mut asked = Asked::of(&[("metrics", "a", mode), ("metrics", "b", ""), ("metrics", "c", mode)]);
            asked.explicit.push(ExplicitChoice { service: "metrics".to_owned(), wanted: "c,a,b".to_owned() });
            stable(&asked.run().expect("a report"))
        })
        .collect();
    assert!(reports.iter().all(|report| *report == reports[0]));
    assert!(reports[0].contains("\"E6\""));
}

#[test]
fn what_breaks_is_a_gap_and_the_rest_stays() {
    let asked = Asked::of(&[("metrics", "a", "panic"), ("metrics", "b", "denied"), ("metrics", "c", "")])
        .instance("metrics", "a,b,c");
    let report = asked.run().expect("a report");
    let kinds: Vec<(Option<&str>, GapKind)> = report
        .gaps
        .iter()
        .filter(|gap| gap.operation.as_deref() == Some("series"))
        .map(|gap| (gap.instance.as_deref(), gap.kind))
        .collect();
    assert_eq!(kinds, [(Some("a"), GapKind::Failed), (Some("b"), GapKind::Denied)]);
    assert!(!format!("{:?}", report.gaps).contains("c4n4ry"));
    assert_eq!(report.evidence.len(), 4, "one series and three times lines");
    assert!(
        report.next_steps.iter().any(|step| step.contains("metrics/b") && step.contains("permission")),
        "{:?}",
        report.next_steps
    );
}

#[test]
fn the_deadline_keeps_what_has_been_answered() {
    let asked = Asked::of(&[("metrics", "a", "never"), ("metrics", "b", "")])
        .instance("metrics", "a,b")
        .deadline(Duration::from_millis(300));
    let report = asked.run().expect("a report");
    assert_eq!(report.evidence.len(), 2);
    assert!(report.timings.deadline_passed);
    assert_eq!(report.gaps.iter().filter(|gap| gap.kind == GapKind::Deadline).count(), 2);
}

#[test]
fn a_deadline_with_nothing_gathered_is_an_error() {
    let asked = Asked::of(&[("metrics", "a", "never")]).deadline(Duration::from_millis(200));
    let Err(InvestigationError::DeadlinePassed { gaps, .. }) = asked.run() else { panic!("no deadline") };
    assert_eq!(gaps.len(), 2);
}

#[test]
fn nothing_that_can_be_asked_is_an_error_with_a_hint() {
    for instances in [&[][..], &[("chat", "default", ""), ("odd", "x", "")][..]] {
        let error = Asked::of(instances).run().expect_err("nothing to ask");
        assert!(matches!(error, InvestigationError::NoUsableIntegration { .. }));
        assert!(error.to_string().contains("\nhint: "), "{error}");
    }
}

#[test]
fn an_unknown_instance_on_the_command_line_is_an_error_that_names_the_known_ones() {
    let error = Asked::of(&[("metrics", "prod", ""), ("metrics", "lab", "")]).instance("metrics", "prdo").run();
    let text = error.expect_err("unknown").to_string();
    assert!(text.contains("prdo") && text.contains("hint: instances of metrics: prod, lab"), "{text}");
    let error = Asked::of(&[("metrics", "prod", "")]).instance("nonesuch", "x").run();
    assert!(matches!(error, Err(InvestigationError::UnknownInstance { .. })));
}

#[test]
fn an_unknown_hint_is_loud_in_the_report() {
    let mut asked = Asked::of(&[("metrics", "prod", ""), ("metrics", "lab", "")]);
    asked.world.alert.hints.push(Located {
        path: "annotations.metrics_instance".to_owned(),
        value: Hint { service: "metrics".to_owned(), wanted: "labb".to_owned() },
    });
    let report = asked.run().expect("a report");
    assert!(
        report.warnings.iter().any(|warning| warning.contains("labb") && warning.contains("not found")),
        "{:?}",
        report.warnings
    );
    assert_eq!(report.instances[0].instance.as_deref(), Some("prod"));
}

#[test]
fn an_incomplete_instance_is_a_gap_that_says_what_is_missing() {
    let mut asked = Asked::of(&[("metrics", "prod", "")]);
    asked.resolved.families.push(Family {
        key: "datadog".to_owned(),
        instances: Vec::new(),
        incomplete: vec![Incomplete {
            name: "default".to_owned(),
            integration_id: "dd".to_owned(),
            reason: "app_key is not set".to_owned(),
            source: Source::Store { path: "/tmp/store.json".to_owned() },
        }],
    });
    let report = asked.run().expect("a report");
    let gap = report.gaps.iter().find(|gap| gap.service == "datadog").expect("a gap");
    assert!(gap.reason.contains("app_key is not set"), "{}", gap.reason);
    assert_eq!(report.gaps.iter().filter(|gap| gap.service == "datadog").count(), 1);
}

/// The groups `@odd`, of the teams `prod`, `lab` and `late`, and what to do in doubt.
fn with_groups(mut asked: Asked, in_doubt: &str) -> Asked {
    let store = serde_json::json!({
        "version": 2, "integrations": [], "groups": [{"name": "@odd", "select": "team in (prod,lab,late)"}],
        "routing": {"unknown": in_doubt, "rules": [{"match": "service=checkout", "use": {"metrics": "@odd"}}]},
    });
    let document = opensre_model::record::Document::from_json(store).expect("a store");
    let source = Source::Store { path: "/tmp/store.json".to_owned() };
    let catalogue = opensre_model::provider::Catalogue::new(vec![&METRICS, &CHAT]);
    let (table, odd) = opensre_model::routing::RoutingTable::read(&catalogue, &document, &source);
    assert!(odd.is_empty(), "{odd:?}");
    asked.resolved.routing = table;
    asked
}

#[test]
fn every_member_of_a_group_is_asked_and_who_did_not_answer_is_told() {
    use opensre_model::report::MemberState;
    let mut asked = with_groups(
        Asked::of(&[
            ("metrics", "prod", ""),
            ("metrics", "lab", "denied"),
            ("metrics", "late", "never"),
            ("metrics", "other", ""),
        ])
        .deadline(Duration::from_millis(400)),
        "default",
    );
    let report = asked.run().expect("a report");
    assert_eq!(report.groups.len(), 1);
    let group = &report.groups[0];
    assert_eq!((group.group.as_str(), group.service.as_str()), ("@odd", "metrics"));
    let states: Vec<(&str, MemberState)> =
        group.members.iter().map(|member| (member.instance.as_str(), member.state)).collect();
    assert_eq!(
        states,
        [("prod", MemberState::Answered), ("lab", MemberState::AnsweredInPart), ("late", MemberState::Failed)]
    );
    assert!(group.members[1].reason.as_deref().is_some_and(|reason| reason.contains("HTTP 401")));
    assert!(group.members[2].reason.as_deref().is_some_and(|reason| reason.contains("not answered")));
    assert!(!stable(&report).contains(CANARY));
    let asked_of: Vec<&str> = report.instances.iter().filter_map(|one| one.instance.as_deref()).collect();
    assert_eq!(asked_of, ["prod", "lab", "late"]);
    assert_eq!(report.instances[0].rules[0].position, 1);

    // A member that a policy keeps out is told too, and not asked.
    asked.resolved.families[0].instances[2].policy.requires_explicit = true;
    let report = asked.run().expect("a report");
    let last = report.groups[0].members.last().expect("a member");
    assert_eq!((last.instance.as_str(), last.state), ("late", MemberState::LeftOut));
    assert!(!report.instances.iter().any(|one| one.instance.as_deref() == Some("late")));
}

#[test]
fn a_choice_in_doubt_can_end_an_investigation_before_anything_is_asked() {
    let mut asked = with_groups(Asked::of(&[("metrics", "other", ""), ("chat", "default", "")]), "fail");
    let error = asked.run().expect_err("an unknown choice");
    assert!(matches!(error, InvestigationError::UnknownInstance { .. }), "{error}");
    assert!(error.to_string().contains("routing rule 1 names '@odd'"), "{error}");
    assert!(asked.progress.lock().expect("no panic").is_empty(), "nothing was planned");
    asked.resolved.routing.on_unknown = opensre_model::routing::InDoubt::Skip;
    asked.resolved.families[1].instances.push(instance("chat", "second", ""));
    asked.resolved.families.push(resolved(&[("other", "x", "")]).families.remove(0));
    match asked.run() {
        Ok(report) => panic!("{:?}", report.instances),
        Err(error) => assert!(matches!(error, InvestigationError::NoUsableIntegration { .. }), "{error}"),
    }
}

#[test]
fn progress_is_told_step_by_step() {
    let asked = Asked::of(&[("metrics", "prod", "")]);
    asked.run().expect("a report");
    let steps = asked.progress.lock().expect("no panic").clone();
    assert_eq!(steps.first(), Some(&Progress::Planned { queries: 2, instances: 1 }));
    assert_eq!(steps.last(), Some(&Progress::Diagnosing));
    let open: Vec<usize> = steps
        .iter()
        .filter_map(|step| if let Progress::Answered { open, .. } = step { Some(*open) } else { None })
        .collect();
    assert_eq!(open, [1, 0]);
}

#[test]
fn an_investigation_can_be_moved_to_another_thread() {
    fn can_move<T: Send>(_: &T) {}
    let asked = Asked::of(&[("metrics", "prod", "")]);
    let future = investigate(Inquiry {
        alert: asked.world.alert.clone(),
        resolved: &asked.resolved,
        providers: &asked.providers,
        http: Http::default(),
        secrets: Arc::new(Secrets(AtomicUsize::new(0))),
        explicit: Vec::new(),
        routing: RoutingMode::Full.into(),
        window: asked.world.window,
        deadline: asked.deadline,
        observer: None,
        warnings: Vec::new(),
    });
    can_move(&future);
}
