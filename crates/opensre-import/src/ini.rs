//! The INI dialect of `~/.aws/config` and `~/.aws/credentials`.
//!
//! Facts from the vendor's page "Configuration and credential file settings in the AWS CLI": sections in brackets,
//! `name = value` lines, `#` and `;` comments, indented lines that belong to the setting above them.

/// One section, with where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    /// What stands between the brackets, trimmed.
    pub(crate) name: String,
    /// Its first line, from 1.
    pub(crate) line: usize,
    settings: Vec<(String, String)>,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ini {
    pub(crate) sections: Vec<Section>,
    /// Lines, from 1, that are neither section, setting nor comment.
    pub(crate) odd_lines: Vec<usize>,
}

impl Section {
    /// A setting that is not empty, whatever the letter case of its name. Of several the last counts.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.settings
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

/// Reads a file. Whatever is odd costs its own line only.
pub(crate) fn parse(text: &str) -> Ini {
    let mut ini = Ini::default();
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let number = index + 1;
        // An indented line belongs to a nested setting (`s3 =`), of which none matters here.
        if line.trim().is_empty() || line.starts_with([' ', '\t', '#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            match rest.split_once(']') {
                Some((name, _)) if !name.trim().is_empty() => {
                    let name = name.trim().to_owned();
                    ini.sections.push(Section { name, line: number, settings: Vec::new() });
                }
                _ => ini.odd_lines.push(number),
            }
        } else {
            match (ini.sections.last_mut(), line.split_once('=')) {
                (Some(section), Some((name, value))) => {
                    let value = value.split(" #").next().unwrap_or_default().split(" ;").next().unwrap_or_default();
                    section.settings.push((name.trim().to_lowercase(), value.trim().to_owned()));
                }
                _ => ini.odd_lines.push(number),
            }
        }
    }
    ini
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_what_the_vendor_writes_and_counts_the_rest() {
        let text =
            "# c\n[profile a]\nregion = eu-west-1 # where\ns3 =\n  max = 1\n[broken\nnonsense\nREGION=\n[b]\nx = y=z\n";
        let ini = parse(text);
        let names: Vec<(&str, usize)> =
            ini.sections.iter().map(|section| (section.name.as_str(), section.line)).collect();
        assert_eq!(names, [("profile a", 2), ("b", 9)]);
        assert_eq!(ini.odd_lines, [6, 7]);
        assert_eq!(ini.sections[0].get("region"), None, "the last one counts, and it is empty");
        assert_eq!(ini.sections[1].get("x"), Some("y=z"));
    }
}
