//! The ways to a cluster, and what to look at when one fails.

use opensre_http::{FailureKind, HttpFailure};

use crate::failure::Failure;

/// How a cluster is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By a context of a kubeconfig.
    Kubeconfig,
    /// As the pod that the program runs in.
    Pod,
    /// Through an instance of AWS.
    Eks,
}

impl Way {
    /// A failure with a hint that names what an instance of this way has its settings in.
    pub(super) fn explain(self, failure: HttpFailure) -> Failure {
        let hint = match failure.kind {
            FailureKind::Unauthorized => Some(self.unknown_user()),
            FailureKind::Tls => Some(self.wrong_certificate()),
            FailureKind::Dns | FailureKind::Connect => Some(self.out_of_reach()),
            FailureKind::NotFound | FailureKind::NotJson { .. } | FailureKind::Redirect => Some(self.no_api_server()),
            _ => None,
        };
        let failure = Failure::from(failure);
        match hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }

    fn unknown_user(self) -> &'static str {
        match self {
            Self::Kubeconfig => "renew the credentials of the context (a token or certificate may have expired)",
            Self::Pod => "the cluster does not take the pod's token: see whether its service account is still there",
            Self::Eks => {
                "give the AWS identity an access entry in the cluster (`aws eks create-access-entry`), or map it in \
                 the config map aws-auth"
            }
        }
    }

    fn wrong_certificate(self) -> &'static str {
        match self {
            Self::Kubeconfig => {
                "check `certificate-authority` and the client certificate of the context in the kubeconfig"
            }
            Self::Pod => "the API server's certificate is not of the authority that is mounted into the pod",
            Self::Eks => {
                "the server's certificate is not of the cluster's own authority: see whether a proxy opens TLS on the way"
            }
        }
    }

    fn out_of_reach(self) -> &'static str {
        match self {
            Self::Kubeconfig => "check `server` of the cluster in the kubeconfig, and the network (VPN?)",
            Self::Pod => "check the pod's network policies",
            Self::Eks => {
                "the cluster's endpoint may be private (`endpointPublicAccess`, `publicAccessCidrs`): run this from \
                 where it can be reached"
            }
        }
    }

    /// What to do where something that is no API server answers.
    pub(super) fn no_api_server(self) -> &'static str {
        match self {
            Self::Kubeconfig => {
                "check that `server` of the cluster in the kubeconfig is a Kubernetes API server, and that no login \
                 page stands before it"
            }
            Self::Pod | Self::Eks => "check that no login page or proxy stands before the cluster's API server",
        }
    }

    /// What to do where the API server takes us for nobody.
    pub(super) fn nobody(self) -> &'static str {
        match self {
            Self::Kubeconfig => "give the user of the context a token, a client certificate or an exec plug-in",
            Self::Pod => "give the pod a service account whose token is mounted",
            Self::Eks => self.unknown_user(),
        }
    }
}
