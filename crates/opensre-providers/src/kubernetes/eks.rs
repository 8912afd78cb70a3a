//! Sessions at an EKS cluster, reached through an instance of AWS: that one says where the cluster is, by whom its
//! certificate is signed, and makes a token for it.
//!
//! What is AWS's stays with AWS: its credentials go to its own endpoints only, and the cluster gets nothing but the token
//! that was made for it. A cluster is not asked before the instance of AWS has been held to its pin.

use kube::config::Config;
use opensre_model::evidence::GapKind;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::kubeconfig::tls;
use super::session::{Authorisation, Session};
use crate::access::Access;
use crate::aws;
use crate::aws::cluster::{Cluster, Written, reach};
use crate::failure::Failure;
use crate::identity::confirmed;

/// Access to the instance of AWS that a cluster is reached through.
pub(super) fn account(access: &Access) -> Result<Access, Failure> {
    access.through(&aws::PROVIDER, "aws_instance")
}

/// A session at a cluster of an account.
pub(super) async fn session(account: &Access, written: &str) -> Result<Session, Failure> {
    let address = account.instance.address();
    confirmed(&aws::PROVIDER, account).await?;
    let cluster = reach(account, written).await.map_err(|failure| failure.about(&address))?;
    of_cluster(written, cluster).map_err(|failure| failure.about(&address))
}

fn of_cluster(written: &str, cluster: Cluster) -> Result<Session, Failure> {
    let nonsense = |what: &str| {
        Failure::new(GapKind::Failed, format!("what it says of the EKS cluster cannot be used: {what}"))
            .with_hint("see `aws eks describe-cluster`, and check endpoint_url")
    };
    let server = cluster.endpoint.parse::<http::Uri>().map_err(|_| nonsense("its endpoint is no URL"))?;
    // A token in clear text would be anybody's.
    if server.scheme_str() != Some("https") {
        return Err(nonsense("its endpoint is not https"));
    }
    let authority: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(cluster.certificate_authority.as_bytes())
        .map(|certificate| certificate.map(|certificate| certificate.to_vec()))
        .collect::<Result<_, _>>()
        .map_err(|_| nonsense("its certificate authority is not PEM"))?;
    // Without one of its own the system's authorities would be trusted, who sign for anybody.
    if authority.is_empty() {
        return Err(nonsense("its certificate authority is empty"));
    }
    let mut config = Config::new(server);
    config.root_cert = Some(authority);
    Ok(Session {
        server: cluster.endpoint,
        context: None,
        cluster: Written::parse(written).map(|written| written.name.to_owned()),
        namespace: None,
        verified: true,
        proxy: None,
        tls: Some(tls(&config).map_err(|_| nonsense("its certificate authority is no certificate"))?),
        impersonate: None,
        authorisation: Authorisation::Token(cluster.token, cluster.expires),
    })
}
