//! The selectors over what was resolved: all, default, by name, by tag, by name or tags.

use crate::instance::Instance;
use crate::provider::Catalogue;
use crate::resolution::Resolved;

use super::language::Selector;
use super::rule;

/// Selects among the instances in effect. Service names are accepted in any letter case and by their aliases; an
/// unknown service has no instances. Nothing is ever changed, and nothing is asked of the network.
///
/// `grafana` means the whole family, remote and local; `grafana_local` only its local instances.
///
/// ```
/// # use opensre_model::diagnostic::Source;
/// # use opensre_model::instance::{Instance, InstanceName, Settings, Tags};
/// # use opensre_model::provider::Catalogue;
/// # use opensre_model::resolution::{Family, Resolved};
/// # use opensre_model::value::Config;
/// use opensre_model::selector::{Selector, Selectors};
///
/// # let instance = |name: &str, env: &str| Instance {
/// #     service: "grafana".into(), family: "grafana".into(), name: InstanceName::new(name),
/// #     tags: Tags::from_pairs([("env", env)]), expect: Default::default(), policy: Default::default(), settings: Settings::Typed(Config::EMPTY),
/// #     integration_id: format!("grafana-{name}"), source: Source::Store { path: "integrations.json".into() },
/// # };
/// # let instances = vec![instance("prod", "prod"), instance("staging", "Staging")];
/// # let family = Family { key: "grafana".into(), instances, incomplete: vec![] };
/// # let resolved = Resolved { families: vec![family], ..Resolved::default() };
/// # let catalogue = Catalogue::new(vec![]);
/// // Two Grafana instances: `prod` (the default) and `staging`, each with a tag `env`.
/// let selectors = Selectors::new(&catalogue, &resolved);
/// let name = |instance: &Instance| instance.name.to_string();
///
/// assert_eq!(selectors.default("grafana").map(name), Some("prod".into()));
/// assert_eq!(selectors.by_name("Grafana", " STAGING ").map(name), Some("staging".into()));
/// assert_eq!(selectors.by_name("grafana", "qa").map(name), None);
/// assert_eq!(selectors.by_tag("grafana", "ENV", "staging").len(), 1);
/// assert_eq!(selectors.select("grafana", None, &[("env", "staging")]).map(name), Some("staging".into()));
/// assert_eq!(selectors.select("grafana", None, &[]).map(name), Some("prod".into()));
/// assert_eq!(selectors.by_selector("grafana", &Selector::parse("env!=prod")?).len(), 1);
/// # Ok::<(), opensre_model::selector::SelectorError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Selectors<'a> {
    catalogue: &'a Catalogue,
    resolved: &'a Resolved,
}

impl<'a> Selectors<'a> {
    /// Selectors over what was resolved.
    pub fn new(catalogue: &'a Catalogue, resolved: &'a Resolved) -> Self {
        Self { catalogue, resolved }
    }

    /// All instances of a service, in order; empty when it has none.
    pub fn instances(&self, service: &str) -> Vec<&'a Instance> {
        let key = self.catalogue.canonical(service);
        let family = self.catalogue.family(service);
        let Some(members) = self.resolved.family(&family) else { return Vec::new() };
        members.instances.iter().filter(|instance| key == family || instance.service == key).collect()
    }

    /// The default instance: the first one (for `grafana` the first remote one, else the first local one).
    pub fn default(&self, service: &str) -> Option<&'a Instance> {
        let key = self.catalogue.canonical(service);
        let family = self.catalogue.family(service);
        if key == family {
            self.resolved.family(&family)?.default()
        } else {
            self.instances(service).into_iter().next()
        }
    }

    /// The first instance of that name. A blank or unknown name selects nothing; there is no fallback.
    pub fn by_name(&self, service: &str, name: &str) -> Option<&'a Instance> {
        rule::by_name(self.instances(service), name)
    }

    /// All instances that carry the tag with that value, in order. A blank name or value selects nothing.
    pub fn by_tag(&self, service: &str, key: &str, value: &str) -> Vec<&'a Instance> {
        rule::by_tag(self.instances(service), key, value)
    }

    /// One instance. With a name: by name alone, tags are not looked at and there is no fallback. Else with tags: the
    /// first instance that carries all of them, or none. With neither: the default.
    pub fn select(&self, service: &str, name: Option<&str>, tags: &[(&str, &str)]) -> Option<&'a Instance> {
        let wish = rule::Wish::new(name, tags.iter().copied());
        rule::select(&wish, self.instances(service), || self.default(service))
    }

    /// All instances whose tags match a selector, in order.
    pub fn by_selector(&self, service: &str, selector: &Selector) -> Vec<&'a Instance> {
        self.instances(service).into_iter().filter(|instance| selector.matches(&instance.tags)).collect()
    }
}
