//! Names of instances and of variables.

use std::collections::HashMap;

use opensre_model::instance::InstanceName;

use crate::proposal::Proposal;

/// A written name as an instance's: lower case, and without what an address, a selector or a group name gives a
/// meaning to.
pub(crate) fn slug(written: &str) -> String {
    let mut name = String::new();
    for character in written.trim().chars() {
        let special = character.is_whitespace() || character.is_control() || "/,=!()'\"`\\".contains(character);
        if special && !name.ends_with('-') {
            name.push('-');
        } else if !special {
            name.extend(character.to_lowercase());
        }
    }
    InstanceName::new(name.trim_start_matches(['@', '-']).trim_end_matches('-')).to_string()
}

/// A name without words that say nothing about an instance: of the service `grafana`, `grafana-prod` is `prod`, and
/// `grafana` alone is blank.
pub(crate) fn without(name: &str, words: &[&str]) -> String {
    let kept: Vec<&str> = name
        .split(['-', '_', ' ', '.'])
        .filter(|word| !word.is_empty() && !words.iter().any(|known| word.eq_ignore_ascii_case(known)))
        .collect();
    kept.join("-")
}

/// Gives every proposal of a family its own name: the preferred one where nobody else wants it, else the full one, else
/// a number behind it. Depends on the proposals alone, so that the same source always gives the same names.
pub(crate) fn settle(proposals: &mut [Proposal], family: impl Fn(&str) -> String, prefix: &str) {
    let mut wanted: HashMap<(String, String), usize> = HashMap::new();
    for proposal in proposals.iter_mut() {
        if !prefix.is_empty() {
            proposal.name = slug(&format!("{prefix}{}", proposal.name));
            proposal.full_name = slug(&format!("{prefix}{}", proposal.full_name));
        }
        *wanted.entry((family(&proposal.service), proposal.name.clone())).or_default() += 1;
    }
    let mut taken: HashMap<(String, String), usize> = HashMap::new();
    for proposal in proposals.iter_mut() {
        let family = family(&proposal.service);
        if wanted.get(&(family.clone(), proposal.name.clone())).is_some_and(|number| *number > 1) {
            proposal.name.clone_from(&proposal.full_name);
        }
        let plain = proposal.name.clone();
        let mut number = 1;
        while taken.contains_key(&(family.clone(), proposal.name.clone())) {
            number += 1;
            proposal.name = format!("{plain}-{number}");
        }
        taken.insert((family, proposal.name.clone()), number);
    }
}

/// The variable that stands for a secret field of an instance: `OPENSRE_GRAFANA_PROD_API_KEY`.
pub fn variable_for(service: &str, name: &str, field: &str) -> String {
    let mut variable = "OPENSRE".to_owned();
    for part in [service, name, field] {
        variable.push('_');
        for character in part.chars() {
            let plain = character.to_ascii_uppercase();
            variable.push(if plain.is_ascii_alphanumeric() { plain } else { '_' });
        }
    }
    variable
}
