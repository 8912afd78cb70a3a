//! What must hold for all instances, groups, rules, policies and alerts.

use std::collections::BTreeSet;

use opensre_model::alert::Alert;
use opensre_model::instance::Instance;
use opensre_model::policy::{AlertPart, Policy};
use opensre_model::resolution::{Family, Resolved};
use opensre_model::routing::{
    ExplicitChoice, InDoubt, Route, RouteOptions, RouteStep, RoutingMode, RoutingTable, route,
};
use opensre_model::selector::Groups;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

use super::{alert, catalogue, grafana, instance, names, read_table, resolved, resolved_with, routes, table, three};

/// Instances of two families with values from a small world, so that they often meet.
fn instances() -> impl Strategy<Value = Vec<Instance>> {
    let endpoint = prop_oneof![
        Just("https://g.example.com"),
        Just("https://g.example.com/a"),
        Just("https://g.example.com/a/b"),
        Just("https://h.example.com"),
        Just("not a url"),
    ];
    let tags = prop::collection::btree_map(
        prop_oneof![Just("env"), Just("team"), Just("cluster")],
        prop_oneof![Just("a"), Just("B")],
        0..3,
    );
    let one = (0..2_u8, endpoint, tags, prop_oneof![Just("111111111111"), Just("222222222222"), Just("")]);
    prop::collection::vec(one, 1..7).prop_map(|parts| {
        parts
            .into_iter()
            .enumerate()
            .map(|(position, (family, endpoint, tags, account))| {
                let tags: Vec<(&str, &str)> = tags.into_iter().collect();
                let name = format!("n{position}");
                if family == 0 {
                    return grafana(&name, endpoint, &tags);
                }
                let role = format!("arn:aws:iam::{account}:role/x");
                instance("aws", &name, &[("role_arn", &role), ("region", "eu-west-1")], &tags)
            })
            .collect()
    })
}

fn payload() -> impl Strategy<Value = Json> {
    let label = prop::collection::btree_map(
        prop_oneof![
            Just("env"),
            Just("environment"),
            Just("team"),
            Just("cluster"),
            Just("account_id"),
            Just("region")
        ],
        prop_oneof![Just("a"), Just("b"), Just("111111111111"), Just("eu-west-1")],
        0..4,
    );
    let url = prop_oneof![
        Just(""),
        Just("https://g.example.com/x"),
        Just("https://g.example.com/a/b/x"),
        Just("https://h.example.com/"),
    ];
    let hint = prop_oneof![4 => Just(""), 1 => Just("n0"), 1 => Just("n1, n2"), 1 => Just("env=a"), 1 => Just("zzz"), 1 => Just("@g")];
    (label.clone(), prop::collection::vec((label, url.clone()), 0..3), url, hint).prop_map(|(labels, items, url, hint)| {
        let alerts: Vec<Json> =
            items.into_iter().map(|(labels, url)| json!({"labels": labels, "generatorURL": url})).collect();
        json!({"receiver": "r", "commonLabels": labels, "alerts": alerts, "externalURL": url, "grafana_instance": hint})
    })
}

/// Groups, rules and what to do in doubt, over the same small world. `positive` leaves out what fits an instance by what
/// it is not.
fn tables(positive: bool) -> impl Strategy<Value = RoutingTable> {
    let label = prop_oneof![
        Just("env=a"),
        Just("env=b"),
        Just("team=a"),
        Just("environment=b"),
        Just("team in (a,b),cluster=a"),
        Just("region=eu-west-1"),
        Just("*"),
    ];
    let not = if positive { "env=a" } else { "env!=a" };
    let absent = if positive { "cluster" } else { "!team" };
    let select = prop_oneof![Just("env=a"), Just("team=b"), Just("env=b,team=a"), Just(not), Just(absent)];
    let wanted = prop_oneof![
        3 => Just("n0"),
        2 => Just("n1,n2"),
        1 => Just("n3, zzz"),
        1 => Just("zzz"),
        1 => Just("env=a"),
        1 => Just("team=b"),
        1 => Just("@g"),
        1 => Just("n2,@h"),
        1 => Just("@none"),
        1 => Just("env="),
    ];
    let uses = prop::collection::btree_map(prop_oneof![Just("grafana"), Just("aws"), Just("eks")], wanted, 1..3);
    let word = || prop_oneof![2 => Just("default"), 1 => Just("skip"), 1 => Just("fail")];
    let rules = prop::collection::vec((label, uses), 0..4);
    (select.clone(), select, rules, word(), word()).prop_map(|(g, h, rules, unknown, ambiguous)| {
        let rules: Vec<Json> = rules.into_iter().map(|(label, uses)| json!({"match": label, "use": uses})).collect();
        let groups = json!([{"name": "@g", "select": g}, {"name": "@h", "select": h}]);
        table(&groups, &json!({"rules": rules, "unknown": unknown, "ambiguous": ambiguous}))
    })
}

fn policy() -> impl Strategy<Value = Policy> {
    let parts = prop::collection::btree_set(select(AlertPart::ALL.to_vec()), 0..4);
    (prop::bool::weighted(0.3), prop::option::weighted(0.3, parts))
        .prop_map(|(requires_explicit, route_from)| Policy { requires_explicit, route_from })
}

/// Instances with policies, groups and rules.
fn worlds() -> impl Strategy<Value = Resolved> {
    worlds_of(false)
}

fn worlds_of(positive: bool) -> impl Strategy<Value = Resolved> {
    (instances(), prop::collection::vec(policy(), 7), tables(positive)).prop_map(|(mut instances, policies, table)| {
        for (instance, policy) in instances.iter_mut().zip(policies) {
            instance.policy = policy;
        }
        resolved_with(instances, table)
    })
}

/// The same instances in the same families, changed one by one.
fn with_instances(world: &Resolved, change: impl Fn(&mut Instance)) -> Resolved {
    let mut changed = world.clone();
    changed.families.iter_mut().flat_map(|family| &mut family.instances).for_each(change);
    changed
}

fn in_doubt(on_unknown: InDoubt, on_ambiguous: InDoubt) -> RouteOptions {
    RouteOptions { on_unknown: Some(on_unknown), on_ambiguous: Some(on_ambiguous), ..RouteOptions::default() }
}

fn words() -> impl Strategy<Value = InDoubt> {
    prop_oneof![Just(InDoubt::Default), Just(InDoubt::Skip), Just(InDoubt::Fail)]
}

/// The chosen instances of all services.
fn chosen(routes: &[Route<'_>]) -> BTreeSet<String> {
    routes.iter().flat_map(|route| route.chosen.iter().map(|instance| instance.address())).collect()
}

/// Whether a list of names holds this one: an independent, simple reading.
fn lists(wanted: &str, name: &str) -> bool {
    wanted.split(',').any(|part| part.trim() == name)
}

/// What a route decides, without the words.
fn decision(routes: &[Route<'_>]) -> Vec<(String, RouteStep, Vec<String>)> {
    let mut decisions: Vec<_> = routes
        .iter()
        .map(|route| {
            let mut names: Vec<String> = names(route).into_iter().map(str::to_owned).collect();
            names.sort();
            (route.service.clone(), route.step, names)
        })
        .collect();
    decisions.sort();
    decisions
}

/// Whether a tag contradicts a label in every alert of the group: an independent, simple reading of the rule.
fn contradicts(instance: &Instance, alert: &Alert) -> bool {
    alert.items.iter().all(|item| {
        instance.tags.normalised().any(|(key, value)| {
            let label = |name: &str| item.labels.get(name).or_else(|| alert.labels.get(name)).map(|v| v.to_lowercase());
            let said = label(&key).or_else(|| if key == "env" { label("environment") } else { None });
            said.is_some_and(|said| said != value)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn adding_an_unrelated_instance_never_changes_a_route(world in worlds_of(true), payload in payload()) {
        let mut after = world.clone();
        // Of each family, one that nothing in the alert can mean, and that no group or rule does.
        for family in &mut after.families {
            let fields = [("endpoint", "https://unrelated.example.com"), ("role_arn", "arn:aws:iam::999999999999:role/x")];
            family.instances.push(instance(&family.key, "unrelated", &fields, &[("unrelated", "x")]));
        }
        let other = instance("datadog", "unrelated", &[], &[("env", "a")]);
        after.families.push(Family { key: "datadog".into(), instances: vec![other], incomplete: Vec::new() });
        let expected = decision(&routes(&world, &payload));
        let mut found = decision(&routes(&after, &payload));
        found.retain(|(service, _, _)| service != "datadog");
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn the_order_of_instances_changes_nothing_but_the_default(
        (world, shuffled) in worlds().prop_flat_map(|world| {
            let all: Vec<Instance> = world.instances().cloned().collect();
            (Just(world), Just(all).prop_shuffle())
        }),
        payload in payload(),
    ) {
        let after = resolved_with(shuffled, world.routing.clone());
        let (first, second) = (routes(&world, &payload), routes(&after, &payload));
        let default = |resolved: &Resolved, service: &str| {
            resolved.family(service).and_then(Family::default).map(|one| one.name.to_string())
        };
        for (service, step, names) in decision(&first) {
            if default(&world, &service) == default(&after, &service) {
                prop_assert!(decision(&second).contains(&(service, step, names)));
            } else if matches!(step, RouteStep::CommandLine | RouteStep::Hint | RouteStep::Rule | RouteStep::Tags) {
                prop_assert!(decision(&second).contains(&(service, step, names)), "only the default may differ");
            }
        }
    }

    #[test]
    fn a_rule_that_fits_no_alert_changes_nothing(world in worlds(), payload in payload(), place in any::<prop::sample::Index>()) {
        let mut more = world.clone();
        let rules = json!({"rules": [
            {"match": "nobody=says", "use": {"grafana": "n0", "aws": "n1"}},
            {"match": "env=a,env=b", "use": {"grafana": "@g", "aws": "env!=z"}},
        ]});
        for rule in table(&json!([]), &rules).rules {
            let place = place.index(more.routing.rules.len() + 1);
            more.routing.rules.insert(place, rule);
        }
        for (number, rule) in more.routing.rules.iter_mut().enumerate() {
            rule.position = number + 1;
        }
        prop_assert_eq!(decision(&routes(&more, &payload)), decision(&routes(&world, &payload)));
    }

    #[test]
    fn a_ruled_out_instance_is_never_asked_unless_it_is_named(world in worlds(), payload in payload()) {
        let alert = alert(&payload);
        for route in route(&catalogue(), &world, &alert, &[], RoutingMode::Full) {
            for chosen in &route.chosen {
                let named = matches!(route.step, RouteStep::Hint | RouteStep::Rule);
                prop_assert!(named || !contradicts(chosen, &alert), "{}: {}", chosen.address(), route.reason);
                prop_assert!(
                    !(named && contradicts(chosen, &alert) && route.warnings.is_empty()),
                    "whoever names it is told: {}", route.reason
                );
            }
        }
    }

    #[test]
    fn what_requires_its_own_name_is_chosen_by_it_alone(world in worlds(), payload in payload(), hints_only in any::<bool>()) {
        let mode = if hints_only { RoutingMode::Hints } else { RoutingMode::Full };
        let hint = payload["grafana_instance"].as_str().unwrap_or_default().to_owned();
        for route in route(&catalogue(), &world, &alert(&payload), &[], mode) {
            for chosen in route.chosen.iter().filter(|chosen| chosen.policy.requires_explicit) {
                let name = chosen.name.as_str();
                let named = match route.step {
                    RouteStep::Hint => lists(&hint, name),
                    RouteStep::Rule => world.routing.rules.iter().any(|rule| {
                        route.rules.iter().any(|applied| applied.position == rule.position)
                            && rule.uses.iter().any(|used| used.family == chosen.family && lists(&used.wanted, name))
                    }),
                    _ => false,
                };
                prop_assert!(named, "{} by {:?}: {}", chosen.address(), route.step, route.reason);
            }
        }
    }

    #[test]
    fn an_instance_is_named_only_by_the_parts_that_may(world in worlds(), payload in payload()) {
        // Of those that nothing may name, only the default is left, and only as the default.
        let closed = with_instances(&world, |one| one.policy.route_from = Some(BTreeSet::new()));
        for route in routes(&closed, &payload) {
            prop_assert!(matches!(route.step, RouteStep::Default | RouteStep::None), "{:?}: {}", route.step, route.reason);
        }
        // A hint alone may name these.
        let by_hint = with_instances(&world, |one| one.policy.route_from = Some([AlertPart::Hint].into()));
        for route in routes(&by_hint, &payload) {
            let may = matches!(route.step, RouteStep::Hint | RouteStep::Default | RouteStep::None);
            prop_assert!(may, "{:?}: {}", route.step, route.reason);
        }
    }

    #[test]
    fn policies_and_doubt_only_ever_take_away(world in worlds(), payload in payload(), unknown in words(), ambiguous in words()) {
        let free = with_instances(&world, |one| one.policy = Policy::default());
        let alert = alert(&payload);
        let most = route(&catalogue(), &free, &alert, &[], in_doubt(InDoubt::Default, InDoubt::Default));
        let some = route(&catalogue(), &world, &alert, &[], in_doubt(unknown, ambiguous));
        prop_assert!(chosen(&some).is_subset(&chosen(&most)), "{:?} of {:?}", chosen(&some), chosen(&most));
        // A policy that lets everything pass takes nothing away.
        let open = with_instances(&free, |one| one.policy.route_from = Some(AlertPart::ALL.into()));
        let all = route(&catalogue(), &open, &alert, &[], in_doubt(InDoubt::Default, InDoubt::Default));
        prop_assert_eq!(decision(&all), decision(&most));
    }

    #[test]
    fn failing_refuses_or_changes_nothing(world in worlds(), payload in payload()) {
        let alert = alert(&payload);
        let by = |one| route(&catalogue(), &world, &alert, &[], in_doubt(one, one));
        for ((usual, failing), skipping) in by(InDoubt::Default).iter().zip(by(InDoubt::Fail)).zip(by(InDoubt::Skip)) {
            prop_assert_eq!(usual.refusal(), None, "by default nothing is refused");
            prop_assert_eq!(skipping.refusal(), None, "nor when doubt is skipped");
            if failing.refusal().is_some() {
                prop_assert!(failing.chosen.is_empty());
            } else {
                prop_assert_eq!(names(&failing), names(usual));
                prop_assert_eq!(names(&skipping), names(usual), "what is not in doubt is not skipped");
            }
        }
    }

    #[test]
    fn a_group_means_what_its_selector_means(world in worlds(), payload in payload()) {
        let group = world.routing.groups.get("@g").unwrap().select.to_string();
        let alert = alert(&payload);
        for service in ["grafana", "aws"] {
            let by = |wanted: &str| {
                let choice = ExplicitChoice { service: service.to_owned(), wanted: wanted.to_owned() };
                let routes = route(&catalogue(), &world, &alert, &[choice], RoutingMode::Full);
                let found = routes.iter().find(|route| route.service == service);
                found.map(|route| (route.step, names(route).join(" "), route.refusal().is_some()))
            };
            prop_assert_eq!(by("@G "), by(&group));
        }
    }

    #[test]
    fn hints_mode_knows_no_rules_and_keeps_policies(world in worlds(), payload in payload()) {
        let alert = alert(&payload);
        let hints = route(&catalogue(), &world, &alert, &[], RoutingMode::Hints);
        prop_assert!(hints.iter().all(|route| matches!(route.step, RouteStep::Hint | RouteStep::Default | RouteStep::None)));
        let mut ruleless = world.clone();
        ruleless.routing.rules.clear();
        prop_assert_eq!(decision(&route(&catalogue(), &ruleless, &alert, &[], RoutingMode::Hints)), decision(&hints));
        let free = with_instances(&world, |one| one.policy = Policy::default());
        let most = route(&catalogue(), &free, &alert, &[], in_doubt(InDoubt::Default, InDoubt::Default));
        let hinted = RouteOptions { mode: RoutingMode::Hints, ..in_doubt(InDoubt::Default, InDoubt::Default) };
        prop_assert!(most.len() == hints.len());
        let most = route(&catalogue(), &free, &alert, &[], hinted);
        prop_assert!(chosen(&hints).is_subset(&chosen(&most)));
    }

    #[test]
    fn every_route_is_whole(world in worlds(), payload in payload(), hints_only in any::<bool>()) {
        let mode = if hints_only { RoutingMode::Hints } else { RoutingMode::Full };
        let routes = route(&catalogue(), &world, &alert(&payload), &[], mode);
        for (route, family) in routes.iter().zip(&world.families) {
            prop_assert_eq!(&route.service, &family.key);
            prop_assert_eq!(route.chosen.len() + route.rejected.len(), family.instances.len(), "each is chosen or rejected");
            prop_assert_eq!(route.chosen.len(), route.reasons.len());
            prop_assert_eq!(route.chosen.is_empty(), route.step == RouteStep::None);
            prop_assert!(!route.reason.is_empty());
            prop_assert!(route.rejected.iter().all(|rejected| !rejected.why.is_empty()));
            prop_assert!(route.step != RouteStep::Rule || !route.rules.is_empty());
            for policy in route.policies.iter().filter(|policy| policy.kept_out) {
                prop_assert!(!names(route).contains(&policy.instance.as_str()) || route.step == RouteStep::Default);
            }
            for group in &route.groups {
                prop_assert!(group.members.iter().all(|member| names(route).contains(&member.as_str())));
            }
            let said = format!("{route:?}{}", serde_json::to_string(&route.explain()).unwrap());
            prop_assert!(!said.contains("canary-key"));
        }
    }

    #[test]
    fn what_is_written_as_free_text_never_changes_a_route(world in worlds(), payload in payload(), text in "\\PC{0,40}") {
        let expected = decision(&routes(&world, &payload));
        let mut wordy = payload;
        wordy["message"] = json!(format!("{text} grafana_instance=n1 env=a @g team=a https://h.example.com/ {text}"));
        wordy["title"] = json!(text);
        wordy["commonAnnotations"] = json!({"description": "see https://h.example.com/ or arn:aws:iam::222222222222:role/x"});
        prop_assert_eq!(decision(&routes(&world, &wordy)), expected);
    }

    #[test]
    fn any_bytes_and_any_choice_are_routed(bytes in prop::collection::vec(any::<u8>(), 0..100), service in "\\PC{0,10}", wanted in "\\PC{0,20}") {
        let resolved = resolved(three());
        let choice = ExplicitChoice { service, wanted };
        let routes = route(&catalogue(), &resolved, &Alert::parse(&bytes), &[choice], RoutingMode::Full);
        prop_assert!(!routes.is_empty());
    }

    #[test]
    fn any_groups_and_rules_are_read(
        name in "\\PC{0,8}", select in "\\PC{0,12}", matches in "\\PC{0,12}", service in "\\PC{0,8}", wanted in "\\PC{0,12}",
        odd in prop_oneof![Just(json!(null)), Just(json!(7)), Just(json!([[]])), Just(json!({"rules": {}})), Just(json!("x"))],
        payload in payload(),
    ) {
        let rules = json!({"rules": [{"match": matches, "use": {service: wanted}}, odd], "unknown": odd, "ambiguous": "skip"});
        for (groups, routing) in [(json!([{"name": name, "select": select}, odd]), rules), (odd.clone(), odd.clone())] {
            let (table, diagnostics) = read_table(&groups, &routing);
            prop_assert!(table.rules.len() <= 1);
            prop_assert!(diagnostics.iter().all(|one| !one.to_string().is_empty()));
            let world = resolved_with(three(), table);
            let _ = world.routing.check(&catalogue(), &world, &diagnostics.first().map_or_else(
                || opensre_model::diagnostic::Source::Store { path: "s".into() }, |one| one.source.clone()));
            prop_assert!(routes(&world, &payload).iter().all(|route| route.step != RouteStep::CommandLine));
        }
    }
}

#[test]
fn without_groups_nothing_is_a_group() {
    assert_eq!(Groups::default().iter().count(), 0);
    let world = resolved(vec![grafana("a", "https://a.example.com", &[])]);
    let found = routes(&world, &json!({"title": "x", "grafana_instance": "@eu"}));
    assert_eq!(names(&found[0]), ["a"], "an unknown group is a hint that names nothing");
    assert!(found[0].warnings[0].contains("there is no group `@eu`"), "{:?}", found[0].warnings);
}
