//! From an instance's declared fields to a client bound to its host.

use std::sync::Arc;
use std::time::Instant;

use opensre_http::{Auth, Client, Endpoint, Http, Tls};
use opensre_model::evidence::GapKind;
use opensre_model::instance::Instance;
use opensre_model::secret::{Secret, SecretSource, SecretValue};

use crate::failure::Failure;
use crate::neighbours::Neighbours;

/// Everything that a call to one instance needs. The HTTP layer binds its credentials to its host.
#[derive(Clone)]
pub struct Access {
    /// The instance.
    pub instance: Instance,
    /// The shared HTTP layer.
    pub http: Http,
    /// Resolves secret references.
    pub secrets: Arc<dyn SecretSource>,
    /// When everything must have answered.
    pub deadline: Instant,
    /// The other instances, for one that is reached through another.
    pub neighbours: Neighbours,
}

/// Which declared fields hold what an HTTP endpoint is made of. Every provider has one as a constant:
///
/// ```
/// use opensre_providers::access::HttpFields;
/// const FIELDS: HttpFields = HttpFields::at("base_url")
///     .bearer("bearer_token")
///     .basic("username", "password")
///     .header("X-Scope-OrgID", "tenant");
/// ```
///
/// Where both a token and a user are set, the token is used. `verify_ssl` and `ca_bundle` are read of every provider
/// that declares them.
#[derive(Debug, Clone, Copy)]
pub struct HttpFields {
    url: &'static str,
    bearer: Option<&'static str>,
    basic: Option<(&'static str, &'static str)>,
    headers: [Option<(&'static str, &'static str)>; 4],
    header_map: Option<&'static str>,
    trust_all: Option<&'static str>,
}

impl HttpFields {
    /// The field with the base URL.
    pub const fn at(url: &'static str) -> Self {
        Self { url, bearer: None, basic: None, headers: [None; 4], header_map: None, trust_all: None }
    }

    /// The field with a bearer token.
    #[must_use]
    pub const fn bearer(mut self, field: &'static str) -> Self {
        self.bearer = Some(field);
        self
    }

    /// The fields with user name and password.
    #[must_use]
    pub const fn basic(mut self, user: &'static str, password: &'static str) -> Self {
        self.basic = Some((user, password));
        self
    }

    /// A header whose value is a field (`X-Scope-OrgID` of the field `tenant`); at most four.
    #[must_use]
    pub const fn header(mut self, name: &'static str, field: &'static str) -> Self {
        let mut place = 0;
        while self.headers[place].is_some() {
            place += 1;
        }
        self.headers[place] = Some((name, field));
        self
    }

    /// The field with a map of headers.
    #[must_use]
    pub const fn header_map(mut self, field: &'static str) -> Self {
        self.header_map = Some(field);
        self
    }

    /// A boolean field that, when true, turns the certificate check off (`tls_skip_verify`).
    #[must_use]
    pub const fn trust_all(mut self, field: &'static str) -> Self {
        self.trust_all = Some(field);
        self
    }
}

impl Access {
    /// A client bound to the instance's host. Secrets are resolved, and certificates read, off the async threads.
    pub async fn client(&self, fields: &HttpFields) -> Result<Client, Failure> {
        let (access, fields) = (self.clone(), *fields);
        self.build(move || access.client_blocking(&fields)).await
    }

    /// A client at a base URL and with credentials that are no fields of the instance but follow from them: an API
    /// beside the configured one, the token of a session. TLS and headers are those of the fields.
    pub async fn client_at(&self, fields: &HttpFields, base: &str, auth: Auth) -> Result<Client, Failure> {
        let (access, fields, base) = (self.clone(), *fields, base.to_owned());
        self.build(move || access.client_of(&fields, &base, Some(auth))).await
    }

    async fn build(
        &self,
        client: impl FnOnce() -> Result<Client, Failure> + Send + 'static,
    ) -> Result<Client, Failure> {
        let building = tokio::task::spawn_blocking(client);
        match tokio::time::timeout_at(self.deadline.into(), building).await {
            Ok(Ok(built)) => built,
            Ok(Err(_)) => Err(Failure::new(GapKind::Failed, "the credentials could not be read")),
            Err(_) => Err(Failure::new(GapKind::Deadline, "the credentials were not there when the time was over")),
        }
    }

    /// A secret field, resolved; `None` when it is not set.
    pub async fn secret(&self, field: &'static str) -> Result<Option<Secret>, Failure> {
        let Some(value) = self.instance.config().secret(field).cloned() else { return Ok(None) };
        let access = self.clone();
        let resolving = tokio::task::spawn_blocking(move || access.resolve(field, &value));
        match tokio::time::timeout_at(self.deadline.into(), resolving).await {
            Ok(Ok(resolved)) => resolved.map(Some),
            Ok(Err(_)) => Err(Failure::new(GapKind::Failed, "the credentials could not be read")),
            Err(_) => Err(Failure::new(GapKind::Deadline, "the credentials were not there when the time was over")),
        }
    }

    /// A client bound to a URL that is itself the credential (an incoming webhook). Requests name no path below it.
    pub async fn client_of_secret_url(&self, url: Secret) -> Result<Client, Failure> {
        let access = self.clone();
        let building = tokio::task::spawn_blocking(move || {
            let endpoint = Endpoint::new(access.instance.address(), url.expose())?.secret_path();
            let endpoint = endpoint.tls(access.tls(&HttpFields::at("")));
            Ok(access.http.client(endpoint, access.deadline)?)
        });
        match tokio::time::timeout_at(self.deadline.into(), building).await {
            Ok(Ok(built)) => built,
            Ok(Err(_)) => Err(Failure::new(GapKind::Failed, "the credentials could not be read")),
            Err(_) => Err(Failure::new(GapKind::Deadline, "the credentials were not there when the time was over")),
        }
    }

    fn client_blocking(&self, fields: &HttpFields) -> Result<Client, Failure> {
        let config = self.instance.config();
        let url = config.text(fields.url).ok_or_else(|| Failure::missing(fields.url))?;
        self.client_of(fields, url, self.auth(fields)?)
    }

    fn client_of(&self, fields: &HttpFields, url: &str, auth: Option<Auth>) -> Result<Client, Failure> {
        let config = self.instance.config();
        let mut endpoint = Endpoint::new(self.instance.address(), url)?.tls(self.tls(fields));
        if let Some(auth) = auth {
            endpoint = endpoint.auth(auth);
        }
        for (name, field) in fields.headers.iter().flatten() {
            if let Some(text) = config.text(field) {
                endpoint = endpoint.header(*name, Secret::new(text));
            } else if let Some(value) = config.secret(field) {
                endpoint = endpoint.header(*name, self.resolve(field, value)?);
            }
        }
        if let Some(field) = fields.header_map {
            for (name, value) in config.secrets(field).into_iter().flatten() {
                endpoint = endpoint.header(name, self.resolve(field, value)?);
            }
        }
        Ok(self.http.client(endpoint, self.deadline)?)
    }

    fn auth(&self, fields: &HttpFields) -> Result<Option<Auth>, Failure> {
        let config = self.instance.config();
        if let Some(field) = fields.bearer
            && let Some(value) = config.secret(field)
        {
            return Ok(Some(Auth::Bearer(self.resolve(field, value)?)));
        }
        if let Some((user, field)) = fields.basic
            && let Some(user) = config.text(user)
        {
            let password = match config.secret(field) {
                Some(value) => self.resolve(field, value)?,
                None => Secret::new(""),
            };
            return Ok(Some(Auth::Basic { user: user.to_owned(), password }));
        }
        Ok(None)
    }

    fn tls(&self, fields: &HttpFields) -> Tls {
        let config = self.instance.config();
        let trust_all = fields.trust_all.and_then(|field| config.boolean(field)).unwrap_or(false);
        Tls {
            verify: config.boolean("verify_ssl").unwrap_or(true) && !trust_all,
            ca_bundle: config.text("ca_bundle").map(Into::into),
        }
    }

    fn resolve(&self, field: &str, value: &SecretValue) -> Result<Secret, Failure> {
        self.secrets.resolve(value, &self.instance.source).map_err(|failure| Failure {
            kind: GapKind::Denied,
            reason: format!("{field} cannot be resolved: {}", failure.reason),
            hint: failure.hint,
        })
    }
}
