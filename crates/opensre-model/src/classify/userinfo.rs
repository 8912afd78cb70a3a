//! User names and passwords inside URLs.
//!
//! A URL is no secret: it is shown, linked to and compared. So what it carries before its `@` moves to the fields
//! that are made for it, or is dropped where there are none.

use url::Url;

use super::Classifier;
use crate::fields;
use crate::provider::FieldKind;
use crate::secret::{Secret, SecretValue};
use crate::value::{Config, Value};

/// The fields of HTTP Basic authentication, spelt alike by all providers that take it.
const USERNAME: &str = "username";
const PASSWORD: &str = "password";

impl Classifier<'_> {
    /// Takes user name and password out of every URL field.
    pub(super) fn lift_userinfo(&mut self, config: &mut Config) {
        for field in self.spec.fields.iter().filter(|field| matches!(field.kind, FieldKind::Url { .. })) {
            let Some((bare, username, password)) = config.text(field.key).and_then(split) else { continue };
            config.set(field.key, Value::Text(bare));
            let reason = if self.adopt(config, username, password) {
                "carries a user name or password; they are read as `username` and `password`"
            } else {
                "carries a user name or password, which are not used"
            };
            let hint = "write credentials into their own fields; a URL is shown and linked to";
            self.warn(Some(field.key), reason.to_owned(), Some(hint.to_owned()));
        }
    }

    /// Sets the fields of Basic authentication, unless the provider has none or they are written already.
    fn adopt(&self, config: &mut Config, username: String, password: String) -> bool {
        let is_free = |key: &str, secret: bool| {
            self.spec.field(key).is_some_and(|field| {
                let unset = !config.has(key) || config.get(key) == fields::default(field).as_ref();
                unset && field.secret == secret && matches!(field.kind, FieldKind::Text { .. })
            })
        };
        if !is_free(USERNAME, false) || !is_free(PASSWORD, true) {
            return false;
        }
        if !username.is_empty() {
            config.set(USERNAME, Value::Text(username));
        }
        if !password.is_empty() {
            config.set(PASSWORD, Value::Secret(SecretValue::Plain(Secret::new(password))));
        }
        true
    }
}

/// A URL without its user information, and that: user name and password, percent-decoded. `None` when it has none.
fn split(text: &str) -> Option<(String, String, String)> {
    let mut url = Url::parse(text).ok()?;
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let username = percent_decoded(url.username());
    let password = percent_decoded(url.password().unwrap_or_default());
    // These fail only for URLs without a host, which a URL field never holds.
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some((url.as_str().trim_end_matches('/').to_owned(), username, password))
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while let Some(&byte) = bytes.get(position) {
        let hex = |offset: usize| bytes.get(position + offset).and_then(|&byte| char::from(byte).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (byte, hex(1), hex(2)) {
            decoded.push((high * 16 + low) as u8);
            position += 3;
        } else {
            decoded.push(byte);
            position += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
