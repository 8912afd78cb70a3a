//! Argo CD: formats, the choice of applications, and differences, as pure functions.

use opensre_providers::argocd::drift::{self, Drift};
use opensre_providers::argocd::select::choose;
use opensre_providers::argocd::wire::{Application, application, applications, is_commit, short};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::stub::{labels, window};

fn app(name: &str, namespace: &str, cluster: &str, resources: &[(&str, &str)]) -> Application {
    let resources: Vec<Json> =
        resources.iter().map(|(kind, name)| json!({"kind": kind, "name": name, "namespace": namespace})).collect();
    application(&json!({
        "metadata": {"name": name}, "spec": {"destination": {"name": cluster, "namespace": namespace}},
        "status": {"resources": resources, "health": {"status": "Healthy"}},
    }))
    .unwrap()
}

fn names(all: &[Application], pairs: &[(&str, &str)]) -> Vec<String> {
    let choice = choose(all, &labels(pairs), &window());
    choice.chosen.into_iter().map(|chosen| chosen.application.name).collect()
}

#[test]
fn applications_are_chosen_by_what_the_alert_names() {
    let all = [
        app("checkout-prod", "shop", "eu-1", &[]),
        app("checkout-staging", "shop-staging", "eu-1", &[]),
        app("platform", "platform", "eu-1", &[("Deployment", "payments"), ("StatefulSet", "ledger")]),
        app("kube-state-metrics", "monitoring", "eu-1", &[]),
        app("cart", "shop", "us-1", &[]),
        app("cart-eu", "shop", "eu-1", &[]),
    ];
    for (pairs, wanted) in [
        (vec![("service", "checkout")], vec!["checkout-prod", "checkout-staging"]),
        (vec![("service", "checkout"), ("namespace", "shop")], vec!["checkout-prod"]),
        (vec![("app", "payments"), ("job", "kube-state-metrics")], vec!["platform"]),
        (vec![("service", "cart"), ("cluster", "eu-1")], vec!["cart-eu"]),
        (vec![("service", "cart")], vec!["cart", "cart-eu"]),
        (vec![("service", "unknown"), ("namespace", "platform")], vec!["platform"]),
        (vec![("service", "check")], vec![]),
        (vec![("argocd_app", "platform"), ("service", "argocd-metrics")], vec!["platform"]),
        (vec![("name", "platform"), ("dest_server", "x"), ("namespace", "argocd")], vec!["platform"]),
        (vec![], vec![]),
    ] {
        assert_eq!(names(&all, &pairs), wanted, "{pairs:?}");
    }
}

#[test]
fn an_application_that_is_only_near_is_not_taken_for_the_alerts() {
    let all = [app("umbrella", "shop", "", &[]), app("checkout-prod", "shop", "", &[])];
    let service = |pairs: &[(&str, &str)]| choose(&all, &labels(pairs), &window()).chosen[0].service.clone();
    assert_eq!(service(&[("service", "payments"), ("namespace", "shop")]), None);
    assert_eq!(service(&[("service", "checkout"), ("namespace", "shop")]).as_deref(), Some("checkout"));
}

#[test]
fn many_applications_are_cut_and_counted() {
    let all: Vec<Application> = (0..9).map(|n| app(&format!("checkout-{n}"), "shop", "", &[])).collect();
    let choice = choose(&all, &labels(&[("service", "checkout")]), &window());
    assert_eq!((choice.chosen.len(), choice.more, choice.named), (4, 5, true));
}

#[test]
fn a_list_is_an_array_or_null() {
    assert_eq!(applications(&json!({"items": null})).unwrap().0.len(), 0);
    let (read, odd) = applications(&json!({"items": [{"metadata": {"name": "a"}}, {"metadata": 7}, 3]})).unwrap();
    assert_eq!((read.len(), odd), (1, 2));
    for odd in [json!({}), json!([]), json!({"items": {}}), json!("x")] {
        assert!(applications(&odd).is_err(), "{odd}");
    }
}

#[test]
fn several_sources_and_odd_repositories() {
    let read = application(&json!({"metadata": {"name": "a"}, "status": {"history": [
        {"id": 2, "revisions": ["1.2.3", "abc"], "deployedAt": "2024-05-01T12:00:00Z",
         "sources": [{"repoURL": "registry.example.net/charts", "chart": "app", "targetRevision": "1.x"}]},
        {"id": 1, "revision": "def", "deployedAt": "2024-05-01T11:00:00Z", "source": {"repoURL": "git@github.com:shop/deploy.git"}},
        {"id": 3, "revision": "no time"},
    ]}}))
    .unwrap();
    assert_eq!(read.history.len(), 2);
    assert_eq!((read.history[1].revision.as_str(), read.history[1].revisions.len()), ("1.2.3", 2));
    let sources: Vec<_> = read.history.iter().map(|entry| entry.source.clone().unwrap()).collect();
    assert_eq!(sources[0].repository, "git@github.com:shop/deploy.git");
    assert!(sources[1].is_chart && !sources[0].is_chart);
    assert_eq!((short("1.2.3"), is_commit("1.2.3")), ("1.2.3", false));
}

fn drift_of(kind: &str, live: &Json, wanted: &Json) -> Drift {
    let item = json!({"kind": kind, "normalizedLiveState": live.to_string(), "predictedLiveState": wanted.to_string()});
    drift::of(&item).unwrap()
}

#[test]
fn differences_are_bounded_and_lists_are_matched_by_name() {
    let live = json!({"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}], "ports": [1, 2]});
    let wanted =
        json!({"containers": [{"name": "b", "image": "b:2"}, {"name": "a", "image": "a:1"}], "ports": [1, 3, 4]});
    let Drift::At(places, 0) = drift_of("Deployment", &live, &wanted) else { panic!("it differs") };
    assert_eq!(
        places,
        [
            "containers[b].image: b:1 in the cluster, b:2 wanted",
            "ports[1]: 2 in the cluster, 3 wanted",
            "ports[2]: nothing in the cluster, 4 wanted",
        ]
    );
    let many: Json = (0..50).map(|n| (format!("key{n:02}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    let Drift::At(places, more) = drift_of("X", &json!({}), &many) else { panic!("it differs") };
    assert_eq!((places.len(), more), (drift::MOST, 50 - drift::MOST));
    assert_eq!(drift::of(&json!({"normalizedLiveState": "{broken", "predictedLiveState": "{}"})), None);
    assert_eq!(drift_of("X", &Json::Null, &json!({})), Drift::Missing);
    assert_eq!(drift_of("X", &json!({}), &Json::Null), Drift::Extra);
}

/// A tree whose every text is the canary.
fn tree() -> impl Strategy<Value = Json> {
    let leaf =
        prop_oneof![Just(json!("canary-9f3")), any::<bool>().prop_map(Json::from), (0..9_i64).prop_map(Json::from)];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let key = prop_oneof!["[a-z]{1,6}", Just("data".to_owned()), Just("env".to_owned()), Just("value".to_owned())];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(key, inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_text_under_an_unknown_key_is_shown(live in tree(), wanted in tree(), secret in any::<bool>()) {
        let kind = if secret { "Secret" } else { "Widget" };
        let told = format!("{:?}", drift_of(kind, &live, &wanted));
        prop_assert!(!told.contains("canary"), "{told}");
    }

    #[test]
    fn anything_can_be_read(answer in tree()) {
        let _ = applications(&json!({"items": [answer.clone()]}));
        let _ = application(&json!({"metadata": {"name": "a"}, "spec": answer.clone(), "status": answer}));
    }
}
