//! Tempo: queries built from hostile values, searches and traces read in every shape, traces reduced.

use opensre_model::evidence::Span;
use opensre_providers::tempo::reduce::{CRITICAL_PATH, dependencies, reduce};
use opensre_providers::tempo::traceql;
use opensre_providers::tempo::wire::{found, span_id, tag_values, tags, trace, trace_id};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::loki_formats::{Token, hostile, lex};

proptest! {
    #[test]
    fn a_service_name_never_leaves_its_comparison(service in hostile()) {
        let plain = |text: &str| Token::Plain(text.to_owned());
        let head = [plain("{"), plain("resource.service.name"), plain("="), Token::Text(service.clone())];
        let with = |rest: &[&str]| Some(head.iter().cloned().chain(rest.iter().map(|text| plain(text))).collect::<Vec<_>>());
        prop_assert_eq!(lex(&traceql::any_of(&service)), with(&["}"]));
        prop_assert_eq!(lex(&traceql::errors_of(&service)), with(&["&", "&", "status", "=", "error", "}"]));
        prop_assert_eq!(lex(&traceql::slow_of(&service, 1500)), with(&["&", "&", "duration", ">", "=", "1500ms", "}"]));
    }

    #[test]
    fn ids_are_the_same_in_hexadecimal_and_base64(bytes in any::<[u8; 16]>()) {
        use base64::Engine as _;
        prop_assume!(bytes.iter().any(|byte| *byte != 0) && bytes[..8].iter().any(|byte| *byte != 0));
        let hexadecimal = format!("{:032x}", u128::from_be_bytes(bytes));
        let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
        prop_assert_eq!(trace_id(&encode(&bytes)), Some(hexadecimal.clone()));
        prop_assert_eq!(trace_id(&hexadecimal.to_uppercase()), Some(hexadecimal.clone()));
        prop_assert_eq!(trace_id(hexadecimal.trim_start_matches('0')), Some(hexadecimal.clone()));
        prop_assert_eq!(span_id(&encode(&bytes[..8])), Some(hexadecimal[..16].to_owned()));
        prop_assert_eq!(span_id(&hexadecimal[..16]), Some(hexadecimal[..16].to_owned()));
    }

    #[test]
    fn reading_hostile_answers_never_panics(text in ".{0,40}", number in any::<i64>()) {
        let span = json!({"traceId": text, "spanId": text, "parentSpanId": text, "name": number, "kind": text, "startTimeUnixNano": number,
            "endTimeUnixNano": text, "status": text, "attributes": [{"key": text, "value": {"arrayValue": {"values": [number]}}}, number], "events": text});
        for answer in [
            json!({"traces": [{"traceID": text, "startTimeUnixNano": text, "durationMs": number, "spanSets": [{"spans": [span]}, text]}, number]}),
            json!({"batches": [{"resource": text, "scopeSpans": [{"spans": [span, text]}]}, number]}),
            json!({"trace": {"resourceSpans": text}, "status": number}),
            json!(text),
        ] {
            let _ = (found(&answer), trace(&answer), tags(&answer), tag_values(&answer));
        }
        let _ = (trace_id(&text), span_id(&text));
    }

    /// Whatever the shape of a trace (rings of parents included), reducing keeps what it says it keeps, and the
    /// critical path is never longer than the roots.
    #[test]
    fn reducing_is_total(
        shape in proptest::collection::vec((0_u8..12, 0_u8..12, 0_i64..1000, 0_i64..500, any::<bool>()), 0..40),
        keep in 0_usize..20,
    ) {
        let spans: Vec<Span> = shape.iter().enumerate().map(|(at, (_, parent, start, duration, error))| {
            let parent = (*parent < 11).then(|| format!("{:016x}", u64::from(*parent) + 1));
            span(&format!("{:016x}", at + 1), parent.as_deref(), "a", *start, *duration as f64, *error)
        }).collect();
        let all = spans.len();
        let roots: f64 = spans
            .iter()
            .filter(|span| span.parent_id.as_ref().is_none_or(|parent| *parent == span.span_id || !spans.iter().any(|other| other.span_id == *parent)))
            .map(|span| span.duration_ms)
            .sum();
        let whole = reduce(spans.clone(), all);
        let path: f64 = whole.spans.iter().filter_map(|span| span.attributes.get(CRITICAL_PATH)).map(|text| text.parse::<f64>().unwrap()).sum();
        prop_assert!(path <= roots + 1.0, "{path} of {roots}");
        let reduced = reduce(spans.clone(), keep);
        prop_assert_eq!(reduced.spans.len(), all.min(keep));
        prop_assert_eq!(reduced.left_out, all - reduced.spans.len());
        let errors = spans.iter().filter(|span| span.error).count();
        if keep > errors + all { prop_assert_eq!(reduced.spans.iter().filter(|span| span.error).count(), errors); }
        let _ = dependencies(&spans);
    }
}

fn span(id: &str, parent: Option<&str>, service: &str, start_ms: i64, duration_ms: f64, error: bool) -> Span {
    Span {
        trace_id: "0000000000000000000000000000000a".to_owned(),
        span_id: id.to_owned(),
        parent_id: parent.map(str::to_owned),
        service: service.to_owned(),
        name: format!("op {id}"),
        start: jiff::Timestamp::from_millisecond(1_700_000_000_000 + start_ms).unwrap(),
        duration_ms,
        error,
        message: if error { "boom".to_owned() } else { String::new() },
        attributes: std::collections::BTreeMap::new(),
    }
}

#[test]
fn ids_of_the_wrong_length_and_missing_ids_are_none() {
    assert_eq!(trace_id("1b1ba462b409200d").as_deref(), Some("00000000000000001b1ba462b409200d"));
    for written in
        ["", "0", "0000000000000000", "AAAAAAAAAAAAAAAAAAAAAA==", "not an id", "zz", "AAAAA===", "../../api/admin"]
    {
        assert_eq!(trace_id(written), None, "{written}");
    }
}

#[test]
fn a_search_is_read_as_traces_with_their_matched_spans() {
    // The vendor's example, with the older `spanSet` beside it and a trace without spans.
    let answer = json!({"traces": [
        {"traceID": "2f3e0cee77ae5dc9c17ade3689eb2e54", "rootServiceName": "shop-backend", "rootTraceName": "update-billing",
         "startTimeUnixNano": "1684778327699392724", "durationMs": 557,
         "spanSets": [{"spans": [{"spanID": "563d623c76514f8e", "startTimeUnixNano": "1684778327735077898", "durationNanos": "446979497",
             "attributes": [{"key": "status", "value": {"stringValue": "error"}}, {"key": "service.name", "value": {"stringValue": "billing"}}]}], "matched": 1}],
         "spanSet": {"spans": [{"spanID": "563d623c76514f8e"}]}},
        {"traceID": "d6e9329d67b6146a", "rootServiceName": "frontend", "rootTraceName": "/cart", "startTimeUnixNano": "1634727903545000000"},
        {"rootServiceName": "no id"},
    ], "metrics": {"totalBlocks": 13}});
    let traces = found(&answer).unwrap();
    assert_eq!(traces.len(), 2);
    let [span] = traces[0].matched.as_slice() else { panic!("one span matched") };
    assert_eq!((span.service.as_str(), span.name.as_str(), span.error), ("billing", "update-billing", true));
    assert!((span.duration_ms - 446.979_497).abs() < 1e-9);
    assert_eq!(traces[1].trace_id, "0000000000000000d6e9329d67b6146a");
    assert_eq!((traces[1].duration_ms, traces[1].matched.len()), (0.0, 0));
    assert_eq!(found(&json!({"metrics": {}})), Ok(vec![]));
    assert!(found(&json!({"message": "x"})).is_err());
    assert!(found(&json!([])).is_err());
}

#[test]
fn tags_and_values_are_read_in_both_versions() {
    assert_eq!(
        tags(&json!({"scopes": [{"name": "span", "tags": ["a", "b"]}, {"name": "resource", "tags": ["c"]}]})),
        Ok(3)
    );
    assert_eq!(tags(&json!({"tagNames": ["a"]})), Ok(1));
    assert!(tags(&json!({"status": "ok"})).is_err());
    let typed = json!({"tagValues": [{"type": "string", "value": "cart"}, {"type": "string", "value": "billing"}]});
    assert_eq!(tag_values(&typed).unwrap(), ["billing", "cart"]);
    assert_eq!(tag_values(&json!({"tagValues": ["cart"]})).unwrap(), ["cart"]);
    assert_eq!(tag_values(&json!({})), Ok(vec![]));
}

/// One trace as OpenTelemetry's JSON has it, with hexadecimal ids and numbers.
fn resource_spans() -> Json {
    json!([
        {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "frontend"}}, {"key": "service.version", "value": {"stringValue": "2.1"}}]},
         "scopeSpans": [{"scope": {"name": "x"}, "spans": [
            {"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "name": "GET /cart", "kind": 2,
             "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": 1_700_000_001_000_000_000_u64, "status": {}},
            {"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0202030405060708", "parentSpanId": "0102030405060708", "name": "call cart", "kind": "SPAN_KIND_CLIENT",
             "startTimeUnixNano": "1700000000100000000", "endTimeUnixNano": "1700000000900000000", "status": {"code": "STATUS_CODE_ERROR"},
             "attributes": [{"key": "http.response.status_code", "value": {"intValue": "503"}}, {"key": "url.full", "value": {"stringValue": "https://x/?token=secret"}}]}]}]},
        {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]},
         "scopeSpans": [{"spans": [
            {"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0302030405060708", "parentSpanId": "0202030405060708", "name": "POST /cart", "kind": "SPAN_KIND_SERVER",
             "startTimeUnixNano": "1700000000200000000", "endTimeUnixNano": "1700000000800000000", "status": {"code": 2, "message": "pool exhausted"},
             "events": [{"name": "exception", "attributes": [{"key": "exception.type", "value": {"stringValue": "PoolError"}}, {"key": "exception.message", "value": {"stringValue": "pool exhausted"}}]}]},
            {"spanId": "no trace id"}]}]},
    ])
}

/// The same with ids in base64, as Tempo writes them.
fn in_base64(value: &Json) -> Json {
    use base64::Engine as _;
    match value {
        Json::Object(map) => map
            .iter()
            .map(|(key, value)| {
                let id = value.as_str().filter(|_| matches!(key.as_str(), "traceId" | "spanId" | "parentSpanId"));
                let bytes: Option<Vec<u8>> = id.and_then(|id| {
                    (0..id.len() / 2).map(|at| u8::from_str_radix(id.get(at * 2..at * 2 + 2)?, 16).ok()).collect()
                });
                let value = bytes.map_or_else(
                    || in_base64(value),
                    |bytes| json!(base64::engine::general_purpose::STANDARD.encode(bytes)),
                );
                (key.clone(), value)
            })
            .collect(),
        Json::Array(items) => Json::Array(items.iter().map(in_base64).collect()),
        other => other.clone(),
    }
}

#[test]
fn a_trace_is_the_same_in_every_shape() {
    let spans = resource_spans();
    let expected = trace(&json!({"resourceSpans": spans})).unwrap();
    assert_eq!(expected.spans.len(), 3);
    assert_eq!(expected.odd, 1);
    let old =
        serde_json::from_str::<Json>(&spans.to_string().replace("scopeSpans", "instrumentationLibrarySpans")).unwrap();
    for shape in [
        json!({"batches": spans}),
        json!({"batches": old}),
        json!({"batches": in_base64(&spans)}),
        json!({"trace": {"resourceSpans": in_base64(&spans)}, "metrics": {}}),
        json!({"trace": {"batches": spans}, "status": "COMPLETE"}),
    ] {
        assert_eq!(trace(&shape).unwrap(), expected);
    }
    assert!(trace(&json!({"trace": {"resourceSpans": spans}, "status": "PARTIAL"})).unwrap().partial);
    assert_eq!(trace(&json!({"trace": {}})).unwrap().spans, []);
    assert!(trace(&json!({"message": "not found"})).is_err());
}

#[test]
fn spans_carry_errors_exceptions_and_the_attributes_that_matter() {
    let spans = trace(&json!({"batches": resource_spans()})).unwrap().spans;
    let [root, client, server] = spans.as_slice() else { panic!("three spans") };
    assert_eq!(
        (root.service.as_str(), root.error, root.duration_ms, &root.parent_id),
        ("frontend", false, 1000.0, &None)
    );
    assert_eq!(root.attributes["service.version"], "2.1");
    assert!(client.error);
    assert_eq!(client.attributes["http.response.status_code"], "503");
    assert_eq!(client.attributes["span.kind"], "client");
    assert!(!client.attributes.contains_key("url.full"), "customers' data and tokens stay where they are");
    assert_eq!(server.message, "PoolError: pool exhausted");
    assert_eq!(server.parent_id.as_deref(), Some("0202030405060708"));
}

#[test]
fn the_critical_path_goes_to_the_child_that_ended_last() {
    // root 0..100, a 10..40, b 50..90 with c 55..85 inside; a runs before b, so both are on the path.
    let spans = vec![
        span("0000000000000001", None, "front", 0, 100.0, false),
        span("0000000000000002", Some("0000000000000001"), "front", 10, 30.0, false),
        span("0000000000000003", Some("0000000000000001"), "front", 50, 40.0, false),
        span("0000000000000004", Some("0000000000000003"), "db", 55, 30.0, true),
        // Beside the path: ends before `b` does and starts after it.
        span("0000000000000005", Some("0000000000000001"), "front", 60, 10.0, false),
    ];
    let reduced = reduce(spans, 10);
    let own: Vec<_> = reduced.spans.iter().map(|span| span.attributes.get(CRITICAL_PATH).map(String::as_str)).collect();
    assert_eq!(own, [Some("30.000"), Some("30.000"), Some("10.000"), Some("30.000"), None]);
}

#[test]
fn what_is_kept_first_is_the_root_and_where_the_error_began() {
    let mut spans = vec![
        span("0000000000000001", None, "front", 0, 100.0, true),
        span("0000000000000002", Some("0000000000000001"), "front", 1, 90.0, true),
        span("0000000000000003", Some("0000000000000002"), "db", 2, 1.0, true),
    ];
    spans.extend(
        (0..50).map(|at| span(&format!("{:016x}", at + 100), Some("0000000000000001"), "front", 3, 80.0, false)),
    );
    let reduced = reduce(spans, 3);
    let kept: Vec<_> = reduced.spans.iter().map(|span| span.span_id.as_str()).collect();
    assert_eq!(kept, ["0000000000000001", "0000000000000002", "0000000000000003"]);
    assert_eq!(reduced.left_out, 50);
}

#[test]
fn dependencies_are_counted_by_who_was_reached_or_named() {
    let mut spans = trace(&json!({"batches": resource_spans()})).unwrap().spans;
    let mut database = span("0000000000000009", Some("0302030405060708"), "cart", 300, 12.0, false);
    database.trace_id.clone_from(&spans[0].trace_id);
    database.attributes = [("span.kind", "client"), ("db.system", "postgresql"), ("server.address", "db-1")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    spans.push(database);
    let states = dependencies(&spans);
    let told: Vec<_> = states
        .iter()
        .map(|state| {
            (
                state.name.as_str(),
                state.healthy,
                state.attributes["calls"].as_str(),
                state.attributes["failed_calls"].as_str(),
            )
        })
        .collect();
    assert_eq!(told, [("cart -> postgresql db-1", Some(true), "1", "0"), ("frontend -> cart", Some(false), "1", "1")]);
}
