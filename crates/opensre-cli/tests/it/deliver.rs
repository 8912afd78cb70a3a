//! Delivering reports: only where asked, each target on its own, and never a secret.

use std::sync::Arc;

use opensre_lab::vendors::slack::{Posted, Workspace, router};
use opensre_lab::vendors::stage::{Misbehaviour, Stage};
use opensre_lab::vendors::{Guard, serve};
use serde_json::{Value as Json, json};

use crate::support::LabWorld;

const TOKEN: &str = "xoxb-CANARY-do-not-print";

/// A lab with two workspaces beside it: `slack/ops` and `slack/other`.
struct Office {
    lab: LabWorld,
    ops: Channel,
    other: Channel,
}

struct Channel {
    workspace: Arc<Workspace>,
    stage: Arc<Stage>,
    _guard: Guard,
}

impl Channel {
    fn open(lab: &LabWorld) -> (Self, String) {
        let (workspace, stage) = (Arc::new(Workspace::new("Shop", TOKEN)), Arc::new(Stage::default()));
        let router = stage.around(router(Arc::clone(&workspace)));
        let (address, guard) = lab.block_on(serve(router)).expect("a socket");
        (Self { workspace, stage, _guard: guard }, format!("http://{address}/api"))
    }

    fn posted(&self) -> Vec<Posted> {
        self.workspace.posted()
    }
}

impl Office {
    fn open() -> Self {
        let lab = LabWorld::start("staging-bad-deploy");
        let (ops, ops_url) = Channel::open(&lab);
        let (other, other_url) = Channel::open(&lab);
        let mut store = lab.world.read_store();
        let instance = |name: &str, url: &str| json!({"name": name, "credentials": {"bot_token": TOKEN, "channel": "#ops", "base_url": url}});
        store["integrations"].as_array_mut().expect("records").push(json!({
            "id": "slack-1", "service": "slack", "status": "active",
            "instances": [instance("ops", &ops_url), instance("other", &other_url)],
        }));
        lab.world.write_store(&store);
        Self { lab, ops, other }
    }

    fn investigate(&self, more: &[&str]) -> crate::support::Ran {
        let alert = self.lab.alert_file();
        let ran = self.lab.world.run(["investigate", "-i", &alert].iter().chain(more));
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains("CANARY"), "{text}");
        }
        ran
    }
}

fn text(posted: &Posted) -> String {
    posted.message["blocks"].to_string()
}

#[test]
fn nothing_is_sent_unless_asked_for() {
    let office = Office::open();
    office.investigate(&[]).exits(0);
    office.lab.world.run(["integrations", "verify"]).exits(0);
    assert!(office.ops.posted().is_empty() && office.other.posted().is_empty());
    assert!(office.ops.stage.asked("/api/chat.postMessage").is_empty());
}

#[test]
fn a_report_goes_to_every_target_that_is_named() {
    let office = Office::open();
    let ran = office.investigate(&["--format", "json", "--deliver", "slack/ops,slack/other"]).exits(0);
    serde_json::from_str::<Json>(&ran.stdout).expect("standard output holds the report only");
    assert!(ran.stderr.contains("delivered to slack/ops: posted to #ops"), "{}", ran.stderr);
    for channel in [&office.ops, &office.other] {
        let posted = channel.posted();
        assert_eq!(posted.len(), 1);
        let text = text(&posted[0]);
        for words in ["code defect", "grafana/staging", "*Found*", "*Next*"] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(text.contains("|E"), "findings link to their evidence: {text}");
        assert!(posted[0].message["text"].as_str().is_some_and(|text| text.contains("code defect")));
    }
    // Named twice, it is told once.
    office.investigate(&["--deliver", "slack/ops", "--deliver", "slack/ops"]).exits(0);
    assert_eq!(office.ops.posted().len(), 2);
}

#[test]
fn a_group_of_targets_is_every_member_each_on_its_own() {
    let office = Office::open();
    let world = &office.lab.world;
    for name in ["slack/ops", "slack/other"] {
        world.run(["integrations", "tag", name, "duty=on"]).exits(0);
    }
    world.run(["integrations", "group", "add", "@duty", "duty=on"]).exits(0);
    office.other.stage.misbehave("/api", Misbehaviour::LoginPage);
    let ran = office.investigate(&["--deliver", "slack/@duty"]).exits(6);
    assert_eq!(office.ops.posted().len(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("warning: not delivered to slack/other: "), "{}", ran.stderr);
    office.investigate(&["--deliver", "slack/@dty"]).exits(2);
    world.run(["integrations", "verify", "slack/ops", "--send-test", "slack/@duty"]).exits(1);
    assert_eq!(office.ops.posted().len(), 2);
}

#[test]
fn one_target_that_fails_stops_no_other() {
    for how in [
        Misbehaviour::Status(500, vec![], json!({})),
        Misbehaviour::Status(200, vec![], json!({"ok": false, "error": "is_archived"})),
        Misbehaviour::LoginPage,
        Misbehaviour::Cut,
    ] {
        let office = Office::open();
        office.other.stage.misbehave("/api", how);
        let ran = office.investigate(&["--deliver", "slack/other", "--deliver", "slack/ops"]).exits(6);
        assert_eq!(office.ops.posted().len(), 1, "{}", ran.stderr);
        assert!(ran.stdout.contains("VERDICT"), "the report is printed all the same");
        assert!(ran.stderr.contains("warning: not delivered to slack/other: "), "{}", ran.stderr);
    }
}

#[test]
fn the_exit_code_of_the_investigation_wins() {
    let office = Office::open();
    office.lab.status("staging", 403);
    office.other.stage.misbehave("/api", Misbehaviour::LoginPage);
    office.investigate(&["--deliver", "slack/other,slack/ops"]).exits(5);
    assert!(text(&office.ops.posted()[0]).contains("*Not answered*"));
}

#[test]
fn a_target_that_is_none_is_refused_before_anything_is_asked() {
    let office = Office::open();
    let before = office.lab.requests("grafana/staging");
    for (target, code, words) in [
        ("grafana/staging", 2, "deliver to one of: slack"),
        ("slack/nowhere", 1, "ops, other"),
        ("slak/ops", 2, "deliver to one of: slack"),
        ("slack/", 2, "SERVICE/NAME"),
    ] {
        let ran = office.investigate(&["--deliver", target]).exits(code);
        assert!(ran.stderr.contains(words), "{target}: {}", ran.stderr);
    }
    assert_eq!(office.lab.requests("grafana/staging"), before);
}

#[test]
fn a_pinned_target_gets_the_report_only_when_it_is_the_right_one() {
    let office = Office::open();
    let pin = |team: &str| {
        office.lab.world.run(["integrations", "set", "slack/ops", "--expect", &format!("team={team}")]).exits(0);
    };
    pin("Other");
    let ran = office.investigate(&["--deliver", "slack/ops"]).exits(6);
    assert!(ran.stderr.contains("the team is Shop, but Other is expected"), "{}", ran.stderr);
    assert!(office.ops.posted().is_empty());
    pin("Shop");
    office.investigate(&["--deliver", "slack/ops"]).exits(0);
    assert_eq!(office.ops.posted().len(), 1);
}

#[test]
fn verify_sends_a_test_message_where_it_is_asked_to() {
    let office = Office::open();
    let world = &office.lab.world;
    let rows = world.json(["integrations", "verify", "--send-test", "slack/ops", "--json"]);
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows:#}");
    assert_eq!((rows[0]["instance"].as_str(), rows[0]["status"].as_str()), (Some("ops"), Some("passed")));
    assert_eq!(rows[0]["detail"], "a test message was posted to #ops");
    assert_eq!(rows[0]["identity"]["team"], "Shop");
    assert_eq!((office.ops.posted().len(), office.other.posted().len()), (1, 0));
    assert!(text(&office.ops.posted()[0]).contains("This is a test"));

    // The old spelling has no value: it means whatever is verified.
    world.run(["integrations", "verify", "slack", "--send-slack-test"]).exits(0);
    assert_eq!((office.ops.posted().len(), office.other.posted().len()), (2, 1));

    office.other.stage.misbehave("/api/chat.postMessage", Misbehaviour::LoginPage);
    let ran = world.run(["integrations", "verify", "--send-test", "slack/ops,slack/other", "--json"]).exits(1);
    let rows: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((rows[0]["status"].as_str(), rows[1]["status"].as_str()), (Some("passed"), Some("failed")));
    world.run(["integrations", "verify", "--send-test", "grafana/prod"]).exits(2);
}
