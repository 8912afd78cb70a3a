//! What the alerts that are active now are labelled with: what a person may want to tag instances by.
//!
//! A provider that can tell says so itself ([`crate::driver::Provider::alert_labels`]). Nothing of an alert but its labels
//! is kept.

use opensre_model::alert::Labels;

use crate::access::Access;
use crate::driver::AlertLabelsFn;
use crate::failure::Failure;

fn teller(service: &str) -> Option<AlertLabelsFn> {
    crate::registry::providers().into_iter().find(|provider| provider.spec.key == service)?.alert_labels
}

/// Whether instances of a provider can tell (by its key).
pub fn can_tell(service: &str) -> bool {
    teller(service).is_some()
}

/// The labels of the alerts that are active at an instance; none where its provider cannot tell.
pub async fn alert_labels(access: &Access) -> Result<Vec<Labels>, Failure> {
    match teller(&access.instance.service) {
        Some(tell) => tell(access).await,
        None => Ok(Vec::new()),
    }
}
