//! What of an account an alert is about: the resources that its labels name.
//!
//! Labels are read by the names of CloudWatch's dimensions in any spelling (`DBInstanceIdentifier`,
//! `dimension_DBInstanceIdentifier`, `dbinstance_identifier`), by the standard labels, and by ARNs ("Services that
//! publish CloudWatch metrics", "Amazon Resource Names"). Pure.

use std::collections::{BTreeMap, BTreeSet};

use opensre_model::alert::Labels;

/// Most resources of a kind that are looked at.
const MOST: usize = 5;

/// The resources that labels name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    /// RDS instances.
    pub databases: BTreeSet<String>,
    /// RDS clusters.
    pub database_clusters: BTreeSet<String>,
    /// Lambda functions.
    pub functions: BTreeSet<String>,
    /// EC2 instances (`i-...`).
    pub machines: BTreeSet<String>,
    /// Clusters of EKS or ECS.
    pub clusters: BTreeSet<String>,
    /// Services of ECS, or of anything.
    pub services: BTreeSet<String>,
    /// Target groups, by name.
    pub target_groups: BTreeSet<String>,
    /// Load balancers, by name.
    pub load_balancers: BTreeSet<String>,
    /// Log groups.
    pub log_groups: BTreeSet<String>,
    /// CloudWatch dimensions that single resources out, by their proper names.
    pub dimensions: BTreeMap<String, String>,
}

/// Labels that name a service outright, the most telling first.
const SERVICE: &[&str] = &["service", "servicename", "app", "application", "appkubernetesioname", "deployment"];

/// Dimensions that single one resource out ("AWS services that publish CloudWatch metrics").
const DIMENSIONS: &[&str] = &[
    "DBInstanceIdentifier",
    "DBClusterIdentifier",
    "FunctionName",
    "InstanceId",
    "QueueName",
    "TableName",
    "LoadBalancer",
    "TargetGroup",
    "CacheClusterId",
    "ApiName",
    "StreamName",
    "StateMachineArn",
    "DomainName",
    "BucketName",
    "FileSystemId",
    "NatGatewayId",
    "TopicName",
    "AutoScalingGroupName",
    "VolumeId",
];

impl Resources {
    /// The resources that these labels name.
    pub fn of(labels: &Labels) -> Self {
        let mut found = Self::default();
        for (label, value) in labels {
            let value = value.trim();
            if !value.is_empty() && value.len() <= 512 {
                found.read(&plain(label), value);
            }
        }
        found.services = SERVICE
            .iter()
            .find_map(|wanted| labels.iter().find(|(label, value)| plain(label) == *wanted && is_name(value.trim())))
            .map(|(_, value)| value.trim().to_owned())
            .into_iter()
            .collect();
        for set in [
            &mut found.databases,
            &mut found.database_clusters,
            &mut found.functions,
            &mut found.machines,
            &mut found.clusters,
            &mut found.target_groups,
            &mut found.load_balancers,
            &mut found.log_groups,
        ] {
            while set.len() > MOST {
                set.pop_last();
            }
        }
        found
    }

    fn read(&mut self, label: &str, value: &str) {
        if value.starts_with("arn:aws") {
            self.arn(value);
            return;
        }
        if let Some(dimension) = DIMENSIONS.iter().find(|known| plain(known) == label) {
            self.dimensions.insert((*dimension).to_owned(), value.to_owned());
        }
        let name = || value.to_owned();
        match label {
            "dbinstanceidentifier" if is_name(value) => drop(self.databases.insert(name())),
            "dbclusteridentifier" if is_name(value) => drop(self.database_clusters.insert(name())),
            "functionname" if is_name(value) => drop(self.functions.insert(name())),
            "instanceid" | "instance" | "host" | "hostname" | "node" | "ec2instanceid" => self.host(value),
            "clustername" | "cluster" | "ekscluster" | "k8scluster" if is_name(value) => {
                self.clusters.insert(name());
            }
            "targetgroup" => self.balancing(&format!("targetgroup/{}", value.trim_start_matches("targetgroup/"))),
            "loadbalancer" => self.balancing(&format!("loadbalancer/{}", value.trim_start_matches("loadbalancer/"))),
            "loggroup" | "loggroupname" | "awslogsgroup" if is_log_group(value) => {
                self.log_groups.insert(name());
            }
            _ => {}
        }
    }

    /// A machine's id, or the address of a database: `orders.c1a2b3.eu-central-1.rds.amazonaws.com`.
    fn host(&mut self, value: &str) {
        if is_machine(value) {
            self.machines.insert(value.to_owned());
            self.dimensions.insert("InstanceId".to_owned(), value.to_owned());
            return;
        }
        let host = value.split(':').next().unwrap_or_default();
        let parts: Vec<&str> = host.split('.').collect();
        if let [name, group, _, "rds", "amazonaws", ..] = parts.as_slice()
            && is_name(name)
        {
            if group.starts_with("cluster-") {
                self.database_clusters.insert((*name).to_owned());
                self.dimensions.insert("DBClusterIdentifier".to_owned(), (*name).to_owned());
            } else {
                self.databases.insert((*name).to_owned());
                self.dimensions.insert("DBInstanceIdentifier".to_owned(), (*name).to_owned());
            }
        }
    }

    /// `targetgroup/name/id`, `loadbalancer/app/name/id`.
    fn balancing(&mut self, resource: &str) {
        let parts: Vec<&str> = resource.split('/').collect();
        match parts.as_slice() {
            ["targetgroup", name, id] if is_name(name) => {
                self.target_groups.insert((*name).to_owned());
                self.dimensions.insert("TargetGroup".to_owned(), format!("targetgroup/{name}/{id}"));
            }
            ["loadbalancer", kind @ ("app" | "net" | "gwy"), name, id] if is_name(name) => {
                self.load_balancers.insert((*name).to_owned());
                self.dimensions.insert("LoadBalancer".to_owned(), format!("{kind}/{name}/{id}"));
            }
            _ => {}
        }
    }

    fn arn(&mut self, arn: &str) {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, service, _, _, resource] = parts.as_slice() else { return };
        let after = |prefix: &str| resource.strip_prefix(prefix).filter(|name| is_name(name)).map(str::to_owned);
        match *service {
            "rds" => {
                if let Some(name) = after("db:") {
                    self.dimensions.insert("DBInstanceIdentifier".to_owned(), name.clone());
                    self.databases.insert(name);
                }
                if let Some(name) = after("cluster:") {
                    self.dimensions.insert("DBClusterIdentifier".to_owned(), name.clone());
                    self.database_clusters.insert(name);
                }
            }
            "lambda" => {
                let name = resource.strip_prefix("function:").and_then(|rest| rest.split(':').next());
                if let Some(name) = name.filter(|name| is_name(name)) {
                    self.dimensions.insert("FunctionName".to_owned(), name.to_owned());
                    self.functions.insert(name.to_owned());
                }
            }
            "ec2" => {
                if let Some(id) = after("instance/") {
                    self.host(&id);
                }
            }
            "eks" => self.clusters.extend(after("cluster/")),
            "ecs" => {
                let rest = resource.strip_prefix("service/").unwrap_or_default();
                if let Some((cluster, _)) = rest.split_once('/').filter(|(cluster, _)| is_name(cluster)) {
                    self.clusters.insert(cluster.to_owned());
                }
            }
            "elasticloadbalancing" => self.balancing(resource),
            "sqs" if is_name(resource) => {
                self.dimensions.insert("QueueName".to_owned(), (*resource).to_owned());
            }
            "logs" => {
                let name = resource.strip_prefix("log-group:").and_then(|rest| rest.split(':').next());
                self.log_groups.extend(name.filter(|name| is_log_group(name)).map(str::to_owned));
            }
            _ => {}
        }
    }

    /// Names by which CloudTrail knows the resources, the most telling first.
    pub fn names(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        [&self.databases, &self.database_clusters, &self.functions, &self.machines, &self.services, &self.clusters]
            .into_iter()
            .flatten()
            .chain(&self.target_groups)
            .chain(&self.load_balancers)
            .map(String::as_str)
            .filter(|name| seen.insert(*name))
            .collect()
    }

    /// The dimensions by which metrics are looked for: those that single a resource out, else what a service may be
    /// called by.
    pub fn sought(&self) -> Vec<(String, String)> {
        if !self.dimensions.is_empty() {
            return self.dimensions.iter().map(|(name, value)| (name.clone(), value.clone())).take(MOST).collect();
        }
        let called = ["ServiceName", "FunctionName", "DBInstanceIdentifier", "Service", "service"];
        self.services.iter().flat_map(|service| called.map(|name| (name.to_owned(), service.clone()))).collect()
    }
}

/// A label's name in lower case and without separators and the exporters' prefix.
fn plain(label: &str) -> String {
    let plain: String = label.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    plain.strip_prefix("dimension").map(str::to_owned).unwrap_or(plain)
}

/// Whether a text can be the name of a resource. What cannot is never asked for.
fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && !matches!(text, "." | "..")
}

/// The characters of a log group's name ("CreateLogGroup").
fn is_log_group(text: &str) -> bool {
    (1..=512).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '#'))
}

fn is_machine(text: &str) -> bool {
    text.strip_prefix("i-")
        .is_some_and(|id| (8..=17).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
