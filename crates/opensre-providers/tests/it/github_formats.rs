//! GitHub: addresses, repositories and formats, as pure functions.

use opensre_model::evidence::EventKind;
use opensre_model::value::{Config, Value};
use opensre_providers::github::address::Address;
use opensre_providers::github::repository::{Repository, choose, named};
use opensre_providers::github::wire;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::stub::{alert, labels};

fn api(fields: &[(&'static str, &str)]) -> Result<(String, String), String> {
    let mut config = Config::default();
    config.set("url", Value::Text("https://api.githubcopilot.com/mcp/".to_owned()));
    config.set("mode", Value::Text("streamable-http".to_owned()));
    for (key, text) in fields {
        let value = match *key {
            "args" => Value::List(text.split(' ').map(str::to_owned).collect()),
            _ => Value::Text((*text).to_owned()),
        };
        config.set(key, value);
    }
    let address = Address::of(&config).map_err(|failure| failure.hint.unwrap())?;
    Ok((address.api.to_string(), address.web.to_string()))
}

fn stdio<'a>(command: &'a str, args: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![("mode", "stdio"), ("command", command), ("args", args)]
}

#[test]
fn the_rest_api_is_that_of_the_tokens_own_github() {
    let public = ("https://api.github.com/".to_owned(), "https://github.com/".to_owned());
    for (fields, wanted) in [
        (vec![], public.clone()),
        (vec![("url", "https://api.githubcopilot.com/mcp/x/all/readonly")], public.clone()),
        (
            vec![("url", "https://git.example.net:8443/mcp")],
            ("https://git.example.net:8443/api/v3".to_owned(), "https://git.example.net:8443/".to_owned()),
        ),
        (
            vec![("url", "https://copilot-api.octo.ghe.com/mcp")],
            ("https://api.octo.ghe.com/".to_owned(), "https://octo.ghe.com/".to_owned()),
        ),
        (
            vec![("api_url", "https://git.example.net/api/v3")],
            ("https://git.example.net/api/v3".to_owned(), "https://git.example.net/".to_owned()),
        ),
        (vec![("api_url", "http://127.0.0.1:9")], ("http://127.0.0.1:9/".to_owned(), "http://127.0.0.1:9/".to_owned())),
        (stdio("/usr/bin/github-mcp-server", "stdio"), public.clone()),
        (stdio("docker", "run -i ghcr.io/github/github-mcp-server:v1.2"), public),
        (
            stdio("github-mcp-server", "stdio --gh-host https://git.example.net"),
            ("https://git.example.net/api/v3".to_owned(), "https://git.example.net/".to_owned()),
        ),
        (
            stdio("docker", "run -e GITHUB_HOST=git.example.net ghcr.io/github/github-mcp-server"),
            ("https://git.example.net/api/v3".to_owned(), "https://git.example.net/".to_owned()),
        ),
    ] {
        assert_eq!(api(&fields), Ok(wanted), "{fields:?}");
    }
    for unknown in [
        vec![("url", "http://git.example.net/mcp")],
        vec![("api_url", "http://git.example.net/api/v3")],
        stdio("my-server", ""),
        stdio("docker", "run -e GITHUB_HOST ghcr.io/github/github-mcp-server"),
        stdio("github-mcp-server", "--gh-host=http://git.example.net"),
    ] {
        assert!(api(&unknown).unwrap_err().contains("set api_url"), "{unknown:?}");
    }
}

#[test]
fn repositories_as_people_write_them() {
    for (text, wanted) in [
        ("shop/checkout", "None shop/checkout"),
        (" shop/checkout.git ", "None shop/checkout"),
        ("github.com/shop/checkout", "github.com shop/checkout"),
        ("https://github.com/shop/checkout/blob/main/README.md#x", "github.com shop/checkout"),
        ("https://www.GitHub.com/shop/checkout", "github.com shop/checkout"),
        ("https://bot:s3cret@git.example.net:8443/shop/checkout.git?x=1", "git.example.net shop/checkout"),
        ("git@github.com:shop/check.out.git", "github.com shop/check.out"),
        ("ssh://git@github.com/shop/checkout", "github.com shop/checkout"),
    ] {
        let read = Repository::parse(text).unwrap();
        assert_eq!(format!("{} {read}", read.host.as_deref().unwrap_or("None")), wanted, "{text}");
    }
    for odd in [
        "",
        "checkout",
        "shop/",
        "/checkout",
        "shop/..",
        "shop/.",
        "a b/c",
        "shop/che\"ckout",
        "https://github.com/shop",
        "a/b/c",
    ] {
        assert_eq!(Repository::parse(odd), None, "{odd}");
    }
}

#[test]
fn repositories_that_an_alert_names() {
    let mut one = alert(&[("repo", "checkout"), ("service", "checkout")]);
    one.annotations = labels(&[
        ("runbook_url", "https://github.com/shop/runbooks/blob/main/x.md"),
        ("description", "see https://github.com/shop/pools/pull/12."),
        ("github.repository", "shop/checkout"),
    ]);
    assert_eq!(named(&one), ["checkout", "shop/checkout", "github.com/shop/pools"]);
    assert!(named(&alert(&[("app", "shop/checkout"), ("repo", "; drop")])).is_empty());
}

#[test]
fn repositories_are_chosen_by_the_alert_then_by_the_service() {
    let configured: Vec<String> =
        ["shop/checkout-service", "shop/cart", "git.example.net/shop/elsewhere", "bad"].map(str::to_owned).into();
    let chosen = |named: &[&str], services: &[&str]| -> Vec<String> {
        let texts = |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
        choose(&texts(named), &texts(services), &configured, "github.com")
            .into_iter()
            .map(|chosen| format!("{} {}", chosen.repository, chosen.service.unwrap_or_default()))
            .collect()
    };
    assert_eq!(
        chosen(&["https://github.com/shop/pools"], &["checkout"]),
        ["shop/pools checkout", "shop/checkout-service checkout"]
    );
    assert_eq!(chosen(&["cart"], &[]), ["shop/cart "]);
    assert_eq!(chosen(&["SHOP/Cart", "git.example.net/a/b"], &["cart"]), ["SHOP/Cart cart"]);
    assert_eq!(chosen(&[], &["payments"]), ["shop/checkout-service ", "shop/cart "]);
    assert_eq!(chosen(&["git.example.net/a/b"], &[]), ["shop/checkout-service ", "shop/cart "]);
}

#[test]
fn what_a_run_is_follows_from_its_name_and_end() {
    let run = |name: &str, conclusion: Json| {
        let status = if conclusion.is_null() { "queued" } else { "completed" };
        let run = wire::run(
            &json!({"name": name, "status": status, "conclusion": conclusion, "created_at": "2024-05-01T12:00:00Z"}),
        );
        let run = run.unwrap();
        (run.kind, run.title)
    };
    for (name, conclusion, kind, title) in [
        ("Deploy to prod", json!("success"), EventKind::Deploy, "workflow \"Deploy to prod\" succeeded ()"),
        ("Deploy to prod", json!("failure"), EventKind::Change, "workflow \"Deploy to prod\" failed ()"),
        ("Release", json!(null), EventKind::Deploy, "workflow \"Release\" is under way ()"),
        ("Release", json!("cancelled"), EventKind::Other, "workflow \"Release\" was cancelled ()"),
        ("CI", json!("timed_out"), EventKind::Other, "workflow \"CI\" failed ()"),
        ("CI", json!("success"), EventKind::Other, "workflow \"CI\" succeeded ()"),
        ("CI", json!("action_required"), EventKind::Other, "workflow \"CI\" action required ()"),
    ] {
        assert_eq!(run(name, conclusion), (kind, title.to_owned()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_read_of_a_repository_is_safe_in_a_path(text in r#"[a-zA-Z0-9/:@.\\ '"?#%&;\n-]{0,40}"#) {
        if let Some(read) = Repository::parse(&text) {
            let whole = read.to_string();
            prop_assert!(whole.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c)), "{whole}");
            prop_assert_eq!(whole.matches('/').count(), 1);
            prop_assert!(!whole.ends_with("/.") && !whole.ends_with("/.."));
        }
    }

    #[test]
    fn every_name_that_an_alert_gives_can_be_asked_for_or_is_bare(value in r#"[a-zA-Z0-9/:@.\\ '"?#%&;\n-]{0,40}"#) {
        for text in named(&alert(&[("repository", &value)])) {
            prop_assert!(Repository::parse(&text).is_some() || !text.contains(['/', '"', '\'', '\\', '\n', ';']));
        }
    }

    #[test]
    fn anything_can_be_read(title in any::<String>(), number in any::<i64>()) {
        let odd = json!({"sha": title, "commit": title, "number": number, "merged_at": number, "tag_name": title, "id": number,
                         "created_at": title, "published_at": title, "name": title, "conclusion": number});
        let _ = (wire::commit(&odd), wire::pull_request(&odd), wire::release(&odd), wire::deployment(&odd), wire::run(&odd));
    }
}
