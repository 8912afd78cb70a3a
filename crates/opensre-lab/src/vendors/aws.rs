//! AWS: one account behind one endpoint, in the three protocols, with an incident of a database and a service.
//!
//! The endpoint stands for all services (`endpoint_url`); the action tells which is meant. Written from the API references
//! of STS, CloudWatch, CloudWatch Logs, CloudTrail, RDS, Performance Insights, EC2, ECS, EKS, Lambda and Elastic Load
//! Balancing. Signatures are not computed anew here: the real peer of the tests does that; whether a request is signed for
//! the right service and by a known key is.

mod answers;
mod token;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Bodies larger than this are cut off.
const MOST_BYTES: usize = 1024 * 1024;

/// A call, as the account saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The action (`DescribeDBInstances`).
    pub action: String,
    /// The service that it was signed for; empty for a call without a signature.
    pub service: String,
    /// The region that it was signed for.
    pub region: String,
    /// The access key id that signed it.
    pub key: String,
    /// Its parameters: the form's fields, the body, or the path's parts.
    pub parameters: Value,
}

#[derive(Debug, Clone)]
struct Refusal {
    status: u16,
    code: String,
    times: Option<usize>,
}

/// The account.
#[derive(Debug)]
pub struct Account {
    id: String,
    onset: Timestamp,
    /// Access key id to the ARN that it belongs to.
    keys: Mutex<BTreeMap<String, String>>,
    /// Role ARN to the external id that its trust policy wants.
    roles: BTreeMap<String, Option<String>>,
    calls: Mutex<Vec<Call>>,
    refusals: Mutex<BTreeMap<String, Refusal>>,
    polls: Mutex<usize>,
    clusters: Mutex<Vec<Cluster>>,
}

/// A cluster of EKS, as the account tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// URL of its API server.
    pub endpoint: String,
    /// The authority that its certificate is signed by, as PEM.
    pub authority: String,
}

impl Account {
    /// An account with one user's access key, whose incident began at `onset`.
    pub fn new(id: &str, key: &str, onset: Timestamp) -> Self {
        let user = format!("arn:aws:iam::{id}:user/ops");
        Self {
            id: id.to_owned(),
            onset,
            keys: Mutex::new(BTreeMap::from([(key.to_owned(), user)])),
            roles: BTreeMap::new(),
            calls: Mutex::default(),
            refusals: Mutex::default(),
            polls: Mutex::default(),
            clusters: Mutex::default(),
        }
    }

    /// Adds a role that every known key may assume, with an external id where one is given.
    #[must_use]
    pub fn with_role(mut self, arn: &str, external_id: Option<&str>) -> Self {
        self.roles.insert(arn.to_owned(), external_id.map(str::to_owned));
        self
    }

    /// Adds a cluster. Without any there is one called `shop` in every region, which nobody can reach.
    pub fn put_cluster(&self, cluster: Cluster) {
        lock(&self.clusters).push(cluster);
    }

    /// Refuses an action with a status and an error code, so many times or always.
    pub fn refuse(&self, action: &str, status: u16, code: &str, times: Option<usize>) {
        lock(&self.refusals).insert(action.to_owned(), Refusal { status, code: code.to_owned(), times });
    }

    /// Every call so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.calls).clone()
    }

    /// The calls of an action.
    pub fn asked(&self, action: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.action == action).collect()
    }

    fn refused(&self, action: &str) -> Option<Refusal> {
        let mut refusals = lock(&self.refusals);
        let refusal = refusals.get_mut(action).filter(|refusal| refusal.times != Some(0))?;
        refusal.times = refusal.times.map(|times| times - 1);
        Some(refusal.clone())
    }
}

/// The account's endpoint.
pub fn router(account: Arc<Account>) -> Router {
    Router::new().fallback(answer).with_state(account)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which protocol a call speaks, and so its refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Query,
    Ec2,
    Json,
    Rest,
}

/// What a request asks for.
struct Asked {
    protocol: Protocol,
    /// The service that it has to be signed for.
    service: &'static str,
    action: String,
    parameters: Value,
}

async fn answer(State(account): State<Arc<Account>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MOST_BYTES).await.unwrap_or_default();
    let Some(asked) = asked(parts.uri.path(), &parts.headers, &body) else {
        return (StatusCode::NOT_FOUND, "<UnknownOperationException/>").into_response();
    };
    let (key, region, service) = scope(&parts.headers).unwrap_or_default();
    lock(&account.calls).push(Call {
        action: asked.action.clone(),
        service: service.clone(),
        region: region.clone(),
        key: key.clone(),
        parameters: asked.parameters.clone(),
    });
    if let Some(refusal) = account.refused(&asked.action) {
        return refuse(asked.protocol, refusal.status, &refusal.code, "it was told to refuse");
    }
    // These two are how one gets a key at all.
    if !matches!(asked.action.as_str(), "AssumeRoleWithWebIdentity" | "GetRoleCredentials") {
        let known = lock(&account.keys).contains_key(&key);
        if !known {
            let code =
                if asked.protocol == Protocol::Json { "UnrecognizedClientException" } else { "InvalidClientTokenId" };
            return refuse(asked.protocol, 403, code, "The security token included in the request is invalid.");
        }
        if service != asked.service || !parts.headers.contains_key("x-amz-date") {
            return refuse(
                asked.protocol,
                403,
                "SignatureDoesNotMatch",
                &format!("Credential should be scoped to {}", asked.service),
            );
        }
    }
    match answers::of(&account, &asked, &key, &region) {
        Ok(body) if asked.protocol == Protocol::Query || asked.protocol == Protocol::Ec2 => {
            ([(header::CONTENT_TYPE, "text/xml")], body).into_response()
        }
        Ok(body) => ([(header::CONTENT_TYPE, "application/x-amz-json-1.1")], body).into_response(),
        Err((status, code, message)) => refuse(asked.protocol, status, code, &message),
    }
}

/// `AWS4-HMAC-SHA256 Credential=KEY/20240501/eu-west-1/rds/aws4_request, ...`: key, region and service.
fn scope(headers: &HeaderMap) -> Option<(String, String, String)> {
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let credential = authorization.strip_prefix("AWS4-HMAC-SHA256 Credential=")?.split(',').next()?;
    let parts: Vec<&str> = credential.split('/').collect();
    let [key, _, region, service, "aws4_request"] = parts.as_slice() else { return None };
    Some(((*key).to_owned(), (*region).to_owned(), (*service).to_owned()))
}

/// The token of the SSO portal.
fn bearer(headers: &HeaderMap) -> &str {
    headers.get("x-amz-sso_bearer_token").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn asked(path: &str, headers: &HeaderMap, body: &[u8]) -> Option<Asked> {
    let json = |action: &str, service, parameters| Asked {
        protocol: Protocol::Json,
        service,
        action: action.to_owned(),
        parameters,
    };
    if let Some(target) = headers.get("x-amz-target").and_then(|target| target.to_str().ok()) {
        let (prefix, action) = target.rsplit_once('.')?;
        let service = match prefix {
            "Logs_20140328" => "logs",
            "AmazonEC2ContainerServiceV20141113" => "ecs",
            "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101" => "cloudtrail",
            "PerformanceInsightsv20180227" => "pi",
            _ => return None,
        };
        return Some(json(action, service, serde_json::from_slice(body).ok()?));
    }
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let rest = |action: &str, service, parameters| Asked {
        protocol: Protocol::Rest,
        service,
        action: action.to_owned(),
        parameters,
    };
    match segments.as_slice() {
        [] => {}
        ["clusters", name] => return Some(rest("DescribeCluster", "eks", json!({ "name": name }))),
        ["clusters", name, "node-groups"] => return Some(rest("ListNodegroups", "eks", json!({ "name": name }))),
        ["clusters", name, "node-groups", group] => {
            return Some(rest("DescribeNodegroup", "eks", json!({"name": name, "group": group})));
        }
        ["federation", "credentials"] => {
            return Some(rest("GetRoleCredentials", "", json!({ "token": bearer(headers) })));
        }
        ["2015-03-31", "functions", name, "configuration"] => {
            return Some(rest("GetFunctionConfiguration", "lambda", json!({ "name": name })));
        }
        _ => return None,
    }
    let form: serde_json::Map<String, Value> = url::form_urlencoded::parse(body)
        .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
        .collect();
    let action = form.get("Action")?.as_str()?.to_owned();
    let (service, protocol) = match form.get("Version")?.as_str()? {
        "2011-06-15" => ("sts", Protocol::Query),
        "2010-08-01" => ("monitoring", Protocol::Query),
        "2014-10-31" => ("rds", Protocol::Query),
        "2015-12-01" => ("elasticloadbalancing", Protocol::Query),
        "2016-11-15" => ("ec2", Protocol::Ec2),
        _ => return None,
    };
    Some(Asked { protocol, service, action, parameters: Value::Object(form) })
}

/// A refusal in a protocol's own form.
fn refuse(protocol: Protocol, status: u16, code: &str, message: &str) -> Response {
    let code_status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let body = match protocol {
        Protocol::Query => format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        ),
        Protocol::Ec2 => {
            format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"
            )
        }
        Protocol::Json => json!({"__type": format!("com.amazonaws#{code}"), "message": message}).to_string(),
        // The code is in a header there.
        Protocol::Rest => json!({ "message": message }).to_string(),
    };
    // The JSON protocol refuses with 400 whatever the reason.
    let status = if protocol == Protocol::Json && status == 403 { StatusCode::BAD_REQUEST } else { code_status };
    (status, [("x-amzn-errortype", code.to_owned())], body).into_response()
}
