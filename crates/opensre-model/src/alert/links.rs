//! What URLs, ARNs and well-known labels tell: identifiers of instances and references into the raising system.

use url::{Host, Url};

use super::Identifier;
use super::reading::Reading;
use super::subject::standard_name;

/// Datadog's sites, the longer before the shorter that it ends with ("Getting started with Datadog sites").
pub(crate) const DATADOG_SITES: [&str; 8] = [
    "us3.datadoghq.com",
    "us5.datadoghq.com",
    "ap1.datadoghq.com",
    "ap2.datadoghq.com",
    "datadoghq.com",
    "datadoghq.eu",
    "us2.ddog-gov.com",
    "ddog-gov.com",
];

/// Names of labels and annotations that hold a URL of the raising system, in lower case and without separators. A
/// runbook's URL is not among them: it says where a text is, not where the alert comes from.
const URL_LABELS: [&str; 16] = [
    "dashboard",
    "dashboardurl",
    "dashboardlink",
    "panel",
    "panelurl",
    "grafanaurl",
    "prometheusurl",
    "alertmanagerurl",
    "generatorurl",
    "externalurl",
    "silenceurl",
    "ruleurl",
    "alerturl",
    "monitorurl",
    "sourceurl",
    "source",
];

/// Reads a URL of the raising system. False when the text is no absolute http(s) URL.
pub(super) fn from_url(text: &str, path: &str, reading: &mut Reading) -> bool {
    let Some(mut url) = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https")) else {
        return false;
    };
    // A URL may carry a password; nobody needs it here, and URLs are shown.
    let carries_credential = !url.username().is_empty() || url.password().is_some();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    reading.found_url(path, if carries_credential { url.to_string() } else { text.trim().to_owned() });
    if let Some(Host::Domain(host)) = url.host() {
        if let Some(site) = datadog_site(host) {
            reading.found_identifier(path, Identifier::DatadogSite(site.to_owned()));
            if reading.alert.references.monitor_id.is_none() {
                reading.alert.references.monitor_id = monitor_id(&url);
            }
        }
        if host == "console.aws.amazon.com" || host.ends_with(".console.aws.amazon.com") {
            let region = url.query_pairs().find(|(key, _)| key == "region").map(|(_, value)| value.into_owned());
            if let Some(region) = region.filter(|region| is_aws_region(region)) {
                reading.found_identifier(path, Identifier::AwsRegion(region));
            }
        }
    }
    references(&url, reading);
    true
}

/// Reads a label or annotation.
pub(super) fn from_label(key: &str, value: &str, path: &str, reading: &mut Reading) {
    let value = value.trim();
    if value.is_empty() {
        return;
    }
    let plain: String = key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if URL_LABELS.contains(&plain.as_str()) {
        from_url(value, path, reading);
    }
    from_arn(value, path, reading);
    match plain.as_str() {
        "accountid" | "awsaccount" | "awsaccountid" | "account" if is_account(value) => {
            reading.found_identifier(path, Identifier::AwsAccount(value.to_owned()));
        }
        "traceid" | "trace" | "ddtraceid" => trace_id(value, reading),
        "alertruleuid" if key.trim().starts_with("__") => set(&mut reading.alert.references.rule_uid, value),
        "dashboarduid" if key.trim().starts_with("__") => set(&mut reading.alert.references.dashboard_uid, value),
        "panelid" if key.trim().starts_with("__") => set(&mut reading.alert.references.panel_id, value),
        "monitorid" => set(&mut reading.alert.references.monitor_id, value),
        _ => match standard_name(key) {
            Some("cluster") => reading.found_identifier(path, Identifier::Cluster(value.to_owned())),
            Some("region") if is_aws_region(value) => {
                reading.found_identifier(path, Identifier::AwsRegion(value.to_owned()));
            }
            _ => {}
        },
    }
}

/// Reads a text that is an ARN as a whole: its account, region and, for EKS, cluster ("Amazon Resource Names").
pub(super) fn from_arn(text: &str, path: &str, reading: &mut Reading) {
    let mut parts = text.trim().splitn(6, ':');
    let (Some("arn"), Some(partition), Some(service)) = (parts.next(), parts.next(), parts.next()) else { return };
    let (Some(region), Some(account), Some(resource)) = (parts.next(), parts.next(), parts.next()) else { return };
    if !partition.starts_with("aws") {
        return;
    }
    if is_account(account) {
        reading.found_identifier(path, Identifier::AwsAccount(account.to_owned()));
    }
    if is_aws_region(region) {
        reading.found_identifier(path, Identifier::AwsRegion(region.to_owned()));
    }
    if service == "eks"
        && let Some(cluster) = resource.strip_prefix("cluster/").filter(|name| !name.is_empty())
    {
        reading.found_identifier(path, Identifier::Cluster(cluster.to_owned()));
    }
}

/// Notes a trace id: 16 or 32 hexadecimal digits (W3C Trace Context), or Datadog's decimal number.
pub(super) fn trace_id(text: &str, reading: &mut Reading) {
    let text = text.trim().to_lowercase();
    let hexadecimal = matches!(text.len(), 16 | 32) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let decimal = (10..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let known = &mut reading.alert.references.trace_ids;
    if (hexadecimal || decimal) && known.len() < 20 && !known.contains(&text) {
        known.push(text);
    }
}

pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text has the form of an AWS region: `eu-west-1`, `us-gov-east-1`.
pub(super) fn is_aws_region(text: &str) -> bool {
    let mut parts = text.rsplit('-');
    let numbered = parts.next().is_some_and(|last| last.len() == 1 && last.bytes().all(|byte| byte.is_ascii_digit()));
    let words: Vec<&str> = parts.collect();
    numbered
        && (2..=3).contains(&words.len())
        && words.iter().all(|word| word.len() >= 2 && word.bytes().all(|byte| byte.is_ascii_lowercase()))
        && words.last().is_some_and(|first| first.len() == 2)
}

fn datadog_site(host: &str) -> Option<&'static str> {
    DATADOG_SITES
        .into_iter()
        .find(|site| host.strip_suffix(site).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// `/monitors/123` and the older `/monitors#123`.
fn monitor_id(url: &Url) -> Option<String> {
    let segments: Vec<&str> = url.path_segments()?.collect();
    let position = segments.iter().position(|segment| *segment == "monitors")?;
    let candidate = segments.get(position + 1).copied().filter(|next| !next.is_empty()).or(url.fragment())?;
    let digits: String = candidate.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

/// What a Grafana or Prometheus URL refers to. A path prefix before the known segments is passed over.
fn references(url: &Url, reading: &mut Reading) {
    let references = &mut reading.alert.references;
    let segments: Vec<&str> = url.path_segments().map(Iterator::collect).unwrap_or_default();
    for (position, segment) in segments.iter().enumerate() {
        let next = segments.get(position + 1).copied().unwrap_or_default();
        match (*segment, next) {
            ("alerting", "grafana") => {
                if let Some(uid) = segments.get(position + 2).filter(|uid| !uid.is_empty()) {
                    set(&mut references.rule_uid, uid);
                }
            }
            // Up to Grafana 9: `/alerting/<uid>/edit`.
            ("alerting", uid) if matches!(segments.get(position + 2), Some(&("edit" | "view"))) => {
                set(&mut references.rule_uid, uid);
            }
            ("d" | "d-solo", uid) if !uid.is_empty() => set(&mut references.dashboard_uid, uid),
            _ => {}
        }
    }
    for (key, value) in url.query_pairs() {
        match key.as_ref() {
            "g0.expr" => set(&mut references.expression, &value),
            // Newer dashboards write `viewPanel=panel-3`.
            "viewPanel" | "panelId" => set(&mut references.panel_id, value.trim_start_matches("panel-")),
            _ => {}
        }
    }
}

/// Sets what is not set yet: of several, the first counts.
fn set(slot: &mut Option<String>, value: &str) {
    let value = value.trim();
    if slot.is_none() && !value.is_empty() {
        *slot = Some(value.to_owned());
    }
}
