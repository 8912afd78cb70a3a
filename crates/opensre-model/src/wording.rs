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

/// The known name that a written one most likely means, for the hint of a message about something that is wrong anyway:
/// a typing error away, else saying more or less of the same, else beginning like it. `None` when none is near.
///
/// ```
/// use opensre_model::selector::nearest;
///
/// assert_eq!(nearest("stagin", ["prod", "staging"]), Some("staging"));
/// assert_eq!(nearest("qa", ["prod", "staging"]), None);
/// ```
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.into_iter().collect();
    let all = || known.iter().copied();
    misspelt(written, all()).or_else(|| related(written, all())).or_else(|| begun_alike(written, all()))
}

/// The known name that a written one is a typing error of, or the same but for letter case and separators. Strict enough
/// to say that something is wrong at all.
pub(crate) fn misspelt<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = letters(written)?;
    known
        .into_iter()
        .filter_map(|candidate| {
            let candidate_letters = letters(candidate)?;
            let [length, candidate_length] = [wanted.chars().count(), candidate_letters.chars().count()];
            // One error in a short word, two in eight letters, three in twelve: beyond that it is another word.
            let shorter = length.min(candidate_length);
            let allowed = if shorter < SHORTEST { 0 } else { (shorter / 4).max(1) };
            if length.abs_diff(candidate_length) > allowed {
                // The distance is at least the difference in length: no need to measure it.
                return None;
            }
            let distance = strsim::damerau_levenshtein(&wanted, &candidate_letters);
            (length > 0 && distance <= allowed).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The fewest letters of a word that a typing error leaves to be recognised by.
const SHORTEST: usize = 3;

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

/// The known name that begins like a written one for more than half of the shorter: `stage` and `staging`.
fn begun_alike<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = letters(written)?;
    let alike = |candidate: &&str| {
        let candidate = letters(candidate)?;
        let alike = candidate.chars().zip(wanted.chars()).take_while(|(left, right)| left == right).count();
        let shorter = candidate.chars().count().min(wanted.chars().count());
        (alike >= SHORTEST && alike * 2 > shorter).then_some(alike)
    };
    known
        .into_iter()
        .filter_map(|name| Some((alike(&name)?, name)))
        .max_by_key(|(alike, _)| *alike)
        .map(|(_, name)| name)
}

/// A name's letters and digits in lower case; `None` for what is too long to be a name.
fn letters(name: &str) -> Option<String> {
    let is_name = name.chars().nth(LONGEST_NAME).is_none();
    let letters = name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase);
    is_name.then(|| letters.collect())
}
