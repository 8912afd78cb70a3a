//! Small things that several commands print.

use comfy_table::{ContentArrangement, Table, presets};

/// `1 line`, `3 lines`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// A table without lines, whose columns never run together; wraps to `width` columns.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>, width: usize) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    table.set_header(header.iter().map(|name| name.to_uppercase()));
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)));
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A text in lines of at most so many columns, broken between words; what is longer than a line stays whole.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let indent: String = paragraph.chars().take_while(|character| *character == ' ').collect();
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let free = width.saturating_sub(line.chars().count() + 1);
            if !line.trim().is_empty() && word.chars().count() > free {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(if line.trim().is_empty() { &indent } else { " " });
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// Without characters that could steer a terminal: names and tags come from files and variables.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
