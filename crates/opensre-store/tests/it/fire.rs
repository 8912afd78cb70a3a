//! The store under fire: parallel writers lose nothing, and a killed writer leaves a whole file.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::child::{self, ADDS, LARGE, add_large};
use crate::support::{Place, add, catalogue, names};

const WRITERS: usize = 8;
const KILLS: usize = 200;

#[test]
fn eight_processes_add_fifty_instances_each() {
    let place = Place::empty();
    let children: Vec<_> = (0..WRITERS)
        .map(|writer| child::command(&place, "add", &format!("writer{writer}")).spawn().expect("a process"))
        .collect();
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    let expected: BTreeSet<String> =
        (0..WRITERS).flat_map(|writer| (0..ADDS).map(move |number| format!("writer{writer}-{number}"))).collect();
    let found = names(&place.store);
    assert_eq!(found.len(), WRITERS * ADDS);
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    assert_eq!(place.files(), ["integrations.json", "integrations.json.lock"]);
}

#[test]
fn a_writer_killed_at_any_point_leaves_a_whole_file() {
    // OPENSRE_TEST_SEED repeats a run as far as a scheduler lets one be repeated.
    let seed = std::env::var("OPENSRE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut random = seed.unwrap_or_else(|| u64::from(opensre_store::random_number()) | 1);
    let seed = random;
    // How long a write takes here, so that the kills land all over the first few writes of a child.
    let (scratch, start) = (Place::empty(), Instant::now());
    for number in 0..10 {
        add_large(&scratch.store, number).expect("added");
    }
    let window = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX) / 10 * 3;

    let mut place = Place::empty();
    add_large(&place.store, 0).expect("added");
    let (mut known, mut interrupted, mut grown) = (1, 0, 0);
    for kill in 0..KILLS {
        let mut child = child::start(child::command(&place, "grow", "x"));
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        std::thread::sleep(Duration::from_micros(random % window));
        child.kill().expect("killed");
        child.wait().expect("it ends");

        interrupted += usize::from(place.files().iter().any(|name| name.starts_with('.')));
        let stored = place.store.load().document.instances(&catalogue(), "loki");
        assert!(stored.len() >= known, "kill {kill}, seed {seed}: what was written once stays");
        for (number, stored) in stored.iter().enumerate() {
            assert_eq!(stored.instance.name, format!("i{number}"), "kill {kill}, seed {seed}: a whole file");
            let key = stored.instance.credentials["api_key"].as_str().map(str::len);
            assert_eq!(key, Some(LARGE), "kill {kill}, seed {seed}: a whole file");
        }
        grown += stored.len() - known;
        known = stored.len();
        if known > 10 {
            // A new store, so that every round writes files of a like size.
            add(&place.store, "last").expect("writing goes on after all those kills");
            assert_eq!(place.files(), ["integrations.json", "integrations.json.lock"], "leftovers are removed");
            place = Place::empty();
            add_large(&place.store, 0).expect("added");
            known = 1;
        }
    }
    assert!(
        grown > 0 && interrupted > 0,
        "{grown} writes and {interrupted} interrupted ones: the kills came too early"
    );
}
