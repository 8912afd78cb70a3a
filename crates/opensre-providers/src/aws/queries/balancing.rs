//! Load balancers: health of the targets behind them.
//!
//! "DescribeLoadBalancers", "DescribeTargetGroups", "DescribeTargetHealth" (Elastic Load Balancing API Reference, version
//! 2015-12-01).

use futures::future::join_all;
use opensre_model::evidence::{EvidenceData, ResourceState};
use opensre_model::window::Window;

use super::super::caller::{ELB, Parameters, Region};
use super::super::xml::Node;
use super::{Found, Piece, Target, state};

/// Most target groups that are looked at.
const MOST: usize = 10;
/// Most targets of a group that are kept; those that are not healthy first.
const MOST_TARGETS: usize = 50;

pub(super) async fn ask(region: &Region, target: &Target, _: Window) -> Found {
    let mut found = Found::default();
    let resources = &target.resources;
    let mut groups: Vec<Node> = Vec::new();
    for name in &resources.target_groups {
        let parameters = Parameters::default().list("Names.member", [name.as_str()]);
        read_groups(region, parameters, &format!("target group {name}"), &mut groups, &mut found).await;
    }
    if groups.is_empty() {
        for name in &resources.load_balancers {
            let parameters = Parameters::default().list("Names.member", [name.as_str()]);
            let what = format!("load balancer {name}");
            match region.query(&ELB, "DescribeLoadBalancers", parameters).await {
                Ok(answer) => {
                    let balancer = answer.list("DescribeLoadBalancersResult/LoadBalancers").first();
                    if let Some(arn) = balancer.and_then(|one| one.text("LoadBalancerArn")) {
                        let parameters = Parameters::default().with("LoadBalancerArn", arn);
                        read_groups(region, parameters, &what, &mut groups, &mut found).await;
                    }
                }
                Err(refusal) => found.refused(refusal, &what),
            }
        }
    }
    let left_out = groups.len().saturating_sub(MOST);
    groups.truncate(MOST);
    for piece in join_all(groups.iter().map(|group| health(region, group))).await {
        match piece {
            Ok(piece) => {
                let cut = (left_out > 0).then(|| format!("{left_out} more target groups were not asked"));
                let both: Vec<String> = piece.truncated.iter().cloned().chain(cut).collect();
                found.add(piece.cut((!both.is_empty()).then(|| both.join("; "))));
            }
            Err(refusal) => found.fail(refusal),
        }
    }
    found
}

async fn read_groups(region: &Region, parameters: Parameters, what: &str, groups: &mut Vec<Node>, found: &mut Found) {
    match region.query(&ELB, "DescribeTargetGroups", parameters).await {
        Ok(answer) => groups.extend(answer.list("DescribeTargetGroupsResult/TargetGroups").iter().cloned()),
        Err(refusal) => found.refused(refusal, what),
    }
}

async fn health(region: &Region, group: &Node) -> Result<Piece, super::super::refusal::Refusal> {
    let arn = group.text("TargetGroupArn").unwrap_or_default();
    let name = group.text("TargetGroupName").unwrap_or_default();
    let answer = region.query(&ELB, "DescribeTargetHealth", Parameters::default().with("TargetGroupArn", arn)).await?;
    let mut states: Vec<ResourceState> = answer
        .list("DescribeTargetHealthResult/TargetHealthDescriptions")
        .iter()
        .map(|one| read(region, name, one))
        .collect();
    let total = states.len();
    let sick = states.iter().filter(|one| one.healthy == Some(false)).count();
    states.sort_by(|one, other| {
        (one.healthy != Some(false), &one.name).cmp(&(other.healthy != Some(false), &other.name))
    });
    states.truncate(MOST_TARGETS);
    let summary = format!("{sick} of {total} targets of {name} are not healthy");
    Ok(Piece::new(format!("DescribeTargetHealth {name}"), summary, EvidenceData::States { states })
        .cut((total > MOST_TARGETS).then(|| format!("{MOST_TARGETS} of {total} targets are kept")))
        .at("ec2/home#TargetGroups:"))
}

fn read(region: &Region, group: &str, node: &Node) -> ResourceState {
    let text = |path: &str| node.text(path).map(str::to_owned);
    let id = node.text("Target/Id").unwrap_or_default();
    let name = node.text("Target/Port").map_or_else(|| id.to_owned(), |port| format!("{id}:{port}"));
    let healthy = match node.text("TargetHealth/State") {
        Some("healthy") => Some(true),
        Some("unhealthy" | "unhealthy.draining" | "unavailable") => Some(false),
        _ => None,
    };
    state(
        region,
        "target",
        &name,
        healthy,
        &[
            ("instance", Some(id.to_owned())),
            ("target_group", Some(group.to_owned())),
            ("state", text("TargetHealth/State")),
            ("reason", text("TargetHealth/Reason")),
            ("description", text("TargetHealth/Description")),
            ("availability_zone", text("Target/AvailabilityZone")),
        ],
    )
}
