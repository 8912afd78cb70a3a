//! The few elements of Markdown that the reference needs.

/// Text as code: `` `text` ``.
pub(super) fn code(text: &str) -> String {
    format!("`{text}`")
}

/// Several texts as code, with commas between.
pub(super) fn codes(texts: &[&str]) -> String {
    texts.iter().map(|text| code(text)).collect::<Vec<_>>().join(", ")
}

/// A fenced block.
pub(super) fn fence(language: &str, text: &str) -> String {
    format!("```{language}\n{}\n```\n", text.trim_end())
}

/// A table. Cells keep to one line, and their bars do not end them.
pub(super) fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut table = line(columns.iter().map(|column| (*column).to_owned()).collect());
    table.push_str(&line(vec!["---".to_owned(); columns.len()]));
    for row in rows {
        table.push_str(&line(row.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect()));
    }
    table
}
