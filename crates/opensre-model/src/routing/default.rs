//! Step 6, the default instance, and what becomes of instances that the alert points at alike.

use crate::resolution::Family;

use super::RouteStep;
use super::choice::{Choice, Chosen, Doubt, Tie};
use super::identify::Alike;
use super::tags::Agreement;
use super::words::quoted;

pub(super) fn default_position(family: &Family) -> Option<usize> {
    let default = family.default()?;
    family.instances.iter().position(|instance| std::ptr::eq(instance, default))
}

/// What a hint that names nothing falls back to.
pub(super) fn fallback_in_words(family: &Family, agreement: &Agreement) -> String {
    match default_position(family) {
        Some(default) if agreement.conflict(default).is_some() => "no instance is asked".to_owned(),
        Some(default) => {
            format!("falls back to the default instance {}", quoted(family.instances[default].name.as_str()))
        }
        None => "no instance is asked".to_owned(),
    }
}

/// Of instances that the alert points at alike, the default one; where it is none of them, all. `None` where there are
/// no such instances.
pub(super) fn among_alike(family: &Family, alike: &[Alike]) -> Option<Choice> {
    let default = default_position(family);
    let mut choice = Choice::new(RouteStep::Default, "not the default");
    for Alike { instances, why, path } in alike {
        choice.path.get_or_insert_with(|| path.clone());
        let of_default = instances.iter().find(|(position, _)| Some(*position) == default);
        let tie = of_default
            .is_none()
            .then(|| Tie { alike: ("the alert points at".to_owned(), format!("alike ({why})")), remedy: " or tags" });
        choice.doubts.push(Doubt { candidates: instances.clone(), why: why.clone(), tie });
        if let Some((default, named)) = of_default {
            let count = instances.len();
            let why = format!("the default among the {count} instances that the alert points at alike ({why})");
            choice.choose(*default, Chosen { why, ..named.clone() });
            continue;
        }
        choice.step = RouteStep::Identifier;
        "nothing in the alert points at it".clone_into(&mut choice.otherwise);
        for (position, named) in instances {
            choice.choose(*position, Chosen { why: why.clone(), ..named.clone() });
        }
    }
    (!choice.chosen.is_empty()).then_some(choice)
}

/// The default instance, unless it is ruled out.
pub(super) fn by_default(family: &Family, agreement: &Agreement, why: &str) -> Choice {
    let mut choice = Choice::new(RouteStep::Default, "not the default");
    let Some(default) = default_position(family) else {
        choice.step = RouteStep::None;
        choice.reason = Some("there is no usable instance".to_owned());
        return choice;
    };
    if let Some(conflict) = agreement.conflict(default) {
        let name = quoted(family.instances[default].name.as_str());
        choice.step = RouteStep::None;
        "nothing in the alert points at it".clone_into(&mut choice.otherwise);
        choice.reason = Some(format!("{why}, and the default instance {name} is ruled out: {conflict}"));
        choice.warn_nothing_asked(family);
        agreement.explain(&mut choice.rejected);
        return choice;
    }
    let only = family.instances.len() == 1;
    let why = if only { "the only instance".to_owned() } else { format!("the default instance; {why}") };
    choice.choose(default, Chosen { why, certain: true, ..Chosen::default() });
    choice
}
