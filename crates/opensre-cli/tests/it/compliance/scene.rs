//! The simulators: one of each kind, healthy, with an incident at 12:15.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use opensre_lab::vendors::{Guard, argocd, aws, coralogix, datadog, github, honeycomb, kubernetes, serve, slack};
use opensre_lab::{Lab, Scenario};

use super::asking;

/// When the incident began.
pub(crate) fn onset() -> Timestamp {
    "2024-05-01T12:15:00Z".parse().expect("constant")
}

/// The present, for everybody.
pub(crate) fn now() -> Timestamp {
    "2024-05-01T12:45:00Z".parse().expect("constant")
}

/// The secret of a field of an instance: where it turns up, it says whose it is.
pub(crate) fn canary(key: &str, field: &str, instance: &str) -> String {
    format!("canary-{key}-{field}-{instance}")
}

/// What runs.
pub(crate) struct Scene {
    servers: Vec<(&'static str, SocketAddr)>,
    /// A trace that Tempo has.
    pub(crate) trace: String,
    _lab: Lab,
    _guards: Vec<Guard>,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        let secret = |key: &str, field: &str| canary(key, field, "prod");
        let lab = Lab::start(Scenario::parse(include_str!("scene.yaml")).expect("a scenario"), now())
            .await
            .expect("loopback ports");
        let of_lab = |instance: &str| lab.address(instance).expect("an instance of the scene");
        let mut servers = vec![
            ("grafana", of_lab("grafana/prod")),
            ("grafana_local", of_lab("grafana/local")),
            ("prometheus", of_lab("prometheus/prod")),
            ("victoriametrics", of_lab("prometheus/victoria")),
            ("loki", of_lab("loki/prod")),
            ("tempo", of_lab("tempo/prod")),
            ("alertmanager", of_lab("alertmanager/prod")),
        ];
        let cluster = kubernetes::Cluster::new(&secret("kubernetes", "token"), "jane", "uid-prod", now());
        kubernetes::scene::bad_rollout(&cluster, onset());
        let (key, app_key) = (secret("datadog", "api_key"), secret("datadog", "app_key"));
        let hive = honeycomb::checkout(onset());
        let argo = ["username", "password", "bearer_token"].map(|field| secret("argocd", field));
        let token = secret("github", "auth_token");
        let account = aws::Account::new("111122223333", &secret("aws", "access_key_id"), onset());
        let routers = [
            ("datadog", datadog::Datadog::new("Shop", &key, &app_key, datadog::checkout(onset())).router()),
            ("honeycomb", honeycomb::Honeycomb::new("Prod", &secret("honeycomb", "api_key"), hive, 1).router()),
            (
                "coralogix",
                coralogix::Coralogix::new(&secret("coralogix", "api_key"), coralogix::checkout(onset())).router(),
            ),
            ("aws", aws::router(Arc::new(account))),
            ("kubernetes", kubernetes::router(&cluster)),
            ("argocd", argocd::ArgoCd::new(&argo[0], &argo[1], &argo[2], argocd::checkout()).router()),
            ("github", Arc::new(github::GitHub::new(&token, Some("sam"), github::checkout())).router("")),
            ("slack", slack::router(Arc::new(slack::Workspace::new("Shop", &secret("slack", "bot_token"))))),
        ];
        let mut guards = Vec::new();
        for (key, router) in routers {
            let (address, guard) = serve(router).await.expect("a loopback port");
            servers.push((key, address));
            guards.push(guard);
        }
        let trace = asking::failed_trace(servers[5].1).await;
        Self { servers, trace, _lab: lab, _guards: guards }
    }

    /// The healthy server of a provider.
    pub(crate) fn server(&self, key: &str) -> SocketAddr {
        self.servers.iter().find(|(known, _)| *known == key).expect("a simulator").1
    }
}
