//! The JSON form and its schema.

use opensre_model::report::Report;

/// The report as indented JSON with a final newline.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}

/// The published JSON Schema (draft 2020-12) of the JSON form.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}
