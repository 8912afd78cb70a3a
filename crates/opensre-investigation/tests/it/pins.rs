//! Pinned instances: one probe first, then the queries; or no query at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use opensre_http::Http;
use opensre_investigation::gather::{Gathered, Means, gather};
use opensre_investigation::plan::Task;
use opensre_model::diagnostic::Source;
use opensre_model::evidence::GapKind;
use opensre_model::identity::Expect;
use opensre_model::instance::{Instance, InstanceName, Settings, Tags};
use opensre_model::provider::{Hooks, ProviderKind, ProviderSpec, Rule};
use opensre_model::secret::{Secret, SecretFailure, SecretSource, SecretValue};
use opensre_model::value::Config;
use opensre_model::window::Window;
use opensre_providers::driver::{Access, Answer, Bounds, Input, Neighbours, Probe, Provider, Query, Relevance};

static SPEC: ProviderSpec = ProviderSpec {
    key: "ledger",
    name: "Ledger",
    aliases: &[],
    family: "ledger",
    kind: ProviderKind::DataStore,
    instances_variable: None,
    fields: &[],
    configured: Rule::Never,
    environment: Rule::Never,
    hooks: Hooks::NONE,
    documentation: "",
};

const QUERY: Query = Query {
    name: "entries",
    summary: "",
    input: &[],
    bounds: Bounds { rows: 1, bytes: 1, seconds: 10 },
    relevance: |_| Relevance::Ask(vec![Input::default()]),
    run: |access, _, _| std::future::ready(entries(access)).boxed(),
};

/// How often each instance was probed and queried; the instances of one test have names of their own.
static PROBED: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];
static QUERIED: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];

fn number(access: &Access) -> usize {
    access.instance.name.as_str().parse().expect("a number as a name")
}

fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(QUERIED[number(access)].load(Ordering::SeqCst), 0, "queried before the probe has ended");
        PROBED[number(access)].fetch_add(1, Ordering::SeqCst);
        Probe::passed("it is there").with("account_id", Some("111"))
    }
    .boxed()
}

fn entries(access: &Access) -> Answer {
    QUERIED[number(access)].fetch_add(1, Ordering::SeqCst);
    Answer { calls: 1, ..Answer::default() }
}

struct NoSecrets;

impl SecretSource for NoSecrets {
    fn resolve(&self, value: &SecretValue, _: &Source) -> Result<Secret, SecretFailure> {
        Ok(Secret::new(value.revealed()))
    }
}

/// Four queries of an instance with a pin.
fn tasks(name: &str, expect: &[(&str, &str)], probe: opensre_providers::driver::ProbeFn) -> Vec<Task> {
    let instance = Instance {
        service: "ledger".to_owned(),
        family: "ledger".to_owned(),
        name: InstanceName::new(name),
        tags: Tags::default(),
        expect: Expect::from_pairs(expect.iter().copied()),
        policy: opensre_model::policy::Policy::default(),
        settings: Settings::Typed(Config::default()),
        integration_id: "id".to_owned(),
        source: Source::Store { path: "store".to_owned() },
    };
    let provider = Provider { probe: Some(probe), queries: &[QUERY], ..Provider::declared(&SPEC) };
    (0..4)
        .map(|order| Task { instance: instance.clone(), provider, query: &QUERY, input: Input::default(), order })
        .collect()
}

async fn run(tasks: &[Task], deadline: Duration) -> Gathered {
    let now = "2026-11-20T10:00:00Z".parse().expect("a time");
    let window = Window::around(None, None, now, None);
    let means = Means {
        http: Http::default(),
        secrets: Arc::new(NoSecrets),
        neighbours: Neighbours::default(),
        window,
        deadline,
    };
    gather(tasks, &means, None).await
}

const PLENTY: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_instance_is_probed_once_and_then_asked() {
    let gathered = run(&tasks("0", &[("account_id", "111")], probe), PLENTY).await;
    assert_eq!((PROBED[0].load(Ordering::SeqCst), QUERIED[0].load(Ordering::SeqCst)), (1, 4));
    assert!(gathered.gaps.is_empty(), "{:?}", gathered.gaps);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_instance_is_refused_once_and_the_rest_goes_on() {
    let mut all = tasks("1", &[("account_id", "222")], probe);
    all.extend(tasks("2", &[], probe));
    let gathered = run(&all, PLENTY).await;
    assert_eq!((PROBED[1].load(Ordering::SeqCst), QUERIED[1].load(Ordering::SeqCst)), (1, 0));
    assert_eq!((PROBED[2].load(Ordering::SeqCst), QUERIED[2].load(Ordering::SeqCst)), (0, 4), "not pinned");
    let [gap] = &gathered.gaps[..] else { panic!("{:?}", gathered.gaps) };
    assert_eq!((gap.kind, gap.instance.as_deref(), gap.operation.as_deref()), (GapKind::Denied, Some("1"), None));
    assert_eq!(
        gap.reason,
        "not asked, since it is pinned (account_id=222) and not confirmed: the account_id is 111, but 222 is expected"
    );
    assert_eq!(gathered.instances.keys().collect::<Vec<_>>(), ["ledger/2"], "what was refused was not asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_that_hangs_or_breaks_off_confirms_nothing() {
    fn hangs(_: &Access) -> BoxFuture<'_, Probe> {
        std::future::pending().boxed()
    }
    fn breaks(_: &Access) -> BoxFuture<'_, Probe> {
        async { panic!("a fault of the probe") }.boxed()
    }
    for (probe, words) in [(hangs as opensre_providers::driver::ProbeFn, ""), (breaks, "broke off")] {
        let gathered = run(&tasks("3", &[("account_id", "111")], probe), Duration::from_millis(300)).await;
        assert_eq!(QUERIED[3].load(Ordering::SeqCst), 0);
        assert!(!gathered.gaps.is_empty());
        assert!(gathered.gaps.iter().any(|gap| gap.reason.contains(words)), "{:?}", gathered.gaps);
    }
}
