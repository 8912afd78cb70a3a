//! Where an instance lives, and how it is authenticated.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use opensre_model::secret::{REDACTED, Secret};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use url::Url;

use crate::failure::{FailureKind, HttpFailure};
use crate::sign::Signer;

/// How a call is authenticated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Auth {
    /// Not at all, or by [`Endpoint::header`].
    #[default]
    None,
    /// `Authorization: Bearer <token>`. A token that was stored with the word `Bearer` in front is accepted.
    Bearer(Secret),
    /// `Authorization: Basic <user:password>`.
    Basic {
        /// User name.
        user: String,
        /// Password; may be empty.
        password: Secret,
    },
}

/// How the server's certificate is checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tls {
    /// Whether it is checked at all. A `ca_bundle` wins: with one, the certificate is always checked.
    pub verify: bool,
    /// PEM file whose certificates are trusted instead of the system's.
    pub ca_bundle: Option<PathBuf>,
}

impl Default for Tls {
    fn default() -> Self {
        Self { verify: true, ca_bundle: None }
    }
}

/// Where an instance lives: base URL, credentials, TLS. Its `Debug` shows no secret.
#[derive(Clone)]
pub struct Endpoint {
    pub(crate) label: String,
    pub(crate) base: Url,
    pub(crate) tls: Tls,
    pub(crate) prepared: Option<Prepared>,
    pub(crate) proxy: Option<Url>,
    auth: Auth,
    headers: Vec<(String, Secret)>,
    pub(crate) signer: Option<Arc<dyn Signer>>,
    /// The path of the base, where it is the credential.
    secret_path: Option<Secret>,
}

/// A TLS configuration that was made elsewhere.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) config: rustls::ClientConfig,
    key: [u8; 32],
}

impl Endpoint {
    /// An endpoint. `label` is the instance's address (`grafana/prod`), under which its calls are counted; `base` an
    /// absolute http(s) URL, with the path prefix that all paths are put under.
    ///
    /// A user and password inside the URL become [`Auth::Basic`]; its query and fragment are dropped. The failure
    /// never repeats the URL, which may hold a password.
    pub fn new(label: impl Into<String>, base: &str) -> Result<Self, HttpFailure> {
        let label = label.into();
        let reject = |reason: &str| {
            HttpFailure::new(FailureKind::Configuration, &label, reason)
                .with_hint("give an absolute URL such as https://grafana.example.com/prefix")
        };
        let mut base = Url::parse(base.trim()).map_err(|error| reject(&format!("the URL cannot be used: {error}")))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(reject("the URL does not start with http:// or https://"));
        }
        if base.host_str().is_none_or(str::is_empty) {
            return Err(reject("the URL names no host"));
        }
        let auth = match (base.username(), base.password()) {
            ("", None) => Auth::None,
            (user, password) => {
                Auth::Basic { user: unescape(user), password: Secret::new(unescape(password.unwrap_or_default())) }
            }
        };
        // Cannot fail: the URL has a host.
        let _ = base.set_username("");
        let _ = base.set_password(None);
        base.set_query(None);
        base.set_fragment(None);
        Ok(Self {
            label,
            base,
            tls: Tls::default(),
            prepared: None,
            proxy: None,
            auth,
            headers: Vec::new(),
            signer: None,
            secret_path: None,
        })
    }

    /// Sets how calls are authenticated.
    #[must_use]
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Has every call signed.
    #[must_use]
    pub fn signed_by(mut self, signer: Arc<dyn Signer>) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Adds a header to every call. Its value is treated as a secret.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: Secret) -> Self {
        self.headers.push((name.into(), value));
        self
    }

    /// Says that the path of the base URL is the credential (an incoming webhook): no message, log or `Debug` shows it.
    #[must_use]
    pub fn secret_path(mut self) -> Self {
        self.secret_path = Some(Secret::new(self.base.path().trim_matches('/')));
        self
    }

    /// Sets how the server's certificate is checked.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Sets a TLS configuration that was made elsewhere, with a client certificate say; it replaces [`Endpoint::tls`].
    /// `key` tells it apart from others (two endpoints with the same key share connections); it may hold secrets, since
    /// only its hash is kept.
    #[must_use]
    pub fn prepared_tls(mut self, config: rustls::ClientConfig, key: impl AsRef<[u8]>) -> Self {
        self.prepared = Some(Prepared { config, key: Sha256::digest(key.as_ref()).into() });
        self
    }

    /// Sets the proxy of this endpoint, stronger than [`HttpOptions::proxies`](crate::HttpOptions); a loopback host is
    /// asked directly all the same.
    #[must_use]
    pub fn proxy(mut self, proxy: Url) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// The base URL; holds no credentials.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Host and, where it is not the scheme's own, port: what a person knows the server by.
    pub fn host(&self) -> String {
        host_and_port(&self.base)
    }

    /// The headers that every call carries, all marked as sensitive.
    pub(crate) fn header_map(&self) -> Result<HeaderMap, HttpFailure> {
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| {
                HttpFailure::new(FailureKind::Configuration, &self.label, "a configured header's name is not valid")
                    .with_hint("a header's name holds letters, digits and `-` only")
            })?;
            map.insert(name, self.header_value(value.expose().trim(), "a configured header")?);
        }
        match &self.auth {
            Auth::None => {}
            Auth::Bearer(token) => {
                let token = bare_token(token.expose());
                map.insert(AUTHORIZATION, self.header_value(&format!("Bearer {token}"), "the token")?);
            }
            Auth::Basic { user, password } => {
                map.insert(AUTHORIZATION, self.header_value(&basic(user, password), "the user name or password")?);
            }
        }
        Ok(map)
    }

    pub(crate) fn header_value(&self, text: &str, what: &str) -> Result<HeaderValue, HttpFailure> {
        let mut value = HeaderValue::from_str(text).map_err(|_| {
            HttpFailure::new(
                FailureKind::Configuration,
                &self.label,
                format!("{what} holds a character that no header can carry"),
            )
            .with_hint("look for a line break or another control character in the stored value")
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Every text that must not appear in a message: the secrets and the forms in which they travel.
    fn secrets(&self) -> Vec<String> {
        let mut secrets: Vec<String> = self.headers.iter().map(|(_, value)| value.expose().trim().to_owned()).collect();
        match &self.auth {
            Auth::None => {}
            Auth::Bearer(token) => secrets.push(bare_token(token.expose()).to_owned()),
            Auth::Basic { user, password } => {
                secrets.push(password.expose().to_owned());
                secrets.push(basic(user, password).trim_start_matches("Basic ").to_owned());
            }
        }
        let signed = self.signer.iter().flat_map(|signer| signer.secrets());
        secrets.extend(signed.map(|secret| secret.expose().to_owned()));
        if let Some(path) = &self.secret_path {
            secrets.push(path.expose().to_owned());
            // Of a longer path the last part is the key; it must not stand alone either.
            secrets.extend(path.expose().rsplit('/').next().map(str::to_owned));
        }
        // Longest first, so that a secret inside another leaves no remainder.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        // Replacing a secret of one to three characters would shred ordinary words and thereby reveal it.
        secrets.retain(|secret| secret.chars().count() >= 4);
        secrets
    }

    /// The text with every secret of this endpoint replaced.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.secrets().iter().fold(text.to_owned(), |text, secret| text.replace(secret, REDACTED))
    }

    /// Tells two endpoints apart without revealing either: base URL, credentials and TLS options.
    pub(crate) fn identity(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        let mut add = |part: &str| {
            digest.update(part.len().to_le_bytes());
            digest.update(part.as_bytes());
        };
        add(self.base.as_str());
        add(if self.tls.verify { "verify" } else { "trust" });
        add(&self.tls.ca_bundle.as_deref().map(|path| path.display().to_string()).unwrap_or_default());
        if let Some(prepared) = &self.prepared {
            add(&format!("prepared {:?}", prepared.key));
        }
        if let Some(proxy) = &self.proxy {
            add("proxy");
            add(proxy.as_str());
        }
        match &self.auth {
            Auth::None => add("none"),
            Auth::Bearer(token) => add(&format!("bearer {}", token.expose())),
            Auth::Basic { user, password } => add(&basic(user, password)),
        }
        for (name, value) in &self.headers {
            add(name);
            add(value.expose());
        }
        if let Some(signer) = &self.signer {
            add("signed");
            for secret in signer.secrets() {
                add(secret.expose());
            }
        }
        digest.finalize().into()
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("label", &self.label)
            .field("base", &self.redact(self.base.as_str()))
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// Host and, where it is not the scheme's own, port.
pub(crate) fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The token without a leading `Bearer `, which people copy along.
fn bare_token(token: &str) -> &str {
    let token = token.trim();
    match token.split_once(char::is_whitespace) {
        Some((word, rest)) if word.eq_ignore_ascii_case("bearer") => rest.trim_start(),
        _ => token,
    }
}

fn basic(user: &str, password: &Secret) -> String {
    let pair = format!("{user}:{}", password.expose());
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

/// Undoes the percent encoding of a URL's user or password.
fn unescape(text: &str) -> String {
    // A form decoder reads `+` as a space, which it is not in this part of a URL.
    let escaped = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(escaped.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
