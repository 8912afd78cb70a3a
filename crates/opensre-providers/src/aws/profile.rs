//! The shared configuration of the AWS tools: `~/.aws/config` and `~/.aws/credentials`, as text.
//!
//! "Configuration and credential file settings" (AWS CLI User Guide). Pure.

use std::collections::BTreeMap;

/// Settings by name, lower-cased.
pub type Section = BTreeMap<String, String>;

/// The profiles and SSO sessions of the two files.
#[derive(Clone, Default)]
pub struct Profiles {
    profiles: BTreeMap<String, Section>,
    sessions: BTreeMap<String, Section>,
}

impl Profiles {
    /// Reads the two files' texts. Where both have a setting of a profile, that of the credentials file counts.
    pub fn read(config: &str, credentials: &str) -> Self {
        let mut read = Self::default();
        for (name, section) in sections(config) {
            if let Some(session) = named(&name, "sso-session") {
                read.sessions.entry(session.to_owned()).or_default().extend(section);
            } else if let Some(profile) = named(&name, "profile").or((name == "default").then_some("default")) {
                read.profiles.entry(profile.to_owned()).or_default().extend(section);
            }
        }
        for (name, section) in sections(credentials) {
            read.profiles.entry(name).or_default().extend(section);
        }
        read
    }

    /// A profile's settings.
    pub fn profile(&self, name: &str) -> Option<&Section> {
        self.profiles.get(name)
    }

    /// An SSO session's settings.
    pub fn session(&self, name: &str) -> Option<&Section> {
        self.sessions.get(name)
    }

    /// The names of the profiles.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }
}

/// `x` of the section `profile x`, quoted or not.
fn named<'a>(section: &'a str, kind: &str) -> Option<&'a str> {
    let rest = section.strip_prefix(kind)?;
    rest.starts_with(char::is_whitespace).then(|| rest.trim().trim_matches(['"', '\'']))
}

fn sections(text: &str) -> Vec<(String, Section)> {
    let mut sections: Vec<(String, Section)> = Vec::new();
    for line in text.lines() {
        // An indented line belongs to a nested setting (`s3 =`), of which none matters here.
        if line.starts_with([' ', '\t']) || line.trim().is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.split(']').next().unwrap_or_default().trim();
            sections.push((name.to_owned(), Section::new()));
        } else if let (Some((_, section)), Some((name, value))) = (sections.last_mut(), line.split_once('=')) {
            let value = value.split(" #").next().unwrap_or_default().split(" ;").next().unwrap_or_default();
            section.insert(name.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    sections
}
