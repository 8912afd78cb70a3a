//! RDS: instances, clusters and their events.
//!
//! "DescribeDBInstances", "DescribeDBClusters", "DescribeEvents" (RDS API Reference). Events are kept for 14 days.

use futures::future::{join, join_all};
use opensre_model::alert::Labels;
use opensre_model::evidence::{Event, EventKind, EvidenceData, ResourceState};
use opensre_model::window::Window;

use super::super::caller::{Parameters, RDS, Region};
use super::super::refusal::Refusal;
use super::super::xml::Node;
use super::{Found, Piece, Target, count, state};

pub(super) async fn ask(region: &Region, target: &Target, window: Window) -> Found {
    let databases = target.resources.databases.iter().map(|name| (Kind::Instance, name));
    let clusters = target.resources.database_clusters.iter().map(|name| (Kind::Cluster, name));
    let sought: Vec<(Kind, &String)> = databases.chain(clusters).collect();
    let answers = join_all(sought.iter().map(|(kind, name)| async move {
        join(describe(region, *kind, name), events(region, *kind, name, window)).await
    }))
    .await;
    let mut found = Found::default();
    for ((kind, name), (described, events)) in sought.into_iter().zip(answers) {
        let absent = matches!(&described, Err(refusal) if refusal.is_absent());
        match described {
            Ok(states) => {
                let said: Vec<String> = states
                    .iter()
                    .filter_map(|one| Some(format!("{} is {}", one.name, one.attributes.get("status")?)))
                    .collect();
                let query = format!("{} {name}", kind.action());
                found.add(Piece::new(query, said.join("; "), EvidenceData::States { states }).at(page(kind, name)));
            }
            Err(refusal) => found.refused(refusal, &format!("{} {name}", kind.words())),
        }
        match events {
            Ok(events) => {
                let summary = match events.len() {
                    0 => format!("no event of {name} in the window"),
                    number => format!("{} of {name} in the window", count(number, "event")),
                };
                let query = format!("DescribeEvents {} {name}", kind.source());
                found.add(Piece::new(query, summary, EvidenceData::Events { events }).at("rds/home#events:"));
            }
            Err(_) if absent => {}
            Err(refusal) => found.refused(refusal, &format!("{} {name}", kind.words())),
        }
    }
    found
}

#[derive(Clone, Copy)]
enum Kind {
    Instance,
    Cluster,
}

impl Kind {
    fn action(self) -> &'static str {
        match self {
            Self::Instance => "DescribeDBInstances",
            Self::Cluster => "DescribeDBClusters",
        }
    }

    fn identifier(self) -> &'static str {
        match self {
            Self::Instance => "DBInstanceIdentifier",
            Self::Cluster => "DBClusterIdentifier",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Instance => "db-instance",
            Self::Cluster => "db-cluster",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Instance => "RDS instance",
            Self::Cluster => "RDS cluster",
        }
    }
}

fn page(kind: Kind, name: &str) -> String {
    let cluster = matches!(kind, Kind::Cluster);
    format!("rds/home#database:id={name};is-cluster={cluster}")
}

/// The description of an instance, shared with the query for its load.
pub(super) async fn instance(region: &Region, name: &str) -> Result<Option<Node>, Refusal> {
    let parameters = Parameters::default().with("DBInstanceIdentifier", name);
    let answer = region.query_shared(&RDS, "DescribeDBInstances", parameters).await?;
    Ok(answer.list("DescribeDBInstancesResult/DBInstances").first().cloned())
}

async fn describe(region: &Region, kind: Kind, name: &str) -> Result<Vec<ResourceState>, Refusal> {
    if matches!(kind, Kind::Instance) {
        return Ok(instance(region, name).await?.iter().map(|node| database(region, node)).collect());
    }
    let parameters = Parameters::default().with(kind.identifier(), name);
    let answer = region.query(&RDS, kind.action(), parameters).await?;
    let clusters = answer.list("DescribeDBClustersResult/DBClusters");
    Ok(clusters.iter().map(|node| cluster(region, node)).collect())
}

/// Statuses in which an instance or cluster serves ("Viewing Amazon RDS DB instance status").
fn serves(status: &str) -> Option<bool> {
    match status {
        "available"
        | "backing-up"
        | "configuring-enhanced-monitoring"
        | "storage-optimization"
        | "configuring-iam-database-auth"
        | "configuring-log-exports" => Some(true),
        "failed"
        | "storage-full"
        | "stopped"
        | "stopping"
        | "inaccessible-encryption-credentials"
        | "incompatible-parameters"
        | "incompatible-network"
        | "incompatible-restore"
        | "restore-error"
        | "failing-over"
        | "rebooting"
        | "starting" => Some(false),
        _ => None,
    }
}

fn database(region: &Region, node: &Node) -> ResourceState {
    let text = |path: &str| node.text(path).map(str::to_owned);
    let pending = node.at("PendingModifiedValues").map(|pending| {
        let values = pending.children.iter().filter(|one| !one.text.is_empty());
        values.map(|one| format!("{}={}", one.name, one.text)).collect::<Vec<_>>().join(", ")
    });
    let groups = node.list("DBParameterGroups").first();
    let applied = groups.and_then(|group| group.text("ParameterApplyStatus")).map(str::to_owned);
    let name = node.text("DBInstanceIdentifier").unwrap_or_default();
    state(
        region,
        "RDS instance",
        name,
        node.text("DBInstanceStatus").and_then(serves),
        &[
            ("DBInstanceIdentifier", Some(name.to_owned())),
            ("status", text("DBInstanceStatus")),
            (
                "engine",
                Some(
                    format!("{} {}", text("Engine").unwrap_or_default(), text("EngineVersion").unwrap_or_default())
                        .trim()
                        .to_owned(),
                ),
            ),
            ("class", text("DBInstanceClass")),
            ("allocated_storage_gib", text("AllocatedStorage")),
            ("max_allocated_storage_gib", text("MaxAllocatedStorage")),
            ("storage_type", text("StorageType")),
            ("iops", text("Iops")),
            ("multi_az", text("MultiAZ")),
            ("availability_zone", text("AvailabilityZone")),
            ("replica_of", text("ReadReplicaSourceDBInstanceIdentifier")),
            ("cluster", text("DBClusterIdentifier")),
            ("parameters", applied),
            ("pending", pending),
            ("latest_restorable_time", text("LatestRestorableTime")),
        ],
    )
}

fn cluster(region: &Region, node: &Node) -> ResourceState {
    let text = |path: &str| node.text(path).map(str::to_owned);
    let members: Vec<String> = node
        .list("DBClusterMembers")
        .iter()
        .filter_map(|member| {
            let role = if member.boolean("IsClusterWriter") == Some(true) { "writer" } else { "reader" };
            Some(format!("{} ({role})", member.text("DBInstanceIdentifier")?))
        })
        .collect();
    let name = node.text("DBClusterIdentifier").unwrap_or_default();
    state(
        region,
        "RDS cluster",
        name,
        node.text("Status").and_then(serves),
        &[
            ("DBClusterIdentifier", Some(name.to_owned())),
            ("status", text("Status")),
            ("engine", text("Engine")),
            ("engine_version", text("EngineVersion")),
            ("members", Some(members.join(", "))),
            ("max_capacity_units", text("ServerlessV2ScalingConfiguration/MaxCapacity")),
        ],
    )
}

async fn events(region: &Region, kind: Kind, name: &str, window: Window) -> Result<Vec<Event>, Refusal> {
    let parameters = Parameters::default()
        .with("SourceType", kind.source())
        .with("SourceIdentifier", name)
        .with("StartTime", window.baseline_start.to_string())
        .with("EndTime", window.end.to_string());
    let answer = region.query(&RDS, "DescribeEvents", parameters).await?;
    let mut events: Vec<Event> = answer
        .list("DescribeEventsResult/Events")
        .iter()
        .filter_map(|node| {
            let categories: Vec<&str> = node.list("EventCategories").iter().map(|one| one.text.as_str()).collect();
            Some(Event {
                time: node.time("Date")?,
                kind: if categories.iter().any(|one| one.contains("configuration change")) {
                    EventKind::Change
                } else {
                    EventKind::Other
                },
                title: node.text("Message")?.to_owned(),
                text: categories.join(", "),
                labels: Labels::from([(kind.identifier().to_owned(), name.to_owned())]),
            })
        })
        .collect();
    events.sort_by(|one, other| (one.time, &one.title).cmp(&(other.time, &other.title)));
    Ok(events)
}
