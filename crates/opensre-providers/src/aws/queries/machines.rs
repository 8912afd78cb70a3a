//! EC2 instances: state, status checks and scheduled events. Never their user data.
//!
//! "DescribeInstances", "DescribeInstanceStatus" (EC2 API Reference).

use futures::future::join;
use opensre_model::alert::Labels;
use opensre_model::evidence::{Event, EventKind, EvidenceData, ResourceState};
use opensre_model::window::Window;

use super::super::caller::{EC2, Parameters, Region};
use super::super::xml::Node;
use super::{Found, Piece, Target, joined, state};

pub(super) async fn ask(region: &Region, target: &Target, _: Window) -> Found {
    let mut found = Found::default();
    let ids = &target.resources.machines;
    let parameters = || Parameters::default().list("InstanceId", ids.iter().map(String::as_str));
    let (described, checked) = join(
        region.query(&EC2, "DescribeInstances", parameters()),
        region.query(&EC2, "DescribeInstanceStatus", parameters().with("IncludeAllInstances", "true")),
    )
    .await;
    let checks = match checked {
        Ok(checks) => checks,
        Err(refusal) => {
            if !refusal.is_absent() {
                found.fail(refusal);
            }
            Node::default()
        }
    };
    let statuses = checks.list("instanceStatusSet");
    match described {
        Ok(answer) => {
            let machines =
                answer.list("reservationSet").iter().flat_map(|reservation| reservation.list("instancesSet"));
            let states: Vec<ResourceState> = machines.map(|machine| read(region, machine, statuses)).collect();
            let said: Vec<String> = states
                .iter()
                .filter_map(|one| Some(format!("{} is {}", one.name, one.attributes.get("state")?)))
                .collect();
            let query = format!("DescribeInstances {}", joined(ids));
            found.add(Piece::new(query, said.join("; "), EvidenceData::States { states }).at("ec2/home#Instances:"));
        }
        Err(refusal) => found.refused(refusal, &format!("EC2 instance {}", joined(ids))),
    }
    let events: Vec<Event> = statuses.iter().flat_map(scheduled).collect();
    if !events.is_empty() {
        let query = format!("DescribeInstanceStatus {}", joined(ids));
        found.add(Piece::new(query, "AWS has scheduled events", EvidenceData::Events { events }));
    }
    found
}

fn read(region: &Region, machine: &Node, statuses: &[Node]) -> ResourceState {
    let id = machine.text("instanceId").unwrap_or_default();
    let text = |path: &str| machine.text(path).map(str::to_owned);
    let status = statuses.iter().find(|status| status.text("instanceId") == Some(id));
    let check = |path: &str| status.and_then(|status| status.text(path)).map(str::to_owned);
    let (system, instance) = (check("systemStatus/status"), check("instanceStatus/status"));
    let impaired = [&system, &instance].iter().any(|check| check.as_deref() == Some("impaired"));
    let healthy = match machine.text("instanceState/name") {
        Some("running") => Some(!impaired),
        Some("stopped" | "stopping" | "terminated" | "shutting-down") => Some(false),
        _ => None,
    };
    let tags = machine.list("tagSet").iter();
    let name = tags.clone().find(|tag| tag.text("key") == Some("Name")).and_then(|tag| tag.text("value"));
    let group =
        tags.clone().find(|tag| tag.text("key") == Some("aws:autoscaling:groupName")).and_then(|tag| tag.text("value"));
    state(
        region,
        "EC2 instance",
        id,
        healthy,
        &[
            ("instance", Some(id.to_owned())),
            ("name", name.map(str::to_owned)),
            ("state", text("instanceState/name")),
            ("reason", text("stateReason/message")),
            ("system_check", system),
            ("instance_check", instance),
            ("type", text("instanceType")),
            ("availability_zone", text("placement/availabilityZone")),
            ("autoscaling_group", group.map(str::to_owned)),
            ("launched", text("launchTime")),
        ],
    )
}

/// Retirements, reboots and maintenance that AWS has scheduled.
fn scheduled(status: &Node) -> Vec<Event> {
    let id = status.text("instanceId").unwrap_or_default();
    status
        .list("eventsSet")
        .iter()
        .filter_map(|event| {
            Some(Event {
                time: event.time("notBefore")?,
                kind: EventKind::Change,
                title: format!("scheduled {} of {id}", event.text("code")?),
                text: event.text("description").unwrap_or_default().to_owned(),
                labels: Labels::from([("instance".to_owned(), id.to_owned())]),
            })
        })
        .collect()
}
