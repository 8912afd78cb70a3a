//! Each format, read whole.

use opensre_model::alert::{Alert, AlertFormat, AlertState, Identifier};
use serde_json::{Value as Json, json};

use super::{alertmanager, parse, shown};

#[test]
fn an_alertmanager_group_is_read_whole() {
    insta::assert_snapshot!(shown(&parse(&alertmanager())));
}

#[test]
fn a_resolved_group_ends_with_its_last_alert() {
    let mut payload = alertmanager();
    payload["status"] = json!("resolved");
    payload["alerts"][0]["status"] = json!("resolved");
    payload["alerts"][0]["endsAt"] = json!("2026-03-10T11:20:00Z");
    let alert = parse(&payload);
    assert_eq!(alert.state, AlertState::Resolved);
    assert_eq!(alert.ends_at.unwrap().to_string(), "2026-03-10T11:20:00Z");

    payload["alerts"][0]["endsAt"] = json!("0001-01-01T00:00:00Z");
    assert_eq!(parse(&payload).ends_at, None, "the year 1 means that it has not ended");
}

#[test]
fn without_a_group_status_the_alerts_tell() {
    let mut payload = alertmanager();
    payload.as_object_mut().unwrap().remove("status");
    assert_eq!(parse(&payload).state, AlertState::Firing);
    payload["alerts"][0]["status"] = json!("resolved");
    assert_eq!(parse(&payload).state, AlertState::Resolved);
}

#[test]
fn a_grafana_webhook_is_read_whole() {
    let payload = json!({
        "receiver": "opensre",
        "status": "firing",
        "orgId": 1,
        "alerts": [{
            "status": "firing",
            "labels": {"alertname": "Slow checkout", "env": "staging", "cluster": "eu1", "__alert_rule_uid__": "rule-1"},
            "annotations": {"summary": "p99 over 2 s", "grafana_instance": "Staging", "runbook_url": "https://wiki.example.com/x"},
            "startsAt": "2026-03-10T09:51:03.157076+02:00",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://grafana.example.com/staging/alerting/grafana/rule-1/view?orgId=1",
            "fingerprint": "c6eadffa33fcdf37",
            "silenceURL": "https://grafana.example.com/staging/alerting/silence/new?alertmanager=grafana",
            "dashboardURL": "https://grafana.example.com/staging/d/dash-1?orgId=1",
            "panelURL": "https://grafana.example.com/staging/d/dash-1?orgId=1&viewPanel=7",
            "values": {"B": 44.2, "C": 1}
        }],
        "groupLabels": {"alertname": "Slow checkout"},
        "commonLabels": {"alertname": "Slow checkout", "env": "staging", "cluster": "eu1"},
        "commonAnnotations": {},
        "externalURL": "https://grafana.example.com/staging/",
        "version": "1",
        "groupKey": "{}:{alertname=\"Slow checkout\"}",
        "title": "[FIRING:1] Slow checkout (staging)",
        "state": "alerting",
        "message": "**Firing**\n\np99 over 2 s"
    });
    insta::assert_snapshot!(shown(&parse(&payload)));
}

#[test]
fn the_rule_uid_is_found_in_every_generation_of_url() {
    for (url, uid) in [
        ("https://g.example.com/alerting/grafana/abc/view", "abc"),
        ("https://g.example.com/prefix/alerting/grafana/abc/view?orgId=1", "abc"),
        ("https://play.grafana.org/alerting/1afz29v7z/edit", "1afz29v7z"),
    ] {
        let alert = parse(&json!({"orgId": 1, "alerts": [{"generatorURL": url, "labels": {}}]}));
        assert_eq!(alert.references.rule_uid.as_deref(), Some(uid), "{url}");
    }
    let list = parse(&json!({"orgId": 1, "alerts": [{"generatorURL": "https://g.example.com/alerting/list"}]}));
    assert_eq!(list.references.rule_uid, None);
}

#[test]
fn a_webhook_of_grafana_before_unified_alerting_is_read() {
    let alert = parse(&json!({
        "dashboardId": 1, "evalMatches": [{"metric": "High value", "tags": {"host": "web-1"}, "value": 100}],
        "message": "CPU is high", "orgId": 0, "ruleId": 0, "ruleName": "CPU",
        "ruleUrl": "http://localhost:3000/d/hZ7BuVbWz/test?fullscreen&edit&tab=alert&panelId=2&orgId=1",
        "state": "alerting", "tags": {"service": "checkout"}, "title": "[Alerting] CPU"
    }));
    assert_eq!(alert.format, AlertFormat::Grafana);
    assert_eq!(alert.state, AlertState::Firing);
    assert_eq!(alert.references.dashboard_uid.as_deref(), Some("hZ7BuVbWz"));
    assert_eq!(alert.references.panel_id.as_deref(), Some("2"));
    assert_eq!(alert.subject().one("service"), Some("checkout"));
}

#[test]
fn datadogs_default_payload_is_read() {
    let payload = json!({
        "id": "8306082202796025694",
        "last_updated": "1759343824000",
        "event_type": "query_alert_monitor",
        "title": "[Triggered on {host:web-1}] CPU is high on web-1",
        "date": "1759343824000",
        "org": {"id": "352347", "name": "acme"},
        "body": "%%%\nCPU is high. grafana_instance: prod, see https://grafana.example.com/d/x\n%%%"
    });
    insta::assert_snapshot!(shown(&parse(&payload)));
}

#[test]
fn datadogs_custom_payloads_are_read() {
    let payload = json!({
        "title": "[Recovered] Errors of checkout",
        "alert_id": "221164084",
        "alert_transition": "Recovered",
        "alert_query": "sum(last_5m):sum:trace.http.request.errors{env:prod} > 10",
        "tags": "env:prod,kube_cluster_name:eu1,service:checkout,grafana_instance:prod,urgent",
        "alert_scope": "pod_name:checkout-1",
        "date": 1_759_343_824_000_i64,
        "alert_priority": "P1",
        "hostname": "$HOSTNAME",
        "link": "https://app.datadoghq.eu/monitors/221164084?from_ts=1759342924000"
    });
    insta::assert_snapshot!(shown(&parse(&payload)));

    let nested = parse(&json!({
        "title": "Errors", "tags": ["service:checkout", "env:prod"], "org": {"id": 1}, "last_updated": 1_759_343_824_000_i64,
        "alert": {"id": "5", "transition": "Triggered", "scope": "host:web-1"},
        "link": "https://us5.datadoghq.com/monitors#77/edit"
    }));
    assert_eq!(nested.format, AlertFormat::Datadog);
    assert_eq!(nested.state, AlertState::Firing);
    assert_eq!(nested.subject().one("service"), Some("checkout"));
    assert_eq!(nested.subject().one("instance"), Some("web-1"));
    assert_eq!(nested.references.monitor_id.as_deref(), Some("77"));
    assert_eq!(nested.identifiers[0].value, Identifier::DatadogSite("us5.datadoghq.com".into()));
}

#[test]
fn every_datadog_transition_has_a_state() {
    for (transition, state) in [
        ("Triggered", AlertState::Firing),
        ("Re-Triggered", AlertState::Firing),
        ("No Data", AlertState::Firing),
        ("Re-No Data", AlertState::Firing),
        ("Warn", AlertState::Firing),
        ("Re-Warn", AlertState::Firing),
        ("Renotify", AlertState::Firing),
        ("Recovered", AlertState::Resolved),
    ] {
        assert_eq!(parse(&json!({"alert_transition": transition, "title": "x"})).state, state, "{transition}");
    }
}

#[test]
fn a_datadog_host_must_end_with_the_site_at_a_dot() {
    let site = |link: &str| {
        let alert = parse(&json!({"alert_transition": "Triggered", "title": "x", "link": link}));
        alert.identifiers.first().map(|found| found.value.clone())
    };
    assert_eq!(site("https://acme.datadoghq.com/monitors/1"), Some(Identifier::DatadogSite("datadoghq.com".into())));
    assert_eq!(site("https://us3.datadoghq.com/monitors/1"), Some(Identifier::DatadogSite("us3.datadoghq.com".into())));
    assert_eq!(site("https://notdatadoghq.com/monitors/1"), None);
    assert_eq!(site("https://datadoghq.com.example.com/monitors/1"), None);
}

pub(super) fn pagerduty(details: &Json) -> Json {
    json!({"event": {
        "id": "01CH754SM17TWPE2V2H4VPBRO7",
        "event_type": "incident.triggered",
        "resource_type": "incident",
        "occurred_at": "2026-03-10T11:00:05Z",
        "agent": {"id": "PLH1HKV", "type": "user_reference"},
        "data": {
            "id": "PGR0VU2", "type": "incident", "number": 2, "status": "triggered",
            "html_url": "https://acme.pagerduty.com/incidents/PGR0VU2",
            "title": "Checkout is failing", "created_at": "2026-03-10T11:00:00Z",
            "service": {"id": "PF9KMXH", "summary": "checkout", "type": "service_reference"},
            "priority": {"id": "PSO75BM", "summary": "P1"}, "urgency": "high",
            "body": {"type": "incident_body", "details": details}
        }
    }})
}

#[test]
fn a_pagerduty_event_is_read_with_its_details() {
    let payload = pagerduty(&json!({"env": "prod", "prometheus_instance": "prod", "num_firing": 1}));
    insta::assert_snapshot!(shown(&parse(&payload)));
}

#[test]
fn a_resolved_pagerduty_incident_ends_when_the_event_occurred() {
    let mut payload = pagerduty(&json!({}));
    payload["event"]["event_type"] = json!("incident.resolved");
    payload["event"]["occurred_at"] = json!("2026-03-10T12:00:00Z");
    payload["event"]["data"]["status"] = json!("resolved");
    let alert = parse(&payload);
    assert_eq!(alert.state, AlertState::Resolved);
    assert_eq!(alert.ends_at.unwrap().to_string(), "2026-03-10T12:00:00Z");
    payload["event"]["event_type"] = json!("incident.acknowledged");
    payload["event"]["data"]["status"] = json!("acknowledged");
    assert_eq!(parse(&payload).state, AlertState::Firing);
}

#[test]
fn the_alerts_that_alertmanager_put_into_the_details_are_read() {
    let firing = "Labels:\n - alertname = HighErrorRate\n - pod = checkout-1\n - loki_instance = eu\nAnnotations:\n \
                  - summary = 5xx = bad\nSource: http://prometheus.prod:9090/graph?g0.expr=up\n\
                  Labels:\n - alertname = HighErrorRate\n - pod = checkout-2\nAnnotations:\nSource: \n";
    let alert = parse(&pagerduty(&json!({"firing": firing, "num_firing": "2"})));
    assert_eq!(alert.items.len(), 2);
    assert_eq!(alert.items[0].labels["pod"], "checkout-1");
    assert_eq!(alert.items[0].annotations["summary"], "5xx = bad");
    assert_eq!(alert.items[1].labels["pod"], "checkout-2");
    assert_eq!(alert.references.expression.as_deref(), Some("up"));
    assert_eq!(alert.urls.last().unwrap().value, "http://prometheus.prod:9090/graph?g0.expr=up");
    assert_eq!(alert.hints[0].path, "event.data.body.details.firing.loki_instance");
    assert_eq!(alert.subject().values("pod").collect::<Vec<_>>(), ["checkout-1", "checkout-2"]);
}

#[test]
fn a_group_inside_the_details_is_read_as_object_and_as_text() {
    for details in [alertmanager(), json!(alertmanager().to_string()), json!({"payload": alertmanager()})] {
        let alert = parse(&pagerduty(&details));
        assert_eq!(alert.format, AlertFormat::Pagerduty);
        assert_eq!(alert.title, "Checkout is failing");
        assert_eq!(alert.starts_at.unwrap().to_string(), "2026-03-10T11:00:00Z");
        assert_eq!(alert.items.len(), 2, "{details}");
        assert!(alert.urls.iter().any(|url| url.value == "http://alertmanager.prod:9093"));
    }
}

#[test]
fn an_event_for_pagerduty_is_read() {
    let alert = parse(&json!({
        "routing_key": "k", "event_action": "trigger", "dedup_key": "d",
        "payload": {"summary": "Disk full on db-1", "source": "db-1", "severity": "critical",
            "timestamp": "2026-03-10T11:00:00.000+0000", "custom_details": {"env": "prod"}},
        "links": [{"href": "https://grafana.example.com/d/disk", "text": "Disk"}]
    }));
    assert_eq!((alert.format, alert.state), (AlertFormat::Pagerduty, AlertState::Firing));
    assert_eq!(alert.title, "Disk full on db-1");
    assert_eq!(alert.starts_at.unwrap().to_string(), "2026-03-10T11:00:00Z");
    assert_eq!(alert.labels["env"], "prod");
    assert_eq!(alert.references.dashboard_uid.as_deref(), Some("disk"));
}

#[test]
fn an_opsgenie_alert_is_read_with_its_details_and_tags() {
    let payload = json!({
        "source": {"name": "web", "type": "API"},
        "alert": {
            "updatedAt": 1_773_140_400_166_002_000_i64, "tags": ["env:prod", "urgent"], "teams": ["team1"],
            "message": "Checkout is failing", "alertId": "052652ac", "alias": "a", "tinyId": "23",
            "createdAt": 1_773_140_400_104_i64, "entity": "checkout-1", "priority": "P2",
            "description": "5xx",
            "details": {"service": "checkout", "aws_instance": "prod", "dashboard_url": "https://grafana.example.com/d/x"}
        },
        "action": "Create", "integrationId": "37c8f316", "integrationName": "Integration1"
    });
    insta::assert_snapshot!(shown(&parse(&payload)));
    let mut closed = payload.clone();
    closed["action"] = json!("Close");
    let closed = parse(&closed);
    assert_eq!(closed.state, AlertState::Resolved);
    assert!(closed.ends_at.is_some());
    let mut acknowledged = payload;
    acknowledged["action"] = json!("Acknowledge");
    assert_eq!(parse(&acknowledged).state, AlertState::Firing);
}

pub(super) fn cloudwatch() -> Json {
    json!({
        "AlarmName": "checkout-errors", "AlarmDescription": "errors of checkout", "AWSAccountId": "123456789012",
        "NewStateValue": "ALARM", "NewStateReason": "Threshold Crossed: 1 datapoint [99.5] was greater than 50.0",
        "StateChangeTime": "2026-03-10T11:00:00.985+0000", "Region": "EU (Ireland)",
        "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout-errors", "OldStateValue": "OK",
        "AlarmActions": ["arn:aws:sns:us-east-1:999999999999:pager"],
        "Trigger": {
            "MetricName": "Errors", "Namespace": "AWS/Lambda", "StatisticType": "Statistic", "Statistic": "SUM",
            "Unit": null, "Dimensions": [{"value": "checkout", "name": "FunctionName"}], "Period": 300,
            "ComparisonOperator": "GreaterThanThreshold", "Threshold": 50.0
        }
    })
}

#[test]
fn a_cloudwatch_alarm_is_read_and_only_its_own_arn_identifies() {
    insta::assert_snapshot!(shown(&parse(&cloudwatch())));
}

#[test]
fn a_cloudwatch_alarm_is_the_same_inside_sns() {
    let raw = parse(&cloudwatch());
    let sns = json!({
        "Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:999999999999:pager",
        "Subject": "ALARM: checkout-errors", "Message": cloudwatch().to_string(), "Timestamp": "2026-03-10T11:00:02Z",
        "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?x"
    });
    assert_eq!(parse(&sns), raw);
    assert_eq!(parse(&json!({"Records": [{"EventSource": "aws:sns", "Sns": sns}]})), raw);

    let grafana = json!({"TopicArn": "arn:aws:sns:eu-west-1:1:x", "aws_instance": "beside",
        "Message": json!({"orgId": 1, "alerts": [], "aws_instance": "inside"}).to_string()});
    let alert = parse(&grafana);
    assert_eq!(alert.format, AlertFormat::Grafana);
    assert_eq!(alert.hints.iter().map(|hint| hint.value.wanted.as_str()).collect::<Vec<_>>(), ["beside", "inside"]);

    let words = parse(&json!({"TopicArn": "arn:x", "Subject": "ALARM: it burns", "Message": "help"}));
    assert_eq!(
        (words.format, words.state, words.title.as_str()),
        (AlertFormat::Text, AlertState::Firing, "ALARM: it burns")
    );
}

#[test]
fn a_cloudwatch_event_is_read() {
    let payload = json!({
        "version": "0", "id": "c4c1c1c9", "detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch",
        "account": "123456789012", "time": "2026-03-10T11:05:00Z", "region": "us-east-1",
        "resources": ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh"],
        "detail": {
            "alarmName": "ServerCpuTooHigh",
            "configuration": {"description": "CPU too high", "metrics": [{"id": "m1", "metricStat": {"metric": {
                "dimensions": {"InstanceId": "i-12345678901234567"}, "name": "CPUUtilization", "namespace": "AWS/EC2"},
                "period": 300, "stat": "Average"}}]},
            "previousState": {"value": "ALARM"},
            "state": {"reason": "below", "timestamp": "2026-03-10T11:04:40.985+0000", "value": "OK"}
        }
    });
    insta::assert_snapshot!(shown(&parse(&payload)));

    let lambda = parse(&json!({
        "source": "aws.cloudwatch", "alarmArn": "arn:aws:cloudwatch:us-east-1:444455556666:alarm:x",
        "accountId": "444455556666", "time": "2026-03-10T11:05:00Z", "region": "us-east-1",
        "alarmData": {"alarmName": "x", "state": {"value": "ALARM", "timestamp": "2026-03-10T11:04:00.000+0000"}}
    }));
    assert_eq!((lambda.format, lambda.state), (AlertFormat::Cloudwatch, AlertState::Firing));
    assert_eq!(lambda.starts_at.unwrap().to_string(), "2026-03-10T11:04:00Z");
}

#[test]
fn missing_data_is_no_state_of_a_cloudwatch_alarm() {
    let mut payload = cloudwatch();
    payload["NewStateValue"] = json!("INSUFFICIENT_DATA");
    let alert = parse(&payload);
    assert_eq!(alert.state, AlertState::Unknown);
    assert!(alert.oddities.is_empty());
}

#[test]
fn a_sentry_issue_alert_is_read() {
    let payload = json!({
        "action": "triggered", "actor": {"id": "sentry", "name": "Sentry", "type": "application"},
        "data": {
            "event": {
                "event_id": "e4874d664c3540c1a32eab185f12c5ab", "title": "ZeroDivisionError: division by zero",
                "culprit": "checkout.views.pay", "datetime": "2026-03-10T11:00:00.000000Z", "level": "error",
                "environment": "prod", "project": 1,
                "tags": [["server_name", "web-1"], ["release", "1.2.3"], ["sentry_instance", "eu"]],
                "url": "https://sentry.example.com/api/0/projects/acme/checkout/events/e4874d/",
                "web_url": "https://sentry.example.com/organizations/acme/issues/1/events/e4874d/",
                "issue_url": "https://sentry.example.com/api/0/issues/1/", "issue_id": "1",
                "contexts": {"trace": {"trace_id": "4BF92F3577B34DA6A3CE929D0E0E4736"}},
                "exception": {"values": [{"type": "ZeroDivisionError", "value": "division by zero"}]}
            },
            "triggered_rule": "Errors of checkout"
        },
        "installation": {"uuid": "a8e5d37a"}
    });
    insta::assert_snapshot!(shown(&parse(&payload)));
}

#[test]
fn sentrys_other_webhooks_are_read() {
    let metric = parse(&json!({
        "action": "resolved",
        "data": {
            "description_text": "1000 events in the last 10 minutes", "description_title": "Resolved: Too many errors",
            "metric_alert": {"alert_rule": {"aggregate": "count()", "query": "level:error", "environment": null},
                "date_started": "2026-03-10T11:00:00Z", "date_closed": "2026-03-10T11:30:00Z", "projects": ["checkout"]},
            "web_url": "https://sentry.io/organizations/acme/alerts/rules/details/1/"
        }
    }));
    assert_eq!((metric.format, metric.state), (AlertFormat::Sentry, AlertState::Resolved));
    assert_eq!(metric.ends_at.unwrap().to_string(), "2026-03-10T11:30:00Z");
    assert_eq!(metric.subject().one("service"), Some("checkout"));

    let issue = parse(&json!({
        "action": "created",
        "data": {"issue": {"title": "KeyError: user", "firstSeen": "2026-03-10T11:00:00Z", "lastSeen": "2026-03-10T11:00:00Z",
            "level": "error", "status": "unresolved", "project": {"id": "1", "slug": "checkout"},
            "web_url": "https://sentry.io/organizations/acme/issues/1/", "metadata": {"type": "KeyError", "value": "user"}}}
    }));
    assert_eq!((issue.format, issue.state), (AlertFormat::Sentry, AlertState::Firing));
    assert_eq!(issue.labels["project"], "checkout");
    assert_eq!(issue.text, "KeyError: user");

    let plugin = parse(&json!({
        "id": "1", "project": "checkout", "project_slug": "checkout", "message": "boom", "culprit": "a.b", "level": "error",
        "url": "https://sentry.io/organizations/acme/issues/1/", "event": {"event_id": "e1", "tags": [["environment", "prod"]],
            "timestamp": 1_773_140_400.5}
    }));
    assert_eq!((plugin.format, plugin.state), (AlertFormat::Sentry, AlertState::Firing));
    assert_eq!(plugin.subject().one("env"), Some("prod"));
    assert_eq!(plugin.title, "boom");
    assert!(plugin.starts_at.is_some());
}

#[test]
fn the_flat_form_is_read() {
    let payload = json!({
        "title": "Checkout is slow", "state": "alerting", "alert_source": "grafana", "grafana_instance": "staging",
        "commonLabels": {"service": "checkout", "severity": "warning"},
        "commonAnnotations": {"summary": "p99 over 2 s", "description": "since the deployment"},
        "startsAt": "2026-03-10T11:00:00Z", "externalURL": "https://grafana.example.com/",
        "message": "p99 over 2 s", "namespace": "shop"
    });
    insta::assert_snapshot!(shown(&parse(&payload)));
}

#[test]
fn text_is_read_and_says_nothing_about_instances() {
    let alert = Alert::from_text(
        "RESOLVED: checkout is down\ngrafana_instance: prod https://grafana.example.com/d/x \
         arn:aws:iam::123456789012:role/x trace_id=4bf92f3577b34da6a3ce929d0e0e4736",
    );
    assert_eq!(alert.format, AlertFormat::Text);
    assert_eq!(alert.state, AlertState::Resolved);
    assert_eq!(alert.title, "RESOLVED: checkout is down");
    assert!(alert.hints.is_empty() && alert.urls.is_empty() && alert.identifiers.is_empty());
    assert_eq!(alert.items.len(), 1);
    assert!(alert.subject().is_empty());
    assert_eq!(alert.summary_text(), "RESOLVED: checkout is down");
}

#[test]
fn what_is_no_object_is_text_and_broken_json_says_so() {
    for (payload, odd) in [
        ("", false),
        ("checkout is down", false),
        ("\"checkout is down\"", false),
        ("{\"title\": ", true),
        ("[{\"labels\": {}}]", true),
        ("null", true),
        ("42", true),
    ] {
        let alert = Alert::parse(payload.as_bytes());
        assert_eq!(alert.format, AlertFormat::Text, "{payload}");
        assert_eq!(!alert.oddities.is_empty(), odd, "{payload}: {:?}", alert.oddities);
        assert!(!alert.title.is_empty());
    }
    let deep = "{\"a\":".repeat(100_000);
    assert_eq!(Alert::parse(deep.as_bytes()).format, AlertFormat::Text);
    assert_eq!(Alert::parse(b"\xff\xfe{").format, AlertFormat::Text);
    let marked = Alert::parse("\u{feff}{\"title\": \"x\", \"state\": \"ok\"}".as_bytes());
    assert_eq!((marked.format, marked.state), (AlertFormat::Flat, AlertState::Resolved));
}
