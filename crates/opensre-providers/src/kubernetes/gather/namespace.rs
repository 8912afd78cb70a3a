//! What surrounds pods in their namespace: network, limits, storage, jobs.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join, join3, join4};

use crate::kubernetes::api::{Form, Kind};
use crate::kubernetes::inquiry::Inquiry;
use crate::kubernetes::wire::meta::Meta;
use crate::kubernetes::wire::{autoscaling, jobs, network, quotas, storage};

const SERVICES: Kind = Kind { group: "api/v1", plural: "services", words: "services" };
const SLICES: Kind = Kind { group: "apis/discovery.k8s.io/v1", plural: "endpointslices", words: "endpoint slices" };
const INGRESSES: Kind = Kind { group: "apis/networking.k8s.io/v1", plural: "ingresses", words: "ingresses" };
const POLICIES: Kind =
    Kind { group: "apis/networking.k8s.io/v1", plural: "networkpolicies", words: "network policies" };
const QUOTAS: Kind = Kind { group: "api/v1", plural: "resourcequotas", words: "resource quotas" };
const LIMITS: Kind = Kind { group: "api/v1", plural: "limitranges", words: "limit ranges" };
const SCALERS: Kind = Kind { group: "apis/autoscaling/v2", plural: "horizontalpodautoscalers", words: "autoscalers" };
const CLAIMS: Kind = Kind { group: "api/v1", plural: "persistentvolumeclaims", words: "volume claims" };
const JOBS: Kind = Kind { group: "apis/batch/v1", plural: "jobs", words: "jobs" };
const CRON_JOBS: Kind = Kind { group: "apis/batch/v1", plural: "cronjobs", words: "cron jobs" };

/// Services with their endpoints, ingresses, network policies.
pub(crate) async fn network(inquiry: &mut Inquiry) {
    let (api, namespace) = (inquiry.api.clone(), inquiry.namespace.clone());
    let list = |kind| api.list(kind, namespace.as_deref(), Form::Whole, &[]);
    let (services, slices, ingresses, policies) =
        join4(list(SERVICES), list(SLICES), list(INGRESSES), list(POLICIES)).await;
    let endpoints = inquiry.take(slices).map(|listed| {
        let mut counted = BTreeMap::new();
        for slice in &listed.items {
            network::count_endpoints(slice, &mut counted);
        }
        (counted, listed.cut)
    });
    // A list that was cut cannot say that something is not there.
    let endpoints = endpoints.filter(|(_, cut)| cut.is_none()).map(|(counted, _)| counted);
    let mut known = None;
    if let Some(listed) = inquiry.take(services) {
        known = listed.cut.is_none().then(|| {
            let metas = listed.items.iter().filter_map(Meta::read);
            metas.map(|meta| (meta.namespace, meta.name)).collect::<BTreeSet<_>>()
        });
        inquiry.add_states(SERVICES, &listed, |object, now| network::service(object, endpoints.as_ref(), now));
    }
    if let Some(listed) = inquiry.take(ingresses)
        && !listed.items.is_empty()
    {
        inquiry.add_states(INGRESSES, &listed, |object, now| network::ingress(object, known.as_ref(), now));
    }
    if let Some(listed) = inquiry.take(policies)
        && !listed.items.is_empty()
    {
        inquiry.add_states(POLICIES, &listed, network::policy);
        let changes = super::configuration::changes(&listed.items, "network policy");
        inquiry.add_events(&listed.query, "changes of network policies", changes, listed.cut);
    }
}

/// Quotas, limit ranges and autoscalers.
pub(crate) async fn limits(inquiry: &mut Inquiry) {
    let (api, namespace) = (inquiry.api.clone(), inquiry.namespace.clone());
    let list = |kind| api.list(kind, namespace.as_deref(), Form::Whole, &[]);
    let (quotas, ranges, scalers) = join3(list(QUOTAS), list(LIMITS), list(SCALERS)).await;
    if let Some(listed) = inquiry.take(quotas) {
        inquiry.add_states(QUOTAS, &listed, quotas::quota);
    }
    if let Some(listed) = inquiry.take(ranges)
        && !listed.items.is_empty()
    {
        inquiry.add_states(LIMITS, &listed, quotas::limit_range);
    }
    if let Some(listed) = inquiry.take(scalers) {
        inquiry.add_states(SCALERS, &listed, autoscaling::autoscaler);
    }
}

/// Volume claims.
pub(crate) async fn storage(inquiry: &mut Inquiry) {
    if let Some(listed) = inquiry.list(CLAIMS).await {
        inquiry.add_states(CLAIMS, &listed, storage::claim);
    }
}

/// Jobs and cron jobs.
pub(crate) async fn jobs(inquiry: &mut Inquiry) {
    let (api, namespace) = (inquiry.api.clone(), inquiry.namespace.clone());
    let list = |kind| api.list(kind, namespace.as_deref(), Form::Whole, &[]);
    let (jobs, cron_jobs) = join(list(JOBS), list(CRON_JOBS)).await;
    if let Some(listed) = inquiry.take(jobs) {
        let now = inquiry.seen(&listed);
        let failures = listed.items.iter().filter_map(|object| jobs::job(object, now)?.1).collect();
        inquiry.add_states(JOBS, &listed, |object, now| Some(jobs::job(object, now)?.0));
        inquiry.add_events(&listed.query, "failures of jobs", failures, None);
    }
    if let Some(listed) = inquiry.take(cron_jobs)
        && !listed.items.is_empty()
    {
        inquiry.add_states(CRON_JOBS, &listed, jobs::cron_job);
    }
}
