//! A probe together with the instance's pin.

use futures::FutureExt;
use opensre_model::identity::Expect;
use opensre_providers::driver::{Access, Probe, ProbeStatus, Provider, verify};
use opensre_providers::identity;
use opensre_providers::prometheus;

use crate::stub::access;

fn there(_: &Access) -> futures::future::BoxFuture<'_, Probe> {
    async { Probe::passed("it answers").with("account_id", Some("111")).with("organisation", Some("Shop")) }.boxed()
}

const THERE: Provider = Provider { probe: Some(there), ..prometheus::PROVIDER };

async fn pinned(provider: Provider, pairs: &[(&str, &str)]) -> Probe {
    let mut access = access(&provider, &[("base_url", "http://127.0.0.1:9")]);
    access.instance.expect = Expect::from_pairs(pairs.iter().copied());
    verify(&provider, &access).await
}

#[tokio::test]
async fn who_answers_must_be_who_is_expected() {
    assert_eq!(pinned(THERE, &[]).await.status, ProbeStatus::Passed);
    assert_eq!(pinned(THERE, &[("account_id", "111"), ("org", "Shop")]).await.status, ProbeStatus::Passed);
    let other = pinned(THERE, &[("account_id", "222"), ("org", "Shop")]).await;
    assert_eq!(other.status, ProbeStatus::Failed);
    assert_eq!(other.detail, "the account_id is 111, but 222 is expected");
    assert_eq!(other.identity["account_id"], "111", "who we are there is still shown");
    assert!(other.hint.is_some());
}

#[tokio::test]
async fn an_identity_that_cannot_be_told_is_no_confirmation() {
    let untold = pinned(THERE, &[("cluster_uid", "abc")]).await;
    assert_eq!(untold.status, ProbeStatus::Failed);
    assert_eq!(
        untold.detail,
        "the cluster_uid abc is expected, which the back end does not tell (it tells account_id, organisation)"
    );
    let unproved =
        Provider { probe: Some(|_| async { Probe::configured("a webhook").with("org", Some("x")) }.boxed()), ..THERE };
    assert_eq!(pinned(unproved, &[("org", "x")]).await.status, ProbeStatus::Failed);
    assert_eq!(pinned(unproved, &[]).await.status, ProbeStatus::Configured);
    let none = Provider { probe: None, ..THERE };
    assert_eq!(pinned(none, &[("org", "x")]).await.status, ProbeStatus::Failed);
    assert_eq!(pinned(none, &[]).await.status, ProbeStatus::NotProbed);
}

#[tokio::test]
async fn a_probe_that_failed_says_why_itself() {
    let down = Provider {
        probe: Some(|_| async { Probe { status: ProbeStatus::Failed, ..Probe::passed("no route to host") } }.boxed()),
        ..THERE
    };
    assert_eq!(pinned(down, &[("org", "x")]).await.detail, "no route to host");
}

#[test]
fn what_never_changes_can_be_pinned() {
    let probe = Probe::passed("the API answers").with("version", Some("11.2.0")).with("org_id", Some("7"));
    assert_eq!(identity::to_pin(&probe), Some(("org_id", "7")));
    assert_eq!(identity::to_pin(&Probe::passed("x").with("version", Some("1"))), None);
    assert_eq!(identity::to_pin(&Probe::configured("x").with("org_id", Some("1"))), None);
}
