//! `ssl_mode`: libpq's words and what each makes of TLS (PostgreSQL documentation, "SSL Support", "Protection
//! Provided in Different Modes").

use opensre_model::evidence::GapKind;

use crate::failure::Failure;

/// Whether, and how, a connection is protected by TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Without TLS only.
    Disable,
    /// Without TLS; with it if the server insists.
    Allow,
    /// With TLS; without it if the server has none.
    Prefer,
    /// With TLS only, whoever the server is.
    Require,
    /// With TLS only, and the certificate must be signed by a trusted authority.
    VerifyCa,
    /// As [`SslMode::VerifyCa`], and the certificate must be for this host.
    VerifyFull,
}

/// How far the server's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Not at all.
    Nothing,
    /// Signed by a trusted authority.
    Authority,
    /// Signed by a trusted authority, for this host.
    AuthorityAndHost,
}

/// One attempt to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// In the clear.
    Plain,
    /// With TLS.
    Tls(Check),
}

/// Words of the field, for messages.
const WORDS: &str = "disable, allow, prefer, require, verify-ca or verify-full";

impl SslMode {
    /// Reads the field. Nothing set means `prefer`, as in libpq; a word that is none of libpq's is refused rather than
    /// guessed, since a guess could turn TLS off.
    pub fn parse(written: Option<&str>) -> Result<Self, Failure> {
        let word = written.unwrap_or_default().trim().to_ascii_lowercase().replace('_', "-");
        match word.as_str() {
            "disable" => Ok(Self::Disable),
            "allow" => Ok(Self::Allow),
            "" | "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            _ => Err(Failure::new(GapKind::Failed, format!("ssl_mode `{word}` is not a TLS mode"))
                .with_hint(format!("ssl_mode is one of {WORDS}"))),
        }
    }

    /// What is tried, in order; the second only if the first fails for want, or because, of TLS.
    ///
    /// With a `ca_bundle` the certificate is checked in every mode that uses TLS, as libpq does when it has a root
    /// certificate; without one, `verify_ssl` set to `false` takes the check from the modes that verify.
    pub fn attempts(self, ca_bundle: bool, verify_ssl: bool) -> Vec<Attempt> {
        let check = match self {
            Self::VerifyFull if ca_bundle || verify_ssl => Check::AuthorityAndHost,
            Self::VerifyCa if verify_ssl => Check::Authority,
            _ if ca_bundle => Check::Authority,
            _ => Check::Nothing,
        };
        match self {
            Self::Disable => vec![Attempt::Plain],
            Self::Allow => vec![Attempt::Plain, Attempt::Tls(check)],
            Self::Prefer => vec![Attempt::Tls(check), Attempt::Plain],
            Self::Require | Self::VerifyCa | Self::VerifyFull => vec![Attempt::Tls(check)],
        }
    }
}

impl Attempt {
    /// How the connection is protected, in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Plain => "without TLS",
            Self::Tls(Check::Nothing) => "over TLS, the server's certificate is not verified",
            Self::Tls(Check::Authority) => "over TLS, the certificate's authority is verified, its host name is not",
            Self::Tls(Check::AuthorityAndHost) => "over TLS, the server's certificate is verified",
        }
    }
}
