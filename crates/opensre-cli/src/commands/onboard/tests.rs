//! The conversation with scripted answers and a scripted proof: no terminal, no network, a store of its own.

use std::collections::VecDeque;
use std::path::PathBuf;

use clap::Parser;
use opensre_providers::driver::{Probe, ProbeStatus};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::ask::{Ask, Kind, Question, Reply};
use super::draft::Given;
use super::session::{Proof, Session};
use crate::app::App;
use crate::args::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::surroundings::Surroundings;

/// A person who answers what is expected to be asked, and only that.
#[derive(Default)]
struct Person {
    answers: VecDeque<(&'static str, Reply)>,
    said: Vec<String>,
}

impl Person {
    fn who_says(answers: impl IntoIterator<Item = (&'static str, Reply)>) -> Self {
        Self { answers: answers.into_iter().collect(), said: Vec::new() }
    }
}

impl Ask for Person {
    fn ask(&mut self, question: &Question) -> Result<Reply, Failure> {
        let Some((prompt, reply)) = self.answers.pop_front() else {
            return Err(Failure::new(Exit::Interrupted, format!("left at: {}", question.prompt)));
        };
        assert!(question.prompt.starts_with(prompt), "`{prompt}` was expected, asked is `{}`", question.prompt);
        assert!(!question.flag.is_empty(), "{} has no flag", question.prompt);
        if let (Kind::Text { check, .. } | Kind::Secret { check, .. }, Reply::Text(text)) = (&question.kind, &reply) {
            check(text).unwrap_or_else(|reason| panic!("{prompt}: {reason}"));
        }
        Ok(reply)
    }

    fn say(&mut self, text: &str) {
        self.said.push(text.to_owned());
    }
}

fn text(text: &str) -> Reply {
    Reply::Text(text.to_owned())
}

struct Desk {
    folder: TempDir,
    app: App,
}

impl Desk {
    fn new(store: Option<&Json>) -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("store.json");
        if let Some(store) = store {
            write(&path, &store.to_string());
        }
        let cli = Cli::parse_from(["opensre", "--quiet", "--store", &path.display().to_string(), "doctor"]);
        let surroundings = Surroundings {
            environment: std::collections::BTreeMap::new(),
            interactive: true,
            progress: false,
            width: 80,
            unicode: true,
        };
        let output = Output::new(&cli.global);
        let app = App::new(surroundings, cli.global, output).expect("an app");
        Self { folder, app }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.json")
    }

    fn store(&self) -> Json {
        serde_json::from_str(&std::fs::read_to_string(self.path()).expect("a store")).expect("JSON")
    }

    /// The conversation about one provider, each proof with the next of these outcomes.
    fn talk(&self, person: &mut Person, service: &str, probes: Vec<Probe>) -> Result<usize, Failure> {
        let mut probes = VecDeque::from(probes);
        let mut session = Session {
            app: &self.app,
            ask: person,
            prove: Box::new(move |_| Ok(probes.pop_front().expect("no more proofs are made"))),
            labels: Box::new(|_| Vec::new()),
            seen: None,
            proof: Proof::Wanted,
            person: true,
            saved: Vec::new(),
        };
        let spec = self.app.catalogue.find(service).expect("a provider");
        session.instances_of(spec, &Given::default())?;
        Ok(session.saved.len())
    }
}

fn write(path: &std::path::Path, text: &str) {
    let mut file = std::fs::File::create(path).expect("a file");
    std::io::Write::write_all(&mut file, text.as_bytes()).expect("written");
}

fn passed() -> Probe {
    Probe::passed("the API answers")
}

fn failed() -> Probe {
    Probe { status: ProbeStatus::Failed, ..Probe::passed("refused") }
}

fn two_argocds() -> Json {
    json!({"version": 2, "integrations": [{"id": "a", "service": "argocd", "status": "active", "instances": [
        {"name": "one", "tags": {"env": "prod", "shard": 7}, "credentials":
            {"base_url": "https://one.example", "bearer_token": "old", "mine": "kept"}, "note": "kept"},
        {"name": "two", "credentials": {"base_url": "https://two.example", "bearer_token": "t"}}]}]})
}

#[test]
fn a_failed_proof_is_tried_again_and_edited_until_it_passes() {
    let desk = Desk::new(None);
    let mut person = Person::who_says([
        ("Name of this instance", text("Prod")),
        ("Tags", text("env=prod, team = pay")),
        ("API key", text("k")),
        ("Application key", text("wrong")),
        ("Site", text("datadoghq.eu")),
        ("Change rarely", Reply::YesNo(false)),
        ("datadog/prod did not pass", Reply::Choice(1)),
        ("datadog/prod did not pass", Reply::Choice(0)),
        ("API key", text("")),
        ("Application key", text("right")),
        ("Site", text("datadoghq.eu")),
        ("Change rarely", Reply::YesNo(false)),
        ("Save datadog/prod?", Reply::Choice(0)),
        ("Add another instance of Datadog?", Reply::YesNo(false)),
    ]);
    let saved = desk.talk(&mut person, "datadog", vec![failed(), failed(), passed()]).expect("saved");
    assert_eq!((saved, person.answers.len()), (1, 0));
    let instance = &desk.store()["integrations"][0]["instances"][0];
    assert_eq!(
        *instance,
        json!({"name": "prod", "tags": {"env": "prod", "team": "pay"},
               "credentials": {"api_key": "k", "app_key": "right", "site": "datadoghq.eu"}})
    );
}

#[test]
fn another_way_takes_the_place_of_the_old_one_only_when_it_is_saved() {
    let desk = Desk::new(Some(&two_argocds()));
    let edit = [
        ("Argo CD has 2 instances", Reply::Choice(1)),
        ("Name of this instance", text("one")),
        ("Tags", text("env=prod, shard=7")),
        ("Argo CD URL", text("https://one.example")),
        ("How does opensre get into Argo CD?", Reply::Choice(1)),
        ("User name", text("me")),
        ("Password", text("pw")),
        ("Project", text("")),
        ("Namespace of applications", text("")),
        ("Change rarely", Reply::YesNo(false)),
    ];
    let mut leaving = Person::who_says(edit.clone());
    desk.talk(&mut leaving, "argocd", vec![passed()]).expect_err("left");
    assert_eq!(desk.store(), two_argocds(), "nothing is written before the yes");

    let mut person = Person::who_says(edit);
    person.answers.extend([("Save argocd/one?", Reply::Choice(0)), ("Add another", Reply::YesNo(false))]);
    desk.talk(&mut person, "argocd", vec![passed()]).expect("saved");
    assert!(person.said.contains(&"  bearer_token is removed".to_owned()), "{:?}", person.said);
    assert!(person.said.contains(&"  password is added".to_owned()), "{:?}", person.said);
    let mut expected = two_argocds();
    expected["integrations"][0]["instances"][0]["credentials"] =
        json!({"base_url": "https://one.example", "mine": "kept", "username": "me", "password": "pw"});
    assert_eq!(desk.store(), expected, "tags, unknown keys and siblings are as they were");
}

#[test]
fn renaming_keeps_the_place_and_the_siblings() {
    let desk = Desk::new(Some(&two_argocds()));
    let mut person = Person::who_says([
        ("Argo CD has 2 instances", Reply::Choice(1)),
        ("Name of this instance", text("first")),
        ("Tags", text("env=prod, shard=7")),
        ("Argo CD URL", text("https://one.example")),
        ("How does", Reply::Choice(0)),
        ("Token", text("")),
        ("Project", text("")),
        ("Namespace of applications", text("")),
        ("Change rarely", Reply::YesNo(false)),
        ("Save argocd/first?", Reply::Choice(0)),
        ("Add another", Reply::YesNo(false)),
    ]);
    desk.talk(&mut person, "argocd", vec![passed()]).expect("saved");
    let mut expected = two_argocds();
    expected["integrations"][0]["instances"][0]["name"] = json!("first");
    assert_eq!(desk.store(), expected);
}

#[test]
fn going_back_asks_the_question_before_with_its_answer() {
    let desk = Desk::new(None);
    let mut person = Person::who_says([
        ("Name of this instance", text("a")),
        ("Tags", Reply::Back),
        ("Name of this instance", text("b")),
        ("Tags", text("")),
        ("Prometheus URL", Reply::Back),
        ("Tags", Reply::Back),
        ("Name of this instance", Reply::Back),
    ]);
    assert_eq!(desk.talk(&mut person, "prometheus", Vec::new()).expect("left"), 0);
    assert!(!desk.path().exists());
}

#[test]
fn what_somebody_else_changed_meanwhile_is_not_written_over() {
    let desk = Desk::new(Some(&two_argocds()));
    let mut changed = two_argocds();
    changed["integrations"][0]["instances"][0]["credentials"]["project"] = json!("theirs");
    let path = desk.path();
    let text_of_changed = changed.to_string();
    let mut person = Person::who_says([
        ("Argo CD has 2 instances", Reply::Choice(1)),
        ("Name of this instance", text("one")),
        ("Tags", text("env=staging")),
        ("Argo CD URL", text("https://one.example")),
        ("How does", Reply::Choice(0)),
        ("Token", text("")),
        ("Project", text("")),
        ("Namespace of applications", text("")),
        ("Change rarely", Reply::YesNo(false)),
        ("Save argocd/one?", Reply::Choice(0)),
        ("Try to save it again?", Reply::YesNo(false)),
    ]);
    let mut session = Session {
        app: &desk.app,
        ask: &mut person,
        // The other one writes while the proof runs.
        prove: Box::new(move |_| {
            write(&path, &text_of_changed);
            Ok(passed())
        }),
        labels: Box::new(|_| Vec::new()),
        seen: None,
        proof: Proof::Wanted,
        person: true,
        saved: Vec::new(),
    };
    let spec = desk.app.catalogue.find("argocd").expect("a provider");
    session.instances_of(spec, &Given::default()).expect("left");
    drop(session);
    assert_eq!(desk.store(), changed);
    assert!(person.said.iter().any(|line| line.contains("is not any more as it was")), "{:?}", person.said);
}

#[test]
fn a_pin_is_offered_where_the_back_end_tells_an_id() {
    let desk = Desk::new(None);
    let mut person = Person::who_says([
        ("Name of this instance", text("")),
        ("Tags", text("")),
        ("How does opensre get into AWS?", Reply::Choice(2)),
        ("Profile", text("prod")),
        ("Region", text("eu-west-1")),
        ("Account id", text("")),
        ("EKS clusters", text("a, b")),
        ("Web identity token file", text("")),
        ("Change rarely", Reply::YesNo(false)),
        ("Save aws/default?", Reply::Choice(0)),
        ("Pin it to account_id 123456789012?", Reply::YesNo(true)),
        ("Add another", Reply::YesNo(false)),
    ]);
    let probe = passed().with("account_id", Some("123456789012"));
    desk.talk(&mut person, "aws", vec![probe]).expect("saved");
    assert_eq!(
        desk.store()["integrations"][0]["instances"][0],
        json!({"name": "default", "tags": {}, "expect": {"account_id": "123456789012"},
               "credentials": {"profile": "prod", "region": "eu-west-1", "cluster_names": ["a", "b"]}})
    );
}

#[test]
fn every_provider_can_be_walked_through_with_every_question_having_a_flag() {
    for spec in opensre_providers::catalogue().iter() {
        let desk = Desk::new(None);
        let mut walker = Walker { flags: Vec::new() };
        let mut session = Session {
            app: &desk.app,
            ask: &mut walker,
            prove: Box::new(|_| Ok(passed())),
            labels: Box::new(|_| Vec::new()),
            seen: None,
            proof: Proof::Skip,
            person: true,
            saved: Vec::new(),
        };
        let end = session.instances_of(spec, &Given::default());
        drop(session);
        assert!(end.is_err_and(|failure| failure.message == "seen enough"), "{}", spec.key);
        assert!(walker.flags.iter().all(|flag| !flag.is_empty()), "{}", spec.key);
        assert!(!desk.path().exists(), "{}", spec.key);
    }
}

/// Answers everything with an example, and leaves when it is to be saved.
struct Walker {
    flags: Vec<String>,
}

impl Ask for Walker {
    fn ask(&mut self, question: &Question) -> Result<Reply, Failure> {
        self.flags.push(question.flag.clone());
        // Providers that refuse an example in one of their fields ask again for ever.
        if question.prompt.starts_with("Save") || self.flags.len() > 60 {
            return Err(Failure::new(Exit::Interrupted, "seen enough"));
        }
        Ok(match &question.kind {
            Kind::Choice { start, .. } => Reply::Choice(*start),
            Kind::YesNo { .. } => Reply::YesNo(true),
            Kind::Text { initial, default, check, .. } => {
                let candidates =
                    [initial.as_str(), default.as_deref().unwrap_or_default(), "x", "https://x.example", "7", "0.5"];
                let fitting = candidates.into_iter().find(|text| check(text).is_ok());
                text(fitting.unwrap_or_else(|| panic!("nothing fits {}", question.prompt)))
            }
            Kind::Secret { check, .. } => {
                let fitting = ["", "${env:X}", r#"{"A": "b"}"#].into_iter().find(|text| check(text).is_ok());
                text(fitting.unwrap_or_else(|| panic!("nothing fits {}", question.prompt)))
            }
        })
    }

    fn say(&mut self, _: &str) {}
}
