//! Words for messages: names as they may be shown, lists of things, and the nearest known name.

use std::fmt::Write as _;

/// The longest name that a message repeats.
const LONGEST_NAME: usize = 60;

/// A written name (a key, a tag, a service) without control characters and cut to a sane length: it comes from a file
/// or variable and ends up on a terminal.
pub(crate) fn plain(name: &str) -> String {
    let mut text = String::new();
    for (position, character) in name.chars().enumerate() {
        if position == LONGEST_NAME {
            text.push('…');
            break;
        }
        if character.is_control() {
            let _ = write!(text, "{}", character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

/// A written name, made plain, in backticks.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", plain(name))
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn joined(parts: &[String], last: &str) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// The known name that a written one probably meant: the same but for letter case and separators, or a typing error
/// away.
pub(crate) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = letters(written)?;
    known
        .into_iter()
        .filter_map(|candidate| {
            let candidate_letters = letters(candidate)?;
            let [length, candidate_length] = [wanted.chars().count(), candidate_letters.chars().count()];
            // One error in four letters, two in eight, three in twelve: beyond that it is another word.
            let allowed = length.min(candidate_length) / 4;
            if length.abs_diff(candidate_length) > allowed {
                // The distance is at least the difference in length: no need to measure it.
                return None;
            }
            let distance = strsim::damerau_levenshtein(&wanted, &candidate_letters);
            (distance <= allowed).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The known name that a written one says more or less of: `hostname` and `host`, `token` and `bearer_token`.
pub(crate) fn related<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = letters(written)?;
    known.into_iter().find(|candidate| {
        letters(candidate).is_some_and(|candidate| {
            let shorter = wanted.len().min(candidate.len());
            shorter >= 4 && (wanted.contains(&candidate) || candidate.contains(&wanted))
        })
    })
}

/// A name's letters and digits in lower case; `None` for what is too long to be a name.
fn letters(name: &str) -> Option<String> {
    let is_name = name.chars().nth(LONGEST_NAME).is_none();
    let letters = name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase);
    is_name.then(|| letters.collect())
}
