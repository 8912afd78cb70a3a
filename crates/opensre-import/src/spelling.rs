//! How other tools spell "the value of a variable", and HTTP's `Authorization`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opensre_model::provider::EnvironmentMap;

use crate::proposal::{Given, Proposal};

/// A value in a foreign file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Written {
    /// Itself.
    Text(String),
    /// The value of a variable.
    Variable(String),
    /// Asked for when the tool runs, or put together from several parts.
    Elsewhere,
}

/// HolmesGPT: `{{ env.NAME }}` ("Environment variable substitution").
pub(crate) fn holmes(text: &str) -> Written {
    let text = text.trim();
    if !text.contains("{{") {
        return Written::Text(text.to_owned());
    }
    let name = text
        .strip_prefix("{{")
        .and_then(|rest| rest.strip_suffix("}}"))
        .and_then(|inner| inner.trim().strip_prefix("env."))
        .map(str::trim);
    match name {
        Some(name) if is_variable(name) => Written::Variable(name.to_owned()),
        _ => Written::Elsewhere,
    }
}

/// MCP hosts: `${NAME}`, `${NAME:-default}` (Claude Code), `${env:NAME}`, `${input:id}` (VS Code).
pub(crate) fn mcp(text: &str) -> Written {
    let text = text.trim();
    if !text.contains("${") {
        return Written::Text(text.to_owned());
    }
    let Some(inner) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return Written::Elsewhere;
    };
    let name = inner.strip_prefix("env:").unwrap_or(inner);
    let name = name.split_once(":-").map_or(name, |(name, _)| name).trim();
    if is_variable(name) { Written::Variable(name.to_owned()) } else { Written::Elsewhere }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|character: char| character.is_ascii_digit())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

impl Written {
    /// As a secret: a variable stays a reference to itself.
    pub(crate) fn secret(self) -> Option<Given> {
        match self {
            Self::Text(text) => Given::literal(&text),
            Self::Variable(name) => Some(Given::variable(&name)),
            Self::Elsewhere => Some(Given::Withheld("the other tool puts it together or asks for it when it runs")),
        }
    }

    /// As a value that is no secret: that of the variable in this shell.
    pub(crate) fn plain(self, environment: &EnvironmentMap) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Variable(name) => environment
                .get(&name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
                .ok_or_else(|| format!("refers to the variable {name}, which is not set here")),
            Self::Elsewhere => Err("is put together or asked for when the other tool runs".to_owned()),
        }
    }
}

/// Where a provider keeps what an `Authorization` header says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AuthorizationFields {
    pub(crate) bearer: Option<&'static str>,
    pub(crate) basic: Option<(&'static str, &'static str)>,
}

/// Reads an `Authorization` header into a proposal's fields. `read` knows how the tool spells variables.
pub(crate) fn authorization(
    proposal: &mut Proposal,
    value: &str,
    fields: AuthorizationFields,
    read: fn(&str) -> Written,
) {
    let value = value.trim();
    let (scheme, rest) = value.split_once(char::is_whitespace).unwrap_or(("", value));
    let rest = rest.trim();
    match (scheme.to_ascii_lowercase().as_str(), fields) {
        ("bearer" | "token", AuthorizationFields { bearer: Some(key), .. }) => {
            proposal.secret(key, read(rest).secret());
        }
        ("basic", AuthorizationFields { basic: Some((username, password)), .. }) => {
            let pair = match read(rest) {
                Written::Text(text) => {
                    STANDARD.decode(text.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok())
                }
                Written::Variable(_) | Written::Elsewhere => None,
            };
            if let Some((user, secret)) = pair.as_deref().and_then(|pair| pair.split_once(':')) {
                proposal.text(username, Some(user.to_owned()));
                proposal.secret(password, Given::literal(secret));
            } else {
                let why = "user and password stand together in a Basic header, elsewhere";
                proposal.secret(password, Some(Given::Withheld(why)));
                proposal.note(format!("set `{username}` too: user and password stand together in one header"));
            }
        }
        ("", AuthorizationFields { bearer: Some(key), .. }) => {
            // A whole header from one variable: `Bearer ` may or may not be part of it.
            proposal.secret(key, read(rest).secret());
        }
        _ => proposal.note("its Authorization header is of a kind that this provider has no field for"),
    }
}
