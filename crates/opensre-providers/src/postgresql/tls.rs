//! TLS to a PostgreSQL server: which certificates are trusted, and how far they are checked.

use std::path::Path;
use std::sync::Arc;

use opensre_model::evidence::GapKind;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::ssl_mode::Check;
use crate::failure::Failure;

/// The configuration of a connection. Reads files: call it off the async threads.
pub(super) fn config(check: Check, ca_bundle: Option<&Path>) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let unusable = |error: rustls::Error| Failure::new(GapKind::Failed, format!("TLS cannot be set up: {error}"));
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    Ok(match check {
        Check::AuthorityAndHost => builder.with_root_certificates(roots(ca_bundle)?).with_no_client_auth(),
        Check::Authority => with(builder, Authority { roots: Some(roots(ca_bundle)?), provider }),
        Check::Nothing => with(builder, Authority { roots: None, provider }),
    })
}

fn with(builder: rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, verifier: Authority) -> ClientConfig {
    builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
}

/// The authorities of `ca_bundle` alone, else those of the system.
fn roots(ca_bundle: Option<&Path>) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca_bundle {
        let fail = |what: &str| {
            Failure::new(GapKind::Failed, format!("ca_bundle {}: {what}", path.display()))
                .with_hint("ca_bundle names a PEM file with the certificates to trust")
        };
        let pem = std::fs::read(path).map_err(|error| fail(&error.to_string()))?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|_| fail("holds something that is not a certificate"))?;
            roots.add(certificate).map_err(|_| fail("holds something that is not a certificate"))?;
        }
        if roots.is_empty() {
            return Err(fail("holds no certificate"));
        }
        return Ok(roots);
    }
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Failure::new(GapKind::Failed, "no certificates to check the server with")
            .with_hint("install the system's CA certificates (package ca-certificates) or set ca_bundle"));
    }
    Ok(roots)
}

/// Checks that a certificate is signed by a trusted authority, but not for which host; without roots, nothing but
/// that the server has the certificate's key.
#[derive(Debug)]
struct Authority {
    roots: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Authority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
