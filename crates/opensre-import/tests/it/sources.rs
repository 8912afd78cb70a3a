//! What each source makes of a file as its vendor documents it.

use opensre_import::plan::{Choices, Plan};
use opensre_import::sources::{grafanactl, holmes, kubeconfig, mcp, opensre};
use opensre_model::record::Document;

use crate::support::{all_found, catalogue, file, fixture, planned, short, variables};

fn fresh(source: &str) -> Plan {
    let found = all_found(false).into_iter().find(|(name, _)| *name == source).expect("a source").1;
    planned(&Document::empty(), found, &Choices::default())
}

#[test]
fn contexts_of_a_kubeconfig() {
    insta::assert_snapshot!(short(&fresh("kubeconfig")));
}

#[test]
fn profiles_of_aws() {
    insta::assert_snapshot!(short(&fresh("aws")));
}

#[test]
fn toolsets_of_holmes() {
    insta::assert_snapshot!(short(&fresh("holmes")));
}

#[test]
fn contexts_of_gcx_and_grafanactl() {
    insta::assert_snapshot!(format!("{}---\n{}", short(&fresh("gcx")), short(&fresh("grafanactl"))));
}

#[test]
fn servers_of_mcp_hosts() {
    insta::assert_snapshot!(short(&fresh("mcp")));
}

#[test]
fn data_sources_of_a_grafana() {
    let plan = fresh("grafana");
    let notes: Vec<String> = plan.instances.iter().flat_map(|entry| entry.notes.clone()).collect();
    insta::assert_snapshot!(format!("{}{}\n{}", short(&plan), notes.join("\n"), plan.notes.join("\n")));
}

#[test]
fn variables_of_a_shell() {
    insta::assert_snapshot!(short(&fresh("env")));
}

#[test]
fn stores_of_both_versions() {
    insta::assert_snapshot!(format!("{}---\n{}", short(&fresh("v1")), short(&fresh("v2"))));
}

#[test]
fn the_current_context_comes_first_and_is_the_default() {
    let first = fresh("kubeconfig").instances.remove(0);
    assert_eq!(first.instance, "kubernetes/staging");
    assert!(first.notes[0].contains("exec plug-in `gke-gcloud-auth-plugin`: run when it is used, not now"));
}

#[test]
fn contexts_that_would_have_one_name_keep_their_whole_ones() {
    let text = "
clusters: [{name: c, cluster: {server: https://a}}]
users: []
contexts:
- {name: 'arn:aws:eks:eu-west-1:123456789012:cluster/shop', context: {cluster: c}}
- {name: 'arn:aws:eks:us-east-1:123456789012:cluster/shop', context: {cluster: c}}
- {name: other, context: {cluster: c}}
- {name: Other/, context: {cluster: c}}
";
    let plan = planned(&Document::empty(), kubeconfig::read(&[file(text)], "/k"), &Choices::default());
    let names: Vec<&str> = plan.instances.iter().map(|entry| entry.instance.as_str()).collect();
    assert_eq!(
        names,
        [
            "kubernetes/arn:aws:eks:eu-west-1:123456789012:cluster-shop",
            "kubernetes/arn:aws:eks:us-east-1:123456789012:cluster-shop",
            "kubernetes/other",
            "kubernetes/other-2",
        ]
    );
}

#[test]
fn several_kubeconfigs_are_read_together_and_a_broken_one_stops_none() {
    let first = "contexts: [{name: a, context: {cluster: c}}]\ncurrent-context: a\n";
    let second =
        "clusters: [{name: c, cluster: {server: 'https://a'}}]\ncontexts: [{name: a, context: {cluster: gone}}]\n";
    let files = [file(first), file("a: [\n  hunter2: }"), file(second), file("- just\n- a list\n")];
    let plan = planned(&Document::empty(), kubeconfig::read(&files, "/one:/two"), &Choices::default());
    assert_eq!(
        short(&plan),
        "+ kubernetes/a context=a kubeconfig=/one:/two #cluster=c\n\
         ! FILE: it is not valid YAML (line 1, column 4)\n\
         ! FILE: it is not a kubeconfig: it has no keys\n"
    );
}

#[test]
fn long_lived_keys_are_copied_only_when_asked_and_temporary_ones_never() {
    let found = all_found(true).into_iter().find(|(name, _)| *name == "aws").expect("aws").1;
    let choices = Choices { copy_secrets: true, ..Choices::default() };
    let plan = planned(&Document::empty(), found, &choices);
    let of = |name: &str| {
        let entry = plan.instances.iter().find(|entry| entry.instance == name).expect("an instance");
        entry.fields.iter().map(|field| format!("{}={}", field.name, field.new)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("aws/base"), "region=eu-central-1 access_key_id=set secret_access_key=set");
    assert_eq!(of("aws/temporary"), "profile=temporary");
    let mut document = Document::empty();
    plan.apply(&catalogue(), &mut document, 1);
    let text = document.into_json().to_string();
    assert!(text.contains("canary-secret-access-key-base") && !text.contains("canary-session-token"));
}

#[test]
fn what_is_not_the_right_file_says_what_it_should_be() {
    let catalogue = catalogue();
    let none = variables(&[]);
    let wrong = [
        grafanactl::read(file("a: 1")).map(|_| ()),
        holmes::read(file("[]"), &catalogue, &none).map(|_| ()),
        mcp::read(file("{}"), &catalogue, &none).map(|_| ()),
        opensre::read(file("{\"version\": 2}"), &catalogue).map(|_| ()),
        opensre::read(file("{\n \"a\": hunter2"), &catalogue).map(|_| ()),
        mcp::read(file("{\n // c\n hunter2"), &catalogue, &none).map(|_| ()),
    ];
    let said: Vec<String> = wrong.into_iter().map(|wrong| wrong.expect_err("wrong").to_string()).collect();
    assert_eq!(
        said,
        [
            "it has no `contexts`",
            "it has neither `toolsets` nor `mcp_servers`",
            "it names no MCP servers",
            "the store has no `integrations`",
            "it is not valid JSON (line 2, column 7)",
            "it is not valid JSON (line 3, column 2)",
        ]
    );
}

#[test]
fn mcp_servers_are_known_in_every_host_and_spelling() {
    let text = r#"{
      "servers": {"a": {"type": "stdio", "command": "npx", "args": ["-y", "@elastic/mcp-server-elasticsearch@0.3"],
                        "env": {"ES_URL": "https://es.example.com", "ES_API_KEY": "${env:ES_KEY}"}}},
      "context_servers": {"b": {"command": {"path": "/usr/bin/mcp-grafana", "args": [], "env": {"GRAFANA_URL": "https://g.example.com"}}}},
      "projects": {"/w": {"mcpServers": {
        "c": {"command": "npx", "args": ["mcp-remote", "https://mcp.us3.datadoghq.com/mcp", "--header", "DD-API-KEY: ${DD_KEY}", "--header", "DD_APPLICATION_KEY:${DD_APP}"]},
        "d": {"command": "npx", "args": ["argocd-mcp@latest", "stdio"], "env": {"ARGOCD_BASE_URL": "${NOT_SET}", "ARGOCD_API_TOKEN": "t"}},
        "sentry": {"url": "https://mcp.sentry.dev/mcp/acme/shop"}
      }}}
    }"#;
    let found = mcp::read(file(text), &catalogue(), &variables(&[])).expect("good");
    let plan = planned(&Document::empty(), found, &Choices::default());
    insta::assert_snapshot!(short(&plan));
}

#[test]
fn a_holmes_instance_takes_all_or_none_of_the_shared_credentials() {
    let text = "
toolsets:
  elasticsearch/data:
    config:
      api_key: '{{ env.SHARED }}'
      instances:
      - {name: inherits, url: 'https://a.example.com'}
      - {name: own, url: 'https://b.example.com', username: me, password: '{{ env.OWN }}'}
mcp_servers:
  gh:
    config: {url: 'https://api.githubcopilot.com/mcp/', headers: {Authorization: 'Bearer {{ env.GH }}'}}
";
    let found = holmes::read(file(text), &catalogue(), &variables(&[])).expect("good");
    let plan = planned(&Document::empty(), found, &Choices::default());
    assert_eq!(
        short(&plan),
        "+ elasticsearch/inherits url=https://a.example.com api_key=${env:SHARED}\n\
         + elasticsearch/own url=https://b.example.com username=me password=${env:OWN}\n\
         + github/gh auth_token=${env:GH}\n"
    );
}

#[test]
fn what_looks_like_a_command_of_ours_in_a_foreign_file_is_never_taken_for_one() {
    let text = "
toolsets:
  pagerduty: {config: {api_key: '${exec:touch /tmp/owned}'}}
";
    let found = holmes::read(file(text), &catalogue(), &variables(&[])).expect("good");
    let choices = Choices { copy_secrets: true, ..Choices::default() };
    let plan = planned(&Document::empty(), found, &choices);
    assert_eq!(short(&plan), "+ pagerduty/default token=${env:OPENSRE_PAGERDUTY_DEFAULT_TOKEN}\n");
}

#[test]
fn an_aws_file_is_a_fixture_that_still_has_what_the_tests_need() {
    // The canaries of the other tests must be in there, or they would find nothing.
    for name in
        ["aws-config", "aws-credentials", "holmes.yaml", "gcx.yaml", "grafanactl.yaml", "mcp.jsonc", "kubeconfig.yaml"]
    {
        assert!(fixture(name).contains("canary"), "{name}");
    }
}
