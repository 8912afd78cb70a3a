//! The other instances in effect, for an instance that is reached through one of them (a cluster through its cloud
//! account).
//!
//! The way goes one step: an access that was come by through another instance has no neighbours itself, so that no chain
//! and no circle can be written. Each credential stays with its own instance: the other one is asked with its own, at its
//! own host, and what it hands over is for the instance that named it.

use std::sync::Arc;

use opensre_model::evidence::GapKind;
use opensre_model::instance::Instance;
use opensre_model::resolution::Resolved;
use opensre_model::selector::nearest;

use crate::access::Access;
use crate::driver::Provider;
use crate::failure::Failure;

/// The instances in effect, among which an instance may name the one that it is reached through. Given by whoever builds
/// an [`Access`].
#[derive(Clone, Default)]
pub struct Neighbours(Arc<[Instance]>);

impl FromIterator<Instance> for Neighbours {
    fn from_iter<I: IntoIterator<Item = Instance>>(instances: I) -> Self {
        Self(instances.into_iter().collect())
    }
}

/// Most names that a message lists.
const MOST_NAMES: usize = 10;

impl Neighbours {
    /// All instances in effect.
    pub fn of(resolved: &Resolved) -> Self {
        resolved.instances().cloned().collect()
    }

    /// The one instance of a provider that is meant: of that name, or the only one there is where no name is written.
    /// `field` is where the name is written, for messages.
    fn find(&self, provider: &Provider, field: &str, written: Option<&str>) -> Result<&Instance, Failure> {
        let family = provider.spec.family;
        let fail = |reason: String, hint: String| Err(Failure::new(GapKind::Failed, reason).with_hint(hint));
        let all: Vec<&Instance> = self.0.iter().filter(|instance| instance.family == family).collect();
        let names: Vec<&str> = all.iter().map(|instance| instance.name.as_str()).collect();
        let more = if names.len() > MOST_NAMES { ", ..." } else { "" };
        let listed = format!("{}{more}", names.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", "));
        let fitting: Vec<&Instance> = match written {
            Some(written) => all.into_iter().filter(|instance| instance.name.answers_to(written)).collect(),
            None => all,
        };
        match (fitting.as_slice(), written) {
            ([only], _) => Ok(only),
            ([], _) if names.is_empty() => fail(
                format!("it is reached through an instance of {}, and none is usable", provider.spec.name),
                format!(
                    "`opensre integrations verify {family}` says what is missing; `integrations add {family}` sets one up"
                ),
            ),
            ([], written) => {
                let written = written.unwrap_or_default();
                let meant = nearest(written, names.iter().copied());
                let meant = meant.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                let shown = written.escape_debug().take(60).collect::<String>();
                fail(
                    format!("{field} names {family}/{shown}, which is not configured"),
                    format!("{meant}there are: {listed}"),
                )
            }
            (_, Some(_)) => fail(
                format!("{field} names {}, and several instances are called so", fitting[0].address()),
                "give each of them a name of its own".to_owned(),
            ),
            (_, None) => fail(
                format!("it is reached through an instance of {}, and there are several", provider.spec.name),
                format!("set {field} to one of: {listed}"),
            ),
        }
    }
}

impl Access {
    /// Access to the instance of another provider that this instance is reached through: the one that `field` names, or
    /// the only one where it is not set. It has the same deadline, its own credentials, and no neighbours.
    ///
    /// Before it is asked, it has to be held to its pin: [`crate::identity::confirmed`].
    pub(crate) fn through(&self, provider: &Provider, field: &str) -> Result<Self, Failure> {
        let instance = self.neighbours.find(provider, field, self.instance.config().text(field))?.clone();
        Ok(Self { instance, neighbours: Neighbours::default(), ..self.clone() })
    }
}
