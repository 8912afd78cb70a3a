//! Profiles of `~/.aws/config` and `~/.aws/credentials`, each as an instance.
//!
//! Facts from the vendor's pages "Configuration and credential file settings in the AWS CLI", "Using an IAM role in the
//! AWS CLI" and "Configuring IAM Identity Center authentication". An instance names its profile: keys, role chains,
//! SSO sessions and `credential_process` stay in the files and are read when the instance is used.

use std::collections::BTreeMap;

use serde_json::json;

use super::{File, place};
use crate::ini::{self, Section};
use crate::proposal::{Found, Given, Proposal};
use crate::tags;

const SERVICE: &str = "aws";

/// How many profiles are followed from one to the next; AWS' own tools stop at loops only.
const LONGEST_CHAIN: usize = 8;

/// A profile of both files.
#[derive(Default)]
struct Profile {
    config: Option<Section>,
    credentials: Option<Section>,
    line: Option<usize>,
}

struct Profiles {
    by_name: BTreeMap<String, Profile>,
    sessions: BTreeMap<String, Section>,
    order: Vec<String>,
}

/// Reads the two files; either may be missing. `copy_keys` takes long-lived keys out of them.
pub fn read(config: Option<File<'_>>, credentials: Option<File<'_>>, copy_keys: bool) -> Found {
    let mut found = Found::default();
    let mut all = Profiles { by_name: BTreeMap::new(), sessions: BTreeMap::new(), order: Vec::new() };
    if let Some(file) = config {
        let ini = ini::parse(file.text);
        odd_lines(&ini.odd_lines, &file, &mut found);
        for section in ini.sections {
            let kind = section.name.split_whitespace().next().unwrap_or_default();
            match named(&section.name, "profile").or((section.name == "default").then_some("default")) {
                Some(name) => all.add(name.to_owned(), section, |profile| &mut profile.config),
                None if kind == "sso-session" => {
                    let name = named(&section.name, "sso-session").unwrap_or_default().to_owned();
                    all.sessions.insert(name, section);
                }
                None if kind == "services" || kind == "plugins" => {}
                None => {
                    let hint = "in the config file a profile is written [profile NAME]";
                    found.skip(place("section", &section.name, Some(section.line)), "it is no profile", Some(hint));
                }
            }
        }
    }
    if let Some(file) = credentials {
        let ini = ini::parse(file.text);
        odd_lines(&ini.odd_lines, &file, &mut found);
        for section in ini.sections {
            all.add(section.name.clone(), section, |profile| &mut profile.credentials);
        }
    }
    for name in &all.order {
        match all.proposal(name, copy_keys) {
            Ok(proposal) => found.proposals.push(proposal),
            Err((reason, hint)) => {
                let line = all.by_name.get(name).and_then(|profile| profile.line);
                found.skip(place("profile", name, line), reason, hint);
            }
        }
    }
    found
}

fn odd_lines(lines: &[usize], file: &File<'_>, found: &mut Found) {
    for line in lines {
        found.skip(format!("line {line} of {}", file.path), "it is neither a section nor a setting", None);
    }
}

/// `x` of the section `profile x`, quoted or not.
fn named<'a>(section: &'a str, kind: &str) -> Option<&'a str> {
    let rest = section.strip_prefix(kind)?;
    let name = rest.trim().trim_matches(['"', '\'']);
    (rest.starts_with(char::is_whitespace) && !name.is_empty()).then_some(name)
}

impl Profiles {
    fn add(&mut self, name: String, section: Section, part: impl Fn(&mut Profile) -> &mut Option<Section>) {
        if !self.by_name.contains_key(&name) {
            // `default` is what the other tools use; so it comes first here too.
            let position = if name == "default" { 0 } else { self.order.len() };
            self.order.insert(position, name.clone());
        }
        let profile = self.by_name.entry(name).or_default();
        profile.line.get_or_insert(section.line);
        *part(profile) = Some(section);
    }

    /// A setting of a profile: that of the credentials file wins.
    fn setting(&self, name: &str, key: &str) -> Option<&str> {
        let profile = self.by_name.get(name)?;
        let credentials = profile.credentials.as_ref().and_then(|section| section.get(key));
        credentials.or_else(|| profile.config.as_ref().and_then(|section| section.get(key)))
    }

    fn proposal(&self, name: &str, copy_keys: bool) -> Result<Proposal, (String, Option<&'static str>)> {
        let setting = |key: &str| self.setting(name, key);
        let mut proposal = Proposal::new(SERVICE, name, format!("profile `{name}`"));
        proposal.identity = &["profile"];
        let region = self.region(name);
        proposal.text("region", region.map(str::to_owned));
        if let Some(region) = region {
            proposal.infer("region", region, "the profile's region");
        }

        let mut copied = false;
        if let (Some(id), Some(secret)) = (setting("aws_access_key_id"), setting("aws_secret_access_key")) {
            let lasting = setting("aws_session_token").is_none();
            if copy_keys && lasting {
                proposal
                    .secret("access_key_id", Given::literal(id))
                    .secret("secret_access_key", Given::literal(secret));
                copied = true;
            } else if lasting {
                proposal.note("its access keys stay in the file: the profile is named, the keys are not copied");
            } else {
                proposal.note("its keys are temporary: whoever renews the profile renews the instance with it");
            }
        } else if let Some(role) = setting("role_arn") {
            self.note_role(&mut proposal, name, role)?;
        } else if setting("credential_process").is_some() {
            proposal.note("its credentials come from its credential_process: run when it is used, not now");
        } else if setting("sso_session").is_some() || setting("sso_start_url").is_some() {
            self.note_sso(&mut proposal, name)?;
        } else {
            return Err((
                "it has nothing to get in with: no keys, role, SSO session or credential_process".to_owned(),
                None,
            ));
        }
        if !copied {
            proposal.text("profile", Some(name.to_owned()));
        }
        if let Some(account) = self.account(name, &mut proposal) {
            proposal.plain("account_id", json!(account));
        }
        tags::infer(&mut proposal, name, &format!("the name `{name}`"));
        Ok(proposal)
    }

    /// A profile's region, or that of the profile that it gets in with.
    fn region(&self, name: &str) -> Option<&str> {
        let mut name = name;
        for _ in 0..LONGEST_CHAIN {
            if let Some(region) = self.setting(name, "region") {
                return Some(region);
            }
            name = self.setting(name, "source_profile")?;
        }
        None
    }

    fn account(&self, name: &str, proposal: &mut Proposal) -> Option<String> {
        let is_account = |text: &&str| text.len() == 12 && text.bytes().all(|digit| digit.is_ascii_digit());
        let role = self.setting(name, "role_arn").and_then(tags::arn).map(|(_, account, _)| account);
        let (account, from) = match role.filter(is_account) {
            Some(account) => (account, "its role's ARN"),
            None => (self.setting(name, "sso_account_id").filter(is_account)?, "its SSO account"),
        };
        proposal.infer("account", account, from);
        Some(account.to_owned())
    }

    /// Says how a role is reached, and refuses a chain that has no beginning.
    fn note_role(&self, proposal: &mut Proposal, name: &str, role: &str) -> Result<(), (String, Option<&'static str>)> {
        let setting = |key: &str| self.setting(name, key);
        if setting("mfa_serial").is_some() {
            proposal
                .note("it asks for an MFA code, which nobody is there to type: use a role without, or temporary keys");
        }
        if setting("web_identity_token_file").is_some() {
            proposal.note(format!("it assumes {role} with a web identity token"));
            return Ok(());
        }
        if let Some(source) = setting("credential_source") {
            proposal.note(format!("it assumes {role} with the credentials of {source}"));
            return Ok(());
        }
        let mut chain = vec![name.to_owned()];
        while let Some(source) = chain.last().and_then(|last| self.setting(last, "source_profile")) {
            // A profile may name itself: its keys assume its role.
            if chain.last().is_some_and(|last| last == source) {
                break;
            }
            if chain.iter().any(|known| known == source) {
                return Err((format!("its source_profile goes round in a circle ({})", chain.join(" -> ")), None));
            }
            if !self.by_name.contains_key(source) {
                return Err((
                    format!("its source_profile `{source}` is in neither file"),
                    Some("`aws configure list-profiles` shows what there is"),
                ));
            }
            chain.push(source.to_owned());
            if chain.len() > LONGEST_CHAIN {
                return Err((format!("its source_profile goes on for more than {LONGEST_CHAIN} profiles"), None));
            }
        }
        if chain.len() == 1 && self.setting(name, "source_profile").is_none() {
            return Err((
                "it has a role_arn and nothing to assume it with".to_owned(),
                Some("add source_profile or credential_source to the profile"),
            ));
        }
        proposal.note(format!("it assumes {role} (profiles {})", chain.join(" -> ")));
        Ok(())
    }

    fn note_sso(&self, proposal: &mut Proposal, name: &str) -> Result<(), (String, Option<&'static str>)> {
        if let Some(session) = self.setting(name, "sso_session")
            && !self.sessions.contains_key(session)
        {
            return Err((
                format!("its sso_session `{session}` is not in the config file"),
                Some("add [sso-session NAME]"),
            ));
        }
        if self.setting(name, "sso_account_id").is_none() || self.setting(name, "sso_role_name").is_none() {
            return Err(("it signs in with SSO, but names no account and role".to_owned(), None));
        }
        proposal.note(format!("it signs in with SSO: run `aws sso login --profile {name}` before it is used"));
        Ok(())
    }
}
