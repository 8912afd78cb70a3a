//! The MCP servers that we know: by what they are recognised, and which provider's fields their variables, flags and
//! headers mean. From the servers' own pages (the README of each).

use crate::spelling::AuthorizationFields;

/// A server, as an MCP host's file names it.
pub(super) struct Known {
    /// The provider's key.
    pub(super) service: &'static str,
    /// Programs, packages and images, without registry, version and tag. One that ends with `*` is a beginning.
    pub(super) names: &'static [&'static str],
    /// Hosts of the remote form. One that begins with `*` is an end.
    pub(super) hosts: &'static [&'static str],
    /// Variables and the fields that they mean, the stronger first.
    pub(super) variables: &'static [(&'static str, &'static str)],
    /// Command line flags and the fields that they mean.
    pub(super) flags: &'static [(&'static str, &'static str)],
    /// Where an `Authorization` header goes.
    pub(super) authorization: AuthorizationFields,
    /// Fields that say which system it is; none for vendors whose one host has everybody's.
    pub(super) identity: &'static [&'static str],
    /// The secret that it cannot do without.
    pub(super) secret: Option<&'static str>,
}

const NONE: AuthorizationFields = AuthorizationFields { bearer: None, basic: None };

const fn bearer(field: &'static str) -> AuthorizationFields {
    AuthorizationFields { bearer: Some(field), basic: None }
}

/// All of them.
pub(super) const KNOWN: &[Known] = &[
    Known {
        service: "grafana",
        names: &["mcp-grafana", "grafana/mcp-grafana", "mcp/grafana"],
        hosts: &[],
        variables: &[
            ("GRAFANA_URL", "endpoint"),
            ("GRAFANA_SERVICE_ACCOUNT_TOKEN", "api_key"),
            ("GRAFANA_API_KEY", "api_key"),
        ],
        flags: &[],
        authorization: bearer("api_key"),
        identity: &["endpoint"],
        secret: Some("api_key"),
    },
    Known {
        service: "github",
        names: &["github-mcp-server", "github/github-mcp-server", "@modelcontextprotocol/server-github", "mcp/github"],
        hosts: &["api.githubcopilot.com", "*.ghe.com"],
        variables: &[
            ("GITHUB_PERSONAL_ACCESS_TOKEN", "auth_token"),
            ("GITHUB_TOKEN", "auth_token"),
            ("GITHUB_HOST", "api_url"),
            ("GITHUB_TOOLSETS", "toolsets"),
        ],
        flags: &[("--toolsets", "toolsets"), ("--gh-host", "api_url")],
        authorization: bearer("auth_token"),
        identity: &[],
        secret: Some("auth_token"),
    },
    Known {
        service: "datadog",
        names: &[
            "mcp-server-datadog",
            "@winor30/mcp-server-datadog",
            "datadog-mcp-server",
            "@shelfio/datadog-mcp",
            "datadog-mcp",
        ],
        hosts: &["mcp.datadoghq.com", "mcp.datadoghq.eu", "*.datadoghq.com", "*.ddog-gov.com"],
        variables: &[
            ("DD_API_KEY", "api_key"),
            ("DATADOG_API_KEY", "api_key"),
            ("DD_APP_KEY", "app_key"),
            ("DD_APPLICATION_KEY", "app_key"),
            ("DATADOG_APP_KEY", "app_key"),
            ("DATADOG_APPLICATION_KEY", "app_key"),
            ("DD_SITE", "site"),
            ("DATADOG_SITE", "site"),
        ],
        flags: &[("--apiKey", "api_key"), ("--appKey", "app_key"), ("--site", "site")],
        authorization: NONE,
        identity: &[],
        secret: None,
    },
    Known {
        service: "kubernetes",
        names: &[
            "kubernetes-mcp-server",
            "mcp-server-kubernetes",
            "@strowk/mcp-k8s",
            "mcp-k8s",
            "k8s-mcp-server",
            "mcp-k8s-go",
        ],
        hosts: &[],
        variables: &[
            ("KUBECONFIG", "kubeconfig"),
            ("KUBECONFIG_PATH", "kubeconfig"),
            ("K8S_CONTEXT", "context"),
            ("KUBE_CONTEXT", "context"),
            ("K8S_NAMESPACE", "namespace"),
        ],
        flags: &[("--kubeconfig", "kubeconfig"), ("--context", "context"), ("--namespace", "namespace")],
        authorization: NONE,
        identity: &["context", "kubeconfig"],
        secret: None,
    },
    Known {
        service: "prometheus",
        names: &["prometheus-mcp-server", "mcp/prometheus", "mcp-prometheus", "prometheus-mcp"],
        hosts: &[],
        variables: &[
            ("PROMETHEUS_URL", "base_url"),
            ("PROMETHEUS_TOKEN", "bearer_token"),
            ("PROMETHEUS_USERNAME", "username"),
            ("PROMETHEUS_PASSWORD", "password"),
            ("ORG_ID", "tenant"),
            ("PROMETHEUS_ORG_ID", "tenant"),
            ("PROMETHEUS_ORGID", "tenant"),
            ("PROMETHEUS_URL_SSL_VERIFY", "verify_ssl"),
        ],
        flags: &[("--prometheus.url", "base_url")],
        authorization: NONE,
        identity: &["base_url"],
        secret: None,
    },
    Known {
        service: "loki",
        names: &["loki-mcp", "loki-mcp-server", "grafana/loki-mcp"],
        hosts: &[],
        variables: &[
            ("LOKI_URL", "base_url"),
            ("LOKI_ADDR", "base_url"),
            ("LOKI_TOKEN", "bearer_token"),
            ("LOKI_BEARER_TOKEN", "bearer_token"),
            ("LOKI_USERNAME", "username"),
            ("LOKI_PASSWORD", "password"),
            ("LOKI_ORG_ID", "org_id"),
        ],
        flags: &[],
        authorization: NONE,
        identity: &["base_url"],
        secret: None,
    },
    Known {
        service: "aws",
        names: &["awslabs.*", "mcp-proxy-for-aws", "aws-mcp-server"],
        hosts: &[],
        variables: &[
            ("AWS_PROFILE", "profile"),
            ("AWS_API_MCP_PROFILE_NAME", "profile"),
            ("AWS_REGION", "region"),
            ("AWS_DEFAULT_REGION", "region"),
            ("AWS_ACCESS_KEY_ID", "access_key_id"),
            ("AWS_SECRET_ACCESS_KEY", "secret_access_key"),
            ("AWS_SESSION_TOKEN", "session_token"),
        ],
        flags: &[("--profile", "profile"), ("--region", "region")],
        authorization: NONE,
        identity: &["profile"],
        secret: None,
    },
    Known {
        service: "elasticsearch",
        names: &["@elastic/mcp-server-elasticsearch", "mcp/elasticsearch", "elasticsearch-mcp-server"],
        hosts: &[],
        variables: &[
            ("ES_URL", "url"),
            ("ELASTICSEARCH_URL", "url"),
            ("ES_API_KEY", "api_key"),
            ("ELASTICSEARCH_API_KEY", "api_key"),
            ("ES_USERNAME", "username"),
            ("ES_PASSWORD", "password"),
            ("ES_CA_CERT", "ca_bundle"),
        ],
        flags: &[],
        authorization: NONE,
        identity: &["url"],
        secret: None,
    },
    Known {
        service: "sentry",
        names: &["@sentry/mcp-server", "mcp-server-sentry", "mcp/sentry"],
        hosts: &["mcp.sentry.dev"],
        variables: &[
            ("SENTRY_ACCESS_TOKEN", "auth_token"),
            ("SENTRY_AUTH_TOKEN", "auth_token"),
            ("SENTRY_ORG_SLUG", "organization_slug"),
            ("SENTRY_HOST", "base_url"),
        ],
        flags: &[
            ("--access-token", "auth_token"),
            ("--auth-token", "auth_token"),
            ("--organization-slug", "organization_slug"),
            ("--host", "base_url"),
        ],
        authorization: bearer("auth_token"),
        identity: &["organization_slug"],
        secret: Some("auth_token"),
    },
    Known {
        service: "pagerduty",
        names: &["pagerduty-mcp", "pagerduty-mcp-server", "mcp/pagerduty"],
        hosts: &["mcp.pagerduty.com", "mcp.eu.pagerduty.com"],
        variables: &[
            ("PAGERDUTY_USER_API_KEY", "token"),
            ("PAGERDUTY_API_KEY", "token"),
            ("PAGERDUTY_API_TOKEN", "token"),
            ("PAGERDUTY_API_HOST", "api_host"),
        ],
        flags: &[],
        authorization: bearer("token"),
        identity: &[],
        secret: Some("token"),
    },
    Known {
        service: "argocd",
        names: &["argocd-mcp", "mcp-for-argocd"],
        hosts: &[],
        variables: &[("ARGOCD_BASE_URL", "base_url"), ("ARGOCD_API_TOKEN", "bearer_token")],
        flags: &[],
        authorization: NONE,
        identity: &["base_url"],
        secret: Some("bearer_token"),
    },
    Known {
        service: "gitlab",
        names: &["@modelcontextprotocol/server-gitlab", "@zereight/mcp-gitlab", "mcp/gitlab"],
        hosts: &[],
        variables: &[
            ("GITLAB_PERSONAL_ACCESS_TOKEN", "auth_token"),
            ("GITLAB_TOKEN", "auth_token"),
            ("GITLAB_API_URL", "base_url"),
        ],
        flags: &[],
        authorization: NONE,
        identity: &[],
        secret: Some("auth_token"),
    },
    Known {
        service: "slack",
        names: &["@modelcontextprotocol/server-slack", "mcp/slack"],
        hosts: &[],
        variables: &[("SLACK_BOT_TOKEN", "bot_token")],
        flags: &[],
        authorization: NONE,
        identity: &[],
        secret: None,
    },
    Known {
        service: "honeycomb",
        names: &["@honeycombio/honeycomb-mcp", "honeycomb-mcp"],
        hosts: &[],
        variables: &[("HONEYCOMB_API_KEY", "api_key"), ("HONEYCOMB_API_ENDPOINT", "base_url")],
        flags: &[],
        authorization: NONE,
        identity: &[],
        secret: Some("api_key"),
    },
    Known {
        service: "dynatrace",
        names: &["@dynatrace-oss/dynatrace-mcp-server", "dynatrace-mcp-server"],
        hosts: &[],
        variables: &[("DT_ENVIRONMENT", "environment"), ("DT_PLATFORM_TOKEN", "platform_token")],
        flags: &[],
        authorization: NONE,
        identity: &["environment"],
        secret: Some("platform_token"),
    },
];

impl Known {
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.names.iter().any(|known| match known.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => *known == name,
        })
    }

    pub(super) fn has_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|known| match known.strip_prefix('*') {
            Some(end) => host.ends_with(end),
            None => *known == host,
        })
    }
}
