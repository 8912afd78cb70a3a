//! The chat message: what it says, its limits whatever the report holds, and that foreign text steers nothing.

use opensre_model::message::Message;
use opensre_model::report::Report;
use opensre_report::slack;
use proptest::prelude::*;
use serde_json::Value as Json;

use crate::sample;

/// The message as a person reads it, a blank line between blocks.
fn shown(message: &Message) -> String {
    let blocks = message.blocks.iter().flat_map(texts).collect::<Vec<_>>().join("\n\n");
    format!("{}\n---\n{blocks}\n", message.text)
}

fn texts(block: &Json) -> Vec<String> {
    let text = |value: &Json| value["text"].as_str().unwrap_or_default().to_owned();
    match block["elements"].as_array() {
        Some(elements) => elements.iter().map(text).collect(),
        None => vec![text(&block["text"])],
    }
}

#[test]
fn a_message_reads_well() {
    insta::assert_snapshot!("slack", shown(&slack::render(&sample::report())));
}

#[test]
fn a_message_is_block_kit() {
    let message = slack::render(&sample::report());
    insta::assert_json_snapshot!(message.blocks[0], @r#"
    {
      "type": "header",
      "text": {
        "type": "plain_text",
        "text": "HighErrorRate on checkout",
        "emoji": false
      }
    }
    "#);
    let kinds: Vec<&str> = message.blocks.iter().filter_map(|block| block["type"].as_str()).collect();
    assert_eq!(kinds[..3], ["header", "context", "section"]);
    assert_limits(&message);
}

#[test]
fn foreign_text_mentions_nobody_and_links_nowhere() {
    let mut report = sample::report();
    let nasty = "<!channel> <@U1> <https://evil.example|click> & `code` \u{202e}x\nnew line";
    report.alert.title = nasty.to_owned();
    report.verdict.root_cause = nasty.to_owned();
    report.claims[0].text = nasty.to_owned();
    report.gaps[0].reason = nasty.to_owned();
    report.instances[0].reason = nasty.to_owned();
    report.next_steps[0] = nasty.to_owned();
    report.evidence[0].link = Some("javascript:alert(1)".to_owned());
    report.evidence[1].link = Some("https://h.example/a?b=1&c=<x>|y z".to_owned());
    let message = slack::render(&report);
    let text = shown(&message);
    for bad in ["<!", "<@", "<https://evil", "javascript:", "\u{202e}"] {
        let found =
            message.blocks.iter().skip(1).flat_map(texts).any(|text| text.contains(bad)) || message.text.contains(bad);
        assert!(!found, "{bad}: {text}");
    }
    assert!(text.contains("&lt;!channel&gt; &lt;@U1&gt;"), "{text}");
    assert!(text.contains("<https://h.example/a?b=1&amp;c=%3Cx%3E%7Cy%20z|E2>"), "{text}");
}

#[test]
fn what_there_is_no_room_for_is_counted() {
    let mut report = sample::report();
    let claim = report.claims[0].clone();
    report.claims = (0..40).map(|_| claim.clone()).collect();
    assert!(shown(&slack::render(&report)).contains("… and 35 more"));
}

#[test]
fn an_empty_report_is_a_message_too() {
    let mut report = sample::report();
    report.alert.title = String::new();
    report.instances.clear();
    report.claims.clear();
    report.gaps.clear();
    report.next_steps.clear();
    report.warnings.clear();
    let message = slack::render(&report);
    assert_eq!(message.blocks.len(), 4);
    assert_limits(&message);
}

#[test]
fn a_test_message_says_that_it_is_one() {
    let message = slack::test("slack/ops");
    insta::assert_snapshot!(message.text, @"opensre can deliver reports here (slack/ops). This is a test that somebody asked for; nothing is wrong.");
    assert_limits(&message);
}

/// Slack's limits: 50 blocks, 150 characters of a header, 3000 of any other text, 40 000 of the fallback; none empty.
#[track_caller]
fn assert_limits(message: &Message) {
    assert!(message.blocks.len() <= 50, "{} blocks", message.blocks.len());
    assert!((1..=40_000).contains(&message.text.chars().count()));
    for block in &message.blocks {
        let most = if block["type"] == "header" { 150 } else { 3000 };
        for text in texts(block) {
            assert!((1..=most).contains(&text.chars().count()), "{} characters: {text}", text.chars().count());
        }
    }
}

/// The sample with all its texts and numbers of things changed.
fn inflated(text: &str, times: usize, link: &str) -> Report {
    let mut report = sample::report();
    report.alert.title = String::from(text);
    report.alert.severity = Some(text.to_owned());
    report.verdict.root_cause = String::from(text);
    report.instances[0].reason = String::from(text);
    report.instances = vec![report.instances[0].clone(); times];
    report.evidence.iter_mut().for_each(|evidence| evidence.link = Some(format!("https://{link}")));
    report.claims[0].text = String::from(text);
    report.claims[0].evidence = vec!["E1".to_owned(); times];
    report.claims = vec![report.claims[0].clone(); times];
    report.gaps[0].reason = String::from(text);
    report.gaps[0].instance = Some(text.to_owned());
    report.gaps[0].operation = Some(text.to_owned());
    report.gaps = vec![report.gaps[0].clone(); times];
    report.next_steps = vec![text.to_owned(); times];
    report.warnings = vec![text.to_owned(); times];
    report
}

proptest! {
    #[test]
    fn no_report_is_too_much(text in "[&<>`a-z\\PC\n]{1,60}", repeat in 1..200_usize, times in 0..30_usize, link in "[&a-z|<]{1,900}") {
        let message = slack::render(&inflated(&text.repeat(repeat), times, &link));
        assert_limits(&message);
        prop_assert!(!message.text.contains('<'));
    }
}
