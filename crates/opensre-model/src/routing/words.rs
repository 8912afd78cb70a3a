//! Words for reasons and warnings. What an alert or a person wrote ends up on a terminal: it is cut to a sane length and
//! loses its control characters.

/// The longest text that a message repeats, in characters.
const LONGEST: usize = 80;

/// A text in single quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", plain(text))
}

/// A text without quotes.
pub(super) fn plain(text: &str) -> String {
    shortened(text, LONGEST)
}

/// A text without quotes, cut to so many characters.
pub(super) fn shortened(text: &str, longest: usize) -> String {
    let mut characters = text.chars();
    let mut shown: String =
        characters.by_ref().take(longest).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// `a`, `a and b`, `a, b and c`; of more than eight, the first eight and the number of the others.
pub(super) fn joined(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] if names.len() <= 8 => format!("{} and {last}", first.join(", ")),
        many => format!("{} and {} more", many[..8].join(", "), many.len() - 8),
    }
}
