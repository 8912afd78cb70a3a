//! Pods: how they are, how their containers ended, what they use.

use std::collections::BTreeMap;

use jiff::Timestamp;
use opensre_model::evidence::GapKind;

use crate::failure::Failure;
use crate::kubernetes::api::{Form, Kind, Listed};
use crate::kubernetes::inquiry::Inquiry;
use crate::kubernetes::wire::meta::Meta;
use crate::kubernetes::wire::pods::{self, Pod};
use crate::kubernetes::wire::usage;

pub(crate) const PODS: Kind = Kind { group: "api/v1", plural: "pods", words: "pods" };
const METRICS: Kind = Kind { group: "apis/metrics.k8s.io/v1beta1", plural: "pods", words: "pod metrics" };

/// States of pods, and the failed ends of their containers.
pub(crate) async fn states(inquiry: &mut Inquiry) {
    let Some((listed, pods, odd)) = read(inquiry).await else { return };
    let now = inquiry.seen(&listed);
    let before = inquiry.window.baseline_start;
    // Pods that were evicted or failed long ago lie about until somebody sweeps them away.
    let (stale, pods): (Vec<Pod>, Vec<Pod>) =
        pods.into_iter().partition(|pod| pod.phase == "Failed" && pod.last_change().is_some_and(|at| at < before));
    let own = pods.iter().filter(|pod| inquiry.is_own(&pod.meta)).count();
    if own == 0 && inquiry.scope.names_an_object() {
        let wanted = inquiry.scope.pod.iter().chain(&inquiry.scope.names).cloned().collect::<Vec<_>>().join(", ");
        inquiry.gap(
            Failure::new(GapKind::NotRelevant, format!("no pod in {} is of {wanted}", inquiry.place()))
                .with_hint("its pods may be gone; the events and workloads may tell"),
        );
    }
    let mut ends = Vec::new();
    let mut states = Vec::new();
    for pod in &pods {
        let app = inquiry.scope.app_of(&pod.meta);
        ends.extend(pod.ends(app));
        states.push((inquiry.is_own(&pod.meta), pod.state(&inquiry.window, now, app)));
    }
    inquiry.add_read_states(PODS, &listed, states, odd);
    if !stale.is_empty()
        && let Some(evidence) = inquiry.answer.evidence.last_mut()
    {
        let told = format!("pods left out that failed before the window: {}", stale.len());
        evidence.truncated = Some(evidence.truncated.take().map_or(told.clone(), |cut| format!("{cut}; {told}")));
    }
    inquiry.add_events(&listed.query, "failed ends of containers", ends, None);
}

/// The pods where the query asks, and how many could not be read.
pub(crate) async fn read(inquiry: &mut Inquiry) -> Option<(Listed, Vec<Pod>, usize)> {
    let selector = match (&inquiry.namespace, &inquiry.scope.node, &inquiry.scope.pod) {
        (None, Some(node), _) => Some(format!("spec.nodeName={node}")),
        // Without a namespace one pod is asked for by its name, in all.
        (None, None, Some(pod)) if inquiry.scope.names.is_empty() => Some(format!("metadata.name={pod}")),
        _ => None,
    };
    let parameters: Vec<(&str, &str)> =
        selector.as_deref().map(|selector| ("fieldSelector", selector)).into_iter().collect();
    let outcome = inquiry.api.list(PODS, inquiry.namespace.as_deref(), Form::Whole, &parameters).await;
    let listed = inquiry.take(outcome)?;
    let pods: Vec<Pod> = listed.items.iter().filter_map(pods::pod).collect();
    let odd = listed.items.len() - pods.len();
    Some((listed, pods, odd))
}

/// What containers use beside their limits, as the metrics API last saw it.
pub(crate) async fn usage(inquiry: &mut Inquiry) {
    let outcome = inquiry.api.list(METRICS, inquiry.namespace.as_deref(), Form::Whole, &[]).await;
    let listed = match outcome {
        Ok(listed) => listed,
        Err(mut failure) => {
            if failure.reason.contains("404") || failure.reason.contains("503") {
                failure.hint = Some("install metrics-server, or look at the metrics elsewhere".to_owned());
            }
            inquiry.gap(failure);
            return;
        }
    };
    let pods = read(inquiry).await.map(|(_, pods, _)| pods).unwrap_or_default();
    let known: BTreeMap<(&str, &str), &Pod> =
        pods.iter().map(|pod| ((pod.meta.namespace.as_str(), pod.meta.name.as_str()), pod)).collect();
    let now: Timestamp = inquiry.seen(&listed);
    let mut states = Vec::new();
    let mut odd = 0;
    for object in &listed.items {
        let Some(meta) = Meta::read(object) else {
            odd += 1;
            continue;
        };
        let pod = known.get(&(meta.namespace.as_str(), meta.name.as_str())).copied();
        match usage::usage(object, pod, now) {
            Some(state) => states.push((inquiry.is_own(pod.map_or(&meta, |pod| &pod.meta)), state)),
            None => odd += 1,
        }
    }
    inquiry.add_read_states(METRICS, &listed, states, odd);
}
