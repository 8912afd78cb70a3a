//! What is published about the providers: old set-ups and old stores depend on it, so it is written down here a second
//! time, and a change of a declaration that breaks it fails.

use std::collections::BTreeSet;

use opensre_providers::catalogue;

use super::support::{config, from_variables, messages, spec};

/// Per provider: its secret fields, and the variables of the single-instance form that users have. Google Docs, Kubernetes
/// and some of NATS keep their secrets in files, whose paths are none; a local Grafana has the field, and blanks it.
const PUBLISHED: &[(&str, &str, &str)] = &[
    ("grafana", "api_key", "GRAFANA_INSTANCE_URL GRAFANA_READ_TOKEN"),
    ("grafana_local", "api_key", ""),
    ("datadog", "api_key app_key", "DD_API_KEY DD_APP_KEY DD_SITE"),
    ("honeycomb", "api_key", "HONEYCOMB_API_KEY HONEYCOMB_DATASET HONEYCOMB_API_URL"),
    ("coralogix", "api_key", "CORALOGIX_API_KEY CORALOGIX_API_URL CORALOGIX_APPLICATION_NAME CORALOGIX_SUBSYSTEM_NAME"),
    (
        "aws",
        "access_key_id external_id secret_access_key session_token",
        "AWS_ROLE_ARN AWS_EXTERNAL_ID AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION",
    ),
    (
        "argocd",
        "bearer_token password",
        "ARGOCD_BASE_URL ARGOCD_AUTH_TOKEN ARGOCD_TOKEN ARGOCD_USERNAME ARGOCD_PASSWORD ARGOCD_PROJECT \
         ARGOCD_APP_NAMESPACE ARGOCD_VERIFY_SSL",
    ),
    ("splunk", "token", "SPLUNK_URL SPLUNK_TOKEN SPLUNK_INDEX SPLUNK_VERIFY_SSL SPLUNK_CA_BUNDLE"),
    (
        "github",
        "auth_token headers",
        "GITHUB_MCP_URL GITHUB_MCP_COMMAND GITHUB_MCP_MODE GITHUB_MCP_ARGS GITHUB_MCP_AUTH_TOKEN \
         GITHUB_MCP_TOOLSETS",
    ),
    ("sentry", "auth_token", "SENTRY_ORG_SLUG SENTRY_AUTH_TOKEN SENTRY_URL SENTRY_PROJECT_SLUG"),
    ("gitlab", "auth_token", "GITLAB_ACCESS_TOKEN GITLAB_BASE_URL GITLAB_MR_WRITEBACK"),
    (
        "bitbucket",
        "app_password",
        "BITBUCKET_WORKSPACE BITBUCKET_USERNAME BITBUCKET_APP_PASSWORD BITBUCKET_BASE_URL \
         BITBUCKET_MAX_RESULTS",
    ),
    ("mongodb", "connection_string", "MONGODB_CONNECTION_STRING MONGODB_DATABASE MONGODB_AUTH_SOURCE MONGODB_TLS"),
    (
        "mongodb_atlas",
        "api_private_key",
        "MONGODB_ATLAS_PUBLIC_KEY MONGODB_ATLAS_PRIVATE_KEY MONGODB_ATLAS_PROJECT_ID MONGODB_ATLAS_BASE_URL",
    ),
    (
        "postgresql",
        "password",
        "POSTGRESQL_HOST POSTGRESQL_DATABASE POSTGRESQL_PORT POSTGRESQL_USERNAME POSTGRESQL_PASSWORD \
         POSTGRESQL_SSL_MODE",
    ),
    ("mysql", "password", "MYSQL_HOST MYSQL_DATABASE MYSQL_PORT MYSQL_USERNAME MYSQL_PASSWORD MYSQL_SSL_MODE"),
    ("mariadb", "password", "MARIADB_HOST MARIADB_DATABASE MARIADB_PORT MARIADB_USERNAME MARIADB_PASSWORD MARIADB_SSL"),
    (
        "azure_sql",
        "password",
        "AZURE_SQL_SERVER AZURE_SQL_DATABASE AZURE_SQL_PORT AZURE_SQL_USERNAME AZURE_SQL_PASSWORD \
         AZURE_SQL_DRIVER AZURE_SQL_ENCRYPT",
    ),
    (
        "rabbitmq",
        "password",
        "RABBITMQ_HOST RABBITMQ_USERNAME RABBITMQ_MANAGEMENT_PORT RABBITMQ_PASSWORD RABBITMQ_VHOST \
         RABBITMQ_SSL RABBITMQ_VERIFY_SSL",
    ),
    (
        "betterstack",
        "password",
        "BETTERSTACK_QUERY_ENDPOINT BETTERSTACK_USERNAME BETTERSTACK_PASSWORD BETTERSTACK_SOURCES",
    ),
    ("vercel", "api_token", "VERCEL_API_TOKEN VERCEL_TEAM_ID"),
    ("opsgenie", "api_key", "OPSGENIE_API_KEY OPSGENIE_REGION"),
    ("jira", "api_token", "JIRA_BASE_URL JIRA_EMAIL JIRA_API_TOKEN JIRA_PROJECT_KEY"),
    ("discord", "bot_token", "DISCORD_BOT_TOKEN DISCORD_APPLICATION_ID DISCORD_PUBLIC_KEY DISCORD_DEFAULT_CHANNEL_ID"),
    ("telegram", "bot_token", "TELEGRAM_BOT_TOKEN TELEGRAM_DEFAULT_CHAT_ID"),
    (
        "openclaw",
        "auth_token headers",
        "OPENCLAW_MCP_URL OPENCLAW_MCP_COMMAND OPENCLAW_MCP_MODE OPENCLAW_MCP_ARGS OPENCLAW_MCP_AUTH_TOKEN",
    ),
    (
        "airflow",
        "auth_token password",
        "AIRFLOW_USERNAME AIRFLOW_AUTH_TOKEN AIRFLOW_BASE_URL AIRFLOW_PASSWORD AIRFLOW_TIMEOUT_SECONDS \
         AIRFLOW_VERIFY_SSL AIRFLOW_MAX_RESULTS",
    ),
    (
        "snowflake",
        "password token",
        "SNOWFLAKE_ACCOUNT_IDENTIFIER SNOWFLAKE_ACCOUNT SNOWFLAKE_TOKEN SNOWFLAKE_USER SNOWFLAKE_PASSWORD \
         SNOWFLAKE_WAREHOUSE SNOWFLAKE_ROLE SNOWFLAKE_DATABASE SNOWFLAKE_SCHEMA SNOWFLAKE_MAX_RESULTS",
    ),
    (
        "azure",
        "access_token client_secret",
        "AZURE_LOG_ANALYTICS_WORKSPACE_ID AZURE_LOG_ANALYTICS_TOKEN AZURE_LOG_ANALYTICS_ENDPOINT \
         AZURE_TENANT_ID AZURE_SUBSCRIPTION_ID AZURE_MAX_RESULTS",
    ),
    (
        "openobserve",
        "api_token password",
        "OPENOBSERVE_URL OPENOBSERVE_TOKEN OPENOBSERVE_USERNAME OPENOBSERVE_PASSWORD OPENOBSERVE_ORG \
         OPENOBSERVE_STREAM OPENOBSERVE_MAX_RESULTS",
    ),
    (
        "opensearch",
        "api_key password",
        "OPENSEARCH_URL OPENSEARCH_API_KEY OPENSEARCH_INDEX_PATTERN OPENSEARCH_MAX_RESULTS",
    ),
    (
        "alertmanager",
        "bearer_token password",
        "ALERTMANAGER_URL ALERTMANAGER_BEARER_TOKEN ALERTMANAGER_USERNAME ALERTMANAGER_PASSWORD",
    ),
    ("slack", "bot_token webhook_url", "SLACK_WEBHOOK_URL SLACK_BOT_TOKEN"),
    ("tracer", "jwt_token", "JWT_TOKEN TRACER_API_URL"),
    ("google_docs", "", "GOOGLE_CREDENTIALS_FILE GOOGLE_DRIVE_FOLDER_ID"),
    (
        "kafka",
        "sasl_password",
        "KAFKA_BOOTSTRAP_SERVERS KAFKA_SECURITY_PROTOCOL KAFKA_SASL_MECHANISM KAFKA_SASL_USERNAME \
         KAFKA_SASL_PASSWORD",
    ),
    (
        "clickhouse",
        "password",
        "CLICKHOUSE_HOST CLICKHOUSE_PORT CLICKHOUSE_DATABASE CLICKHOUSE_USER CLICKHOUSE_PASSWORD \
         CLICKHOUSE_SECURE",
    ),
    ("notion", "api_key", "NOTION_DATABASE_ID NOTION_API_KEY"),
    ("trello", "api_key token", "TRELLO_API_KEY TRELLO_TOKEN TRELLO_BOARD_ID TRELLO_LIST_ID TRELLO_BASE_URL"),
    (
        "posthog",
        "personal_api_key",
        "POSTHOG_PROJECT_ID POSTHOG_PERSONAL_API_KEY POSTHOG_BASE_URL POSTHOG_TIMEOUT_SECONDS \
         POSTHOG_BOUNCE_THRESHOLD POSTHOG_BOUNCE_WINDOW",
    ),
    ("prefect", "api_key", "PREFECT_API_URL PREFECT_API_KEY"),
    (
        "elasticsearch",
        "api_key password",
        "ELASTICSEARCH_URL ELASTICSEARCH_API_KEY ELASTICSEARCH_USERNAME ELASTICSEARCH_PASSWORD",
    ),
    ("rds", "password", ""),
    (
        "prometheus",
        "bearer_token headers password",
        "PROMETHEUS_URL PROMETHEUS_BEARER_TOKEN PROMETHEUS_USERNAME PROMETHEUS_PASSWORD PROMETHEUS_TENANT",
    ),
    (
        "loki",
        "bearer_token password",
        "LOKI_ADDR LOKI_URL LOKI_BEARER_TOKEN LOKI_USERNAME LOKI_PASSWORD LOKI_ORG_ID LOKI_CA_CERT_PATH \
         LOKI_TLS_SKIP_VERIFY",
    ),
    ("tempo", "bearer_token password", "TEMPO_URL TEMPO_BEARER_TOKEN TEMPO_USERNAME TEMPO_PASSWORD TEMPO_ORG_ID"),
    ("jaeger", "bearer_token password", "JAEGER_QUERY_URL JAEGER_BEARER_TOKEN JAEGER_USERNAME JAEGER_PASSWORD"),
    (
        "victoriametrics",
        "bearer_token headers password",
        "VICTORIAMETRICS_URL VICTORIAMETRICS_BEARER_TOKEN VICTORIAMETRICS_USERNAME VICTORIAMETRICS_PASSWORD \
         VICTORIAMETRICS_ACCOUNT_ID VICTORIALOGS_URL",
    ),
    ("kubernetes", "", "KUBECONFIG KUBE_CONTEXT KUBE_NAMESPACE"),
    ("pagerduty", "token", "PAGERDUTY_TOKEN PAGERDUTY_API_HOST"),
    ("newrelic", "api_key", "NEW_RELIC_API_KEY NEW_RELIC_ACCOUNT_ID NEW_RELIC_REGION"),
    ("dynatrace", "api_token platform_token", "DT_ENVIRONMENT DT_ENV_URL DT_API_TOKEN DT_PLATFORM_TOKEN"),
    ("redis", "password url", "REDIS_URL REDIS_HOST REDIS_PORT REDIS_USERNAME REDIS_PASSWORD REDIS_DB REDIS_TLS"),
    (
        "nats",
        "nkey password token",
        "NATS_URL NATS_CREDS NATS_USER NATS_PASSWORD NATS_TOKEN NATS_NKEY NATS_CA NATS_MONITORING_URL",
    ),
];

#[test]
fn all_providers_are_there() {
    let published: BTreeSet<&str> = PUBLISHED.iter().map(|(key, ..)| *key).collect();
    let declared: BTreeSet<&str> = catalogue().iter().map(|spec| spec.key).collect();
    assert_eq!(declared, published);
}

#[test]
fn secret_fields_are_the_published_ones() {
    for (key, secrets, _) in PUBLISHED {
        let declared: BTreeSet<&str> =
            spec(key).fields.iter().filter(|field| field.secret).map(|field| field.key).collect();
        assert_eq!(declared, secrets.split_whitespace().collect(), "{key}");
    }
}

#[test]
fn published_variables_are_read() {
    for (key, _, variables) in PUBLISHED {
        let read: BTreeSet<&str> = spec(key).fields.iter().flat_map(|field| field.env).copied().collect();
        let missing: Vec<&str> = variables.split_whitespace().filter(|variable| !read.contains(variable)).collect();
        assert!(missing.is_empty(), "{key} does not read {missing:?}");
    }
}

/// Variables, and the flat config of the instance that they make. Defaults are those that users rely on.
const EXAMPLES: &[(&[(&str, &str)], &str)] = &[
    (
        &[("GRAFANA_INSTANCE_URL", "https://g.example.net/"), ("GRAFANA_READ_TOKEN", " t ")],
        r#"{"endpoint":"https://g.example.net","api_key":"t","integration_id":"env-grafana"}"#,
    ),
    (
        &[("DD_API_KEY", "a"), ("DD_APP_KEY", "b")],
        r#"{"api_key":"a","app_key":"b","site":"datadoghq.com","integration_id":"env-datadog"}"#,
    ),
    (
        &[("HONEYCOMB_API_KEY", "a")],
        r#"{"api_key":"a","dataset":"__all__","base_url":"https://api.honeycomb.io","integration_id":"env-honeycomb"}"#,
    ),
    (
        &[("CORALOGIX_API_KEY", "a")],
        r#"{"api_key":"a","base_url":"https://api.coralogix.com","application_name":"","subsystem_name":"","integration_id":"env-coralogix"}"#,
    ),
    (
        &[("SPLUNK_URL", "https://s:8089"), ("SPLUNK_TOKEN", "t")],
        r#"{"base_url":"https://s:8089","token":"t","index":"main","verify_ssl":true,"ca_bundle":"","integration_id":"env-splunk"}"#,
    ),
    (
        &[("MONGODB_ATLAS_PUBLIC_KEY", "u"), ("MONGODB_ATLAS_PRIVATE_KEY", "v"), ("MONGODB_ATLAS_PROJECT_ID", "p")],
        r#"{"api_public_key":"u","api_private_key":"v","project_id":"p","base_url":"https://cloud.mongodb.com/api/atlas/v2","integration_id":"env-mongodb-atlas"}"#,
    ),
    (
        &[("POSTGRESQL_HOST", "db"), ("POSTGRESQL_DATABASE", "shop")],
        r#"{"host":"db","database":"shop","port":5432,"username":"postgres","password":"","ssl_mode":"prefer","timeout_seconds":10.0,"max_results":50,"integration_id":"env-postgresql"}"#,
    ),
    (
        &[("RABBITMQ_HOST", "mq"), ("RABBITMQ_USERNAME", "u")],
        r#"{"host":"mq","username":"u","management_port":15672,"password":"","vhost":"/","ssl":false,"verify_ssl":true,"integration_id":"env-rabbitmq"}"#,
    ),
    (
        &[("BETTERSTACK_QUERY_ENDPOINT", "https://b"), ("BETTERSTACK_USERNAME", "u"), ("BETTERSTACK_SOURCES", "a, b")],
        r#"{"query_endpoint":"https://b","username":"u","password":"","sources":["a","b"],"integration_id":"env-betterstack"}"#,
    ),
    (
        &[("OPENSEARCH_URL", "https://o/"), ("OPENSEARCH_MAX_RESULTS", "501")],
        r#"{"url":"https://o","api_key":"","index_pattern":"*","max_results":500,"integration_id":"env-opensearch"}"#,
    ),
    (
        &[("AIRFLOW_USERNAME", "u")],
        r#"{"base_url":"http://localhost:8080/api/v1","username":"u","password":"","auth_token":"","timeout_seconds":15.0,"verify_ssl":true,"max_results":50,"integration_id":"env-airflow"}"#,
    ),
    (
        &[("AZURE_SQL_SERVER", "s"), ("AZURE_SQL_DATABASE", "d")],
        r#"{"server":"s","database":"d","port":1433,"username":"","password":"","driver":"ODBC Driver 18 for SQL Server","encrypt":true,"timeout_seconds":15.0,"max_results":50,"integration_id":"env-azure-sql"}"#,
    ),
    (
        &[("DISCORD_BOT_TOKEN", "t")],
        r#"{"bot_token":"t","application_id":"","public_key":"","default_channel_id":null,"integration_id":"env-discord"}"#,
    ),
    (
        &[("TELEGRAM_BOT_TOKEN", "t"), ("TELEGRAM_DEFAULT_CHAT_ID", "-100")],
        r#"{"bot_token":"t","default_chat_id":"-100","integration_id":"env-telegram"}"#,
    ),
    (
        &[("GITHUB_MCP_COMMAND", "gh-mcp"), ("GITHUB_MCP_MODE", "STDIO"), ("GITHUB_MCP_ARGS", "serve  --quiet")],
        r#"{"url":"https://api.githubcopilot.com/mcp/","mode":"stdio","command":"gh-mcp","args":["serve","--quiet"],"auth_token":"","headers":{},"toolsets":["repos","issues","pull_requests","actions","search"],"timeout_seconds":15.0,"integration_id":"env-github"}"#,
    ),
];

#[test]
fn old_variables_give_the_configs_that_they_always_gave() {
    for (variables, expected) in EXAMPLES {
        let (_, resolved) = from_variables(variables);
        assert_eq!(config(&resolved).to_string(), *expected, "{}", messages(&resolved));
    }
}
