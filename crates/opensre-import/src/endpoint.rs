//! What a URL must not carry into a store, and what its host says.

use url::Url;

/// A URL without user name and password, and those.
pub(crate) struct Parts {
    pub(crate) bare: String,
    pub(crate) username: String,
    pub(crate) password: String,
}

/// Takes a URL apart when it carries user information.
pub(crate) fn userinfo(text: &str) -> Option<Parts> {
    let mut url = Url::parse(text.trim()).ok()?;
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let username = decoded(url.username());
    let password = decoded(url.password().unwrap_or_default());
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(Parts { bare: url.as_str().trim_end_matches('/').to_owned(), username, password })
}

/// The host of a URL, lower case.
pub(crate) fn host(text: &str) -> Option<String> {
    Url::parse(text.trim()).ok()?.host_str().map(str::to_lowercase)
}

/// Whether a URL means the machine that asks.
pub(crate) fn is_local(text: &str) -> bool {
    host(text).is_some_and(|host| {
        matches!(host.as_str(), "localhost" | "0.0.0.0" | "[::1]")
            || host.starts_with("127.")
            || host.ends_with(".localhost")
    })
}

fn decoded(text: &str) -> String {
    // A query of one pair is decoded by the same crate, but for `+`, which is itself here.
    let pair = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
