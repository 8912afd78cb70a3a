//! What is declared about Kubernetes.

use opensre_model::instance::InstanceName;
use opensre_model::provider::{Draft, EnvironmentMap, FieldSpec, Hooks, Identifies, ProviderKind, ProviderSpec, Rule};
use opensre_model::value::Config;
use serde_json::{Map, Value as Json, json};

use crate::aws::cluster::Written;
use crate::environment::variable;

/// Kubernetes.
pub static SPEC: ProviderSpec = ProviderSpec {
    key: "kubernetes",
    name: "Kubernetes",
    aliases: &["k8s", "kube"],
    family: "kubernetes",
    kind: ProviderKind::Infrastructure,
    instances_variable: Some("KUBERNETES_INSTANCES"),
    fields: &[
        FieldSpec::text("context")
            .example("prod")
            .env(&["KUBE_CONTEXT"])
            .ask("Context", "`kubectl config get-contexts` lists them; empty is the current one")
            .identifies(Identifies::Cluster),
        FieldSpec::text("namespace")
            .env(&["KUBE_NAMESPACE"])
            .ask("Namespace", "where to look when an alert names none; empty is that of the context"),
        FieldSpec::text("kubeconfig")
            .example("/home/me/.kube/config")
            .env(&["KUBECONFIG"])
            .ask("Path of the kubeconfig", "several with colons between, as in KUBECONFIG; it holds the secrets"),
        FieldSpec::boolean("in_cluster", false).ask("Use the service account of this pod", "only inside a cluster"),
        FieldSpec::text("eks_cluster")
            .example("arn:aws:eks:eu-central-1:123456789012:cluster/shop")
            .ask(
                "EKS cluster",
                "name or ARN of a cluster that is reached through an instance of AWS, without a kubeconfig",
            )
            .identifies(Identifies::Cluster),
        FieldSpec::text("aws_instance")
            .example("prod")
            .ask("Instance of AWS", "name of the one that the EKS cluster is reached through; empty is the only one")
            .instance_of("aws"),
    ],
    configured: Rule::Any(&[
        Rule::Set("context"),
        Rule::Set("kubeconfig"),
        Rule::Set("eks_cluster"),
        Rule::Check { words: "`in_cluster` set to `true`", holds: is_in_cluster },
    ]),
    environment: Rule::Any(&[Rule::Set("kubeconfig"), Rule::Set("context")]),
    hooks: Hooks {
        from_environment: Some(from_environment),
        refine: Some(check),
        variables: &[(
            "KUBERNETES_SERVICE_HOST",
            "set inside every pod: without KUBECONFIG and KUBE_CONTEXT its service account is used",
        )],
        ..Hooks::NONE
    },
    documentation: "Pods, their logs, events, nodes, workloads and rollouts. Needs a context whose user may get and list \
                    them (ClusterRole view; nodes, secrets and metrics.k8s.io are extra, and a gap without). Of secrets \
                    and config maps only names and times are asked for. Exec plug-ins run as the kubeconfig names them. \
                    An EKS cluster is reached through an instance of AWS (`aws_instance`, `eks_cluster`), whose identity needs \
                    eks:DescribeCluster and an access entry in the cluster (policy AmazonEKSAdminViewPolicy or less); or \
                    by a context of `aws eks update-kubeconfig`.",
};

/// Name of the instance that stands for the cluster around this pod.
const IN_CLUSTER: &str = "in-cluster";

/// The record that the variables make. A context names its instance, in lower case; without a kubeconfig or a context,
/// a pod uses its own service account.
fn from_environment(environment: &EnvironmentMap) -> Option<Map<String, Json>> {
    let context = variable(environment, "KUBE_CONTEXT");
    let kubeconfig = variable(environment, "KUBECONFIG");
    let mut credentials = Map::new();
    let name = if context.is_some() || kubeconfig.is_some() {
        context.map_or_else(|| InstanceName::DEFAULT.to_owned(), str::to_lowercase)
    } else {
        variable(environment, "KUBERNETES_SERVICE_HOST")?;
        credentials.insert("in_cluster".to_owned(), json!(true));
        IN_CLUSTER.to_owned()
    };
    let namespace = variable(environment, "KUBE_NAMESPACE");
    for (key, value) in [("context", context), ("kubeconfig", kubeconfig), ("namespace", namespace)] {
        if let Some(value) = value {
            credentials.insert(key.to_owned(), json!(value));
        }
    }
    let instances = json!([{"name": name, "tags": {}, "credentials": credentials}]);
    Some(Map::from_iter([("instances".to_owned(), instances)]))
}

fn is_in_cluster(config: &Config) -> bool {
    config.boolean("in_cluster") == Some(true)
}

/// Says which way is taken where several are written, and refuses what no cluster can be called.
fn check(draft: &mut Draft) {
    let config = &draft.config;
    let Some(cluster) = config.text("eks_cluster") else {
        if config.has("aws_instance") {
            let reason = "is not used without eks_cluster".to_owned();
            draft.warnings.push((Some("aws_instance"), reason));
        }
        return;
    };
    if Written::parse(cluster).is_none() {
        let reason = "is neither the name nor the ARN of an EKS cluster".to_owned();
        draft.rejection = Some((Some("eks_cluster"), reason));
    }
    for other in ["context", "kubeconfig", "in_cluster"] {
        if config.has(other) && (other != "in_cluster" || is_in_cluster(config)) {
            draft.warnings.push((Some(other), "is not used: eks_cluster is set".to_owned()));
        }
    }
}
