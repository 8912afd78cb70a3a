//! What is odd about some providers, by example.

use opensre_model::compatible::dictionary;
use opensre_model::fields;
use opensre_model::instance::Instance;
use opensre_providers::{catalogue, grafana, prefect, slack};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::support::{config, from_records, from_store, from_variables, least, messages, only};

fn keys(resolved: &opensre_model::resolution::Resolved) -> Vec<String> {
    dictionary(&catalogue(), resolved, true).keys().cloned().collect()
}

fn plain(instance: &Instance, field: &str) -> String {
    instance.config().secret(field).map(opensre_model::secret::SecretValue::revealed).unwrap_or_default()
}

// Grafana

#[test]
fn a_grafana_is_local_by_its_exact_host() {
    for local in ["http://localhost", "http://LOCALHOST:3000/x", "https://127.0.0.1:3000", "http://0.0.0.0"] {
        assert!(grafana::declaration::is_local(local), "{local}");
    }
    let remote = [
        "https://localhost.example.net",
        "https://grafana-localhost",
        "https://example.net/localhost",
        "https://127.0.0.1.example.net",
        "http://127.0.0.2:3000",
        "http://[::1]:3000",
        "https://localhost@example.net",
        "https://example.net?host=localhost",
        "nonsense",
    ];
    for remote in remote {
        assert!(!grafana::declaration::is_local(remote), "{remote}");
    }
}

#[test]
fn a_local_grafana_is_anonymous_and_has_its_own_key() {
    let resolved = from_store("grafana", &json!({"endpoint": "http://localhost:3000/", "api_key": "local"}));
    assert_eq!(only(&resolved).service, "grafana_local");
    assert_eq!(
        config(&resolved),
        json!({"endpoint": "http://localhost:3000", "api_key": "", "integration_id": "grafana-1"})
    );
    assert_eq!(keys(&resolved), ["grafana_local", "_all"]);
}

#[test]
fn a_remote_record_of_local_grafana_is_a_grafana() {
    let resolved = from_store("grafana_local", &json!({"endpoint": "https://g.example.net", "api_key": "k"}));
    assert_eq!(only(&resolved).service, "grafana");
    assert_eq!(plain(only(&resolved), "api_key"), "k");

    let resolved = from_store("grafana_local", &json!({"endpoint": "https://g.example.net"}));
    assert_eq!(resolved.instances().count(), 0);
    assert!(messages(&resolved).contains("needs `api_key`"), "{}", messages(&resolved));
}

#[test]
fn the_word_local_is_no_key_of_a_remote_grafana() {
    let resolved = from_store("grafana", &json!({"endpoint": "https://g.example.net", "api_key": "local"}));
    assert_eq!(resolved.instances().count(), 0);
    insta::assert_snapshot!(
        messages(&resolved),
        @"grafana/default: needs an `api_key` other than the word `local` (store integrations.json)"
    );
}

#[test]
fn both_kinds_of_grafana_share_one_list() {
    let instances = json!([
        {"name": "mine", "credentials": {"endpoint": "http://127.0.0.1:3000"}},
        {"name": "prod", "credentials": {"endpoint": "https://g.example.net", "api_key": "k"}},
    ]);
    let resolved =
        from_records(&[json!({"id": "g", "service": "Grafana", "status": "active", "instances": instances})]);
    assert_eq!(keys(&resolved), ["grafana_local", "grafana", "_all_grafana_instances", "_all"]);
}

// AWS

#[test]
fn a_version_1_aws_record_keeps_its_role_beside_the_region() {
    let resolved = from_records(&[json!({
        "id": "aws-1",
        "service": "eks",
        "status": "active",
        "role_arn": "arn:aws:iam::123456789012:role/sre",
        "external_id": "x-1",
        "credentials": {"region": "eu-central-1"},
    })]);
    assert_eq!(
        config(&resolved),
        json!({
            "role_arn": "arn:aws:iam::123456789012:role/sre",
            "external_id": "x-1",
            "region": "eu-central-1",
            "integration_id": "aws-1",
        })
    );
    assert_eq!(messages(&resolved), "");
}

#[test]
fn static_aws_keys_are_nested_in_the_resolved_config() {
    let resolved = from_store("aws", &json!({"access_key_id": "AKIA1", "secret_access_key": "s"}));
    assert_eq!(
        config(&resolved),
        json!({
            "role_arn": "",
            "external_id": "",
            "region": "us-east-1",
            "credentials": {"access_key_id": "AKIA1", "secret_access_key": "s", "session_token": ""},
            "integration_id": "aws-1",
        })
    );
    assert_eq!(plain(only(&resolved), "secret_access_key"), "s");
}

#[test]
fn aws_variables_make_the_record_that_they_always_made() {
    let (records, resolved) = from_variables(&[
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/sre"),
        ("AWS_ACCESS_KEY_ID", "AKIA1"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_CLUSTER_NAMES", "blue, green"),
    ]);
    assert_eq!(records[0].id, "env-aws");
    let instance = only(&resolved);
    assert_eq!(instance.config().text("role_arn"), Some("arn:aws:iam::123456789012:role/sre"));
    assert_eq!(instance.config().text("region"), Some("us-east-1"));
    assert!(!instance.config().has("access_key_id"), "a role wins over keys");
    assert_eq!(instance.config().list("cluster_names"), ["blue", "green"]);

    let (_, resolved) =
        from_variables(&[("AWS_ACCESS_KEY_ID", "AKIA1"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_ROLE_ARN", " ")]);
    assert_eq!(plain(only(&resolved), "access_key_id"), "AKIA1");

    let (records, _) = from_variables(&[("AWS_ACCESS_KEY_ID", "AKIA1"), ("AWS_EXTERNAL_ID", "x")]);
    assert!(records.is_empty(), "half a pair of keys is none");
}

#[test]
fn a_role_beside_keys_is_said_to_win_and_a_bad_account_id_is_dropped() {
    let resolved = from_store(
        "aws",
        &json!({"role_arn": "r", "access_key_id": "a", "secret_access_key": "s", "account_id": 1234}),
    );
    insta::assert_snapshot!(messages(&resolved), @r"
    aws/default role_arn: both role_arn and access keys are set; role_arn is used (store integrations.json)
    aws/default account_id: is not 12 digits; it is left out (store integrations.json)
    ");
    assert!(!only(&resolved).config().has("account_id"));
}

// Argo CD

#[test]
fn an_argocd_token_is_read_in_every_form() {
    let forms = [
        json!({"bearer_token": "t"}),
        json!({"bearer_token": "Bearer t"}),
        json!({"bearer_token": "bearer   t"}),
        json!({"bearer_token": " ", "auth_token": "t"}),
        json!({"auth_token": "", "token": "Bearer t"}),
    ];
    for mut credentials in forms {
        credentials["base_url"] = json!("https://argo.example.net");
        let resolved = from_store("argocd", &credentials);
        assert_eq!(plain(only(&resolved), "bearer_token"), "t", "{credentials}");
    }
    let (_, resolved) = from_variables(&[
        ("ARGOCD_BASE_URL", "https://argo.example.net"),
        ("ARGOCD_AUTH_TOKEN", ""),
        ("ARGOCD_TOKEN", "t"),
    ]);
    assert_eq!(plain(only(&resolved), "bearer_token"), "t");
}

#[test]
fn the_word_bearer_alone_is_no_token() {
    let resolved = from_store("argocd", &json!({"base_url": "https://argo.example.net", "bearer_token": "Bearer "}));
    assert_eq!(resolved.instances().count(), 0);
    let resolved = from_store("argocd", &json!({"base_url": "https://argo.example.net", "bearer_token": "Bearers"}));
    assert_eq!(plain(only(&resolved), "bearer_token"), "Bearers");
}

#[test]
fn argocd_takes_plain_http_from_this_machine_only() {
    let usable =
        |url: &str| from_store("argocd", &json!({"base_url": url, "bearer_token": "t"})).instances().count() == 1;
    for url in ["https://argo.example.net", "http://localhost:8080", "http://127.9.9.9", "http://[::1]:8080"] {
        assert!(usable(url), "{url}");
    }
    for url in ["http://argo.example.net", "http://0.0.0.0:8080", "http://localhost.example.net", "argo"] {
        assert!(!usable(url), "{url}");
    }
}

#[test]
fn argocd_refuses_two_ways_to_authenticate() {
    let base = json!({"base_url": "https://argo.example.net", "bearer_token": "t"});
    for extra in ["username", "password"] {
        let mut credentials = base.clone();
        credentials[extra] = json!("x");
        let resolved = from_store("argocd", &credentials);
        insta::allow_duplicates! {
            insta::assert_snapshot!(
                messages(&resolved),
                @"argocd/default bearer_token: a token and username or password are set; give one or the other (store integrations.json)"
            );
        }
    }
}

// Two ways to authenticate elsewhere

#[test]
fn elsewhere_a_token_wins_with_a_warning() {
    let both = [
        ("alertmanager", "base_url", "bearer_token"),
        ("prometheus", "base_url", "bearer_token"),
        ("loki", "base_url", "bearer_token"),
        ("tempo", "base_url", "bearer_token"),
        ("jaeger", "base_url", "bearer_token"),
        ("victoriametrics", "base_url", "bearer_token"),
        ("openobserve", "base_url", "api_token"),
        ("opensearch", "url", "api_key"),
        ("elasticsearch", "url", "api_key"),
        ("airflow", "base_url", "auth_token"),
    ];
    for (service, url, token) in both {
        let credentials = json!({url: "https://x.example.net", token: "t", "username": "u", "password": "p"});
        let resolved = from_store(service, &credentials);
        let instance = only(&resolved);
        assert_eq!(plain(instance, token), "t", "{service}");
        assert!(!instance.config().has("username") && !instance.config().has("password"), "{service}");
        let said = messages(&resolved);
        assert!(said.contains(&format!("{token} is used")), "{service}: {said}");
    }
}

#[test]
fn user_name_and_password_are_kept_where_there_is_no_token() {
    let resolved =
        from_store("alertmanager", &json!({"base_url": "https://a.example.net", "username": "u", "password": "p"}));
    assert_eq!(only(&resolved).config().text("username"), Some("u"));
    assert_eq!(messages(&resolved), "");
}

// The others, by name

#[test]
fn an_airflow_url_without_an_api_gets_the_first() {
    let base = |url: &str| {
        let resolved = from_store("airflow", &json!({"base_url": url, "username": "u"}));
        only(&resolved).config().text("base_url").map(str::to_owned)
    };
    assert_eq!(base("https://a.example.net/").as_deref(), Some("https://a.example.net/api/v1"));
    assert_eq!(base("https://a.example.net/airflow").as_deref(), Some("https://a.example.net/airflow/api/v1"));
    assert_eq!(base("https://a.example.net/api/v2").as_deref(), Some("https://a.example.net/api/v2"));
    assert_eq!(base("https://api.example.net").as_deref(), Some("https://api.example.net/api/v1"));
}

#[test]
fn opsgenie_and_new_relic_read_a_region_in_any_case_and_report_an_unknown_one() {
    let region = |service: &str, credentials: &Json| {
        let resolved = from_store(service, credentials);
        (only(&resolved).config().text("region").map(str::to_owned).unwrap_or_default(), messages(&resolved))
    };
    assert_eq!(region("opsgenie", &json!({"api_key": "k", "region": "EU"})), ("eu".to_owned(), String::new()));
    let (read, said) = region("opsgenie", &json!({"api_key": "k", "region": "mars"}));
    assert_eq!(read, "us");
    insta::assert_snapshot!(said, @"opsgenie/default region: not one of us, eu; us is used (store integrations.json)");
    let (read, _) = region("newrelic", &json!({"api_key": "k", "account_id": "12", "region": "eu"}));
    assert_eq!(read, "EU");
}

#[test]
fn a_slack_webhook_is_slacks() {
    for webhook in [
        "https://hooks.slack.com/services/T/B/x",
        "https://slack.com/x",
        "https://HOOKS.Slack.com/x",
        "https://hooks.slack-gov.com/services/x",
    ] {
        assert!(slack::declaration::is_webhook(webhook), "{webhook}");
    }
    for webhook in [
        "http://hooks.slack.com/services/x",
        "https://hooks.slack.com.example.net/x",
        "https://notslack.com/x",
        "https://example.net/hooks.slack.com",
        "https://hooks.slack.com@example.net/x",
        "https://slack-gov.com.example.net",
        "hooks.slack.com/services/x",
    ] {
        assert!(!slack::declaration::is_webhook(webhook), "{webhook}");
    }
}

#[test]
fn a_foreign_webhook_is_refused_unless_there_is_a_bot() {
    let foreign = "https://example.net/services/SECRET";
    let resolved = from_store("slack", &json!({"webhook_url": foreign}));
    assert_eq!(resolved.instances().count(), 0);
    assert!(!messages(&resolved).contains("SECRET"));

    let resolved = from_store("slack", &json!({"webhook_url": foreign, "bot_token": "xoxb-1"}));
    assert!(!only(&resolved).config().has("webhook_url"));
    assert_eq!(keys(&resolved), ["_all"], "the Python product has no such key");
}

#[test]
fn a_discord_key_is_hexadecimal() {
    let usable =
        |key: &str| from_store("discord", &json!({"bot_token": "t", "public_key": key})).instances().count() == 1;
    assert!(usable("00ffAB") && usable("") && !usable("0x12") && !usable("xyz"));
}

#[test]
fn a_chat_id_may_be_a_number() {
    let resolved = from_store("telegram", &json!({"bot_token": "t", "default_chat_id": -100_123}));
    assert_eq!(config(&resolved)["default_chat_id"], "-100123");
}

#[test]
fn tracer_follows_the_stage_unless_told_where_it_is() {
    let base = |pairs: &[(&str, &str)]| {
        let (_, resolved) = from_variables(pairs);
        only(&resolved).config().text("base_url").map(str::to_owned).unwrap_or_default()
    };
    assert_eq!(base(&[("JWT_TOKEN", "t")]), "https://staging.tracer.cloud");
    assert_eq!(base(&[("JWT_TOKEN", "t"), ("ENV", "dev")]), "https://staging.tracer.cloud");
    assert_eq!(base(&[("JWT_TOKEN", "t"), ("ENV", "prod")]), "https://app.tracer.cloud");
    assert_eq!(base(&[("JWT_TOKEN", "t"), ("ENV", "Production")]), "https://app.tracer.cloud");
    assert_eq!(
        base(&[("JWT_TOKEN", "t"), ("ENV", "prod"), ("TRACER_API_URL", "https://t.example.net/")]),
        "https://t.example.net"
    );
    let (records, _) = from_variables(&[("ENV", "prod")]);
    assert!(records.is_empty());
    let resolved = from_store("tracer", &json!({"jwt_token": "Bearer t"}));
    assert_eq!(plain(only(&resolved), "jwt_token"), "t");
}

#[test]
fn snowflake_needs_a_token_and_reads_the_older_name_of_the_account() {
    let resolved = from_store("snowflake", &json!({"account": "org-acc", "token": "t"}));
    assert_eq!(only(&resolved).config().text("account_identifier"), Some("org-acc"));
    let (_, resolved) = from_variables(&[("SNOWFLAKE_ACCOUNT", "org-acc"), ("SNOWFLAKE_TOKEN", "t")]);
    assert_eq!(only(&resolved).config().text("account_identifier"), Some("org-acc"));
    let resolved = from_store("snowflake", &json!({"account_identifier": "org-acc", "user": "u", "password": "p"}));
    assert_eq!(resolved.instances().count(), 0);
}

#[test]
fn opensearch_reads_the_older_name_of_its_url() {
    let resolved = from_store("opensearch", &json!({"endpoint": "https://o.example.net", "username": "u"}));
    assert_eq!(only(&resolved).config().text("url"), Some("https://o.example.net"));
    assert_eq!(only(&resolved).config().text("username"), Some("u"));
}

#[test]
fn posthogs_window_is_a_number_with_a_unit() {
    let window = |written: &str| {
        let credentials = json!({"project_id": "1", "personal_api_key": "k", "bounce_rate_window": written});
        let resolved = from_store("posthog", &credentials);
        only(&resolved).config().text("bounce_rate_window").map(str::to_owned).unwrap_or_default()
    };
    assert_eq!(window("90m"), "90m");
    assert_eq!(window("1.5h"), "1.5h");
    for wrong in ["soon", "24", "h", "-1h", "1e3h", "infh"] {
        assert_eq!(window(wrong), "24h", "{wrong}");
    }
}

#[test]
fn betterstack_keeps_identifiers_only() {
    let credentials = json!({
        "query_endpoint": "https://b.example.net",
        "username": "u",
        "sources": "t1_logs, x; DROP TABLE y, 1a",
    });
    let resolved = from_store("betterstack", &credentials);
    assert_eq!(only(&resolved).config().list("sources"), ["t1_logs"]);
    assert!(messages(&resolved).contains("sources: 2 of its names"), "{}", messages(&resolved));
}

#[test]
fn kafka_never_falls_back_to_a_protocol_in_clear() {
    let read =
        |protocol: &str| from_store("kafka", &json!({"bootstrap_servers": "k:9092", "security_protocol": protocol}));
    assert_eq!(only(&read("sasl_ssl")).config().text("security_protocol"), Some("SASL_SSL"));
    assert_eq!(only(&read("")).config().text("security_protocol"), Some("PLAINTEXT"));
    assert_eq!(read("SASL-SSL").instances().count(), 0);
}

#[test]
fn a_github_needs_a_token_a_server_or_a_command() {
    let usable = |credentials: &Json| from_store("github_mcp", credentials).instances().count() == 1;
    assert!(usable(&json!({"auth_token": "t"})));
    assert!(usable(&json!({"url": "https://mcp.example.net"})));
    assert!(usable(&json!({"mode": "Stdio", "command": "gh-mcp"})));
    assert!(!usable(&json!({})));
    assert!(!usable(&json!({"url": "https://api.githubcopilot.com/mcp"})), "nobody gets in there without a token");
    assert!(!usable(&json!({"command": "gh-mcp"})), "the mode is not stdio");
    assert!(!usable(&json!({"url": "ftp://mcp.example.net"})));

    let made = |pairs: &[(&str, &str)]| !from_variables(pairs).0.is_empty();
    assert!(made(&[("GITHUB_MCP_URL", "https://mcp.example.net")]));
    assert!(!made(&[("GITHUB_MCP_URL", "https://mcp.example.net"), ("GITHUB_MCP_MODE", "stdio")]));
    assert!(!made(&[("GITHUB_MCP_COMMAND", "gh-mcp")]));
    assert!(made(&[("GITHUB_MCP_COMMAND", "gh-mcp"), ("GITHUB_MCP_MODE", "stdio")]));
    assert!(made(&[("GITHUB_MCP_API_URL", "https://git.example.net/api/v3"), ("GITHUB_MCP_AUTH_TOKEN", "t")]));
    assert!(!made(&[("GITHUB_MCP_AUTH_TOKEN", "t")]), "as ever");
}

#[test]
fn a_githubs_rest_api_is_encrypted_and_its_repositories_are_checked() {
    let read = |api_url: &str, repositories: &Json| {
        from_store("github", &json!({"auth_token": "t", "api_url": api_url, "repositories": repositories}))
    };
    let good = read("https://git.example.net/api/v3/", &json!("shop/checkout, shop/cart"));
    assert_eq!(only(&good).config().text("api_url"), Some("https://git.example.net/api/v3"));
    assert_eq!(only(&good).config().list("repositories"), ["shop/checkout", "shop/cart"]);
    assert_eq!(messages(&good), "");
    assert_eq!(read("http://127.0.0.1:8080", &json!([])).instances().count(), 1);
    assert_eq!(read("http://git.example.net/api/v3", &json!([])).instances().count(), 0);
    let odd = read("", &json!(["shop/checkout", "checkout"]));
    assert!(messages(&odd).contains("entry 2 is no owner/name"), "{}", messages(&odd));
}

#[test]
fn openclaw_warns_of_its_web_interface() {
    let said = |url: &str| messages(&from_store("openclaw", &json!({"url": url, "auth_token": "Bearer t"})));
    assert!(said("http://localhost:18789/").contains("web interface"));
    assert_eq!(said("http://localhost:18789/mcp"), "");
    assert_eq!(said("https://claw.example.net:18789"), "");
    let resolved = from_store("openclaw", &json!({"url": "https://c.example.net/mcp", "auth_token": "Bearer t"}));
    assert_eq!(plain(only(&resolved), "auth_token"), "t");
}

#[test]
fn prefect_is_configured_by_a_key_or_a_server_of_its_own() {
    let resolve = |credentials: &Json| from_store("prefect", credentials);
    assert_eq!(resolve(&json!({"api_url": "https://api.prefect.cloud/api/"})).instances().count(), 0);
    assert_eq!(resolve(&json!({"api_url": "http://prefect:4200/api"})).instances().count(), 1);

    let base = |credentials: &Json| prefect::declaration::base(only(&resolve(credentials)).config());
    assert_eq!(base(&json!({"api_key": "k"})), "https://api.prefect.cloud/api");
    assert_eq!(
        base(&json!({"api_key": "k", "account_id": "a", "workspace_id": "../w"})),
        "https://api.prefect.cloud/api/accounts/a/workspaces/..%2Fw"
    );
    let whole = "https://api.prefect.cloud/api/accounts/a/workspaces/w";
    assert_eq!(base(&json!({"api_key": "k", "api_url": whole, "account_id": "b", "workspace_id": "c"})), whole);
    let said = messages(&resolve(&json!({"api_key": "k", "account_id": "a"})));
    assert!(said.contains("account_id: has no effect without workspace_id"), "{said}");
}

#[test]
fn kubernetes_variables_name_a_context_or_this_pod() {
    let (_, resolved) = from_variables(&[("KUBE_CONTEXT", "Prod"), ("KUBE_NAMESPACE", "shop")]);
    assert_eq!(only(&resolved).name.as_str(), "prod");
    assert_eq!(only(&resolved).config().text("context"), Some("Prod"));

    let (_, resolved) = from_variables(&[("KUBECONFIG", "/a:/b"), ("KUBERNETES_SERVICE_HOST", "10.0.0.1")]);
    assert_eq!(only(&resolved).name.as_str(), "default");
    assert_eq!(only(&resolved).config().boolean("in_cluster"), Some(false));

    let (_, resolved) = from_variables(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1")]);
    assert_eq!(only(&resolved).name.as_str(), "in-cluster");
    assert_eq!(only(&resolved).config().boolean("in_cluster"), Some(true));

    let (records, _) = from_variables(&[("KUBE_NAMESPACE", "shop")]);
    assert!(records.is_empty());
}

#[test]
fn credentials_in_a_nats_url_become_fields() {
    let resolved = from_store("nats", &json!({"url": "nats://me:hunter2@n1:4222, nats://me:hunter2@n2:4222/"}));
    let instance = only(&resolved);
    assert_eq!(instance.config().text("url"), Some("nats://n1:4222,nats://n2:4222/"));
    assert_eq!(instance.config().text("user"), Some("me"));
    assert_eq!(plain(instance, "password"), "hunter2");
    assert!(!messages(&resolved).contains("hunter2"));

    let resolved = from_store("nats", &json!({"url": "nats://s3cr3t@n1:4222", "token": "other"}));
    assert_eq!(plain(only(&resolved), "token"), "other", "a field wins over the URL");
    assert_eq!(only(&resolved).config().text("url"), Some("nats://n1:4222"));
}

#[test]
fn loki_and_tempo_read_the_spellings_of_logcli() {
    let (_, resolved) = from_variables(&[
        ("LOKI_ADDR", "https://l.example.net"),
        ("LOKI_URL", "https://other.example.net"),
        ("LOKI_CA_CERT_PATH", "/ca.pem"),
        ("LOKI_TLS_SKIP_VERIFY", "true"),
    ]);
    let loki = only(&resolved).config();
    assert_eq!(loki.text("base_url"), Some("https://l.example.net"));
    assert_eq!(loki.text("ca_bundle"), Some("/ca.pem"));
    assert_eq!(loki.boolean("verify_ssl"), Some(false), "one field says whether certificates are verified");

    let resolved = from_store("tempo", &json!({"base_url": "https://t.example.net", "ca_cert_path": "/ca.pem"}));
    assert_eq!(only(&resolved).config().text("ca_bundle"), Some("/ca.pem"));
    assert_eq!(only(&resolved).config().boolean("verify_ssl"), Some(true));
}

#[test]
fn services_that_the_python_product_does_not_classify_are_wrapped() {
    let credentials = json!({"host": "db", "password": "p", "port": "5433", "engine": "mysql"});
    let resolved = from_store("rds", &credentials);
    let dictionary = dictionary(&catalogue(), &resolved, true);
    assert_eq!(dictionary["rds"], json!({"credentials": credentials, "integration_id": "rds-1"}));
    assert_eq!(only(&resolved).config().integer("port"), Some(5433));

    let wrapped: Vec<&str> = catalogue()
        .iter()
        .filter(|spec| spec.hooks.dictionary == opensre_model::provider::DictionaryForm::Wrapped)
        .map(|spec| spec.key)
        .collect();
    let expected = [
        "clickhouse",
        "elasticsearch",
        "google_docs",
        "kafka",
        "notion",
        "posthog",
        "prefect",
        "rds",
        "tracer",
        "trello",
    ];
    assert!(expected.iter().all(|key| wrapped.contains(key)) && wrapped.len() == expected.len(), "{wrapped:?}");
}

proptest! {
    /// Whatever text a field holds, no hook panics, and one that took it has settled: what was read, written back and
    /// read again, is the same and says nothing new.
    #[test]
    fn reading_twice_is_reading_once(text in "\\PC{0,24}", provider in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()) {
        let specs: Vec<_> = catalogue().iter().collect();
        let spec = *provider.get(&specs);
        let mut credentials = least(spec, &spec.configured);
        credentials.insert(at.get(spec.fields).key.to_owned(), json!(text));
        let once = from_store(spec.key, &Json::Object(credentials));
        if let Some(instance) = once.instances().next() {
            let written: Map<String, Json> =
                instance.config().iter().map(|(key, value)| (key.to_owned(), fields::revealed(value))).collect();
            let twice = from_store(&instance.service, &Json::Object(written));
            prop_assert_eq!(only(&twice).config(), instance.config());
            let said = messages(&once);
            prop_assert!(messages(&twice).lines().all(|line| said.contains(line)), "{}", messages(&twice));
        }
    }

    #[test]
    fn a_host_that_is_not_exactly_local_is_remote(prefix in "[a-z0-9]{0,4}", suffix in "[a-z0-9.]{0,6}") {
        let host = format!("{prefix}localhost{suffix}");
        let is_local = grafana::declaration::is_local(&format!("https://{host}"));
        prop_assert_eq!(is_local, host == "localhost");
    }
}
