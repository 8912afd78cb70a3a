//! Contexts of kubeconfigs, each as an instance.
//!
//! Facts from the vendor's pages "Organizing Cluster Access Using kubeconfig Files" and "kubeconfig (v1)". An instance
//! has the context's name and the paths of the files; who may get in stays where it is, in the kubeconfig. An exec
//! plug-in is named and not run.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{File, place};
use crate::proposal::{Found, Proposal};
use crate::tags;
use crate::{endpoint, yaml};

const SERVICE: &str = "kubernetes";

/// What several files say together: of one name the first counts.
#[derive(Default)]
struct Merged {
    /// Contexts in order, with the file and line that they stand in.
    contexts: Vec<(String, Json, String)>,
    clusters: HashMap<String, Json>,
    users: HashMap<String, Json>,
    current: Option<String>,
}

/// Reads kubeconfigs in the order of `KUBECONFIG`. `paths` is what an instance finds them by: their paths, with colons
/// between.
pub fn read(files: &[File<'_>], paths: &str) -> Found {
    let mut found = Found::default();
    let mut merged = Merged::default();
    for file in files {
        merged.add(file, &mut found);
    }
    if let Some(current) = merged.current.clone() {
        // The first instance of a service is its default, as the current context is kubectl's.
        merged.contexts.sort_by_key(|(name, ..)| *name != current);
    }
    for (name, context, place) in &merged.contexts {
        match merged.proposal(name, context, paths) {
            Ok(proposal) => found.proposals.push(proposal),
            Err(reason) => found.skip(place, reason, Some("`kubectl config view` shows what the file says")),
        }
    }
    found
}

impl Merged {
    fn add(&mut self, file: &File<'_>, found: &mut Found) {
        let root = match yaml::parse(file.text) {
            Ok(Json::Object(root)) => root,
            Ok(_) => return found.skip(file.path, "it is not a kubeconfig: it has no keys", None),
            Err(error) => {
                return found.skip(file.path, error.to_string(), Some("`kubectl config view` must read it too"));
            }
        };
        let list = |key: &str| root.get(key).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let named = |entry: &Json| yaml::text(entry.get("name"));
        let lines = yaml::lines_of_list(file.text);
        for (index, entry) in list("contexts").iter().enumerate() {
            let line = lines.get(index).copied();
            match (named(entry), entry.get("context")) {
                (Some(name), Some(context)) if !self.contexts.iter().any(|(known, ..)| *known == name) => {
                    let place = place("context", &name, line);
                    self.contexts.push((name, context.clone(), place));
                }
                (Some(_), Some(_)) => {}
                (Some(name), None) => found.skip(place("context", &name, line), "it has no `context`", None),
                (None, _) => {
                    let what = line.map_or_else(
                        || format!("contexts[{index}] of {}", file.path),
                        |line| format!("contexts[{index}] of {} (line {line})", file.path),
                    );
                    found.skip(what, "it has no name", None);
                }
            }
        }
        for (key, inner, target) in [("clusters", "cluster", &mut self.clusters), ("users", "user", &mut self.users)] {
            for entry in list(key) {
                if let Some(name) = named(entry) {
                    target.entry(name).or_insert_with(|| entry.get(inner).cloned().unwrap_or_default());
                }
            }
        }
        if self.current.is_none() {
            self.current = yaml::text(root.get("current-context"));
        }
    }

    fn proposal(&self, name: &str, context: &Json, paths: &str) -> Result<Proposal, String> {
        let cluster_name = yaml::text(context.get("cluster")).ok_or("it names no cluster")?;
        let cluster = self.clusters.get(&cluster_name).ok_or("its cluster is not in the kubeconfig")?;
        let server = yaml::text(cluster.get("server")).ok_or("its cluster has no server")?;

        let mut proposal = Proposal::new(SERVICE, &short(name), format!("context `{name}`"));
        proposal.full_name = crate::names::slug(name);
        proposal.identity = &["context", "kubeconfig"];
        proposal.text("context", Some(name.to_owned()));
        proposal.text("namespace", yaml::text(context.get("namespace")));
        proposal.text("kubeconfig", Some(paths.to_owned()));
        self.tag(&mut proposal, name, &cluster_name, &server);
        if let Some(user) = yaml::text(context.get("user")) {
            let user = self.users.get(&user).ok_or("its user is not in the kubeconfig")?;
            note_user(&mut proposal, user);
        } else {
            proposal.note("it names no user: only what everybody may read can be asked");
        }
        if yaml::flag(cluster.get("insecure-skip-tls-verify")) == Some(true) {
            proposal.note("the kubeconfig turns the check of the server's certificate off");
        }
        Ok(proposal)
    }

    fn tag(&self, proposal: &mut Proposal, name: &str, cluster: &str, server: &str) {
        let from_name = format!("the name `{name}`");
        let from_cluster = format!("the cluster `{cluster}`");
        for (text, from) in [(name, &from_name), (cluster, &from_cluster)] {
            if let Some((region, account, resource)) = tags::arn(text) {
                let from = "the cluster's ARN";
                proposal.infer("region", region, from);
                proposal.infer("account", account, from);
                if let Some(cluster) = resource.strip_prefix("cluster/") {
                    proposal.infer("cluster", cluster, from);
                }
            }
            if let Some((project, zone, cluster)) = gke(text) {
                // `europe-west1-b` is a zone of `europe-west1`.
                let region = zone.rsplit_once('-').filter(|(_, end)| end.len() == 1).map_or(zone, |(region, _)| region);
                proposal.infer("region", region, from);
                proposal.infer("project", project, from);
                proposal.infer("cluster", cluster, from);
            }
            tags::infer(proposal, text, from);
        }
        if let Some(host) = endpoint::host(server) {
            tags::infer_region(proposal, &host, "the server's host");
        }
        if cluster != name || !self.contexts.iter().any(|(other, ..)| other != name) {
            proposal.infer("cluster", cluster, &from_cluster);
        } else {
            proposal.infer("cluster", cluster, &from_name);
        }
    }
}

/// `gke_<project>_<location>_<cluster>`, as gcloud names contexts.
fn gke(text: &str) -> Option<(&str, &str, &str)> {
    let mut parts = text.strip_prefix("gke_")?.splitn(3, '_');
    Some((parts.next()?, parts.next()?, parts.next()?))
}

/// A context's name without what cloud tools put around the cluster's.
fn short(name: &str) -> String {
    let arn = tags::arn(name).and_then(|(_, _, resource)| resource.strip_prefix("cluster/"));
    arn.or_else(|| gke(name).map(|(_, _, cluster)| cluster)).unwrap_or(name).to_owned()
}

/// Says who gets in, without what it is done with.
fn note_user(proposal: &mut Proposal, user: &Json) {
    if let Some(exec) = user.get("exec") {
        let command = yaml::text(exec.get("command")).unwrap_or_else(|| "without a command".to_owned());
        let command = command.rsplit('/').next().unwrap_or_default();
        proposal.note(format!("its credentials come from the exec plug-in `{command}`: run when it is used, not now"));
    } else if let Some(provider) = user.get("auth-provider") {
        let name = yaml::text(provider.get("name")).unwrap_or_default();
        proposal.note(format!("its auth-provider `{name}` is not supported: give the user an exec plug-in or a token"));
    } else if ["token", "tokenFile", "client-key", "client-key-data", "password"]
        .iter()
        .any(|key| user.get(key).is_some())
    {
        proposal.note("its credentials stay in the kubeconfig");
    }
}
