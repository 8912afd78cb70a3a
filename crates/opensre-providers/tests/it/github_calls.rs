//! GitHub: probe and queries, against the simulator.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use opensre_lab::vendors::github::{GitHub, Repository, checkout, sha};
use opensre_lab::vendors::stage::Misbehaviour;
use opensre_lab::vendors::{Guard, serve};
use opensre_model::evidence::{Event, EvidenceData, GapKind};
use opensre_model::instance::Settings;
use opensre_model::secret::{Secret, SecretValue};
use opensre_model::value::Value;
use opensre_providers::driver::{Access, Answer, Input, ProbeStatus, Relevance};
use opensre_providers::github::PROVIDER;
use serde_json::{Value as Json, json};

use crate::stub::{access, alert, ask, probe, reasons, summaries};

struct Running {
    github: Arc<GitHub>,
    url: String,
    _guard: Guard,
}

async fn running(github: GitHub) -> Running {
    let github = Arc::new(github);
    let (address, guard) = serve(github.router("")).await.unwrap();
    Running { github, url: format!("http://{address}"), _guard: guard }
}

async fn of_sam() -> Running {
    running(GitHub::new("t0ken-canary", Some("sam"), checkout())).await
}

impl Running {
    fn access(&self) -> Access {
        self.with(&[])
    }

    fn with(&self, repositories: &[&str]) -> Access {
        let mut access = access(&PROVIDER, &[("api_url", &self.url), ("auth_token", "t0ken-canary")]);
        let Settings::Typed(config) = &mut access.instance.settings else { panic!("typed") };
        config.set("repositories", Value::List(repositories.iter().map(|text| (*text).to_owned()).collect()));
        access
    }
}

fn of_checkout() -> Input {
    Input(
        [
            ("repositories".to_owned(), json!(["shop/checkout"])),
            ("services".to_owned(), json!(["checkout"])),
            ("environments".to_owned(), json!(["prod"])),
        ]
        .into_iter()
        .collect(),
    )
}

fn events(answer: &Answer) -> &[Event] {
    match &answer.evidence[0].data {
        EvidenceData::Events { events } => events,
        other => panic!("these are {}", other.kind()),
    }
}

fn told(answer: &Answer) -> String {
    let lines: Vec<String> = events(answer)
        .iter()
        .map(|event| format!("{} {:?} {}", event.time.strftime("%H:%M"), event.kind, event.title))
        .collect();
    lines.join("\n")
}

#[tokio::test]
async fn the_probe_tells_who_we_are_and_what_cannot_be_seen() {
    let running = of_sam().await;
    let proved = probe(&PROVIDER, &running.access()).await;
    assert_eq!(proved.status, ProbeStatus::Passed);
    assert_eq!((proved.identity["login"].as_str(), proved.identity["scopes"].as_str()), ("sam", "repo, read:org"));
    let proved = probe(&PROVIDER, &running.with(&["shop/checkout", "shop/hidden"])).await;
    assert!(proved.detail.starts_with("the token of sam; cannot be seen: shop/hidden"), "{}", proved.detail);
    assert_eq!(running.github.stage.seen()[0].headers["authorization"], "Bearer t0ken-canary");
}

#[tokio::test]
async fn a_github_apps_token_is_proved_by_its_rate_limit() {
    let running = running(GitHub::new("t0ken-canary", None, checkout())).await;
    let proved = probe(&PROVIDER, &running.with(&["shop/checkout"])).await;
    assert_eq!(proved.detail, "a GitHub App's token; 1 configured repositories can be seen");
    assert_eq!((proved.status, proved.identity.get("login")), (ProbeStatus::Passed, None));
}

#[tokio::test]
async fn each_failure_of_the_probe_is_told_apart() {
    let limit = vec![("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", "4102444800".to_owned())];
    let refused = |status, headers, message: &str| Misbehaviour::Status(status, headers, json!({"message": message}));
    let cases: Vec<(Misbehaviour, &str, &str)> = vec![
        (refused(401, vec![], "Bad credentials"), "refused the credentials (401): Bad credentials", "has not expired"),
        (
            refused(403, vec![], "Resource not accessible by personal access token"),
            "does not allow this",
            "the permission",
        ),
        (
            refused(403, vec![], "Resource protected by organization SAML enforcement."),
            "does not allow this",
            "single sign-on",
        ),
        (
            refused(403, limit.clone(), "API rate limit exceeded for user ID 1."),
            "asks to slow down (403)",
            "ask again later",
        ),
        (refused(429, limit, "API rate limit exceeded"), "asks to slow down (429)", "ask again later"),
        (refused(403, vec![], "You have exceeded a secondary rate limit"), "secondary rate limit", "in a minute"),
        (refused(403, vec![("retry-after", "9999".to_owned())], "slow"), "it asks to wait 9999 s", "ask again later"),
        (refused(404, vec![], "Not Found"), "does not know /user (404)", "may not see"),
        (Misbehaviour::LoginPage, "HTML page", "login proxy"),
        (Misbehaviour::WrongTypes, "without a `login`", "URL"),
        (Misbehaviour::Huge(4 * 1024 * 1024), "more than 1.0 MiB", "narrow"),
    ];
    for (how, words, hint) in cases {
        let running = of_sam().await;
        running.github.stage.misbehave("/user", how);
        let failed = probe(&PROVIDER, &running.access()).await;
        assert_eq!(failed.status, ProbeStatus::Failed, "{words}");
        assert!(failed.detail.contains(words) && failed.hint.as_ref().unwrap().contains(hint), "{failed:?}");
    }
    for (how, words) in [
        (Misbehaviour::Status(502, vec![], json!({})), "failed with status 502"),
        (Misbehaviour::Cut, "broke"),
        (Misbehaviour::Slow(Duration::from_secs(30)), "when the time was over"),
    ] {
        let running = of_sam().await;
        running.github.stage.misbehave("/user", how);
        let mut access = running.access();
        access.deadline = std::time::Instant::now() + Duration::from_millis(300);
        let failed = probe(&PROVIDER, &access).await;
        assert!(failed.detail.contains(words), "{failed:?}");
    }
}

#[tokio::test]
async fn the_time_limit_of_one_call_is_the_instances() {
    let running = of_sam().await;
    running.github.stage.misbehave("/user", Misbehaviour::Slow(Duration::from_secs(30)));
    let mut access = running.access();
    let Settings::Typed(config) = &mut access.instance.settings else { panic!("typed") };
    config.set("timeout_seconds", Value::Number(0.2));
    let failed = probe(&PROVIDER, &access).await;
    assert!(failed.detail.ends_with("did not answer within 0.2 s"), "{failed:?}");
    assert!(failed.hint.unwrap().contains("timeout_seconds"));
}

#[tokio::test]
async fn without_a_token_nothing_is_asked_and_nothing_is_proved() {
    let running = of_sam().await;
    let access = access(&PROVIDER, &[("api_url", &running.url), ("url", "https://mcp.example.net/mcp")]);
    assert_eq!(probe(&PROVIDER, &access).await.status, ProbeStatus::Configured);
    let answer = ask(&PROVIDER, &access, "commits", &of_checkout()).await;
    assert_eq!((answer.gaps[0].kind, running.github.stage.seen().len()), (GapKind::Denied, 0));
}

#[tokio::test]
async fn headers_go_to_the_host_of_the_mcp_server_alone() {
    let (own, other) = (of_sam().await, of_sam().await);
    let mut access = own.access();
    let Settings::Typed(config) = &mut access.instance.settings else { panic!("typed") };
    let headers = BTreeMap::from([("X-Proxy".to_owned(), SecretValue::Plain(Secret::new("pr0xy-canary")))]);
    config.set("headers", Value::Secrets(headers));
    config.set("url", Value::Text(format!("{}/mcp", own.url)));
    probe(&PROVIDER, &access).await;
    assert_eq!(own.github.stage.seen()[0].headers["x-proxy"], "pr0xy-canary");
    let Settings::Typed(config) = &mut access.instance.settings else { panic!("typed") };
    config.set("api_url", Value::Text(other.url.clone()));
    probe(&PROVIDER, &access).await;
    assert_eq!(other.github.stage.seen()[0].headers.get("x-proxy"), None);
}

#[tokio::test]
async fn an_enterprise_servers_api_follows_from_its_mcp_server() {
    let github = Arc::new(GitHub::new("t0ken-canary", Some("sam"), checkout()));
    let (address, _guard) = serve(github.router("/api/v3")).await.unwrap();
    let access = access(&PROVIDER, &[("url", &format!("http://{address}/mcp/")), ("auth_token", "t0ken-canary")]);
    let proved = probe(&PROVIDER, &access).await;
    assert_eq!((proved.status, proved.identity["version"].as_str()), (ProbeStatus::Passed, "3.14.2"));
    let answer = ask(&PROVIDER, &access, "commits", &of_checkout()).await;
    assert_eq!(answer.evidence[0].origin.link, Some(format!("http://{address}/shop/checkout/commits")));
}

#[tokio::test]
async fn only_the_chosen_instance_is_asked() {
    let (one, other) = (of_sam().await, of_sam().await);
    for query in PROVIDER.queries {
        let answer = ask(&PROVIDER, &one.access(), query.name, &of_checkout()).await;
        assert_eq!((answer.evidence.len(), reasons(&answer)), (1, vec![]), "{}", query.name);
        assert!(!format!("{answer:?}").contains("canary"));
        assert!(answer.calls > 0);
    }
    assert!(other.github.stage.seen().is_empty());
}

#[tokio::test]
async fn commits_and_pull_requests_of_a_day() {
    let running = of_sam().await;
    let answer = ask(&PROVIDER, &running.access(), "commits", &of_checkout()).await;
    assert_eq!(summaries(&answer), ["1 commit of shop/checkout from a day before the onset on"]);
    assert_eq!(told(&answer), "12:05 Change commit aaaaaaa: smaller pool (#12)");
    let event = &events(&answer)[0];
    assert_eq!(event.text, "Ten connections are enough.");
    assert_eq!((event.labels["service"].as_str(), event.labels["author"].as_str()), ("checkout", "sam"));
    assert_eq!((event.labels["sha"].clone(), event.labels["repository"].as_str()), (sha('a'), "shop/checkout"));
    assert_eq!(
        answer.evidence[0].origin.query,
        "GET /repos/shop/checkout/commits?since=2024-04-30T12%3A15%3A00Z&until=2024-05-01T12%3A45%3A00Z"
    );
    let answer = ask(&PROVIDER, &running.access(), "pull-requests", &of_checkout()).await;
    assert_eq!(told(&answer), "12:05 Change pull request #12 merged into main: smaller pool");
}

#[tokio::test]
async fn deployments_begin_when_they_are_in_progress_and_other_environments_are_marked() {
    let running = of_sam().await;
    let answer = ask(&PROVIDER, &running.access(), "deployments", &of_checkout()).await;
    assert_eq!(summaries(&answer), ["2 deployments of shop/checkout from a day before the onset on; 1 failed"]);
    insta::assert_snapshot!(told(&answer), @r"
    12:09 Deploy deployment to production (aaaaaaa) succeeded
    12:22 Deploy deployment to staging (aaaaaaa) failed
    ");
    assert_eq!(events(&answer)[0].labels.get("env"), None, "production is prod");
    assert_eq!(events(&answer)[1].labels["env"], "staging");
    assert!(running.github.stage.asked("/repos/shop/checkout/deployments/1/").is_empty(), "it is too old");
}

#[tokio::test]
async fn releases_and_runs() {
    let running = of_sam().await;
    let answer = ask(&PROVIDER, &running.access(), "releases", &of_checkout()).await;
    assert_eq!(told(&answer), "12:07 Deploy release v2.0.0 published: Pools");
    let answer = ask(&PROVIDER, &running.access(), "workflow-runs", &of_checkout()).await;
    assert_eq!(summaries(&answer), ["4 workflow runs of shop/checkout from a day before the onset on; 1 failed"]);
    insta::assert_snapshot!(told(&answer), @r#"
    12:01 Other workflow "Tests" #41 succeeded (main, aaaaaaa)
    12:06 Other workflow "Tests" #43 failed (main, aaaaaaa)
    12:08 Deploy workflow "Deploy" #42 succeeded (main, aaaaaaa)
    12:40 Deploy workflow "Deploy" #44 is under way (main, aaaaaaa)
    "#);
}

fn many(count: usize) -> BTreeMap<String, Repository> {
    let commits = (0..count)
        .map(|n| {
            let date = format!("2024-05-01T{:02}:{:02}:00Z", 12 - n / 60, 59 - n % 60);
            json!({"sha": format!("{n:040}"), "commit": {"message": format!("c{n}"), "committer": {"date": date}}})
        })
        .collect();
    BTreeMap::from([("shop/checkout".to_owned(), Repository { commits, ..Repository::default() })])
}

#[tokio::test]
async fn pages_are_followed_by_their_number_within_bounds() {
    let running = running(GitHub::new("t0ken-canary", Some("sam"), many(450))).await;
    let answer = ask(&PROVIDER, &running.access(), "commits", &of_checkout()).await;
    assert_eq!(events(&answer).len(), 60);
    assert_eq!(
        answer.evidence[0].truncated.as_deref(),
        Some("60 of 300 are kept, those nearest to the onset; only the newest 300 entries were asked for")
    );
    let pages: Vec<Option<String>> =
        running.github.stage.asked("/repos").iter().map(|seen| seen.query.get("page").cloned()).collect();
    assert_eq!(pages, [None, Some("2".to_owned()), Some("3".to_owned())]);
}

#[tokio::test]
async fn a_link_to_another_host_is_never_followed() {
    let (own, other) = (running(GitHub::new("t0ken-canary", Some("sam"), many(3))).await, of_sam().await);
    let link = format!("<{}/repos/shop/checkout/commits?page=2>; rel=\"next\"", other.url);
    let page: Json =
        json!([{"sha": sha('c'), "commit": {"message": "c", "committer": {"date": "2024-05-01T12:00:00Z"}}}]);
    own.github.stage.misbehave_times("/repos", 1, Misbehaviour::Status(200, vec![("link", link)], page));
    let answer = ask(&PROVIDER, &own.access(), "commits", &of_checkout()).await;
    assert_eq!((reasons(&answer), other.github.stage.seen().len()), (vec![], 0));
    assert_eq!(own.github.stage.asked("/repos").len(), 2);
}

#[tokio::test]
async fn a_missing_permission_is_a_gap_that_names_it() {
    let running = running(GitHub::new("t0ken-canary", Some("sam"), checkout()).without("actions")).await;
    let answer = ask(&PROVIDER, &running.access(), "workflow-runs", &of_checkout()).await;
    assert_eq!((answer.gaps[0].kind, answer.evidence.len()), (GapKind::Denied, 0));
    assert!(answer.gaps[0].hint.as_ref().unwrap().contains("actions: read"));
    assert!(answer.gaps[0].reason.starts_with("shop/checkout: "));
    let limited = vec![("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", "4102444800".to_owned())];
    running.github.stage.misbehave("/repos/shop/checkout/commits", Misbehaviour::Status(403, limited, json!({})));
    let answer = ask(&PROVIDER, &running.access(), "commits", &of_checkout()).await;
    assert_eq!(answer.gaps[0].kind, GapKind::RateLimited);
}

#[tokio::test]
async fn statuses_that_are_refused_leave_the_deployments() {
    let running = of_sam().await;
    let no = Misbehaviour::Status(403, vec![], json!({"message": "Resource not accessible by personal access token"}));
    running.github.stage.misbehave("/repos/shop/checkout/deployments/", no);
    let answer = ask(&PROVIDER, &running.access(), "deployments", &of_checkout()).await;
    assert_eq!((events(&answer).len(), answer.gaps.len()), (2, 1));
    assert!(events(&answer)[0].title.ends_with("was asked for (its end is not known)"));
}

#[tokio::test]
async fn an_empty_repository_and_odd_answers() {
    let running = of_sam().await;
    let empty = Misbehaviour::Status(409, vec![], json!({"message": "Git Repository is empty."}));
    running.github.stage.misbehave("/repos/shop/checkout/commits", empty);
    let answer = ask(&PROVIDER, &running.access(), "commits", &of_checkout()).await;
    assert_eq!(summaries(&answer), ["no commits of shop/checkout from a day before the onset on"]);
    running.github.stage.misbehave("/repos/shop/checkout/releases", Misbehaviour::WrongTypes);
    let answer = ask(&PROVIDER, &running.access(), "releases", &of_checkout()).await;
    assert_eq!((answer.evidence.len(), answer.gaps[0].kind), (0, GapKind::Failed));
}

#[tokio::test]
async fn without_any_repository_nothing_is_asked() {
    let running = of_sam().await;
    let answer = ask(&PROVIDER, &running.access(), "commits", &Input::default()).await;
    assert_eq!((answer.gaps[0].kind, running.github.stage.seen().len()), (GapKind::NotRelevant, 0));
    assert!(answer.gaps[0].hint.as_ref().unwrap().contains("set `repositories` on github/prod"));
    let elsewhere =
        Input([("repositories".to_owned(), json!(["gitlab.example.net/shop/checkout"]))].into_iter().collect());
    let answer = ask(&PROVIDER, &running.access(), "commits", &elsewhere).await;
    assert_eq!((answer.gaps.len(), running.github.stage.seen().len()), (1, 0));
    let many = ["a/a", "a/b", "a/c", "a/d", "a/e", "a/f", "a/g"];
    let answer = ask(&PROVIDER, &running.with(&many), "commits", &Input::default()).await;
    assert_eq!(running.github.stage.seen().len(), 5);
    assert_eq!(answer.gaps.last().unwrap().reason, "2 more repositories are configured and were not asked");
}

#[tokio::test]
async fn parts_of_a_group_that_are_left_out_are_told() {
    let mut group = alert(&[("repository", "shop/checkout")]);
    group.items = ["a", "b", "c", "d"]
        .map(|service| opensre_model::alert::AlertItem {
            labels: crate::stub::labels(&[("service", service)]),
            ..Default::default()
        })
        .into();
    let Relevance::Ask(inputs) = (PROVIDER.queries[0].relevance)(&group) else { panic!("it skips") };
    assert_eq!(inputs[0].0["services"], json!(["a", "b", "c"]));
    let answer = ask(&PROVIDER, &of_sam().await.access(), "commits", &inputs[0]).await;
    assert_eq!(reasons(&answer), ["the alert has 1 further parts; nothing is asked for them"]);
}

#[test]
fn the_input_is_what_the_alert_names() {
    let alert = alert(&[("service", "checkout"), ("environment", "prod"), ("repository", "shop/checkout")]);
    for query in PROVIDER.queries {
        assert_eq!((query.relevance)(&alert), Relevance::Ask(vec![of_checkout()]));
        assert_eq!((query.relevance)(&crate::stub::alert(&[])), Relevance::Ask(vec![Input::default()]));
    }
}
