//! Which instances are in effect.

use opensre_model::record::Record;
use opensre_model::resolution::{Precedence, Resolved, resolve};
use serde_json::json;

use crate::catalogue::catalogue;
use crate::support::{active, from_variable, messages, stored};

fn of(store: &[Record], environment: &[Record], precedence: Precedence) -> Resolved {
    resolve(&catalogue(), store, environment, precedence)
}

/// An active queue record with usable instances of these names.
fn queue(id: &str, names: &[&str]) -> Record {
    let instances: Vec<_> = names.iter().map(|name| json!({"name": name, "credentials": {"servers": "q"}})).collect();
    active(id, "queue", &json!(instances))
}

/// The same from `QUEUE_INSTANCES`.
fn queue_variable(names: &[&str]) -> Record {
    let instances: Vec<_> = names.iter().map(|name| json!({"name": name, "credentials": {"servers": "q"}})).collect();
    from_variable("QUEUE_INSTANCES", "queue", &json!(instances))
}

/// `family: id/name, ...` per family, incomplete ones as `(id/name: reason)`.
fn effect(resolved: &Resolved) -> String {
    let lines = resolved.families.iter().map(|family| {
        let instances =
            family.instances.iter().map(|instance| format!("{}/{}", instance.integration_id, instance.name));
        let incomplete = family
            .incomplete
            .iter()
            .map(|incomplete| format!("({}/{}: {})", incomplete.integration_id, incomplete.name, incomplete.reason));
        format!("{}: {}", family.key, instances.chain(incomplete).collect::<Vec<_>>().join(", "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn shadowed(resolved: &Resolved) -> String {
    let lines = resolved.shadowed.iter().map(|shadowed| {
        format!("{}/{} of {} by {}", shadowed.service, shadowed.instance, shadowed.source, shadowed.by)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_store_wins_and_what_it_hides_is_listed() {
    let resolved = of(&[queue("s", &["a", "b"])], &[queue_variable(&["a", "c"])], Precedence::Store);
    assert_eq!(effect(&resolved), "queue: s/a, s/b");
    insta::assert_snapshot!(shadowed(&resolved), @r#"
    queue/a of variable QUEUE_INSTANCES by store store.json
    queue/c of variable QUEUE_INSTANCES by store store.json
    "#);
}

#[test]
fn the_environment_wins_when_asked_to() {
    let resolved = of(&[queue("s", &["a", "b"])], &[queue_variable(&["a", "c"])], Precedence::Env);
    assert_eq!(effect(&resolved), "queue: env-queue/a, env-queue/c");
    insta::assert_snapshot!(shadowed(&resolved), @r#"
    queue/a of store store.json by variable QUEUE_INSTANCES
    queue/b of store store.json by variable QUEUE_INSTANCES
    "#);
}

#[test]
fn merging_is_a_union_by_name_with_the_store_first() {
    let resolved = of(&[queue("s", &["a", "b"])], &[queue_variable(&["A", "c"])], Precedence::Merge);
    assert_eq!(effect(&resolved), "queue: s/a, s/b, env-queue/c");
    insta::assert_snapshot!(shadowed(&resolved), @"queue/a of variable QUEUE_INSTANCES by store store.json");
}

#[test]
fn an_unusable_instance_takes_no_name_when_merging() {
    let store = active("s", "queue", &json!([{"name": "a", "credentials": {}}]));
    let resolved = of(&[store], &[queue_variable(&["a"])], Precedence::Merge);
    assert_eq!(effect(&resolved), "queue: env-queue/a");
}

#[test]
fn each_family_is_decided_on_its_own() {
    let cloud = from_variable("CL_INSTANCES", "cloud", &json!([{"credentials": {"role": "r"}}]));
    let resolved = of(&[queue("s", &["a"])], &[queue_variable(&["c"]), cloud], Precedence::Store);
    assert_eq!(effect(&resolved), "queue: s/a\ncloud: env-cloud/default");
}

#[test]
fn aliases_letter_case_and_keys_of_a_family_meet_in_one_rule() {
    let role = json!([{"name": "a", "credentials": {"role": "r"}}]);
    let store =
        [active("1", " Clusters", &role), active("2", "CLOUD", &json!([{"name": "b", "credentials": {"role": "r"}}]))];
    let resolved = of(&store, &[from_variable("CL_INSTANCES", "cloud", &role)], Precedence::Store);
    assert_eq!(effect(&resolved), "cloud: 1/a, 2/b");
    assert_eq!(resolved.shadowed.len(), 1);

    let local =
        active("l", "metrics_local", &json!([{"name": "l", "credentials": {"endpoint": "http://localhost:3000"}}]));
    let remote = json!([{"name": "r", "credentials": {"endpoint": "https://m", "api_key": "k"}}]);
    let store = [local, active("r", "metrics", &remote)];
    let resolved = of(&store, &[from_variable("METRICS_INSTANCES", "metrics", &remote)], Precedence::Store);
    assert_eq!(effect(&resolved), "metrics: l/l, r/r");
    assert_eq!(resolved.families[0].default().unwrap().name.as_str(), "r");
    let resolved = of(&store[..1], &[], Precedence::Store);
    assert_eq!(resolved.families[0].default().unwrap().name.as_str(), "l");
}

#[test]
fn an_inactive_record_hides_nothing_and_is_never_used() {
    let inactive = stored(&json!({"id": "s", "service": "queue", "status": "inactive",
        "instances": [{"name": "a", "credentials": {"servers": "q"}}]}));
    for precedence in [Precedence::Store, Precedence::Env, Precedence::Merge] {
        let resolved = of(std::slice::from_ref(&inactive), &[queue_variable(&["a"])], precedence);
        assert_eq!(effect(&resolved), "queue: env-queue/a");
        assert!(resolved.shadowed.is_empty());
        let resolved = of(std::slice::from_ref(&inactive), &[], precedence);
        assert!(resolved.families.is_empty() && resolved.records.is_empty());
    }
}

#[test]
fn an_unusable_stronger_record_hides_nothing_and_says_so() {
    let store = active("s", "queue", &json!([{"name": "a", "credentials": {"servers": " "}}]));
    let resolved = of(&[store], &[queue_variable(&["b"])], Precedence::Store);
    assert_eq!(effect(&resolved), "queue: env-queue/b");
    assert_eq!(resolved.records.len(), 1);
    insta::assert_snapshot!(messages(&resolved.diagnostics), @r#"
    error: queue/a servers: needs `servers` (store store.json)
    warning: queue: has no usable instance here; variable QUEUE_INSTANCES supplies it (store store.json)
    "#);
}

#[test]
fn incomplete_instances_are_visible_only_without_usable_ones() {
    let store = active("s", "queue", &json!([{"name": "a", "credentials": {}}]));
    let variable = from_variable("QUEUE_INSTANCES", "queue", &json!([{"name": "b", "credentials": {"password": "x"}}]));
    let resolved = of(std::slice::from_ref(&store), &[variable], Precedence::Store);
    insta::assert_snapshot!(effect(&resolved), @"queue: (s/a: needs `servers`), (env-queue/b: needs `servers`)");
    let resolved = of(&[store, queue("t", &["c"])], &[], Precedence::Store);
    assert_eq!(effect(&resolved), "queue: t/c");
}

#[test]
fn a_rejected_instance_that_moves_the_default_is_told() {
    let store = active(
        "s",
        "queue",
        &json!([{"name": "a", "credentials": {}}, {"name": "b", "credentials": {"servers": "q"}}]),
    );
    let resolved = of(&[store], &[], Precedence::Store);
    insta::assert_snapshot!(messages(&resolved.diagnostics), @r#"
    error: queue/a servers: needs `servers` (store store.json)
    warning: queue/b: is the default now, since `a` before it cannot be used (store store.json)
    "#);
    // Across records, too; but not when it stands behind the default.
    let broken = active("s", "queue", &json!([{"name": "a", "credentials": {}}]));
    let moved =
        |store: &[Record]| messages(&of(store, &[], Precedence::Store).diagnostics).contains("is the default now");
    assert!(moved(&[broken.clone(), queue("t", &["b"])]));
    assert!(!moved(&[queue("t", &["b"]), broken]));
}

#[test]
fn all_records_of_a_service_are_kept_in_order() {
    let resolved = of(&[queue("1", &["b", "a"]), queue("2", &["c"]), queue("1", &["d"])], &[], Precedence::Store);
    assert_eq!(effect(&resolved), "queue: 1/b, 1/a, 2/c, 1/d");
    assert_eq!(messages(&resolved.diagnostics), "");
}

#[test]
fn duplicate_names_in_several_records_are_reported() {
    let resolved = of(&[queue("1", &["a"]), queue("2", &["A "])], &[], Precedence::Store);
    assert_eq!(effect(&resolved), "queue: 1/a, 2/a");
    insta::assert_snapshot!(messages(&resolved.diagnostics), @"warning: queue/a name: has the name of an instance in an earlier record; lookups by name take the first (store store.json) [give each instance of a service its own name]");
}

#[test]
fn what_was_written_for_an_instance_can_be_had() {
    let store = active(
        "s",
        "queue",
        &json!([
            {"name": "a", "credentials": {"note": "unusable"}},
            {"name": "a", "credentials": {"servers": "q", "note": "usable"}},
        ]),
    );
    let resolved = of(&[queue("0", &["x"]), store], &[], Precedence::Store);
    assert_eq!(effect(&resolved), "queue: 0/x, s/a");
    assert_eq!(resolved.written("queue", 1).unwrap().credentials["note"], "usable");
    assert_eq!(resolved.written("queue", 2), None);
    assert_eq!(resolved.written("other", 0), None);
}

#[test]
fn a_precedence_is_read_from_its_word() {
    for precedence in [Precedence::Store, Precedence::Env, Precedence::Merge] {
        assert_eq!(precedence.to_string().to_uppercase().parse(), Ok(precedence));
    }
    insta::assert_snapshot!("both".parse::<Precedence>().unwrap_err(), @r#"
    unknown precedence `both`
    hint: choose `store`, `env` or `merge`
    "#);
    assert!("".parse::<Precedence>().is_err());
}
