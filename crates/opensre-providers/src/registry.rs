//! The list of all providers, in listing order. Adding one is its folder, its `mod` line in the crate root and one
//! line here; a test finds a folder without its line.

use opensre_model::provider::Catalogue;

use crate::driver::Provider;

const PROVIDERS: &[Provider] = &[
    crate::grafana::PROVIDER,
    crate::grafana::LOCAL,
    crate::prometheus::PROVIDER,
    crate::loki::PROVIDER,
    crate::tempo::PROVIDER,
    crate::victoriametrics::PROVIDER,
    crate::alertmanager::PROVIDER,
];

/// Every provider, in listing order.
pub fn providers() -> Vec<Provider> {
    PROVIDERS.to_vec()
}

/// Every provider's declaration, in listing order.
pub fn catalogue() -> Catalogue {
    Catalogue::new(PROVIDERS.iter().map(|provider| provider.spec).collect())
}
