//! Steps that the `refine` hooks of several providers share.
//!
//! Each takes the instance in the making and normalises, warns or rejects. None names a provider.

use opensre_model::provider::Draft;
use opensre_model::secret::{Secret, SecretValue};
use opensre_model::value::Value;
use serde_json::{Map, Value as Json};
use url::{Host, Url};

/// Two ways to authenticate at once: the token (or key) is used, user name and password are dropped, with a warning.
pub(crate) fn prefer_token(draft: &mut Draft, token: &'static str) {
    if draft.config.has(token) && (draft.config.has("username") || draft.config.has("password")) {
        draft.warnings.push((
            Some(token),
            format!("both {token} and username or password are set; {token} is used, the others are ignored"),
        ));
        draft.config.unset("username");
        draft.config.unset("password");
    }
}

/// The hook of providers whose only oddity is `bearer_token` beside user name and password.
pub(crate) fn prefer_bearer_token(draft: &mut Draft) {
    prefer_token(draft, "bearer_token");
}

/// The hook of providers whose only oddity is `api_key` beside user name and password.
pub(crate) fn prefer_api_key(draft: &mut Draft) {
    prefer_token(draft, "api_key");
}

/// Removes a leading `Bearer ` (any case) that was copied along with a token. A reference is left as it is.
pub(crate) fn strip_bearer(draft: &mut Draft, token: &'static str) {
    if let Some(Value::Secret(SecretValue::Plain(secret))) = draft.config.get(token)
        && let Some(bare) = after_bearer(secret.expose())
    {
        let bare = SecretValue::Plain(Secret::new(bare));
        draft.config.set(token, Value::Secret(bare));
    }
}

/// What follows a leading `Bearer ` (any case), if there is one. The word alone is an empty token.
pub(crate) fn after_bearer(token: &str) -> Option<&str> {
    let (word, rest) = token.split_at_checked("Bearer".len())?;
    let is_prefix = word.eq_ignore_ascii_case("Bearer") && (rest.is_empty() || rest.starts_with(char::is_whitespace));
    is_prefix.then(|| rest.trim())
}

/// Brings a text field that holds one of a few words to the spelling of `words`; another word is replaced by the
/// first of them, with a warning.
pub(crate) fn one_of(draft: &mut Draft, field: &'static str, words: &'static [&'static str]) {
    let (Some(written), [first, ..]) = (draft.config.text(field), words) else { return };
    let word = words.iter().find(|word| word.eq_ignore_ascii_case(written)).unwrap_or_else(|| {
        let reason = format!("not one of {}; {first} is used", words.join(", "));
        draft.warnings.push((Some(field), reason));
        first
    });
    draft.config.set(field, Value::Text((*word).to_owned()));
}

/// Rejects the instance; the first reason stands.
pub(crate) fn reject(draft: &mut Draft, field: &'static str, reason: impl Into<String>) {
    draft.rejection.get_or_insert_with(|| (Some(field), reason.into()));
}

/// Whether a parsed URL's host is this machine and nothing else: `localhost`, 127.0.0.0/8 or `::1`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The hook of providers that follow `logcli`: one way to authenticate, and `tls_skip_verify` read into `verify_ssl`,
/// so that only one field says whether certificates are verified.
pub(crate) fn like_logcli(draft: &mut Draft) {
    prefer_bearer_token(draft);
    if draft.config.boolean("tls_skip_verify") == Some(true) {
        draft.config.set("verify_ssl", Value::Boolean(false));
    }
}

/// In a flat config, makes a text that is not set null: some fields of the Python product are so.
pub(crate) fn null_when_empty(config: &mut Map<String, Json>, field: &str) {
    if let Some(value) = config.get_mut(field)
        && value.as_str() == Some("")
    {
        *value = Json::Null;
    }
}
