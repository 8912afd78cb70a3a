//! `SERVICE` and `SERVICE/NAME`, as written on the command line.

use opensre_model::instance::{Instance, InstanceName};
use opensre_model::provider::{Catalogue, ProviderSpec};
use opensre_model::selector::{Group, nearest};

use crate::failure::Failure;

/// An address that was written on the command line. The service may be one that the catalogue does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) struct Address {
    /// The service as written, trimmed.
    pub(in crate::commands) written: String,
    /// Its family key.
    pub(in crate::commands) family: String,
    /// The instance's name, if one was written.
    pub(in crate::commands) name: Option<InstanceName>,
}

impl Address {
    /// Reads an address.
    pub(in crate::commands) fn parse(catalogue: &Catalogue, text: &str) -> Result<Self, Failure> {
        let (service, name) = match text.split_once('/') {
            Some((service, name)) => (service, Some(name)),
            None => (text, None),
        };
        if Group::is_named(service) {
            return Err(Failure::input(format!("`{text}` is a group, and one instance is wanted here"))
                .hint("write SERVICE/NAME; `opensre integrations group list` shows the members of groups"));
        }
        if service.trim().is_empty() || name.is_some_and(|name| name.trim().is_empty()) {
            return Err(Failure::input(format!("`{text}` names no instance")).hint("write SERVICE or SERVICE/NAME"));
        }
        Ok(Self {
            written: service.trim().to_owned(),
            family: catalogue.family(service),
            name: name.map(InstanceName::new),
        })
    }

    /// The address of an instance.
    pub(super) fn of(instance: &Instance) -> Self {
        Self { written: instance.family.clone(), family: instance.family.clone(), name: Some(instance.name.clone()) }
    }

    /// Reads an address that must name an instance.
    pub(super) fn parse_full(catalogue: &Catalogue, text: &str) -> Result<(Self, InstanceName), Failure> {
        let address = Self::parse(catalogue, text)?;
        match address.name.clone() {
            Some(name) => Ok((address, name)),
            None => Err(Failure::input(format!("`{text}` names a service, not an instance"))
                .hint(format!("write {}/NAME; `opensre integrations list` shows the names", address.family))),
        }
    }
}

/// The name that an address and `--name` give together; `None` when neither does.
pub(in crate::commands) fn one_name(
    address: Option<InstanceName>,
    flag: Option<&str>,
) -> Result<Option<InstanceName>, Failure> {
    match (address, flag.map(InstanceName::new)) {
        (Some(one), Some(other)) if one != other => {
            Err(Failure::input(format!("two names for one instance: {one} and {other}")).hint("write its name once"))
        }
        (address, flag) => Ok(address.or(flag)),
    }
}

/// Refuses a name that a new instance could not be addressed by: a group's, or one with what lists and selectors of
/// instances are written with.
pub(in crate::commands) fn refuse_odd_name(name: &str) -> Result<(), Failure> {
    refuse_group_name(name)?;
    match name.trim().chars().find(|character| ",=!()".contains(*character) || character.is_control()) {
        Some(odd) => Err(Failure::input(format!(
            "a name cannot have {odd:?} in it: lists and selectors of instances are written so"
        ))
        .hint("letters, digits, `-`, `_` and `.` can always be in a name")),
        None => Ok(()),
    }
}

/// Names that begin with `@` are those of groups.
pub(super) fn refuse_group_name(name: &str) -> Result<(), Failure> {
    if Group::is_named(name) {
        return Err(Failure::input(format!("`{}` would be the name of a group", crate::text::printable(name.trim())))
            .hint("give the instance a name without `@`; `opensre integrations group add` makes a group"));
    }
    Ok(())
}

/// The provider that a written service name means, or an error with the nearest name.
pub(in crate::commands) fn provider(catalogue: &Catalogue, written: &str) -> Result<&'static ProviderSpec, Failure> {
    catalogue.find(written).ok_or_else(|| {
        let written = written.trim().to_lowercase();
        let names = catalogue.iter().flat_map(|spec| std::iter::once(spec.key).chain(spec.aliases.iter().copied()));
        let failure = Failure::input(format!("there is no provider `{written}`"));
        match nearest(&written, names) {
            Some(near) => failure.hint(format!("did you mean `{near}`? `opensre providers list` shows all")),
            None => failure.hint("`opensre providers list` shows all"),
        }
    })
}
