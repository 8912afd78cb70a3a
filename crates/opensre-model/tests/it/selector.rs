//! The tag-selector language, the selectors over what was resolved, and what a hint may say.

use std::fmt::Write as _;

use opensre_model::diagnostic::Source;
use opensre_model::identity::Expect;
use opensre_model::instance::{Instance, InstanceName, Settings, Tags, Word, normalise};
use opensre_model::provider::{Catalogue, Hooks, ProviderKind, ProviderSpec, Rule};
use opensre_model::resolution::{Family, Resolved};
use opensre_model::selector::{Requirement, Selector, Selectors, Wanted, nearest};
use opensre_model::value::Config;
use proptest::prelude::*;

fn tags(pairs: &[(&str, &str)]) -> Tags {
    Tags::from_pairs(pairs.iter().copied())
}

fn matches(selector: &str, pairs: &[(&str, &str)]) -> bool {
    Selector::parse(selector).unwrap().matches(&tags(pairs))
}

#[test]
fn every_operator_means_what_kubernetes_means() {
    let prod = [("env", "prod"), ("region", "us"), ("team", "a")];
    assert!(matches("env=prod", &prod));
    assert!(matches("env==prod", &prod));
    assert!(!matches("env=staging", &prod));
    assert!(!matches("tier=web", &prod), "an absent tag equals nothing");

    assert!(matches("region!=eu", &prod));
    assert!(matches("tier!=web", &prod), "an absent tag differs from everything");
    assert!(!matches("region!=us", &prod));

    assert!(matches("team in (a,b)", &prod));
    assert!(!matches("team in (b,c)", &prod));
    assert!(!matches("tier in (a,b)", &prod));
    assert!(matches("team notin (b, c)", &prod));
    assert!(matches("tier notin (x)", &prod));
    assert!(!matches("team notin (a)", &prod));

    assert!(matches("env", &prod));
    assert!(!matches("gpu", &prod));
    assert!(matches("!gpu", &prod));
    assert!(!matches("!env", &prod));
}

#[test]
fn all_requirements_must_hold() {
    let selector = "env=prod,region!=eu,team in (a,b),tier notin (x),gpu,!legacy";
    assert!(matches(selector, &[("env", "prod"), ("team", "b"), ("gpu", "yes")]));
    for broken in [
        &[("env", "dev"), ("team", "b"), ("gpu", "yes")][..],
        &[("env", "prod"), ("team", "b"), ("gpu", "yes"), ("region", "eu")],
        &[("env", "prod"), ("team", "c"), ("gpu", "yes")],
        &[("env", "prod"), ("team", "b"), ("gpu", "yes"), ("tier", "x")],
        &[("env", "prod"), ("team", "b")],
        &[("env", "prod"), ("team", "b"), ("gpu", "yes"), ("legacy", "")],
    ] {
        assert!(!matches(selector, broken), "{broken:?}");
    }
}

#[test]
fn letter_case_white_space_and_value_types_do_not_matter() {
    assert!(matches("  ENV = Prod , Team IN ( A , B )  ", &[(" Env", "PROD "), ("team", "b")]));
    let json = serde_json::json!({ "shard": 3, "primary": true });
    let (typed, _) = Tags::from_json(json.as_object().unwrap());
    assert!(Selector::parse("shard=3,primary=TRUE").unwrap().matches(&typed));
}

#[test]
fn values_may_hold_spaces_and_quoted_ones_anything() {
    assert!(matches("team=site reliability", &[("team", "Site Reliability")]));
    assert!(matches(r#"owner="ops, night (eu)""#, &[("owner", "ops, night (eu)")]));
    assert!(matches(r#"note="say \"hi\" \\ bye""#, &[("note", r#"say "hi" \ bye"#)]));
    assert!(matches(r#""a=b" in ('x,y', z)"#, &[("a=b", "x,y")]));
}

#[test]
fn a_blank_selector_matches_nothing() {
    for blank in ["", "   ", "\n\t"] {
        let selector = Selector::parse(blank).unwrap();
        assert!(selector.is_empty());
        assert!(!selector.matches(&tags(&[("env", "prod")])));
        assert!(!selector.matches(&Tags::default()));
        assert_eq!(selector.to_string(), "");
    }
}

#[test]
fn errors_name_the_position_and_say_what_to_write() {
    let mut lines = String::new();
    for text in [
        "env=",
        "=prod",
        "env=prod,",
        "env=prod,,a",
        "env prod",
        "env!prod",
        "team in a",
        "team in (a",
        "team in ()",
        "a=b=c",
        "owner=\"ops",
        "env=(x)",
        "!",
        "é=ü=x",
        "env in (a b) c",
    ] {
        let error = Selector::parse(text).unwrap_err();
        let _ = writeln!(lines, "{text:<16} {error}; hint: {}", error.hint);
    }
    insta::assert_snapshot!(lines);
}

#[test]
fn display_is_canonical() {
    let selector = Selector::parse(" A == X , b IN (y, 'z, q') ,! c, d ").unwrap();
    insta::assert_snapshot!(selector, @r#"a=x,b in (y,"z, q"),!c,d"#);
    assert_eq!(selector.requirements().len(), 4);
    assert_eq!(selector.requirements()[0], Requirement::Equals { key: "a".into(), value: "x".into() });
}

fn requirement() -> impl Strategy<Value = String> {
    let word = "[a-zA-Z0-9_./ -]{0,6}[a-zA-Z0-9]";
    let quoted = ".{0,8}".prop_map(|text| format!("\"{}\"", text.chars().flat_map(|c| ['\\', c]).collect::<String>()));
    let value = prop_oneof![word.prop_map(String::from), quoted];
    let key = "[a-zA-Z0-9_./-]{1,6}";
    prop_oneof![
        (key, prop_oneof![Just("="), Just("=="), Just("!=")], value.clone()).prop_map(|(k, o, v)| format!("{k}{o}{v}")),
        (key, prop_oneof![Just("in"), Just("notin")], prop::collection::vec(value, 1..4))
            .prop_map(|(k, o, v)| format!("{k} {o} ({})", v.join(" , "))),
        key.prop_map(String::from),
        key.prop_map(|k| format!("!{k}")),
    ]
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(parts in prop::collection::vec(requirement(), 1..5)) {
        let selector = Selector::parse(&parts.join(",")).unwrap();
        prop_assert_eq!(selector.requirements().len(), parts.len());
        prop_assert_eq!(Selector::parse(&selector.to_string()).unwrap(), selector);
    }

    #[test]
    fn a_word_is_compared_as_it_is_normalised(word in "[ aAbkKKÉéİΣσß\u{a0}]{0,4}", written in "[ aAbkKKÉéİΣσß\u{a0}]{0,4}") {
        let normal = normalise(&written);
        if let Some(word) = Word::new(&word) {
            prop_assert_eq!(word.is(&written), word.as_str() == normal);
        } else {
            prop_assert_eq!(normalise(&word), "");
        }
    }

    #[test]
    fn any_text_is_read_or_refused_with_a_position_inside_it(text in "\\PC{0,40}") {
        match Selector::parse(&text) {
            Ok(selector) => prop_assert_eq!(Selector::parse(&selector.to_string()).unwrap(), selector),
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.position)),
        }
        let _ = Wanted::parse(&text);
    }

    #[test]
    fn letter_case_never_changes_a_match(parts in prop::collection::vec(requirement(), 1..4), value in "[a-z]{1,3}") {
        let text: String = parts.join(",").chars().map(|c| if c.is_ascii() { c } else { 'x' }).collect();
        let tags = tags(&[("a", &value), ("b", "x")]);
        let as_written = Selector::parse(&text).unwrap().matches(&tags);
        let upper = Selector::parse(&text.to_ascii_uppercase()).unwrap().matches(&tags);
        prop_assert_eq!(as_written, upper);
    }

    #[test]
    fn a_requirement_and_its_negation_never_agree(value in "[a-c]", own in "[a-c]", carried in any::<bool>()) {
        let own = if carried { tags(&[("k", &own)]) } else { Tags::default() };
        for (positive, negative) in [
            (format!("k={value}"), format!("k!={value}")),
            (format!("k in ({value},z)"), format!("k notin ({value},z)")),
            ("k".to_owned(), "!k".to_owned()),
        ] {
            let holds = |text: &str| Selector::parse(text).unwrap().matches(&own);
            prop_assert_ne!(holds(&positive), holds(&negative));
        }
    }
}

static GRAFANA: ProviderSpec = ProviderSpec {
    key: "grafana",
    name: "Grafana",
    aliases: &["graf"],
    family: "grafana",
    kind: ProviderKind::Observability,
    instances_variable: Some("GRAFANA_INSTANCES"),
    fields: &[],
    configured: Rule::Never,
    environment: Rule::Never,
    hooks: Hooks::NONE,
    documentation: "",
};
static GRAFANA_LOCAL: ProviderSpec = ProviderSpec {
    key: "grafana_local",
    name: "Grafana (local)",
    aliases: &[],
    family: "grafana",
    kind: ProviderKind::Observability,
    instances_variable: None,
    fields: &[],
    configured: Rule::Never,
    environment: Rule::Never,
    hooks: Hooks::NONE,
    documentation: "",
};

fn instance(service: &str, name: &str, pairs: &[(&str, &str)]) -> Instance {
    Instance {
        service: service.into(),
        family: "grafana".into(),
        name: InstanceName::new(name),
        tags: tags(pairs),
        expect: Expect::default(),
        policy: opensre_model::policy::Policy::default(),
        settings: Settings::Typed(Config::EMPTY),
        integration_id: format!("id-{name}"),
        source: Source::Store { path: "integrations.json".into() },
    }
}

fn resolved(instances: Vec<Instance>) -> Resolved {
    let family = Family { key: "grafana".into(), instances, incomplete: Vec::new() };
    Resolved { families: vec![family], ..Resolved::default() }
}

fn catalogue() -> Catalogue {
    Catalogue::new(vec![&GRAFANA, &GRAFANA_LOCAL])
}

fn names(instances: Vec<&Instance>) -> Vec<&str> {
    instances.into_iter().map(|instance| instance.name.as_str()).collect()
}

#[test]
fn the_selectors_follow_the_table() {
    let catalogue = catalogue();
    let resolved = resolved(vec![
        instance("grafana_local", "dev", &[]),
        instance("grafana", "prod", &[("env", "prod"), ("region", "eu")]),
        instance("grafana", "staging", &[("env", "staging")]),
        instance("grafana", "prod", &[("env", "prod"), ("region", "us")]),
    ]);
    let selectors = Selectors::new(&catalogue, &resolved);
    let name = |found: Option<&Instance>| found.map(|instance| instance.name.to_string());

    assert_eq!(names(selectors.instances(" GRAF ")), ["dev", "prod", "staging", "prod"]);
    assert_eq!(names(selectors.instances("grafana_local")), ["dev"]);
    assert!(selectors.instances("loki").is_empty());

    assert_eq!(name(selectors.default("grafana")), Some("prod".into()), "local never beats remote");
    assert_eq!(name(selectors.default("grafana_local")), Some("dev".into()));
    assert_eq!(name(selectors.default("loki")), None);

    let prod = selectors.by_name("Grafana", " PROD ").unwrap();
    assert_eq!(prod.tags.get("region").as_deref(), Some("eu"), "the first of two same names");
    assert_eq!(name(selectors.by_name("grafana", "")), None);
    assert_eq!(name(selectors.by_name("grafana", "qa")), None, "no fallback");

    assert_eq!(selectors.by_tag("grafana", " ENV ", " Prod ").len(), 2);
    assert!(selectors.by_tag("grafana", "", "prod").is_empty());
    assert!(selectors.by_tag("grafana", "env", " ").is_empty());

    assert_eq!(name(selectors.select("grafana", Some("qa"), &[("env", "prod")])), None, "a name hides the tags");
    assert_eq!(name(selectors.select("grafana", Some(" "), &[("env", "prod")])), None);
    let both = selectors.select("grafana", None, &[("env", "prod"), ("Region", "US")]).unwrap();
    assert_eq!(both.tags.get("region").as_deref(), Some("us"));
    assert_eq!(name(selectors.select("grafana", None, &[("env", "qa")])), None, "no fallback");
    assert_eq!(name(selectors.select("grafana", None, &[])), Some("prod".into()));

    let selector = Selector::parse("env in (prod,staging),region!=us").unwrap();
    assert_eq!(names(selectors.by_selector("grafana", &selector)), ["prod", "staging"]);
}

#[test]
fn a_lone_local_grafana_is_the_default() {
    let catalogue = catalogue();
    let resolved = resolved(vec![instance("grafana_local", "dev", &[])]);
    let selectors = Selectors::new(&catalogue, &resolved);
    assert_eq!(selectors.default("grafana").map(|found| found.name.as_str()), Some("dev"));
}

#[test]
fn wanted_is_a_name_names_or_a_selector() {
    let names = |list: &[&str]| Wanted::Names(list.iter().map(ToString::to_string).collect());
    assert_eq!(Wanted::parse(" Prod ").unwrap(), names(&["prod"]));
    assert_eq!(Wanted::parse("prod, ,EU,prod,").unwrap(), names(&["prod", "eu"]));
    assert_eq!(Wanted::parse("  ").unwrap(), names(&[]));
    assert_eq!(Wanted::parse("log in (eu)").unwrap(), Wanted::Selector(Selector::parse("log in (eu)").unwrap()));
    for selector in ["env=prod", "env!=prod", "!legacy", "gpu,!legacy", "team in (a,b)", "team\tNOTIN(a)"] {
        assert!(matches!(Wanted::parse(selector), Ok(Wanted::Selector(_))), "{selector}");
    }
    assert!(Wanted::parse("env=prod,").is_err());
}

#[test]
fn wanted_picks_in_the_order_of_the_instances_and_says_what_is_unknown() {
    let instances =
        [instance("grafana", "a", &[("env", "prod")]), instance("grafana", "b", &[]), instance("grafana", "a", &[])];
    let all: Vec<&Instance> = instances.iter().collect();
    let wanted = Wanted::parse("b,x,a").unwrap();
    let (chosen, unknown) = wanted.pick(&all);
    assert_eq!(names(chosen), ["a", "b"]);
    assert_eq!(unknown, ["x"]);
    let wanted = Wanted::parse("env!=prod").unwrap();
    let (chosen, unknown) = wanted.pick(&all);
    assert_eq!(names(chosen), ["b", "a"]);
    assert!(unknown.is_empty());
}

#[test]
fn the_nearest_name_is_one_that_could_be_meant() {
    let known = ["prod", "prod-eu", "staging"];
    assert_eq!(nearest("PRD", known), Some("prod"));
    assert_eq!(nearest("stage", known), Some("staging"));
    assert_eq!(nearest("prod_eu", known), Some("prod-eu"));
    assert_eq!(nearest("qa", known), None);
    assert_eq!(nearest("", known), None);
    assert_eq!(nearest(&"x".repeat(10_000), known), None);
}
