//! EKS: health of a cluster and of its node groups.
//!
//! "DescribeCluster", "ListNodegroups", "DescribeNodegroup" (EKS API Reference).

use futures::future::join_all;
use opensre_model::evidence::{EvidenceData, ResourceState};
use opensre_model::window::Window;
use serde_json::Value as Json;

use super::super::caller::{EKS, Region};
use super::{Found, Piece, Target, count, state, texts};

/// Most node groups of a cluster that are looked at.
const MOST: usize = 10;

pub(super) async fn ask(region: &Region, target: &Target, _: Window) -> Found {
    let mut found = Found::default();
    let known = region.caller.access.instance.config().list("cluster_names").to_vec();
    let wanted: Vec<&String> =
        target.resources.clusters.iter().filter(|name| known.is_empty() || known.contains(name)).collect();
    for answer in join_all(wanted.into_iter().map(|name| of(region, name))).await {
        found.pieces.extend(answer.pieces);
        found.failures.extend(answer.failures);
    }
    found
}

async fn of(region: &Region, name: &str) -> Found {
    let mut found = Found::default();
    let cluster = match region.get(&EKS, "DescribeCluster", &["clusters", name], &[]).await {
        Ok(answer) => answer,
        Err(refusal) => {
            found.refused(refusal, &format!("EKS cluster {name}"));
            return found;
        }
    };
    let mut states = vec![read(region, "EKS cluster", name, name, cluster.get("cluster").unwrap_or(&Json::Null))];
    let most = MOST.to_string();
    let mut left_out = false;
    match region.get(&EKS, "ListNodegroups", &["clusters", name, "node-groups"], &[("maxResults", &most)]).await {
        Ok(answer) => {
            left_out = answer.get("nextToken").is_some_and(Json::is_string);
            let groups = texts(&answer, "nodegroups");
            left_out |= groups.len() > MOST;
            let path =
                |group: &str| ["clusters".to_owned(), name.to_owned(), "node-groups".to_owned(), group.to_owned()];
            let described = join_all(groups.iter().take(MOST).map(|group| async move {
                let path = path(group);
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                (group, region.get(&EKS, "DescribeNodegroup", &path, &[]).await)
            }))
            .await;
            for (group, answer) in described {
                match answer {
                    Ok(answer) => {
                        let node = answer.get("nodegroup").unwrap_or(&Json::Null);
                        states.push(read(region, "EKS node group", group, name, node));
                    }
                    Err(refusal) => found.refused(refusal, &format!("EKS node group {group}")),
                }
            }
        }
        Err(refusal) => found.fail(refusal),
    }
    let sick = states.iter().filter(|one| one.healthy == Some(false)).count();
    let summary = format!("EKS cluster {name} with {}; {sick} not healthy", count(states.len() - 1, "node group"));
    found.add(
        Piece::new(format!("DescribeCluster {name}"), summary, EvidenceData::States { states })
            .cut(left_out.then(|| format!("the first {MOST} node groups were read")))
            .at(format!("eks/clusters/{name}")),
    );
    found
}

fn read(region: &Region, kind: &str, name: &str, cluster: &str, json: &Json) -> ResourceState {
    let text = |path: &str| json.pointer(path).and_then(Json::as_str).map(str::to_owned);
    let number = |path: &str| json.pointer(path).and_then(Json::as_i64).map(|number| number.to_string());
    let issues: Vec<String> = json
        .pointer("/health/issues")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .map(|issue| {
            let text = |key: &str| issue.get(key).and_then(Json::as_str).unwrap_or_default();
            format!("{}: {}", text("code"), text("message"))
        })
        .collect();
    let status = text("/status");
    let healthy = match status.as_deref() {
        Some("ACTIVE") => Some(issues.is_empty()),
        Some("FAILED" | "DEGRADED" | "CREATE_FAILED" | "DELETE_FAILED") => Some(false),
        _ if issues.is_empty() => None,
        _ => Some(false),
    };
    state(
        region,
        kind,
        name,
        healthy,
        &[
            ("cluster", Some(cluster.to_owned())),
            ("status", status),
            ("version", text("/version")),
            ("issues", Some(issues.join("; "))),
            ("desired", number("/scalingConfig/desiredSize")),
            ("least", number("/scalingConfig/minSize")),
            ("most", number("/scalingConfig/maxSize")),
            ("capacity_type", text("/capacityType")),
            (
                "modified",
                json.get("modifiedAt").map(|time| time.as_str().map_or_else(|| time.to_string(), str::to_owned)),
            ),
        ],
    )
}
