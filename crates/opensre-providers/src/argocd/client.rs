//! The client: a bearer token, or a session that is made when it is first needed and once more when it has expired.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::join;
use opensre_http::{Auth, Client, FailureKind, HttpFailure, Reply, Request};
use opensre_model::evidence::GapKind;
use opensre_model::secret::Secret;
use serde_json::{Value as Json, json};

use super::wire::{self, Application};
use crate::access::{Access, HttpFields};
use crate::backend::{Backend, LinkTarget};
use crate::driver::{Bounds, Probe};
use crate::failure::Failure;

const FIELDS: HttpFields = HttpFields::at("base_url").bearer("bearer_token");

/// How long the list of applications is good for all queries of one run.
const FRESH: Duration = Duration::from_secs(30);

/// How long a refused log-in is not tried again: Argo CD locks accounts out after a few.
const REFUSED_FOR: Duration = Duration::from_mins(1);

/// Most sessions that are kept.
const MOST_SESSIONS: usize = 512;

/// What the list is asked for: enough to choose, without manifests and histories. Servers that do not know the
/// parameter answer with everything.
const LIST_FIELDS: &str = "metadata.resourceVersion,items.metadata.name,items.metadata.namespace,\
    items.metadata.labels,items.spec,items.status.sync.status,items.status.health,\
    items.status.operationState.phase,items.status.operationState.startedAt,items.status.operationState.finishedAt";

/// What is asked for besides, so that an application is found by what it runs, as far as that is not too much.
const RESOURCES: &str = "items.status.resources";

/// What the probe asks for.
const NAMES: &str = "metadata.resourceVersion,items.metadata.name";

const PROBE_BOUNDS: Bounds = Bounds { rows: 1, bytes: 16 * 1024 * 1024, seconds: 30 };

/// One Argo CD, asked in the name of one instance.
pub(super) struct Argo<'a> {
    access: &'a Access,
    bounds: Bounds,
    login: Option<Arc<Slot>>,
    /// Every client that was made, for the count of calls; the last is the one in use.
    made: Mutex<Vec<Made>>,
}

#[derive(Clone)]
struct Made {
    client: Client,
    /// The session's token; `None` for a configured one.
    session: Option<Secret>,
}

impl<'a> Argo<'a> {
    /// A client within bounds. Makes a session where user name and password are given and none is known.
    pub(super) async fn open(access: &'a Access, bounds: Bounds) -> Result<Self, Failure> {
        let argo = Self { access, bounds, login: slot(access).await?, made: Mutex::default() };
        if argo.login.is_some() {
            argo.log_in(None).await?;
        } else {
            let client = bounds.keep(access.client(&FIELDS).await?);
            argo.keep(Made { client, session: None });
        }
        Ok(argo)
    }

    /// Attempts sent, log-ins included.
    pub(super) fn calls(&self) -> u64 {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|made| made.client.calls()).sum()
    }

    /// The instance as a back end; its links lead to the list of applications.
    pub(super) fn backend(&self) -> Result<Backend, Failure> {
        let client = self.current()?.client;
        let page = page(&client, &["applications"]);
        let links =
            Arc::new(move |target: LinkTarget<'_>, _: &_| matches!(target, LinkTarget::Query(_)).then(|| page.clone()));
        Ok(Backend::direct(&self.access.instance, client, links))
    }

    /// The page of an application.
    pub(super) fn link(&self, application: &Application) -> Option<String> {
        let client = self.current().ok()?.client;
        Some(match &application.namespace {
            Some(namespace) => page(&client, &["applications", namespace, &application.name]),
            None => page(&client, &["applications", &application.name]),
        })
    }

    /// The applications that may be seen, asked for once per run; how many entries could not be read; and whether their
    /// resources had to be left out.
    pub(super) async fn list(&self) -> Result<(Vec<Application>, usize, bool), Failure> {
        let path = ["api", "v1", "applications"];
        let whole = format!("{LIST_FIELDS},{RESOURCES}");
        let mut slim = false;
        let reply = match self.send(&path, &self.list_parameters(&whole), Some(FRESH)).await? {
            Err(failure) if failure.kind == FailureKind::TooLarge => {
                slim = true;
                self.ask(&path, &self.list_parameters(LIST_FIELDS), Some(FRESH)).await?
            }
            outcome => outcome.map_err(explain)?,
        };
        let (applications, odd) = wire::applications(&reply.json()?)?;
        Ok((applications, odd, slim))
    }

    fn list_parameters<'p>(&'p self, fields: &'p str) -> Vec<(&'p str, &'p str)> {
        let mut parameters = self.scope("projects");
        parameters.push(("fields", fields));
        parameters
    }

    /// One application, whole.
    pub(super) async fn application(&self, known: &Application) -> Result<(Application, Reply), Failure> {
        let reply = self.about(known, &[], &[]).await?;
        let application = wire::application(&reply.json()?)
            .ok_or_else(|| Failure::nonsense("answered with something that is no application"))?;
        Ok((application, reply))
    }

    /// Something below an application (`resource-tree`).
    pub(super) async fn about(
        &self,
        application: &Application,
        below: &[&str],
        more: &[(&str, &str)],
    ) -> Result<Reply, Failure> {
        let mut path = vec!["api", "v1", "applications", &application.name];
        path.extend(below);
        let mut parameters: Vec<(&str, &str)> = application.parameters();
        parameters.extend(more);
        self.ask(&path, &parameters, None).await
    }

    /// The parameters that an instance's scope adds.
    fn scope(&self, project: &'static str) -> Vec<(&str, &str)> {
        let config = self.access.instance.config();
        [(project, config.text("project")), ("appNamespace", config.text("app_namespace"))]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }

    async fn ask(&self, path: &[&str], parameters: &[(&str, &str)], fresh: Option<Duration>) -> Result<Reply, Failure> {
        self.send(path, parameters, fresh).await?.map_err(explain)
    }

    /// Sends; on a 401 to a session's token once more with a new session. Fails outright where no session can be made.
    async fn send(
        &self,
        path: &[&str],
        parameters: &[(&str, &str)],
        fresh: Option<Duration>,
    ) -> Result<Result<Reply, HttpFailure>, Failure> {
        let used = self.current()?;
        match send(&used.client, path, parameters, fresh).await {
            Err(refused) if refused.kind == FailureKind::Unauthorized && used.session.is_some() => {
                self.log_in(used.session.as_ref()).await?;
                Ok(send(&self.current()?.client, path, parameters, fresh).await)
            }
            outcome => Ok(outcome),
        }
    }

    /// Takes the session that is known, unless it is the expired one; else makes one.
    async fn log_in(&self, expired: Option<&Secret>) -> Result<(), Failure> {
        let Some(slot) = &self.login else { return Ok(()) };
        let taking = async {
            let mut session = slot.lock().await;
            let token = match &*session {
                Session::Open(token) if Some(token) != expired => token.clone(),
                Session::Refused(failure, since) if since.elapsed() < REFUSED_FOR => return Err(failure.clone()),
                _ => match self.new_session().await {
                    Ok(token) => {
                        *session = Session::Open(token.clone());
                        token
                    }
                    Err(failure) => {
                        if failure.kind == GapKind::Denied {
                            *session = Session::Refused(failure.clone(), Instant::now());
                        }
                        return Err(failure);
                    }
                },
            };
            Ok(token)
        };
        let token = tokio::time::timeout_at(self.access.deadline.into(), taking).await.unwrap_or_else(|_| {
            Err(Failure::new(GapKind::Deadline, "the log-in had not ended when the time was over"))
        })?;
        let base = self.access.instance.config().text("base_url").unwrap_or_default();
        let client = self.access.client_at(&FIELDS, base, Auth::Bearer(token.clone())).await?;
        self.keep(Made { client: self.bounds.keep(client), session: Some(token) });
        Ok(())
    }

    /// `POST /api/v1/session` with user name and password answers with a token.
    async fn new_session(&self) -> Result<Secret, Failure> {
        let password = self.access.secret("password").await?.ok_or_else(|| Failure::missing("password"))?;
        let user = self.access.instance.config().text("username").ok_or_else(|| Failure::missing("username"))?;
        let client = self.bounds.keep(self.access.client(&HttpFields::at("base_url")).await?);
        self.made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(0, Made { client: client.clone(), session: None });
        let body = json!({"username": user, "password": password.expose()});
        let answer: Json = client
            .send(Request::post_json("api/v1/session", &body).is_read())
            .await
            .and_then(|reply| reply.json())
            .map_err(|failure| {
                let refused = matches!(failure.kind, FailureKind::Unauthorized | FailureKind::Forbidden);
                let failure = Failure::from(failure).about("log-in");
                if refused {
                    failure.with_hint("check username and password; an account needs the capability login")
                } else {
                    failure
                }
            })?;
        let token = answer.get("token").and_then(Json::as_str).filter(|token| !token.is_empty());
        token.map(Secret::new).ok_or_else(|| Failure::nonsense("answered the log-in without a token"))
    }

    fn keep(&self, made: Made) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(made);
    }

    fn current(&self) -> Result<Made, Failure> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner).last().cloned();
        // Cannot miss: `open` makes one.
        made.ok_or_else(|| Failure::new(GapKind::Failed, "no client was made"))
    }
}

/// What a refusal means here.
fn explain(failure: HttpFailure) -> Failure {
    let forbidden = failure.kind == FailureKind::Forbidden;
    let failure = Failure::from(failure);
    if forbidden {
        failure.with_hint(
            "allow the account `applications, get` in the project (Argo CD RBAC), and check `project` and \
             `app_namespace`",
        )
    } else {
        failure
    }
}

async fn send(
    client: &Client,
    path: &[&str],
    parameters: &[(&str, &str)],
    fresh: Option<Duration>,
) -> Result<Reply, HttpFailure> {
    match fresh {
        Some(fresh) => client.get_shared(path, parameters, fresh).await,
        None => client.get(path, parameters).await,
    }
}

fn page(client: &Client, path: &[&str]) -> String {
    let mut page = client.base().clone();
    if let Ok(mut segments) = page.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    page.to_string()
}

/// The sessions of all accounts, kept as long as the HTTP layer lives.
#[derive(Default)]
struct Sessions(Mutex<Vec<(Account, Arc<Slot>)>>);

type Slot = tokio::sync::Mutex<Session>;

#[derive(Default)]
enum Session {
    #[default]
    None,
    Open(Secret),
    Refused(Failure, Instant),
}

/// The whole of what tells one account from another, so that no session is ever another instance's.
#[derive(PartialEq)]
struct Account {
    instance: String,
    base_url: Option<String>,
    username: String,
    password: Secret,
    verify: Option<bool>,
    ca_bundle: Option<String>,
}

/// The place of the instance's session; `None` where a token is configured.
async fn slot(access: &Access) -> Result<Option<Arc<Slot>>, Failure> {
    let config = access.instance.config();
    let (false, Some(username)) = (config.has("bearer_token"), config.text("username")) else { return Ok(None) };
    let account = Account {
        instance: access.instance.address(),
        base_url: config.text("base_url").map(str::to_owned),
        username: username.to_owned(),
        password: access.secret("password").await?.ok_or_else(|| Failure::missing("password"))?,
        verify: config.boolean("verify_ssl"),
        ca_bundle: config.text("ca_bundle").map(str::to_owned),
    };
    let sessions = access.http.kept::<Sessions>();
    let mut sessions = sessions.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, slot)) = sessions.iter().find(|(known, _)| *known == account) {
        return Ok(Some(Arc::clone(slot)));
    }
    if sessions.len() >= MOST_SESSIONS {
        sessions.remove(0);
    }
    let slot = Arc::<Slot>::default();
    sessions.push((account, Arc::clone(&slot)));
    Ok(Some(slot))
}

pub(super) fn probe(access: &Access) -> BoxFuture<'_, Probe> {
    async move { Probe::from(prove(access).await) }.boxed()
}

/// The list of applications proves the credentials; who we are and which version it is are told where they are known.
async fn prove(access: &Access) -> Result<Probe, Failure> {
    let argo = Argo::open(access, PROBE_BOUNDS).await?;
    let reply = argo.ask(&["api", "v1", "applications"], &argo.list_parameters(NAMES), None).await?;
    let (applications, _) = wire::applications(&reply.json()?)?;
    let (user, version) =
        join!(argo.ask(&["api", "v1", "session", "userinfo"], &[], None), argo.ask(&["api", "version"], &[], None));
    let user: Option<Json> = user.ok().and_then(|reply| reply.json().ok());
    let version: Option<Json> = version.ok().and_then(|reply| reply.json().ok());
    let text = |answer: &Option<Json>, key: &str| {
        let text = answer.as_ref()?.get(key)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let known = user.filter(|user| user.get("loggedIn").and_then(Json::as_bool) == Some(true));
    let detail = match applications.len() {
        0 => "no applications can be seen with these credentials".to_owned(),
        1 => "1 application can be seen".to_owned(),
        count => format!("{count} applications can be seen"),
    };
    Ok(Probe::passed(detail)
        .with("user", text(&known, "username"))
        .with("issuer", text(&known, "iss"))
        .with("version", text(&version, "Version"))
        .with("project", access.instance.config().text("project")))
}
