//! The connection pools: TLS, proxies, no redirects.

use url::{Host, Url};

use crate::endpoint::{Endpoint, Tls};
use crate::failure::{FailureKind, HttpFailure};
use crate::http::{HttpOptions, Proxies};

/// Builds the pool of one endpoint. It holds no credential; those travel with each request.
pub(crate) fn build(endpoint: &Endpoint, options: &HttpOptions) -> Result<reqwest::Client, HttpFailure> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("opensre/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // Retries are decided in one place, by us.
        .retry(reqwest::retry::never())
        .connect_timeout(options.connect_timeout)
        .pool_max_idle_per_host(options.per_host);
    let loopback = is_loopback(&endpoint.base);
    let through = |builder: reqwest::ClientBuilder, url: &Url| {
        let proxy = reqwest::Proxy::all(url.clone()).map_err(|_| {
            HttpFailure::new(FailureKind::Configuration, &endpoint.label, "the proxy's URL cannot be used")
        })?;
        Ok(builder.proxy(proxy))
    };
    builder = match (&endpoint.proxy, &options.proxies) {
        _ if loopback => builder.no_proxy(),
        (Some(url), _) | (None, Proxies::Through(url)) => through(builder, url)?,
        (None, Proxies::Environment) => builder,
        (None, Proxies::None) => builder.no_proxy(),
    };
    // Plain HTTP has no certificate to check: do not read the system's, which a container may not even have. Only a
    // proxy of the environment can be an https one.
    let plain = endpoint.base.scheme() == "http" && (loopback || options.proxies != Proxies::Environment);
    if let (Some(prepared), false) = (&endpoint.prepared, plain) {
        builder = builder.tls_backend_preconfigured(prepared.config.clone());
        return builder
            .build()
            .map_err(|_| HttpFailure::new(FailureKind::Tls, &endpoint.label, "the TLS configuration cannot be used"));
    }
    builder = match &endpoint.tls {
        _ if plain => builder.tls_certs_only(std::iter::empty()),
        Tls { ca_bundle: Some(path), .. } => builder.tls_certs_only(read_bundle(endpoint, path)?),
        Tls { verify: false, .. } => builder.tls_danger_accept_invalid_certs(true),
        Tls { .. } => builder,
    };
    builder.build().map_err(|_| {
        HttpFailure::new(FailureKind::Tls, &endpoint.label, "no certificates to check the server with")
            .with_hint("install the system's CA certificates (package ca-certificates) or set ca_bundle")
    })
}

fn read_bundle(endpoint: &Endpoint, path: &std::path::Path) -> Result<Vec<reqwest::Certificate>, HttpFailure> {
    let fail = |what: &str| {
        HttpFailure::new(FailureKind::Configuration, &endpoint.label, format!("ca_bundle {}: {what}", path.display()))
            .with_hint("ca_bundle names a PEM file with the certificates to trust")
    };
    let pem = std::fs::read(path).map_err(|error| fail(&error.to_string()))?;
    let certificates =
        reqwest::Certificate::from_pem_bundle(&pem).map_err(|_| fail("holds something that is not a certificate"))?;
    if certificates.is_empty() {
        return Err(fail("holds no certificate"));
    }
    Ok(certificates)
}

/// Whether a URL's host is this machine: never asked through a proxy.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
        }
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    }
}
