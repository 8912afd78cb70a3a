//! The generated reference: complete, in step with what is read, and well-formed.

use opensre_model::evidence::Evidence;
use opensre_model::provider::Rule;
use opensre_providers::docs::{environment_reference, provider_page, support_table};
use opensre_providers::driver::{Answer, Bounds, InputSpec, Probe, ProbeStatus, Provider, Query, Relevance};
use opensre_providers::{catalogue, providers};
use serde_json::Value as Json;

use super::support::{from_records, from_variables, messages, spec};

/// The fenced blocks of a language, in order.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    page.split(opening.as_str()).skip(1).filter_map(|rest| rest.split_once("\n```").map(|(block, _)| block)).collect()
}

/// The value of `export NAME=...` as a shell reads it; the examples hold no quotes of their own.
fn exported(line: &str) -> (&str, &str) {
    let (name, value) = line.strip_prefix("export ").and_then(|rest| rest.split_once('=')).expect("an export");
    (name, value.trim_matches('\''))
}

#[test]
fn the_example_of_a_store_record_is_configured() {
    for provider in providers() {
        let page = provider_page(&provider);
        let record: Json = serde_json::from_str(blocks(&page, "json")[0]).expect("JSON");
        let resolved = from_records(&[record]);
        let services: Vec<&str> = resolved.instances().map(|instance| instance.service.as_str()).collect();
        assert_eq!(services, [provider.spec.key], "{}", messages(&resolved));
        assert_eq!(messages(&resolved), "", "{}", provider.spec.key);
    }
}

#[test]
fn the_examples_of_variables_are_configured() {
    for provider in providers() {
        let page = provider_page(&provider);
        let exports: Vec<&str> = blocks(&page, "sh").into_iter().filter(|block| block.starts_with("export ")).collect();
        let expected = usize::from(provider.spec.instances_variable.is_some())
            + usize::from(!matches!(provider.spec.environment, Rule::Never));
        assert_eq!(exports.len(), expected, "{page}");
        let Some(several) = exports.first() else { continue };
        let (_, resolved) = from_variables(&[exported(several)]);
        let names: Vec<&str> = resolved.instances().map(|instance| instance.name.as_str()).collect();
        assert_eq!(names, ["prod", "staging"], "{}", messages(&resolved));
        if let Some(single) = exports.get(1) {
            let pairs: Vec<(&str, &str)> = single.lines().map(exported).collect();
            let (records, resolved) = from_variables(&pairs);
            assert_eq!(records.len(), 1, "{single}");
            // Slack's example is no webhook; it only shows where one goes.
            let usable = usize::from(provider.spec.key != "slack");
            assert_eq!(resolved.instances().count(), usable, "{single}: {}", messages(&resolved));
        }
    }
}

#[test]
fn pages_show_every_field_and_the_reference_every_variable() {
    let reference = environment_reference(&catalogue());
    for provider in providers() {
        let page = provider_page(&provider);
        for field in provider.spec.fields {
            assert!(page.contains(&format!("\n| `{}` |", field.key)), "{} {}", provider.spec.key, field.key);
            for variable in field.env {
                assert!(page.contains(&format!("`{variable}`")), "{variable} on its page");
                assert!(reference.contains(&format!("\n| `{variable}` |")), "{variable} in the reference");
            }
        }
        if let Some(variable) = provider.spec.instances_variable {
            assert!(reference.contains(&format!("\n| `{variable}` |")), "{variable}");
        }
    }
    for variable in ["ENV", "KUBERNETES_SERVICE_HOST"] {
        assert!(reference.contains(&format!("\n| `{variable}` |")), "{variable} is read by a hook");
    }
}

#[test]
fn tables_have_as_many_cells_in_each_row() {
    let mut pages: Vec<String> = providers().iter().map(provider_page).collect();
    pages.extend([environment_reference(&catalogue()), support_table(&providers())]);
    for page in pages {
        let mut width = None;
        for line in page.lines() {
            if !line.starts_with('|') {
                width = None;
                continue;
            }
            let bars = line.replace("\\|", "").matches('|').count();
            assert_eq!(*width.get_or_insert(bars), bars, "{line}");
        }
    }
}

#[test]
fn the_page_of_a_provider_that_is_only_declared() {
    let provider = Provider::declared(spec("pagerduty"));
    insta::assert_snapshot!(provider_page(&provider), @r#"
    <!-- Generated from the declarations of the providers. Do not edit. -->

    # PagerDuty

    Incidents, their alerts and log, change events and who is on call. Needs a read-only API key.

    - Key: `pagerduty`
    - Variable for several instances: `PAGERDUTY_INSTANCES`
    - Configured with: `token`

    ## Fields

    | Field | Type | Default | Secret | Variable | What it holds |
    | --- | --- | --- | --- | --- | --- |
    | `token` | text |  | yes | `PAGERDUTY_TOKEN` | API token: Integrations > API Access Keys; read-only |
    | `api_host` | URL | `https://api.pagerduty.com` |  | `PAGERDUTY_API_HOST` | API URL: https://api.eu.pagerduty.com for the EU |
    | `verify_ssl` | yes or no | `true` |  | `PAGERDUTY_VERIFY_SSL` | Verify the server's TLS certificate: only `false` turns it off; `verify` then says so |
    | `ca_bundle` | text |  |  | `PAGERDUTY_CA_BUNDLE` | Path of a CA bundle (PEM): needed only where the server's certificate is signed by a private authority |

    ## In the store file

    ```json
    {
      "id": "pagerduty-1",
      "service": "pagerduty",
      "status": "active",
      "instances": [
        {
          "name": "prod",
          "tags": {
            "env": "prod"
          },
          "credentials": {
            "token": "${env:PAGERDUTY_TOKEN}"
          }
        }
      ]
    }
    ```

    The same on the command line:

    ```sh
    opensre integrations add pagerduty --name prod --tag env=prod \
      --set 'token=${env:PAGERDUTY_TOKEN}'
    ```

    ## In the environment

    Several instances:

    ```sh
    export PAGERDUTY_INSTANCES='[
      {"name":"prod","tags":{"env":"prod"},"credentials":{"token":"${env:PAGERDUTY_TOKEN}"}},
      {"name":"staging","tags":{"env":"staging"},"token":"${env:PAGERDUTY_TOKEN}"}
    ]'
    ```

    A single instance:

    ```sh
    export PAGERDUTY_TOKEN=...
    ```

    ## What is done with it

    It is declared only so far: instances are loaded, listed, selected and kept, but nothing calls them yet. `opensre integrations verify` answers `not probed`.
    "#);
}

#[test]
fn the_reference_names_what_a_single_instance_needs_by_its_variables() {
    let reference = environment_reference(&catalogue());
    let needs = |key: &str| {
        let (_, section) = reference.split_once(&format!(" (`{key}`)\n\n")).expect("a section");
        section.lines().next().unwrap_or_default().to_owned()
    };
    insta::assert_snapshot!(needs("argocd"), @"A single instance needs `ARGOCD_BASE_URL` and (`ARGOCD_AUTH_TOKEN`, or `ARGOCD_USERNAME` and `ARGOCD_PASSWORD`).");
    insta::assert_snapshot!(needs("aws"), @"A single instance needs `AWS_ROLE_ARN`, or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.");
    insta::assert_snapshot!(needs("github"), @"A single instance needs `GITHUB_MCP_URL` and a mode other than `stdio`, or `GITHUB_MCP_COMMAND` and the mode `stdio`, or `GITHUB_MCP_API_URL` and `GITHUB_MCP_AUTH_TOKEN`.");
    insta::assert_snapshot!(needs("rds"), @"There is no single-instance form. Field names are on the page of Amazon RDS.");
}

/// A query that exists for its documentation alone.
const QUERY: Query = Query {
    name: "incidents",
    summary: "which incidents are open | closed",
    input: &[
        InputSpec { key: "service", kind: "string", required: true, help: "id of the service" },
        InputSpec { key: "statuses", kind: "array", required: false, help: "which to return" },
    ],
    bounds: Bounds { rows: 100, bytes: 1 << 20, seconds: 10 },
    relevance: |_| Relevance::Skip("only documented"),
    run: |_, _, _| Box::pin(async { Answer { evidence: Vec::<Evidence>::new(), gaps: vec![], calls: 0 } }),
};

#[test]
fn what_a_provider_can_do_is_told() {
    let provider = Provider {
        spec: spec("pagerduty"),
        probe: Some(|_| {
            let identity = std::collections::BTreeMap::new();
            Box::pin(async { Probe { status: ProbeStatus::Passed, detail: String::new(), identity, hint: None } })
        }),
        identity: &["account", "user"],
        queries: &[QUERY],
        deliver: None,
        alert_labels: None,
    };
    let page = provider_page(&provider);
    let (_, abilities) = page.split_once("## What is done with it\n\n").expect("a section");
    insta::assert_snapshot!(abilities, @r"
    `opensre integrations verify` proves the credentials with a real call.

    It shows, where the server tells it, and `expect` may pin an instance to: `account`, `user`.

    Read-only queries, asked where an alert makes them relevant:

    | Query | What it answers | Input | Bounds |
    | --- | --- | --- | --- |
    | `incidents` | which incidents are open \| closed | `service` (string, required), `statuses` (array) | 100 rows, 1024 KiB, 10 s |
    ");
    let table = support_table(&[provider, Provider::declared(spec("opsgenie"))]);
    let (_, table) = table.split_once("## Alerting").expect("a heading");
    insta::assert_snapshot!(table, @r"
     and tickets

    | Provider | `<SERVICE>_INSTANCES` env | Classifier multi-instance | Selection by | Verify | Identity | Queries | Delivery |
    | --- | --- | --- | --- | --- | --- | --- | --- |
    | [PagerDuty](docs/providers/pagerduty.md) | ✅ `PAGERDUTY_INSTANCES` | ✅ | ✅ hint, name, tag | ✅ | `account`, `user` | ✅ 1 | – |
    | [Opsgenie](docs/providers/opsgenie.md) | ✅ `OPSGENIE_INSTANCES` | ✅ | ✅ hint, name, tag | *declared only* | – | – | – |
    ");
}
