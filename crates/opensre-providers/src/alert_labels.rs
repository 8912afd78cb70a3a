//! What the alerts that are active now are labelled with: what a person may want to tag instances by.
//!
//! Only some providers can tell; which is decided here, once. Nothing of an alert but its labels is kept.

use futures::FutureExt;
use futures::future::BoxFuture;
use opensre_model::alert::Labels;

use crate::access::Access;
use crate::failure::Failure;

type Tell = for<'a> fn(&'a Access) -> BoxFuture<'a, Result<Vec<Labels>, Failure>>;

const TELL: &[(&str, Tell)] = &[
    ("alertmanager", |access| crate::alertmanager::active_labels(access).boxed()),
    ("prometheus", |access| crate::prometheus::active_labels(access).boxed()),
];

/// Whether instances of a provider can tell (by its key).
pub fn can_tell(service: &str) -> bool {
    TELL.iter().any(|(key, _)| *key == service)
}

/// The labels of the alerts that are active at an instance; none where its provider cannot tell.
pub async fn alert_labels(access: &Access) -> Result<Vec<Labels>, Failure> {
    match TELL.iter().find(|(key, _)| *key == access.instance.service) {
        Some((_, tell)) => tell(access).await,
        None => Ok(Vec::new()),
    }
}
