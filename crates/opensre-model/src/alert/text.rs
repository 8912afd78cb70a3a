//! Plain text: what a person writes, and everything that is no JSON object.
//!
//! The words become the title and the text; nothing in them chooses an instance.

use super::lenient::shortened;
use super::reading::{Reading, state};

/// Reads a text: its first line is the title.
pub(super) fn read(text: &str, reading: &mut Reading) {
    if let Some(line) = text.lines().map(str::trim).find(|line| !line.is_empty()) {
        title(line, reading);
    }
    reading.prose(text);
}

/// Sets the title, and the state where the title begins with one: `[FIRING:2] ...`, `RESOLVED: ...`.
pub(super) fn title(line: &str, reading: &mut Reading) {
    reading.alert.title = shortened(line.trim(), 120);
    if let Some(state) = leading_state(line) {
        reading.alert.state = state;
    }
}

/// The state that a title begins with: in brackets (`[Triggered on {host:a}]`, `[FIRING:2]`), or before a colon.
pub(super) fn leading_state(title: &str) -> Option<super::AlertState> {
    let title = title.trim();
    let word = match title.strip_prefix('[') {
        Some(rest) => rest.split([']', ':', ',']).next()?.split(" on ").next()?,
        None => title.split_once(':')?.0,
    };
    state(word)
}
