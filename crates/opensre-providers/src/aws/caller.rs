//! Calls: the three protocols over the shared HTTP layer, signed, one endpoint per service and region.
//!
//! Query/XML ("Making Query requests"), JSON 1.1 (`X-Amz-Target`) and REST-JSON. Every action named here reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use opensre_http::{Client, Endpoint, Reply, Request, Tls};
use opensre_model::evidence::GapKind;
use opensre_model::secret::Secret;
use serde_json::Value as Json;
use url::Url;

use super::refusal::{Refusal, explain};
use super::sigv4::{Credentials, SigV4};
use super::xml::Node;
use crate::access::Access;
use crate::driver::Bounds;
use crate::failure::Failure;

/// How often a throttled call is made.
const ATTEMPTS: u32 = 4;

/// A service's API.
#[derive(Debug, Clone, Copy)]
pub(super) struct Api {
    /// First part of its host (`monitoring`).
    pub(super) host: &'static str,
    /// The name that it is signed for.
    pub(super) signed_for: &'static str,
    /// The prefix of its actions in a policy (`cloudwatch`).
    pub(super) policy: &'static str,
    /// The version of its Query API, or the prefix of its JSON targets; empty for REST.
    pub(super) version: &'static str,
}

impl Api {
    const fn new(host: &'static str, version: &'static str) -> Self {
        Self { host, signed_for: host, policy: host, version }
    }

    const fn allowed_as(mut self, policy: &'static str) -> Self {
        self.policy = policy;
        self
    }
}

pub(super) const STS: Api = Api::new("sts", "2011-06-15");
pub(super) const CLOUDWATCH: Api = Api::new("monitoring", "2010-08-01").allowed_as("cloudwatch");
pub(super) const RDS: Api = Api::new("rds", "2014-10-31");
pub(super) const EC2: Api = Api::new("ec2", "2016-11-15");
pub(super) const ELB: Api = Api::new("elasticloadbalancing", "2015-12-01");
pub(super) const LOGS: Api = Api::new("logs", "Logs_20140328");
pub(super) const ECS: Api = Api::new("ecs", "AmazonEC2ContainerServiceV20141113");
pub(super) const CLOUDTRAIL: Api = Api::new("cloudtrail", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101");
pub(super) const PERFORMANCE_INSIGHTS: Api = Api::new("pi", "PerformanceInsightsv20180227");
pub(super) const EKS: Api = Api::new("eks", "");
pub(super) const LAMBDA: Api = Api::new("lambda", "");
/// Gives the credentials of somebody who has signed in; asked with a bearer token, not signed.
pub(super) const SSO: Api = Api::new("portal.sso", "");

/// How a client proves who it is.
pub(super) enum Auth {
    /// Not at all.
    None,
    /// By a signature over each request.
    Signed(SigV4),
    /// By a header.
    Header(&'static str, Secret),
}

/// Parameters of a Query call.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// The same, with periods of five minutes.
    pub(super) fn coarser(mut self) -> Self {
        for (name, value) in &mut self.0 {
            if name.ends_with(".Period") {
                "300".clone_into(value);
            }
        }
        self
    }

    /// `Prefix.1=a&Prefix.2=b`.
    pub(super) fn list<T: Into<String>>(mut self, prefix: &str, values: impl IntoIterator<Item = T>) -> Self {
        let numbered = values.into_iter().enumerate().map(|(at, value)| (format!("{prefix}.{}", at + 1), value.into()));
        self.0.extend(numbered);
        self
    }
}

/// Reaches an instance's endpoints, with or without a signature. Clones share the count of calls.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) access: Access,
    deadline: Instant,
    bytes: usize,
    calls: Arc<AtomicU64>,
}

impl Caller {
    pub(super) fn new(access: &Access, bounds: Bounds) -> Self {
        let deadline = access.deadline.min(Instant::now() + Duration::from_secs(bounds.seconds));
        Self { access: access.clone(), deadline, bytes: bounds.bytes, calls: Arc::default() }
    }

    /// When everything must have answered.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Calls sent so far.
    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The base URL of a service: that of the instance, where one is set (`endpoint_url`), else AWS's own.
    pub(super) fn base(&self, api: &Api, region: &str) -> String {
        match self.access.instance.config().text("endpoint_url") {
            Some(url) => url.to_owned(),
            None => format!("https://{}.{region}.{}", api.host, domain(region)),
        }
    }

    /// A client of any endpoint, that signs or carries a header; the certificates are read off the async threads.
    pub(super) async fn client(&self, base: &str, auth: Auth) -> Result<Client, Failure> {
        let config = self.access.instance.config();
        let tls = Tls {
            verify: config.boolean("verify_ssl").unwrap_or(true),
            ca_bundle: config.text("ca_bundle").map(Into::into),
        };
        let endpoint = Endpoint::new(self.access.instance.address(), base)?.tls(tls);
        let endpoint = match auth {
            Auth::None => endpoint,
            Auth::Signed(signer) => endpoint.signed_by(Arc::new(signer)),
            Auth::Header(name, value) => endpoint.header(name, value),
        };
        let (http, deadline) = (self.access.http.clone(), self.deadline);
        let building = tokio::task::spawn_blocking(move || http.client(endpoint, deadline));
        match tokio::time::timeout_at(deadline.into(), building).await {
            Ok(Ok(client)) => Ok(client?.at_most(self.bytes)),
            Ok(Err(_)) => Err(Failure::new(GapKind::Failed, "the connection could not be prepared")),
            Err(_) => Err(Failure::new(GapKind::Deadline, "the time was over before anything was asked")),
        }
    }

    /// Sends a request, once for all who ask the same where the answer may be `fresh`; again when AWS asks to slow down.
    pub(super) async fn send(
        &self,
        client: &Client,
        request: Request,
        fresh: Option<Duration>,
        action: &str,
    ) -> Result<Reply, Refusal> {
        let mut wait = Duration::from_millis(400);
        for attempt in 1.. {
            let before = client.calls();
            let outcome = match fresh {
                Some(fresh) => client.send_shared(request.clone(), fresh).await,
                None => client.send(request.clone()).await,
            };
            self.calls.fetch_add(client.calls() - before, Ordering::Relaxed);
            let refusal = match outcome {
                Ok(reply) => return Ok(reply),
                Err(failure) => explain(failure, action),
            };
            // A 429 has been waited out by the HTTP layer; AWS throttles with status 400 as well.
            let again = refusal.code.is_some() && refusal.is_throttled() && attempt < ATTEMPTS;
            if !again || Instant::now() + wait >= self.deadline {
                return Err(refusal);
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        Err(Failure::new(GapKind::RateLimited, "asked too often").into())
    }

    /// A call of the Query protocol, signed or (to get credentials at all) not.
    pub(super) async fn query(
        &self,
        api: &Api,
        region: &str,
        signer: Option<&Credentials>,
        action: &str,
        parameters: Parameters,
        fresh: Option<Duration>,
    ) -> Result<Node, Refusal> {
        let auth = signer.map_or(Auth::None, |own| Auth::Signed(sign(api, region, own)));
        let client = self.client(&self.base(api, region), auth).await?;
        let mut form = vec![("Action".to_owned(), action.to_owned()), ("Version".to_owned(), api.version.to_owned())];
        form.extend(parameters.0);
        let request = Request::post_form(ROOT, &form).accept("application/xml");
        let reply = self.send(&client, request, fresh, &format!("{}:{action}", api.policy)).await?;
        let document = Node::parse(&reply.text()).ok();
        document.filter(|document| document.name == format!("{action}Response")).ok_or_else(|| {
            Failure::new(GapKind::Failed, format!("{}: answered {action} with something else", host(client.base())))
                .with_hint("an HTML page is most likely a login page or a proxy; check endpoint_url and the proxy")
                .into()
        })
    }
}

const ROOT: &[&str] = &[""];

/// One account in one region, with credentials.
#[derive(Clone)]
pub(super) struct Region {
    pub(super) caller: Caller,
    pub(super) credentials: Credentials,
    pub(super) name: String,
}

impl Region {
    /// A call of the Query protocol.
    pub(super) async fn query(&self, api: &Api, action: &str, parameters: Parameters) -> Result<Node, Refusal> {
        self.caller.query(api, &self.name, Some(&self.credentials), action, parameters, None).await
    }

    /// A call of the Query protocol whose answer several queries of an investigation need.
    pub(super) async fn query_shared(&self, api: &Api, action: &str, parameters: Parameters) -> Result<Node, Refusal> {
        let fresh = Some(Duration::from_mins(1));
        self.caller.query(api, &self.name, Some(&self.credentials), action, parameters, fresh).await
    }

    /// A call of the JSON 1.1 protocol.
    pub(super) async fn json(&self, api: &Api, action: &str, body: &Json) -> Result<Json, Refusal> {
        let client = self.signed(api).await?;
        let request = Request::post_body(ROOT, "application/x-amz-json-1.1", body.to_string())
            .header("x-amz-target", format!("{}.{action}", api.version))
            .is_read();
        let reply = self.caller.send(&client, request, None, &format!("{}:{action}", api.policy)).await?;
        object(&reply, action)
    }

    /// A GET of the REST-JSON protocol.
    pub(super) async fn get(
        &self,
        api: &Api,
        action: &str,
        path: &[&str],
        parameters: &[(&str, &str)],
    ) -> Result<Json, Refusal> {
        let client = self.signed(api).await?;
        let request = Request::get(path).query(parameters);
        let reply = self.caller.send(&client, request, None, &format!("{}:{action}", api.policy)).await?;
        object(&reply, action)
    }

    async fn signed(&self, api: &Api) -> Result<Client, Failure> {
        let base = self.caller.base(api, &self.name);
        self.caller.client(&base, Auth::Signed(sign(api, &self.name, &self.credentials))).await
    }

    /// The console's address of a page, where the instance is AWS itself.
    pub(super) fn console(&self, page: &str) -> Option<String> {
        if self.caller.access.instance.config().has("endpoint_url") {
            return None;
        }
        let host = match domain(&self.name) {
            "amazonaws.com.cn" => "console.amazonaws.cn",
            _ if self.name.starts_with("us-gov-") => "console.amazonaws-us-gov.com",
            "amazonaws.eu" => "console.amazonaws-eusc.eu",
            _ => "console.aws.amazon.com",
        };
        let (page, fragment) = page.split_once('#').map_or((page, None), |(page, rest)| (page, Some(rest)));
        let mut url = Url::parse(&format!("https://{}.{host}/{page}", self.name)).ok()?;
        url.query_pairs_mut().append_pair("region", &self.name);
        url.set_fragment(fragment);
        Some(url.into())
    }
}

/// Whether a value has the type that an answer's member must have.
type Shape = fn(&Json) -> bool;

/// A member that every answer to an action has, and what it is; an answer without it is another server's. Without this
/// check it would read as "nothing there".
fn member(action: &str) -> Option<(&'static str, Shape)> {
    let list: fn(&Json) -> bool = Json::is_array;
    Some(match action {
        "LookupEvents" => ("Events", list),
        "ListClusters" => ("clusterArns", list),
        "DescribeServices" => ("services", list),
        "ListTasks" => ("taskArns", list),
        "DescribeTasks" => ("tasks", list),
        "ListNodegroups" => ("nodegroups", list),
        "DescribeCluster" => ("cluster", Json::is_object),
        "DescribeNodegroup" => ("nodegroup", Json::is_object),
        "GetFunctionConfiguration" => ("FunctionName", Json::is_string),
        "DescribeLogGroups" => ("logGroups", list),
        "FilterLogEvents" => ("events", list),
        "GetResourceMetrics" => ("MetricList", list),
        _ => return None,
    })
}

/// JSON answers are objects with a member of their own; anything else is another server's.
fn object(reply: &Reply, action: &str) -> Result<Json, Refusal> {
    let json: Json = reply.json().map_err(|failure| Refusal { code: None, failure: failure.into() })?;
    if !json.is_object() {
        return Err(Failure::nonsense(format!("answered {action} with something that is no object")).into());
    }
    match member(action) {
        Some((name, is)) if !json.get(name).is_some_and(is) => {
            Err(Failure::nonsense(format!("answered {action} without `{name}`, or with something else there")).into())
        }
        _ => Ok(json),
    }
}

fn sign(api: &Api, region: &str, credentials: &Credentials) -> SigV4 {
    SigV4 { credentials: credentials.clone(), region: region.to_owned(), service: api.signed_for }
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

/// The domain of a region's endpoints ("AWS service endpoints").
fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else if region.starts_with("eusc-") {
        "amazonaws.eu"
    } else {
        "amazonaws.com"
    }
}
