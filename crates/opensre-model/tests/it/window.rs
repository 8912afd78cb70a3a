//! The window of an investigation, and durations.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use opensre_model::window::{Placement, Window, parse_duration};
use proptest::prelude::*;

const NOW: &str = "2026-03-10T12:00:00Z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn place(starts: Option<&str>, ends: Option<&str>, since: Option<SignedDuration>) -> Placement {
    Window::place(starts.map(time), ends.map(time), time(NOW), since)
}

fn shown(placement: &Placement) -> String {
    let Window { baseline_start, start, onset, end } = placement.window;
    format!(
        "baseline {baseline_start}\nstart    {start}\nonset    {onset}\nend      {end}\n{}",
        placement.notes.join("\n")
    )
}

#[test]
fn an_alert_that_just_began_is_looked_at_until_now() {
    insta::assert_snapshot!(shown(&place(Some("2026-03-10T11:50:00Z"), None, None)), @r"
    baseline 2026-03-10T10:35:00Z
    start    2026-03-10T11:35:00Z
    onset    2026-03-10T11:50:00Z
    end      2026-03-10T12:00:00Z
    ");
}

#[test]
fn an_old_alert_is_looked_at_around_its_own_time() {
    insta::assert_snapshot!(shown(&place(Some("2024-01-05T08:00:00Z"), Some("2024-01-05T08:40:00Z"), None)), @r"
    baseline 2024-01-05T06:45:00Z
    start    2024-01-05T07:45:00Z
    onset    2024-01-05T08:00:00Z
    end      2024-01-05T08:45:00Z
    ");
}

#[test]
fn an_alert_that_fires_for_days_is_looked_at_around_its_start_and_says_so() {
    insta::assert_snapshot!(shown(&place(Some("2026-03-07T09:30:00Z"), None, None)), @r"
    baseline 2026-03-07T08:15:00Z
    start    2026-03-07T09:15:00Z
    onset    2026-03-07T09:30:00Z
    end      2026-03-07T10:00:00Z
    the alert has been going on for 3 d 2 h; looked at its start, not at the present
    ");
}

#[test]
fn a_long_alert_that_is_over_is_looked_at_from_its_start_and_says_so() {
    insta::assert_snapshot!(shown(&place(Some("2026-03-08T00:00:00Z"), Some("2026-03-09T00:00:00Z"), None)), @r"
    baseline 2026-03-07T17:30:00Z
    start    2026-03-07T23:45:00Z
    onset    2026-03-08T00:00:00Z
    end      2026-03-08T06:00:00Z
    the alert lasted 1 d; looked at its first 6 h, not at its end
    ");
}

#[test]
fn what_the_alert_does_not_say_or_says_wrongly_is_noted() {
    let notes = |starts, ends| place(starts, ends, None).notes.join("; ");
    insta::assert_snapshot!(notes(None, None), @"the alert does not say when it began; looked before now");
    insta::assert_snapshot!(
        notes(None, Some("2026-03-10T11:00:00Z")), @"the alert does not say when it began; looked before its end");
    insta::assert_snapshot!(
        notes(Some("2026-03-11T00:00:00Z"), None),
        @"the alert says that it began at 2026-03-11T00:00:00Z, which is in the future; looked before now");
    insta::assert_snapshot!(
        notes(Some("2026-03-10T11:00:00Z"), Some("2026-03-10T10:00:00Z")),
        @"the alert says that it ended at 2026-03-10T10:00:00Z, before it began; took its start");
}

#[test]
fn an_alert_that_only_says_when_it_ended_has_its_recovery_in_the_window() {
    let window = place(None, Some("2026-03-10T11:00:00Z"), None).window;
    assert_eq!(window.end, time("2026-03-10T11:05:00Z"));
    assert!(window.start < time("2026-03-10T10:30:00Z"));
}

#[test]
fn since_moves_the_start() {
    let window = place(Some("2026-03-10T11:00:00Z"), None, Some(SignedDuration::from_hours(4))).window;
    assert_eq!(window.start, time("2026-03-10T07:00:00Z"));
    assert_eq!(window.onset, time("2026-03-10T11:00:00Z"));
}

fn moments() -> impl Strategy<Value = Timestamp> {
    (86_400_i64 * 400..4_000_000_000).prop_map(|second| Timestamp::from_second(second).unwrap())
}

proptest! {
    #[test]
    fn the_parts_are_in_order_and_bounded(
        starts in prop::option::of(moments()),
        ends in prop::option::of(moments()),
        now in moments(),
        since in prop::option::of(-1_000_000_i64..i64::MAX / 2),
    ) {
        let since = since.map(SignedDuration::from_secs);
        let window = Window::around(starts, ends, now, since);
        prop_assert!(window.baseline_start < window.start);
        prop_assert!(window.start < window.onset);
        prop_assert!(window.onset <= window.end);
        prop_assert!(window.end <= now, "nothing beyond now is asked for");
        prop_assert!(window.end.duration_since(window.onset) <= Window::LONGEST);
        prop_assert!(window.start.duration_since(window.baseline_start) >= Window::BASELINE);
        let incident = window.end.duration_since(window.start);
        prop_assert_eq!(window.start.duration_since(window.baseline_start), incident.max(Window::BASELINE));
    }

    #[test]
    fn a_past_start_is_always_the_onset(
        starts in moments(),
        ends in prop::option::of(moments()),
        age in 0_i64..1_000_000_000,
    ) {
        let now = starts + SignedDuration::from_secs(age);
        prop_assert_eq!(Window::around(Some(starts), ends, now, None).onset, starts);
    }

    #[test]
    fn the_age_of_an_alert_that_is_over_changes_nothing(starts in moments(), lasted in 0_i64..20_000, age in 400_i64..1_000_000_000) {
        let ends = starts + SignedDuration::from_secs(lasted);
        let soon = Window::around(Some(starts), Some(ends), ends + SignedDuration::from_secs(400), None);
        let later = Window::around(Some(starts), Some(ends), ends + SignedDuration::from_secs(age), None);
        prop_assert_eq!(soon, later);
        prop_assert!(soon.end >= ends, "the recovery is in the window");
    }

    #[test]
    fn a_written_duration_reads_back(days in 0_i64..300, hours in 0_i64..24, minutes in 0_i64..60, seconds in 1_i64..60) {
        let total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
        let text = format!("{days}d {hours}h{minutes}m{seconds}S");
        prop_assert_eq!(parse_duration(&text), Ok(SignedDuration::from_secs(total)));
    }

    #[test]
    fn any_text_is_a_positive_duration_or_none(text in "\\PC{0,20}|[0-9smhdw ]{0,30}") {
        if let Ok(duration) = parse_duration(&text) {
            prop_assert!(duration.is_positive());
        }
    }
}

#[test]
fn what_is_no_duration_is_refused_with_a_reason() {
    let mut lines = String::new();
    for text in ["", "90", "h", "0m", "-5m", "5x", "5m5m", "5m1h", "99999999999999999999s", "9999w", "1.5h"] {
        let error = parse_duration(text).unwrap_err();
        let _ = writeln!(lines, "{text:<22} {error}");
    }
    insta::assert_snapshot!(lines, @r"
                           not a duration: it is blank
    90                     not a duration: the unit is missing
    h                      not a duration: a number is missing
    0m                     not a duration: it is zero
    -5m                    not a duration: a number is missing
    5x                     not a duration: the unit is not known
    5m5m                   not a duration: its units are not in order, largest first
    5m1h                   not a duration: its units are not in order, largest first
    99999999999999999999s  not a duration: it is too long
    9999w                  not a duration: it is too long
    1.5h                   not a duration: the unit is not known
    ");
    assert!(parse_duration("1h30m").is_ok());
    assert!(parse_duration("90").unwrap_err().hint.contains("90m"));
}
