//! Sessions from a context of a kubeconfig, or from the service account of the pod that the program runs in.
//!
//! The `kube` crate reads and merges kubeconfigs, runs the exec plug-in that one names, reads token files, and makes the
//! TLS configuration with the client certificate (pages "Organizing Cluster Access Using kubeconfig Files" and
//! "client-go credential plugins" of the Kubernetes documentation).

use std::path::PathBuf;
use std::time::Instant;

use futures::FutureExt;
use kube::client::{AuthError, ConfigExt};
use kube::config::{
    Config, ExecInteractiveMode, InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError, LoadDataError,
};
use opensre_model::evidence::GapKind;
use url::Url;

use super::session::{Authorisation, Session};
use crate::failure::Failure;

/// Where credentials are on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A context of kubeconfigs: the paths as `KUBECONFIG` has them, and the context's name.
    Context { paths: Option<String>, context: Option<String> },
    /// The service account of this pod.
    Pod,
}

/// Makes a session on a thread of its own: kube reads files and waits for a plug-in there, and a plug-in that hangs must
/// keep neither an async thread nor the end of the program.
pub(super) async fn session(place: Place) -> Result<Session, Failure> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    let spawned = std::thread::Builder::new().name("kubeconfig".to_owned()).spawn(move || {
        let _runtime = runtime.enter();
        // Nobody waits any more when the time is over.
        let _ = tell.send(make(&place));
    });
    let broken = || Failure::new(GapKind::Failed, "the credentials could not be read");
    spawned.map_err(|_| broken())?;
    told.await.map_err(|_| broken())?
}

fn make(place: &Place) -> Result<Session, Failure> {
    let (mut config, context, namespace, proxy) = match place {
        Place::Context { paths, context } => read_context(paths.as_deref(), context.as_deref())?,
        Place::Pod => {
            let config = Config::incluster().map_err(|error| in_cluster_failure(&error))?;
            let namespace = Some(config.default_namespace.trim().to_owned()).filter(|name| !name.is_empty());
            (config, None, namespace, None)
        }
    };
    check(&config)?;
    let plug_in = config.auth_info.exec.as_ref().and_then(|exec| exec.command.clone());
    if let Some(exec) = &mut config.auth_info.exec {
        // A plug-in must neither ask on our terminal nor write there.
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
    }
    let authorisation = config.auth_layer().map_err(|error| credential_failure(&error, plug_in.as_deref()))?;
    if authorisation.is_some() {
        // It has a token; asking it for a certificate would only run it again.
        config.auth_info.exec = None;
    }
    let server = config.cluster_url.to_string();
    let tls = if config.cluster_url.scheme_str() == Some("https") { Some(tls(&config)?) } else { None };
    let user = &config.auth_info;
    let group = user.impersonate_groups.as_ref().and_then(|groups| groups.first().cloned());
    Ok(Session {
        server,
        context,
        cluster: None,
        namespace,
        verified: !config.accept_invalid_certs,
        proxy,
        tls,
        impersonate: user.impersonate.clone().map(|name| (name, user.impersonate_uid.clone(), group)),
        authorisation: authorisation.map_or(Authorisation::None, Authorisation::Kube),
    })
}

/// What to look at where a context's credentials fail.
pub(super) const LOOK_BY_HAND: &str = "see what `kubectl get pods` says with the same context";

type Context = (Config, Option<String>, Option<String>, Option<Url>);

/// Reads kubeconfigs and the named (or current) context.
fn read_context(paths: Option<&str>, context: Option<&str>) -> Result<Context, Failure> {
    let kubeconfig = match paths {
        Some(paths) => std::env::split_paths(paths)
            .filter(|path| !path.as_os_str().is_empty())
            .try_fold(Kubeconfig::default(), |merged, path| merged.merge(Kubeconfig::read_from(home(path))?)),
        None => Kubeconfig::read(),
    };
    let kubeconfig = kubeconfig.map_err(|error| kubeconfig_failure(&error, None))?;
    let name = context.map(str::to_owned).or_else(|| kubeconfig.current_context.clone());
    let known: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let chosen = kubeconfig.contexts.iter().find(|known| Some(&known.name) == name.as_ref());
    let chosen = chosen.and_then(|context| context.context.clone());
    let namespace =
        chosen.as_ref().and_then(|context| context.namespace.clone()).filter(|name| !name.trim().is_empty());
    let proxy = chosen.as_ref().and_then(|context| {
        let cluster = kubeconfig.clusters.iter().find(|cluster| cluster.name == context.cluster)?;
        cluster.cluster.as_ref()?.proxy_url.clone().filter(|url| !url.trim().is_empty())
    });
    let proxy = proxy
        .map(|url| url.parse::<Url>())
        .transpose()
        .map_err(|_| Failure::new(GapKind::Failed, "the `proxy-url` of the cluster in the kubeconfig is not a URL"))?;
    if chosen
        .as_ref()
        .and_then(|context| context.user.as_ref())
        .is_some_and(|user| !kubeconfig.auth_infos.iter().any(|known| known.name == *user))
    {
        let reason = "the user that the context names is not in the kubeconfig";
        return Err(Failure::new(GapKind::Denied, reason).with_hint("add the user, or correct the context"));
    }
    let options = KubeConfigOptions { context: name.clone(), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .now_or_never()
        .ok_or_else(|| Failure::new(GapKind::Failed, "the kubeconfig could not be read"))?
        .map_err(|error| kubeconfig_failure(&error, Some(&known)))?;
    Ok((config, name, namespace, proxy))
}

/// A path with its leading `~/` replaced by the home folder, which a shell would have done.
fn home(path: PathBuf) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path,
    }
}

/// What this program cannot do is refused rather than left out: a request without it would go out as someone else.
fn check(config: &Config) -> Result<(), Failure> {
    let refuse = |reason: &str, hint: &str| Err(Failure::new(GapKind::NotSupported, reason).with_hint(hint));
    let user = &config.auth_info;
    if let Some(provider) = &user.auth_provider {
        let reason = format!("`auth-provider: {}` of the kubeconfig is not supported", provider.name);
        return refuse(
            &reason,
            "use an exec plug-in (`gke-gcloud-auth-plugin`, `kubelogin`) instead; kubectl needs one too",
        );
    }
    if user.exec.as_ref().is_some_and(|exec| exec.interactive_mode == Some(ExecInteractiveMode::Always)) {
        return refuse(
            "the exec plug-in of the context wants to ask questions (`interactiveMode: Always`)",
            "use a context whose credentials need nobody",
        );
    }
    if user.impersonate_groups.as_ref().is_some_and(|groups| groups.len() > 1) || user.impersonate_user_extra.is_some()
    {
        return refuse(
            "impersonation with several groups or extra fields is not supported yet",
            "use a context that impersonates a user and at most one group",
        );
    }
    if config.tls_server_name.is_some() && !config.accept_invalid_certs {
        return refuse(
            "`tls-server-name` of the kubeconfig is not supported yet",
            "write the name that is in the certificate into the cluster's `server`",
        );
    }
    Ok(())
}

/// The TLS configuration, and what tells it apart: everything it was made of. What a file or a plug-in holds changes, so
/// such a one is like no other.
pub(super) fn tls(config: &Config) -> Result<(rustls::ClientConfig, String), Failure> {
    let made = config.rustls_client_config().map_err(|error| match error {
        kube::Error::RustlsTls(_) => Failure::new(GapKind::Denied, "the certificates of the kubeconfig cannot be used")
            .with_hint("check certificate-authority, client-certificate and client-key"),
        kube::Error::InferKubeconfig(error) => kubeconfig_failure(&error, None),
        _ => Failure::new(GapKind::Denied, "the client certificate cannot be used").with_hint(LOOK_BY_HAND),
    })?;
    let user = &config.auth_info;
    let lasting = user.exec.is_none() && user.client_certificate.is_none() && user.client_key.is_none();
    let made_at = if lasting { String::new() } else { format!("{:?}", Instant::now()) };
    let user = serde_json::to_string(user).unwrap_or_default();
    let key = format!("{user}{:?}{}{made_at}", config.root_cert, config.accept_invalid_certs);
    Ok((made, key))
}

fn kubeconfig_failure(error: &KubeconfigError, known: Option<&[String]>) -> Failure {
    let fail = |reason: String, hint: &str| Failure::new(GapKind::Denied, reason).with_hint(hint);
    let data = |what: &str, error: &LoadDataError| match error {
        LoadDataError::ReadFile(error, path) => fail(
            format!("{what} of the kubeconfig, {}, cannot be read: {}", path.display(), error.kind()),
            "check its path and who may read it",
        ),
        _ => fail(format!("{what} of the kubeconfig is not valid base64"), "make the kubeconfig anew"),
    };
    match error {
        KubeconfigError::CurrentContextNotSet => fail(
            "the kubeconfig has no current context".to_owned(),
            "set `context`; `kubectl config get-contexts` lists them",
        ),
        KubeconfigError::LoadContext(name) => {
            let names = known.unwrap_or_default();
            let hint = if names.is_empty() {
                "the kubeconfig has no context at all; check its path".to_owned()
            } else {
                let shown: Vec<&str> = names.iter().take(10).map(String::as_str).collect();
                format!("it has: {}{}", shown.join(", "), if names.len() > 10 { ", ..." } else { "" })
            };
            fail(format!("the kubeconfig has no context \"{name}\""), &hint)
        }
        KubeconfigError::LoadClusterOfContext(name) => fail(
            format!("the kubeconfig has no cluster \"{name}\", which the context names"),
            "add the cluster, or correct the context",
        ),
        KubeconfigError::FindPath => fail("no kubeconfig was found".to_owned(), "set `kubeconfig` to its path"),
        KubeconfigError::ReadConfig(error, path) => fail(
            format!("the kubeconfig {} cannot be read: {}", path.display(), error.kind()),
            "check its path and who may read it",
        ),
        // The parser's own message quotes lines of the file, and tokens are on such lines.
        KubeconfigError::Parse(_) => fail(
            "the kubeconfig is not valid YAML, or not a kubeconfig".to_owned(),
            "see what `kubectl config view` says",
        ),
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            fail("the kubeconfigs are of different kinds and cannot be merged".to_owned(), "name one path only")
        }
        KubeconfigError::MissingClusterUrl | KubeconfigError::ParseClusterUrl(_) => {
            fail("the cluster of the context has no valid `server`".to_owned(), "correct it in the kubeconfig")
        }
        KubeconfigError::ParseProxyUrl(_) => {
            fail("the proxy's URL is not valid".to_owned(), "correct `proxy-url` of the cluster, or HTTPS_PROXY")
        }
        KubeconfigError::LoadCertificateAuthority(error) => data("certificate-authority", error),
        KubeconfigError::LoadClientCertificate(error) => data("client-certificate", error),
        KubeconfigError::LoadClientKey(error) => data("client-key", error),
        KubeconfigError::ParseCertificates(_) => fail(
            "certificate-authority of the kubeconfig is not a PEM certificate".to_owned(),
            "make the kubeconfig anew",
        ),
    }
}

fn in_cluster_failure(error: &InClusterError) -> Failure {
    let reason = match error {
        InClusterError::ReadEnvironmentVariable(_) => "this is no pod: KUBERNETES_SERVICE_HOST is not set",
        InClusterError::ReadDefaultNamespace(_) | InClusterError::ReadCertificateBundle(_) => {
            "the pod has no service account: its files are not mounted"
        }
        _ => "the pod's service account cannot be used",
    };
    Failure::new(GapKind::Denied, reason)
        .with_hint("`in_cluster` works inside a pod with `automountServiceAccountToken`; elsewhere set `context`")
}

/// Why the credentials of a context cannot be had. Never what a plug-in wrote: that may be the token.
fn credential_failure(error: &kube::Error, plug_in: Option<&str>) -> Failure {
    let plug_in = plug_in.map_or("the exec plug-in".to_owned(), |name| format!("the exec plug-in `{name}`"));
    let (reason, hint) = match error {
        kube::Error::Auth(AuthError::AuthExecStart(error)) => (
            format!("{plug_in} of the kubeconfig cannot be started: {}", error.kind()),
            "install it, or write its full path into the kubeconfig",
        ),
        kube::Error::Auth(AuthError::AuthExecRun { out, .. }) => {
            let code = out.status.code().map_or("by a signal".to_owned(), |code| format!("with exit code {code}"));
            (format!("{plug_in} of the kubeconfig ended {code}"), LOOK_BY_HAND)
        }
        kube::Error::Auth(
            AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed | AuthError::MalformedTokenExpirationDate(_),
        ) => (format!("{plug_in} of the kubeconfig did not answer with an ExecCredential"), LOOK_BY_HAND),
        kube::Error::Auth(AuthError::MissingCommand) => {
            ("the exec plug-in of the kubeconfig has no command".to_owned(), "write one into the kubeconfig")
        }
        kube::Error::Auth(AuthError::ReadTokenFile(error, path)) => (
            format!("the token file {} cannot be read: {}", path.display(), error.kind()),
            "check its path and who may read it",
        ),
        kube::Error::Auth(AuthError::InvalidBearerToken(_) | AuthError::InvalidBasicAuth(_)) => (
            "the token holds a character that no header can carry".to_owned(),
            "look for a line break in the token of the kubeconfig",
        ),
        _ => ("the credentials of the kubeconfig cannot be used".to_owned(), LOOK_BY_HAND),
    };
    Failure::new(GapKind::Denied, reason).with_hint(hint)
}
