//! One series against its baseline.

use jiff::Timestamp;
use opensre_investigation::signals::Shape;
use opensre_investigation::signals::series::{Departure, Rule, departure};
use proptest::prelude::*;

use crate::world::{World, minutes};

const UP: Rule = Rule { relative: 0.5, absolute: 0.01, rising: true, least: 3 };
const DOWN: Rule = Rule { relative: 0.4, absolute: 0.0, rising: false, least: 3 };

fn world(seed: u64) -> World {
    World::new("Any", "checkout", seed)
}

fn minutes_off(found: &Departure, wanted: Timestamp) -> i64 {
    found.onset.duration_since(wanted).as_mins().abs()
}

#[test]
fn a_single_spike_is_no_departure() {
    let mut world = world(1);
    let spike = world.at(3);
    let points = world.points(|time, dice| if time == spike { 900.0 } else { 10.0 + dice.normal() });
    assert_eq!(departure(&points, world.window, UP), None);
}

#[test]
fn a_short_series_says_nothing() {
    let world = world(1);
    let points = vec![(world.at(-60), 1.0), (world.at(1), 90.0), (world.at(2), 90.0), (world.at(3), 90.0)];
    assert_eq!(departure(&points, world.window, UP), None, "four values before the incident are no baseline");
    assert_eq!(departure(&[], world.window, UP), None);
}

#[test]
fn a_series_that_always_spikes_is_as_usual() {
    let mut world = world(4);
    let points = world.points(|time, dice| {
        let busy = time.as_second() / 60 % 12 < 4;
        if busy { 80.0 + dice.normal() } else { 10.0 + dice.normal() }
    });
    assert_eq!(departure(&points, world.window, UP), None);
}

#[test]
fn a_constant_that_stays_is_no_departure_and_one_that_jumps_is() {
    let mut world = world(1);
    let flat = world.points(|_, _| 7.0);
    assert_eq!(departure(&flat, world.window, UP), None);
    let start = world.at(0);
    let jump = world.points(|time, _| if time >= start { 70.0 } else { 7.0 });
    let found = departure(&jump, world.window, UP).expect("a jump");
    assert_eq!((found.onset, found.over, found.shape), (start, None, Shape::Level));
    assert!((found.usual - 7.0).abs() < 1e-9 && (found.level - 70.0).abs() < 1e-9);
}

#[test]
fn coming_back_is_seen() {
    let mut world = world(2);
    let points = world.step(10.0, 60.0, -2, Some(12));
    let found = departure(&points, world.window, UP).expect("a departure");
    assert!(minutes_off(&found, world.at(-2)) <= 1);
    let over = found.over.expect("it came back");
    assert!(over.duration_since(world.at(12)).as_mins().abs() <= 1, "{over}");
}

#[test]
fn gaps_in_a_series_do_no_harm() {
    let mut world = world(3);
    let mut points = world.step(10.0, 60.0, 0, None);
    let (from, to) = (world.at(-30), world.at(-10));
    points.retain(|(time, _)| *time < from || *time > to);
    let found = departure(&points, world.window, UP).expect("a departure");
    assert!(minutes_off(&found, world.at(0)) <= 1);
}

#[test]
fn a_steady_climb_is_a_ramp() {
    let mut world = world(5);
    let start = world.at(-14);
    let points = world.points(|time, dice| {
        let climbed = time.duration_since(start).as_secs_f64().max(0.0) / 60.0;
        100.0 + 12.0 * climbed + dice.normal()
    });
    let found = departure(&points, world.window, UP).expect("a departure");
    assert_eq!(found.shape, Shape::Ramp);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn noise_is_no_departure(seed in any::<u64>(), level in 0.001..1e6f64, spread in 0.0..0.25f64) {
        let mut world = world(seed);
        let points = world.points(|_, dice| (level * (1.0 + spread * dice.normal())).max(0.0));
        prop_assert_eq!(departure(&points, world.window, UP), None);
        prop_assert_eq!(departure(&points, world.window, DOWN), None);
    }

    #[test]
    fn the_daily_wave_is_no_departure(seed in any::<u64>(), phase in 0.0..1.0f64, swing in 0.1..0.8f64) {
        let mut world = world(seed);
        let points = world.points(|time, dice| {
            let turn = (time.as_second() as f64 / 86_400.0 + phase) * std::f64::consts::TAU;
            200.0 * (1.0 + swing * turn.sin()) * (1.0 + 0.03 * dice.normal())
        });
        prop_assert_eq!(departure(&points, world.window, UP), None);
        prop_assert_eq!(departure(&points, world.window, DOWN), None);
    }

    #[test]
    fn a_clear_jump_is_found_at_its_time(
        seed in any::<u64>(), level in 0.1..1e6f64, times in 2.5..40.0f64, minute in -12i64..8,
    ) {
        let mut world = world(seed);
        let points = world.step(level, level * times, minute, None);
        let found = departure(&points, world.window, UP).expect("a departure");
        prop_assert!(minutes_off(&found, world.at(minute)) <= 1, "{:?}", found);
        prop_assert!(found.over.is_none());
        prop_assert!((0.4..=1.0).contains(&found.strength()));
    }

    #[test]
    fn a_clear_drop_is_found_too(seed in any::<u64>(), minute in -12i64..8) {
        let mut world = world(seed);
        let points = world.step(100.0, 20.0, minute, None);
        let found = departure(&points, world.window, DOWN).expect("a departure");
        prop_assert!(minutes_off(&found, world.at(minute)) <= 1);
        prop_assert_eq!(departure(&points, world.window, UP), None);
    }

    #[test]
    fn any_series_is_read(values in proptest::collection::vec((-600i64..600, -1e9..1e9f64), 0..60)) {
        let world = world(0);
        let mut points: Vec<_> = values.iter().map(|(minute, value)| (world.at(*minute), *value)).collect();
        points.sort_by_key(|(time, _)| *time);
        if let Some(found) = departure(&points, world.window, UP) {
            prop_assert!(found.effect.is_finite() && found.strength().is_finite());
            prop_assert!(found.onset <= world.window.end + minutes(600));
        }
    }
}
