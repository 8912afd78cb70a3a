//! Workloads and their rollouts.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::join5;

use crate::kubernetes::api::{Form, Kind};
use crate::kubernetes::inquiry::Inquiry;
use crate::kubernetes::wire::workloads;

const DEPLOYMENTS: Kind = Kind { group: "apis/apps/v1", plural: "deployments", words: "deployments" };
const STATEFUL_SETS: Kind = Kind { group: "apis/apps/v1", plural: "statefulsets", words: "stateful sets" };
const DAEMON_SETS: Kind = Kind { group: "apis/apps/v1", plural: "daemonsets", words: "daemon sets" };
const REPLICA_SETS: Kind = Kind { group: "apis/apps/v1", plural: "replicasets", words: "replica sets" };
const REVISIONS: Kind = Kind { group: "apis/apps/v1", plural: "controllerrevisions", words: "controller revisions" };

/// States of workloads, and the rollouts that their revisions tell of.
pub(crate) async fn workloads(inquiry: &mut Inquiry) {
    let (api, namespace) = (inquiry.api.clone(), inquiry.namespace.clone());
    // Boxed: five of them make a large future.
    let list = |kind, form| api.list(kind, namespace.as_deref(), form, &[]).boxed();
    let (deployments, stateful, daemons, replicas, revisions) = join5(
        list(DEPLOYMENTS, Form::Whole),
        list(STATEFUL_SETS, Form::Whole),
        list(DAEMON_SETS, Form::Whole),
        list(REPLICA_SETS, Form::Whole),
        // Whole ones hold pod templates; who made them when is all that is wanted.
        list(REVISIONS, Form::Metadata),
    )
    .await;
    let mut progress = BTreeMap::new();
    if let Some(listed) = inquiry.take(deployments) {
        progress.extend(listed.items.iter().filter_map(workloads::progress));
        inquiry.add_states(DEPLOYMENTS, &listed, |object, now| workloads::workload(object, "deployment", now));
    }
    for (kind, words, outcome) in [(STATEFUL_SETS, "stateful set", stateful), (DAEMON_SETS, "daemon set", daemons)] {
        if let Some(listed) = inquiry.take(outcome)
            && !listed.items.is_empty()
        {
            inquiry.add_states(kind, &listed, |object, now| workloads::workload(object, words, now));
        }
    }
    if let Some(listed) = inquiry.take(replicas) {
        let revisions: Vec<_> = listed.items.iter().filter_map(workloads::revision).collect();
        let rollouts = workloads::rollouts(&revisions, &progress);
        inquiry.add_events(&listed.query, "rollouts of deployments", rollouts, listed.cut);
    }
    if let Some(listed) = inquiry.take(revisions)
        && !listed.items.is_empty()
    {
        let rollouts = listed.items.iter().filter_map(workloads::controller_revision).collect();
        inquiry.add_events(&listed.query, "rollouts of stateful and daemon sets", rollouts, listed.cut);
    }
}
