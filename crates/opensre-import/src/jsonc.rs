//! JSON as editors write it: with comments and trailing commas.

use serde_json::Value as Json;

use crate::Malformed;

/// Reads JSON with `//` and `/* */` comments and trailing commas, which VS Code and others allow in their files.
pub(crate) fn parse(text: &str) -> Result<Json, Malformed> {
    serde_json::from_str(&plain(text)).map_err(|error| {
        // Position only: the parser's own message may repeat what is written there.
        Malformed::new("it is not valid JSON").at(error.line(), error.column())
    })
}

/// The text with comments and trailing commas blanked, so that every position stays what it was.
fn plain(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut comma: Option<usize> = None;
    let mut in_text = false;
    while let Some(character) = characters.next() {
        if in_text {
            out.push(character);
            if character == '\\' {
                out.extend(characters.next());
            } else if character == '"' {
                in_text = false;
            }
            continue;
        }
        match (character, characters.peek()) {
            ('/', Some('/')) => {
                out.push(' ');
                while let Some(next) = characters.peek().copied().filter(|next| *next != '\n') {
                    characters.next();
                    blank(&mut out, next);
                }
            }
            ('/', Some('*')) => {
                out.push(' ');
                let mut last = ' ';
                characters.next();
                out.push(' ');
                for next in characters.by_ref() {
                    blank(&mut out, next);
                    if last == '*' && next == '/' {
                        break;
                    }
                    last = next;
                }
            }
            _ => {
                match character {
                    '"' => in_text = true,
                    ']' | '}' => {
                        if let Some(position) = comma {
                            out.replace_range(position..=position, " ");
                        }
                    }
                    _ => {}
                }
                if !character.is_whitespace() {
                    comma = (character == ',').then_some(out.len());
                }
                out.push(character);
            }
        }
    }
    out
}

/// A character of a comment: its line break, or as many blanks as it is bytes long.
fn blank(out: &mut String, character: char) {
    if character == '\n' {
        out.push('\n');
    } else {
        out.extend(std::iter::repeat_n(' ', character.len_utf8()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn comments_and_trailing_commas_are_passed_over() {
        let text = "\u{feff}{ // a \"comment\"\n \"url\": \"https://x//y\", /* ü, */ \"list\": [1, 2, ], }";
        assert_eq!(parse(text).expect("good"), json!({"url": "https://x//y", "list": [1, 2]}));
    }

    #[test]
    fn an_error_keeps_its_position() {
        let error = parse("{\n  // hunter2\n  \"a\": hunter2\n}").expect_err("bad");
        assert_eq!((error.line, error.to_string().contains("hunter2")), (Some(3), false));
        assert!(parse("[1,,]").is_err() && parse("/*").is_err());
    }
}
