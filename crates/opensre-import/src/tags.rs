//! Tags that names, ARNs and hosts suggest: environment, region, account, cluster.
//!
//! A guess is better missing than wrong, for tags choose instances: a name with two different environments or regions
//! says nothing about either.

use crate::proposal::{Proposal, Tag};

/// Words for environments, as they stand in names; the tag has the word as it is written.
const ENVIRONMENTS: &[&str] = &[
    "prod",
    "production",
    "prd",
    "staging",
    "stage",
    "stg",
    "dev",
    "development",
    "test",
    "testing",
    "tst",
    "qa",
    "uat",
    "sandbox",
    "sbx",
    "preprod",
    "nonprod",
    "demo",
    "perf",
    "dr",
];

/// Words before `prod` that make it something else.
const NOT_QUITE: &[&str] = &["pre", "non", "not"];

/// Continents and the like, where no exact region is named.
const AREAS: &[&str] = &["eu", "us", "apac", "emea", "ap", "uk", "ca", "au"];

/// Words of the compass, as AWS and Google have them in region names.
const COMPASS: &[&str] =
    &["north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest"];

/// Areas as AWS and Google have them in region names.
const REGION_AREAS: &[&str] = &[
    "us",
    "eu",
    "ap",
    "sa",
    "ca",
    "me",
    "af",
    "il",
    "mx",
    "cn",
    "europe",
    "asia",
    "australia",
    "northamerica",
    "southamerica",
    "africa",
];

/// Azure's regions, whose names are one word ("Azure regions list").
const AZURE: &[&str] = &[
    "australiaeast",
    "australiasoutheast",
    "brazilsouth",
    "canadacentral",
    "canadaeast",
    "centralindia",
    "centralus",
    "eastasia",
    "eastus",
    "eastus2",
    "francecentral",
    "germanywestcentral",
    "israelcentral",
    "italynorth",
    "japaneast",
    "japanwest",
    "koreacentral",
    "mexicocentral",
    "northcentralus",
    "northeurope",
    "norwayeast",
    "polandcentral",
    "qatarcentral",
    "southafricanorth",
    "southcentralus",
    "southeastasia",
    "southindia",
    "spaincentral",
    "swedencentral",
    "switzerlandnorth",
    "uaenorth",
    "uksouth",
    "ukwest",
    "westcentralus",
    "westeurope",
    "westindia",
    "westus",
    "westus2",
    "westus3",
];

/// Adds what a text suggests, unless the tags are there already. `from` is what the text is: ``the name `prod-eu` ``.
pub fn infer(proposal: &mut Proposal, text: &str, from: &str) {
    let words = words(text);
    if let Some(environment) = environment(&words) {
        proposal.infer("env", environment, from);
    }
    if let Some(region) = region(&words) {
        infer_one_region(proposal, &region, from);
    }
    if let Some(account) = account(&words) {
        proposal.infer("account", account, from);
    }
}

/// Adds the region that a text names, and nothing else: for hosts, where `test` and `dev` may be anything.
pub fn infer_region(proposal: &mut Proposal, text: &str, from: &str) {
    if let Some(region) = exact_region(&words(text)) {
        infer_one_region(proposal, &region, from);
    }
}

/// Adds a region; a more exact one takes the place of its area, as `eu-west-1` does of `eu`.
fn infer_one_region(proposal: &mut Proposal, region: &str, from: &str) {
    let is_area_of = |tag: &Tag| {
        let area = tag.value.as_str().unwrap_or_default();
        tag.key == "region"
            && tag.inferred_from.is_some()
            && AREAS.contains(&area)
            && region.strip_prefix(area).is_some_and(|rest| rest.starts_with('-') || rest.starts_with("rope"))
    };
    proposal.tags.retain(|tag| !is_area_of(tag));
    proposal.infer("region", region, from);
}

/// What an ARN says: region, account, and the name of its resource.
pub fn arn(text: &str) -> Option<(&str, &str, &str)> {
    let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
    let (_, _, region, account, resource) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some((region, account, resource))
}

fn words(text: &str) -> Vec<String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// The one environment that the words name.
fn environment(words: &[String]) -> Option<&'static str> {
    let mut found: Option<&'static str> = None;
    for (position, word) in words.iter().enumerate() {
        let bare = word.trim_end_matches(|character: char| character.is_ascii_digit());
        let Some(known) = ENVIRONMENTS.iter().find(|known| **known == bare) else { continue };
        let before = position.checked_sub(1).and_then(|before| words.get(before)).map(String::as_str);
        let known = match before {
            Some("pre") if known.starts_with("prod") => "preprod",
            Some(word) if NOT_QUITE.contains(&word) && known.starts_with("prod") => "nonprod",
            _ => known,
        };
        if found.is_some_and(|found| found != known) {
            return None;
        }
        found = Some(known);
    }
    found
}

/// The one region that the words name, the more exact the better.
fn region(words: &[String]) -> Option<String> {
    if let Some(region) = exact_region(words) {
        return Some(region);
    }
    let mut areas = words.iter().filter(|word| AREAS.contains(&word.as_str()));
    let first = areas.next()?;
    areas.all(|other| other == first).then(|| first.clone())
}

fn exact_region(words: &[String]) -> Option<String> {
    let mut found: Option<String> = None;
    for position in 0..words.len() {
        let Some(region) = region_at(words, position) else { continue };
        if found.as_ref().is_some_and(|found| *found != region) {
            return None;
        }
        found = Some(region);
    }
    found
}

/// A region that begins at a word: `eu-west-1`, `us-gov-east-1` (AWS), `europe-west1` (Google), `westeurope` (Azure).
fn region_at(words: &[String], position: usize) -> Option<String> {
    let word = |offset: usize| words.get(position + offset).map(String::as_str);
    let first = word(0)?;
    if AZURE.contains(&first) {
        return Some(first.to_owned());
    }
    // Google's `us-west1` must not be found in the middle of `x-us-west-1`, nor `us` in `us-gov`.
    if !REGION_AREAS.contains(&first) {
        return None;
    }
    let second = word(1)?;
    let is_number =
        |text: &str| text.len() <= 2 && !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if second == "gov" {
        let (compass, number) = (word(2)?, word(3)?);
        return (COMPASS.contains(&compass) && is_number(number)).then(|| format!("{first}-gov-{compass}-{number}"));
    }
    if COMPASS.contains(&second) {
        let number = word(2)?;
        return is_number(number).then(|| format!("{first}-{second}-{number}"));
    }
    let compass = second.trim_end_matches(|character: char| character.is_ascii_digit());
    (compass.len() < second.len() && COMPASS.contains(&compass)).then(|| format!("{first}-{second}"))
}

/// The one number of twelve digits, which is how AWS counts its accounts.
fn account(words: &[String]) -> Option<&str> {
    let mut found = words.iter().filter(|word| word.len() == 12 && word.bytes().all(|digit| digit.is_ascii_digit()));
    let first = found.next()?;
    found.all(|other| other == first).then_some(first.as_str())
}

#[cfg(test)]
mod tests {
    use super::{account, environment, region, words};

    #[test]
    fn names_say_what_they_say() {
        let of = |text: &str| {
            let words = words(text);
            (environment(&words), region(&words))
        };
        let region = |text: &str| Some(text.to_owned());
        assert_eq!(of("prod-eu"), (Some("prod"), region("eu")));
        assert_eq!(of("Payments_Production.eu-west-1"), (Some("production"), region("eu-west-1")));
        assert_eq!(of("gke_acme_europe-west1-b_stg"), (Some("stg"), region("europe-west1")));
        assert_eq!(of("aks-westeurope-dev2"), (Some("dev"), region("westeurope")));
        assert_eq!(of("pre-prod us-gov-east-1"), (Some("preprod"), region("us-gov-east-1")));
        assert_eq!(of("non-production"), (Some("nonprod"), None));
        assert_eq!(of("prod-to-dev eu-us"), (None, None), "two of a kind say nothing");
        assert_eq!(of("minikube"), (None, None));
        assert_eq!(account(&words("sso-123456789012-admin")), Some("123456789012"));
    }
}
