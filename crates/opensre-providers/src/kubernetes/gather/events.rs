//! Events of the cluster.

use crate::kubernetes::api::{Form, Kind};
use crate::kubernetes::inquiry::Inquiry;
use crate::kubernetes::wire::events::{self, ClusterEvent, Scalings};

const EVENTS: Kind = Kind { group: "api/v1", plural: "events", words: "events" };

/// Events of objects where the query asks, and of nodes.
pub(crate) async fn events(inquiry: &mut Inquiry) {
    let Some(listed) = inquiry.list(EVENTS).await else { return };
    let mut read: Vec<ClusterEvent> = listed.items.iter().filter_map(events::event).collect();
    let odd = listed.items.len() - read.len();
    let mut cut = vec![listed.cut.clone(), (odd > 0).then(|| format!("events that could not be read: {odd}"))];
    if inquiry.namespace.as_deref().is_some_and(|name| name != "default") {
        // Those of nodes have no namespace of their own and are kept in this one.
        let selector = [("fieldSelector", "involvedObject.kind=Node")];
        let outcome = inquiry.api.list(EVENTS, Some("default"), Form::Whole, &selector).await;
        let outcome = outcome.map_err(|failure| failure.about("of nodes"));
        if let Some(nodes) = inquiry.take(outcome) {
            read.extend(nodes.items.iter().filter_map(events::event));
            cut.push(nodes.cut);
        }
    }
    let scalings = Scalings::of(&read);
    let dated = read.iter().filter(|event| event.tells()).flat_map(|event| event.dated(&scalings)).collect();
    let cut: Vec<String> = cut.into_iter().flatten().collect();
    let cut = (!cut.is_empty()).then(|| cut.join("; "));
    inquiry.add_events(&listed.query, "telling events", dated, cut);
}
