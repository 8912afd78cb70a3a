//! Changes of groups and routing rules in a store document.

use opensre_model::record::{Document, EditError};
use opensre_model::routing::InDoubt;
use opensre_model::selector::Group;
use serde_json::{Map, Value as Json, json};

fn document(more: &Json) -> Document {
    let mut store = json!({"version": 2, "note": "ours", "integrations": [{"service": "x", "odd": [1]}]});
    store.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Document::from_json(store).unwrap()
}

fn rule(team: &str) -> Map<String, Json> {
    json!({"match": format!("team={team}"), "use": {"grafana": team}}).as_object().unwrap().clone()
}

/// The teams of the rules, in order.
fn teams(document: &Document) -> Vec<String> {
    let rules = document.top_level("routing").and_then(|routing| routing["rules"].as_array()).cloned();
    let team = |rule: &Json| rule["use"]["grafana"].as_str().unwrap().to_owned();
    rules.unwrap_or_default().iter().map(team).collect()
}

#[test]
fn a_group_is_added_replaced_and_removed_and_all_else_stays() {
    let written =
        json!({"groups": [{"name": " @EU ", "select": "region=eu", "owner": "me"}, "odd"], "routing": {"own": 1}});
    let mut document = document(&written);
    let before = document.clone().into_json();
    let eu = Group::new("@eu", "region=eu,env=prod").unwrap();
    assert_eq!(
        document.put_group(&eu, "region=eu,env=prod", false),
        Err(EditError::GroupExists { name: "@eu".to_owned() })
    );
    assert_eq!(document.clone().into_json(), before, "a refused change changes nothing");
    assert_eq!(document.put_group(&eu, " region=eu,env=prod ", true), Ok(true));
    let us = Group::new("@us", "region=us").unwrap();
    assert_eq!(document.put_group(&us, "region=us", false), Ok(false));
    let mut expected = before.clone();
    expected["groups"][0]["select"] = json!("region=eu,env=prod");
    expected["groups"].as_array_mut().unwrap().push(json!({"name": "@us", "select": "region=us"}));
    assert_eq!(document.clone().into_json(), expected);
    assert_eq!(document.remove_group("@US"), Ok(true));
    assert_eq!(document.remove_group("@us"), Ok(false));
    expected["groups"].as_array_mut().unwrap().pop();
    assert_eq!(document.into_json(), expected);
}

#[test]
fn rules_are_put_moved_and_removed_by_their_place() {
    let mut document = document(&json!({"routing": {"own": 1, "unknown": "skip"}}));
    for (place, team, at) in [(None, "a", 1), (None, "b", 2), (Some(1), "c", 1), (Some(3), "d", 3)] {
        assert_eq!(document.insert_rule(place, &rule(team)), Ok(at));
    }
    assert_eq!(teams(&document), ["c", "a", "d", "b"]);
    document.move_rule(1, 4).unwrap();
    assert_eq!(teams(&document), ["a", "d", "b", "c"]);
    document.move_rule(3, 1).unwrap();
    assert_eq!(teams(&document), ["b", "a", "d", "c"]);
    assert_eq!(document.remove_rule(2).unwrap()["use"]["grafana"], "a");
    assert_eq!(teams(&document), ["b", "d", "c"]);
    for outcome in [document.move_rule(0, 1), document.move_rule(1, 4), document.remove_rule(4).map(drop)] {
        assert!(matches!(outcome, Err(EditError::NoRule { count: 3, .. })), "{outcome:?}");
    }
    assert_eq!(document.insert_rule(Some(5), &rule("e")), Err(EditError::NoRule { place: 5, count: 3 }));
    document.set_in_doubt(None, Some(InDoubt::Fail)).unwrap();
    let json = document.into_json();
    assert_eq!((&json["routing"]["own"], &json["routing"]["unknown"]), (&json!(1), &json!("skip")));
    assert_eq!(json["routing"]["ambiguous"], "fail");
    assert_eq!((&json["note"], &json["integrations"][0]["odd"]), (&json!("ours"), &json!([1])));
}

#[test]
fn what_is_not_there_is_not_made_by_looking_for_it() {
    let mut document = document(&json!({}));
    let before = document.clone().into_json();
    assert_eq!(document.remove_group("@eu"), Ok(false));
    assert!(document.remove_rule(1).is_err() && document.move_rule(1, 1).is_err());
    document.set_in_doubt(None, None).unwrap();
    assert_eq!(document.into_json(), before);
}

#[test]
fn what_stands_in_the_place_of_groups_or_rules_is_never_written_over() {
    for odd in [json!(7), json!("x"), json!({"a": 1})] {
        let mut document = document(&json!({"groups": odd, "routing": {"rules": odd}}));
        let before = document.clone().into_json();
        let refused = |outcome: Result<(), EditError>| {
            assert!(matches!(outcome, Err(EditError::NotReadable { .. })), "{outcome:?}");
        };
        refused(document.put_group(&Group::new("@a", "b=c").unwrap(), "b=c", true).map(drop));
        refused(document.remove_group("@a").map(drop));
        refused(document.insert_rule(None, &rule("a")).map(drop));
        refused(document.remove_rule(1).map(drop));
        refused(document.move_rule(1, 1));
        assert_eq!(document.into_json(), before);
    }
    let mut document = document(&json!({"routing": []}));
    assert!(
        document.insert_rule(None, &rule("a")).is_err() && document.set_in_doubt(Some(InDoubt::Skip), None).is_err()
    );
}
