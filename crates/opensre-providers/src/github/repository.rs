//! Repositories, and which of them an alert names. Pure.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use opensre_model::alert::{Alert, Labels};
use regex::Regex;

/// Labels and annotations that name a repository.
const NAMED: &[&str] = &[
    "repo",
    "repository",
    "repo_url",
    "repository_url",
    "github_repo",
    "github_repository",
    "git_repository",
    "git_repo",
    "source_repository",
    "vcs_repository",
    "vcs_repository_url_full",
    "git_repository_url",
];

/// Annotations whose links lead to help, not to the service's code.
const HELP: &[&str] = &["runbook", "playbook", "dashboard", "wiki", "docs", "documentation", "help"];

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    /// The host that it was named with, if it was.
    pub host: Option<String>,
    /// Its owner: a user or organisation.
    pub owner: String,
    /// Its name.
    pub name: String,
}

impl Repository {
    /// Reads `owner/name`, `host/owner/name`, or a URL (https, ssh or `git@host:owner/name`) with anything behind. `None`
    /// for everything else: only the characters that GitHub allows in such names get into a path.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let rest = ["https://", "http://", "ssh://", "git://", "git+https://", "git+ssh://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme));
        let (host, path) = match (rest, text.split_once(':')) {
            (Some(rest), _) => {
                let (authority, path) = rest.split_once('/')?;
                (Some(authority), path.to_owned())
            }
            (None, Some((authority, path))) if authority.contains('@') => (Some(authority), path.to_owned()),
            (None, _) => match text.split('/').collect::<Vec<_>>().as_slice() {
                [host, rest @ ..] if host.contains('.') && rest.len() >= 2 => (Some(*host), rest.join("/")),
                [owner, name] => (None, format!("{owner}/{name}")),
                _ => return None,
            },
        };
        let host = host.map(|host| host.rsplit('@').next().unwrap_or_default());
        let host = host.map(|host| host.split(':').next().unwrap_or_default().to_lowercase());
        let host = host.map(|host| host.strip_prefix("www.").map_or(host.clone(), str::to_owned));
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let mut parts = path.trim_start_matches('/').split('/');
        let (owner, name) = (parts.next()?, parts.next()?);
        let name = name.strip_suffix(".git").unwrap_or(name);
        let allowed = |part: &str, more: &[char]| {
            (1..=100).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(&c))
        };
        let is_dots = name.chars().all(|c| c == '.');
        if !allowed(owner, &['-', '_']) || !allowed(name, &['-', '_', '.']) || is_dots {
            return None;
        }
        if host.as_ref().is_some_and(String::is_empty) {
            return None;
        }
        Some(Self { host, owner: owner.to_owned(), name: name.to_owned() })
    }

    /// Whether both mean the same repository; GitHub ignores case.
    pub fn is(&self, other: &Self) -> bool {
        self.owner.eq_ignore_ascii_case(&other.owner) && self.name.eq_ignore_ascii_case(&other.name)
    }

    /// Whether it may be at a host: it names none, or this one.
    pub fn is_at(&self, host: &str) -> bool {
        self.host.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(host))
    }

    /// Whether its name is that of a service: the same, or with words around that tell no other thing (`checkout-service`).
    pub fn fits(&self, service: &str) -> bool {
        const GENERIC: &[&str] = &["service", "svc", "server", "app", "api", "backend", "prod", "production"];
        let words = |text: &str| -> Vec<String> {
            let lower = text.to_lowercase();
            let all: Vec<String> =
                lower.split(['-', '_', '.']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
            let telling: Vec<String> = all.iter().filter(|word| !GENERIC.contains(&word.as_str())).cloned().collect();
            if telling.is_empty() { all } else { telling }
        };
        let service = words(service);
        !service.is_empty() && words(&self.name) == service
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// The repositories that an alert names, as texts that [`Repository::parse`] reads or as bare names: the values of labels
/// and annotations made for it, and links in the other annotations.
pub fn named(alert: &Alert) -> Vec<String> {
    let mut found = Vec::new();
    let maps = || {
        let own = [&alert.labels, &alert.annotations].into_iter();
        own.chain(alert.items.iter().flat_map(|item| [&item.labels, &item.annotations]))
    };
    for map in maps() {
        found.extend(said(map));
    }
    for map in maps() {
        found.extend(linked(map));
    }
    let mut seen = BTreeSet::new();
    found.retain(|text| seen.insert(text.to_lowercase()));
    found
}

fn said(map: &Labels) -> Vec<String> {
    let key = |name: &str| name.to_lowercase().replace(['.', '-', '/'], "_");
    let values = map.iter().filter(|(name, _)| NAMED.contains(&key(name).as_str()));
    let bare = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    values
        .map(|(_, value)| value.trim())
        .filter(|value| Repository::parse(value).is_some() || bare(value))
        .map(str::to_owned)
        .collect()
}

/// Links to repositories: `https://host/owner/name...`. Which host is a GitHub's is the instance's to say.
fn linked(map: &Labels) -> Vec<String> {
    static LINK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"https?://[A-Za-z0-9.:-]+/[A-Za-z0-9_-]+/[A-Za-z0-9._-]*[A-Za-z0-9_-]").expect("a constant pattern")
    });
    map.iter()
        .filter(|(name, _)| !HELP.iter().any(|word| name.to_lowercase().contains(word)))
        .flat_map(|(_, value)| LINK.find_iter(value))
        .filter_map(|link| Repository::parse(link.as_str()))
        .filter_map(|found| Some(format!("{}/{found}", found.host.as_ref()?)))
        .collect()
}

/// A repository that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The repository.
    pub repository: Repository,
    /// The alert's service, where the repository is known to be that service's.
    pub service: Option<String>,
}

/// The repositories to ask, best first: those the alert names, then the configured ones of the alert's services;
/// without either all that are configured.
pub fn choose(named: &[String], services: &[String], configured: &[String], host: &str) -> Vec<Chosen> {
    let configured: Vec<Repository> =
        configured.iter().filter_map(|text| Repository::parse(text)).filter(|known| known.is_at(host)).collect();
    let only = match services {
        [service] => Some(service.clone()),
        _ => None,
    };
    let mut chosen: Vec<Chosen> = Vec::new();
    let mut add = |repository: &Repository, service: Option<String>| {
        if !chosen.iter().any(|known| known.repository.is(repository)) {
            chosen.push(Chosen { repository: repository.clone(), service });
        }
    };
    for text in named {
        match Repository::parse(text) {
            Some(repository) if repository.is_at(host) => add(&repository, only.clone()),
            Some(_) => {}
            None => {
                for known in configured.iter().filter(|known| known.name.eq_ignore_ascii_case(text)) {
                    add(known, only.clone());
                }
            }
        }
    }
    for service in services {
        for known in configured.iter().filter(|known| known.fits(service)) {
            add(known, Some(service.clone()));
        }
    }
    if chosen.is_empty() {
        chosen.extend(configured.into_iter().map(|repository| Chosen { repository, service: None }));
    }
    chosen
}
