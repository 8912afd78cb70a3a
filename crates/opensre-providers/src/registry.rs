//! The registry: all providers in listing order, as `providers!` in the crate root names them.

use opensre_model::provider::Catalogue;

use crate::PROVIDERS;
use crate::driver::Provider;

/// Declares the providers' modules and lists what they hold: `PROVIDER`, and what is named after `with` where a folder holds
/// a second one. One line is all that a provider has outside its folder; a test finds a folder without its line.
macro_rules! providers {
    ($(pub mod $module:ident $(with $($more:ident),+)?;)+) => {
        $(pub mod $module;)+

        const PROVIDERS: &[driver::Provider] = &[$($module::PROVIDER, $($($module::$more,)+)?)+];
    };
}

/// Every provider, in listing order.
pub fn providers() -> Vec<Provider> {
    PROVIDERS.to_vec()
}

/// Every provider's declaration, in listing order.
pub fn catalogue() -> Catalogue {
    Catalogue::new(PROVIDERS.iter().map(|provider| provider.spec).collect())
}
