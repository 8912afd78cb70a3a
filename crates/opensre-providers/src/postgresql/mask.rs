//! SQL text without the values in it: what a session runs is evidence, what it looks for may be a person's data.

/// A statement with `?` for every literal, without comments, in one line of at most `most` characters.
///
/// Strings of every form (PostgreSQL documentation, "Lexical Structure"): `'..'` with doubled quotes, `E'..'` with
/// backslashes, dollar-quoted; also one that the server cut in the middle. Whether a backslash escapes in a plain
/// string depends on `standard_conforming_strings`: where that decides which quote ends it, everything behind is
/// masked.
pub fn mask(sql: &str, most: usize) -> String {
    let characters: Vec<char> = sql.chars().collect();
    let mut masked = String::with_capacity(sql.len().min(most * 4));
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        let next = characters.get(at + 1).copied();
        let in_word = masked.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$');
        match character {
            '\'' => {
                let escapes = escapes(&masked);
                at = after_string(&characters, at + 1, escapes);
                // The letter of E'..', B'..', X'..', N'..' stays; it tells nothing.
                masked.push('?');
            }
            '"' => {
                let end = after_identifier(&characters, at + 1);
                masked.extend(&characters[at..end]);
                at = end;
            }
            '$' if !in_word => {
                if let Some(end) = after_dollar(&characters, at) {
                    masked.push('?');
                    at = end;
                } else {
                    let parameter = 1 + characters[at + 1..].iter().take_while(|c| c.is_ascii_digit()).count();
                    masked.extend(&characters[at..at + parameter]);
                    at += parameter;
                }
            }
            '-' if next == Some('-') => {
                at += characters[at..].iter().take_while(|c| **c != '\n').count();
                masked.push(' ');
            }
            '/' if next == Some('*') => {
                at = after_comment(&characters, at + 2);
                masked.push(' ');
            }
            digit if digit.is_ascii_digit() && !in_word => {
                let number = |c: &&char| c.is_ascii_alphanumeric() || matches!(**c, '.' | '_');
                at += characters[at..].iter().take_while(number).count();
                masked.push('?');
            }
            space if space.is_whitespace() || space.is_control() => {
                masked.push(' ');
                at += 1;
            }
            other => {
                masked.push(other);
                at += 1;
            }
        }
    }
    shorten(&masked.split_whitespace().collect::<Vec<_>>().join(" "), most)
}

/// At most so many characters, the last an ellipsis where some are missing.
pub fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Whether what is in front of a quote makes the string one with escapes: an E of its own.
fn escapes(before: &str) -> bool {
    let mut back = before.chars().rev();
    matches!(back.next(), Some('e' | 'E')) && !back.next().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

fn after_string(characters: &[char], mut at: usize, escapes: bool) -> usize {
    while let Some(character) = characters.get(at) {
        if *character == '\\' {
            let run = characters[at..].iter().take_while(|c| **c == '\\').count();
            at += run;
            if run % 2 == 1 && characters.get(at) == Some(&'\'') {
                if !escapes {
                    return characters.len();
                }
                at += 1;
            }
        } else if *character != '\'' {
            at += 1;
        } else if characters.get(at + 1) == Some(&'\'') {
            at += 2;
        } else {
            return at + 1;
        }
    }
    characters.len()
}

fn after_identifier(characters: &[char], mut at: usize) -> usize {
    while let Some(character) = characters.get(at) {
        at += 1;
        if *character == '"' {
            return at;
        }
    }
    characters.len()
}

/// Behind `$tag$..$tag$`, if that is what begins here.
fn after_dollar(characters: &[char], start: usize) -> Option<usize> {
    let tag = characters[start + 1..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
    let digit = characters.get(start + 1).is_some_and(char::is_ascii_digit);
    if digit || characters.get(start + 1 + tag) != Some(&'$') {
        return None;
    }
    let quote = &characters[start..=start + 1 + tag];
    let body = start + quote.len();
    let length = characters[body..].windows(quote.len()).position(|window| window == quote);
    Some(length.map_or(characters.len(), |length| body + length + quote.len()))
}

fn after_comment(characters: &[char], mut at: usize) -> usize {
    let mut depth = 1;
    while depth > 0 {
        match (characters.get(at), characters.get(at + 1)) {
            (Some('*'), Some('/')) => {
                depth -= 1;
                at += 2;
            }
            (Some('/'), Some('*')) => {
                depth += 1;
                at += 2;
            }
            (Some(_), _) => at += 1,
            (None, _) => return characters.len(),
        }
    }
    at
}
