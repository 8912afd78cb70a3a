//! The list of all providers. Adding one is one line here.

use opensre_model::provider::Catalogue;

use crate::driver::Provider;

/// Every provider, in listing order.
pub fn providers() -> Vec<Provider> {
    vec![]
}

/// Every provider's declaration.
pub fn catalogue() -> Catalogue {
    Catalogue::new(providers().iter().map(|provider| provider.spec).collect())
}
