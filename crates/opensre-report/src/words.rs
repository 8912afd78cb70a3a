//! Words that several faces share.

use jiff::{Timestamp, tz::TimeZone};
use opensre_model::alert::AlertState;
use opensre_model::evidence::{Gap, GapKind};
use opensre_model::report::{
    AlertSummary, Category, GroupMember, GroupSummary, HypothesisStatus, InstanceChoice, MemberState,
};
use opensre_model::routing::RouteStep;
use opensre_model::window::Window;

/// `code_defect` as people say it.
pub(crate) fn category(category: Category) -> &'static str {
    match category {
        Category::ConfigurationError => "configuration error",
        Category::CodeDefect => "code defect",
        Category::DataQuality => "data quality",
        Category::ResourceExhaustion => "resource exhaustion",
        Category::DependencyFailure => "dependency failure",
        Category::Infrastructure => "infrastructure",
        Category::Healthy => "healthy",
        Category::Unknown => "unknown",
    }
}

/// What became of a hypothesis.
pub(crate) fn status(status: HypothesisStatus) -> &'static str {
    match status {
        HypothesisStatus::Confirmed => "confirmed",
        HypothesisStatus::Possible => "possible",
        HypothesisStatus::RuledOut => "ruled out",
    }
}

/// Which step of the routing rule decided.
pub(crate) fn step(step: RouteStep) -> &'static str {
    match step {
        RouteStep::CommandLine => "command line",
        RouteStep::Hint => "hint",
        RouteStep::Rule => "rule",
        RouteStep::Identifier => "identifier",
        RouteStep::Tags => "tags",
        RouteStep::Default => "default",
        RouteStep::None => "none chosen",
    }
}

/// What kind of gap it is.
pub(crate) fn gap(kind: GapKind) -> &'static str {
    match kind {
        GapKind::Denied => "denied",
        GapKind::Failed => "failed",
        GapKind::Deadline => "no time left",
        GapKind::RateLimited => "rate limited",
        GapKind::NotSupported => "not supported",
        GapKind::NotRelevant => "not asked",
    }
}

/// Whether a gap is something that went wrong, as opposed to something that was not asked on purpose.
pub(crate) fn is_failure(gap: &Gap) -> bool {
    gap.kind.is_failure()
}

/// `service/instance`, or the service alone.
pub(crate) fn address(service: &str, instance: Option<&str>) -> String {
    instance.map_or_else(|| service.to_owned(), |instance| format!("{service}/{instance}"))
}

/// The address of a choice.
pub(crate) fn choice(choice: &InstanceChoice) -> String {
    address(&choice.service, choice.instance.as_deref())
}

/// `group @eu of grafana: 2 of 3 members answered`.
pub(crate) fn group(group: &GroupSummary) -> String {
    let answered = |member: &&GroupMember| matches!(member.state, MemberState::Answered | MemberState::AnsweredInPart);
    let members = count(group.members.len(), "member", "members");
    let number = group.members.iter().filter(answered).count();
    format!("group {} of {}: {number} of {members} answered", group.group, group.service)
}

/// `prod-fr did not answer: connection refused`.
pub(crate) fn member(member: &GroupMember) -> String {
    let what = match member.state {
        MemberState::Answered => "answered",
        MemberState::AnsweredInPart => "answered in part",
        MemberState::Failed => "did not answer",
        MemberState::NotAsked => "was asked nothing",
        MemberState::LeftOut => "was left out",
    };
    let why = member.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{} {what}{why}", member.instance)
}

/// `firing since 2026-11-24 10:02:13 UTC`.
pub(crate) fn state(alert: &AlertSummary) -> String {
    let since = alert.starts_at.map(|start| format!(" since {}", instant(start))).unwrap_or_default();
    match alert.state {
        AlertState::Firing => format!("firing{since}"),
        AlertState::Resolved => {
            let until = alert.ends_at.map(|end| format!(", over at {}", clock(end))).unwrap_or_default();
            format!("resolved, fired{since}{until}")
        }
        AlertState::Unknown => format!("state not given{since}"),
    }
}

/// Date and time, UTC, to the second.
pub(crate) fn instant(time: Timestamp) -> String {
    time.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Time of day, UTC, to the second.
pub(crate) fn clock(time: Timestamp) -> String {
    time.to_zoned_datetime(TimeZone::UTC).strftime("%H:%M:%S").to_string()
}

/// `2026-11-24 09:47:13 to 10:20:00 UTC, compared with the 1h before`.
pub(crate) fn window(window: &Window) -> String {
    let start = window.start.to_zoned_datetime(TimeZone::UTC);
    let end = window.end.to_zoned_datetime(TimeZone::UTC);
    let pattern = if start.date() == end.date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
    let baseline = window.start.duration_since(window.baseline_start).as_mins();
    let baseline = match (baseline / 60, baseline % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    };
    format!(
        "{} to {} UTC, compared with the {baseline} before",
        start.strftime("%Y-%m-%d %H:%M:%S"),
        end.strftime(pattern)
    )
}

/// Milliseconds as people read them.
pub(crate) fn milliseconds(milliseconds: u64) -> String {
    if milliseconds < 1000 { format!("{milliseconds} ms") } else { format!("{:.1} s", milliseconds as f64 / 1000.0) }
}

/// `1 query`, `3 queries`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}
