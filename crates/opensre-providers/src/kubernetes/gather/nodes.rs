//! Nodes.

use crate::kubernetes::api::{Form, Kind};
use crate::kubernetes::inquiry::Inquiry;
use crate::kubernetes::wire::meta::Meta;
use crate::kubernetes::wire::nodes;

const NODES: Kind = Kind { group: "api/v1", plural: "nodes", words: "nodes" };

/// The node that the alert names, and those that are not healthy.
pub(crate) async fn states(inquiry: &mut Inquiry) {
    let outcome = inquiry.api.list(NODES, None, Form::Whole, &[]).await;
    let Some(listed) = inquiry.take(outcome) else { return };
    let now = inquiry.seen(&listed);
    let mut states = Vec::new();
    let mut odd = 0;
    for object in &listed.items {
        match (Meta::read(object), nodes::node(object, now)) {
            (Some(meta), Some(state)) => states.push((inquiry.scope.node.as_ref() == Some(&meta.name), state)),
            _ => odd += 1,
        }
    }
    // Nodes are of the whole cluster, wherever else the query asks.
    let place = inquiry.namespace.take();
    inquiry.add_read_states(NODES, &listed, states, odd);
    inquiry.namespace = place;
    if let Some(evidence) = inquiry.answer.evidence.last_mut() {
        evidence.summary = evidence.summary.replace("all namespaces", "the cluster");
    }
}
