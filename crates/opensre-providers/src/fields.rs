//! Fields that many providers declare alike, so that the same word means the same everywhere.
//!
//! What is peculiar to one provider is in that provider's folder, never here.

use opensre_model::provider::FieldSpec;

/// `verify_ssl`: whether the server's certificate is checked.
pub(crate) const fn verify_ssl(variables: &'static [&'static str]) -> FieldSpec {
    FieldSpec::boolean("verify_ssl", true)
        .env(variables)
        .ask("Verify the server's TLS certificate", "only `false` turns it off; `verify` then says so")
        .extension()
}

/// `ca_bundle`: path of a PEM file of certificate authorities to trust; wins over `verify_ssl`.
pub(crate) const fn ca_bundle(variables: &'static [&'static str]) -> FieldSpec {
    FieldSpec::text("ca_bundle")
        .env(variables)
        .ask("Path of a CA bundle (PEM)", "needed only where the server's certificate is signed by a private authority")
        .extension()
}

/// `timeout_seconds`: how long one call may take.
pub(crate) const fn timeout(seconds: f64) -> FieldSpec {
    FieldSpec::number("timeout_seconds", seconds, 0.1, 600.0).ask("Time limit of one call, in seconds", "0.1 to 600")
}

/// `max_results`: how many rows one query returns at most.
pub(crate) const fn max_results(default: i64, max: i64) -> FieldSpec {
    FieldSpec::integer("max_results", default, 1, max)
        .ask("Most rows of one query", "larger values are cut to the limit")
}

/// A TCP port.
pub(crate) const fn port(key: &'static str, default: i64) -> FieldSpec {
    FieldSpec::integer(key, default, 1, 65_535)
}

/// `bearer_token` of a server that stands behind an authenticating proxy.
pub(crate) const fn bearer_token(variables: &'static [&'static str]) -> FieldSpec {
    FieldSpec::secret("bearer_token")
        .env(variables)
        .ask("Bearer token", "leave empty for Basic authentication, or for a server that asks for none")
}

/// `username` of Basic authentication.
pub(crate) const fn basic_username(variables: &'static [&'static str]) -> FieldSpec {
    FieldSpec::text("username")
        .example("opensre")
        .env(variables)
        .ask("User name", "for Basic authentication, together with the password")
}

/// `password` of Basic authentication.
pub(crate) const fn basic_password(variables: &'static [&'static str]) -> FieldSpec {
    FieldSpec::secret("password")
        .env(variables)
        .ask("Password", "for Basic authentication, together with the user name")
}

/// `headers`: more HTTP headers to send. All values are secret, as nobody can tell which are.
pub(crate) const fn headers() -> FieldSpec {
    FieldSpec::secret_map("headers")
        .ask("More HTTP headers, as a JSON object", "for proxies that want their own; every value counts as secret")
}

/// `org_id`: the tenant of Loki and Tempo, sent as X-Scope-OrgID.
pub(crate) const fn org_id(variables: &'static [&'static str]) -> FieldSpec {
    FieldSpec::text("org_id")
        .env(variables)
        .ask("Tenant", "sent as X-Scope-OrgID; leave empty where multi-tenancy is off")
}

/// `tls_skip_verify`: how `logcli` spells the opposite of `verify_ssl`; read into that field, never used on its own.
pub(crate) const fn tls_skip_verify(variables: &'static [&'static str]) -> FieldSpec {
    FieldSpec::boolean("tls_skip_verify", false)
        .env(variables)
        .ask("Skip verification of the server's TLS certificate", "the same as `verify_ssl` set to `false`")
        .extension()
}
