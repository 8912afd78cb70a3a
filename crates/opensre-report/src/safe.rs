//! Making foreign text harmless before a face prints it.

use std::borrow::Cow;

/// Whether a character could steer a terminal or hide text: control characters, and the Unicode characters that
/// change the direction of writing or take no room.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// One line without anything that could steer a terminal. Line breaks and tabs become spaces.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let spaced = text.chars().map(|character| if character.is_whitespace() { ' ' } else { character });
    Cow::Owned(spaced.filter(|character| !steers(*character)).collect())
}

/// One line that Markdown shows as it is.
pub(crate) fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in line(text).chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                safe.push('\\');
                safe.push(character);
            }
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            _ => safe.push(character),
        }
    }
    safe
}

/// Code for Markdown: fenced with one more backtick than the text holds in a row.
pub(crate) fn markdown_code(text: &str) -> String {
    let text = line(text);
    let mut longest = 0;
    let mut run = 0;
    for character in text.chars() {
        run = if character == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    // A table cell ends at a bare bar, even inside code.
    let text = text.replace('|', "\\|");
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A link target for Markdown; only http and https are linked.
pub(crate) fn markdown_link(label: &str, url: &str) -> String {
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return markdown(label);
    }
    let mut target = String::with_capacity(url.len());
    for character in line(url).chars() {
        match character {
            '(' => target.push_str("%28"),
            ')' => target.push_str("%29"),
            '<' => target.push_str("%3C"),
            '>' => target.push_str("%3E"),
            ' ' => target.push_str("%20"),
            '|' => target.push_str("%7C"),
            _ => target.push(character),
        }
    }
    format!("[{}]({target})", markdown(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_direction_marks_do_not_pass() {
        assert_eq!(line("a\u{1b}[31mred\u{202e}x\nb\tc"), "a[31mredx b c");
    }

    #[test]
    fn markup_is_shown_not_obeyed() {
        assert_eq!(markdown("<img src=x> [a](b) `c`"), "&lt;img src=x&gt; \\[a\\](b) \\`c\\`");
        assert_eq!(markdown_code("a `b` c"), "``a `b` c``");
        assert_eq!(markdown_link("x", "javascript:alert(1)"), "x");
        assert_eq!(markdown_link("x", "https://h/a?b=(c)"), "[x](https://h/a?b=%28c%29)");
    }
}
