//! Who asks: an instance's credentials, by the rules of the AWS SDKs, over the shared HTTP layer.
//!
//! With a role, the role is assumed: by its web identity token where there is one, else by the instance's own keys, its
//! profile, or the identity of this machine, whichever is the first to be allowed. Without one, the keys or the profile
//! are used as they are. Variables and files are read through the instance's secret source, so that tests bring their own.
//!
//! Why not the `aws-config` crate: it comes with three SDK crates and their runtime (some twenty crates, which take longer
//! to build than the rest of this crate), wants an HTTP connector of its own kind, past our bounds, proxies and log of
//! calls, and reads environment, files and clock itself. What is needed of it is here.
//!
//! "Standardized credential providers" (AWS SDKs and Tools Reference Guide), "AssumeRole" (STS API Reference).

use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use opensre_http::Request;
use opensre_model::evidence::GapKind;
use opensre_model::secret::{Secret, SecretReference, SecretValue};
use serde_json::Value as Json;
use sha1::{Digest, Sha1};

use super::caller::{Auth, Caller, Parameters, SSO, STS};
use super::profile::{Profiles, Section};
use super::sigv4::Credentials;
use crate::failure::Failure;

/// The name of assumed sessions; trust policies may ask for it.
const SESSION_NAME: &str = "TracerIntegrationVerify";
/// How long temporary credentials are shared; the shortest that AWS gives live 15 minutes.
const FRESH: Duration = Duration::from_mins(10);
/// How many profiles may refer to each other.
const LONGEST_CHAIN: usize = 5;
/// How long this machine's metadata service may take: it answers at once, or there is none.
const METADATA_TIME: Duration = Duration::from_secs(2);

/// Credentials of an instance.
pub(super) async fn credentials(caller: &Caller, region: &str) -> Result<Credentials, Failure> {
    Chain { caller, region }.resolve().await
}

/// Where a role's session begins.
#[derive(Clone, Copy)]
enum Start<'a> {
    Keys,
    Profile(&'a str),
    Machine,
}

/// A role to assume.
struct Role<'a> {
    arn: &'a str,
    external_id: Option<&'a str>,
    session_name: &'a str,
}

struct Chain<'a> {
    caller: &'a Caller,
    region: &'a str,
}

impl Chain<'_> {
    async fn resolve(&self) -> Result<Credentials, Failure> {
        let config = self.caller.access.instance.config();
        let profile = config.text("profile");
        let has_keys = config.has("access_key_id") && config.has("secret_access_key");
        let Some(arn) = config.text("role_arn") else {
            return match profile {
                _ if has_keys => self.keys().await,
                Some(profile) => self.profile(profile, &self.profiles().await, 0).await,
                None => Err(Failure::missing("role_arn, or access_key_id and secret_access_key, or profile")),
            };
        };
        if let Some(file) = config.text("web_identity_token_file") {
            return self.web_identity(arn, SESSION_NAME, file).await;
        }
        let external_id = self.caller.access.secret("external_id").await?;
        let role = Role { arn, external_id: external_id.as_ref().map(Secret::expose), session_name: SESSION_NAME };
        let mut starts: Vec<Start<'_>> = Vec::new();
        starts.extend(has_keys.then_some(Start::Keys));
        starts.extend(profile.map(Start::Profile));
        if starts.is_empty() || has_keys {
            starts.push(Start::Machine);
        }
        let mut first = None;
        for start in starts {
            match self.begin(start, &role).await {
                Ok(credentials) => return Ok(credentials),
                Err(failure) if failure.kind == GapKind::Denied => {
                    first.get_or_insert(failure);
                }
                Err(failure) => return Err(first.unwrap_or(failure)),
            }
        }
        Err(first.unwrap_or_else(|| Failure::missing("anything to assume the role with")))
    }

    /// The role's session, begun with one identity.
    async fn begin(&self, start: Start<'_>, role: &Role<'_>) -> Result<Credentials, Failure> {
        let own = match start {
            Start::Keys => self.keys().await?,
            Start::Profile(name) => self.profile(name, &self.profiles().await, 0).await?,
            Start::Machine => {
                let own = self.machine().await?;
                // The machine may be in that very role already, which then need not be allowed to assume itself.
                if self.variable("AWS_WEB_IDENTITY_TOKEN_FILE").await.is_some()
                    && self.variable("AWS_ROLE_ARN").await.is_some_and(|own| own.expose() == role.arn)
                {
                    return Ok(own);
                }
                own
            }
        };
        self.assume(&own, role).await
    }

    /// The instance's static keys.
    async fn keys(&self) -> Result<Credentials, Failure> {
        let access = &self.caller.access;
        let (id, secret) = (access.secret("access_key_id").await?, access.secret("secret_access_key").await?);
        match (id, secret) {
            (Some(access_key_id), Some(secret_access_key)) => {
                let session_token = access.secret("session_token").await?.filter(|token| !token.is_empty());
                Ok(Credentials { access_key_id, secret_access_key, session_token })
            }
            _ => Err(Failure::missing("access_key_id or secret_access_key")),
        }
    }

    /// The identity of this machine: variables, a web identity, the profile of the environment, a container's or a
    /// virtual machine's role.
    async fn machine(&self) -> Result<Credentials, Failure> {
        if let Some(own) = self.variables().await {
            return Ok(own);
        }
        let (file, arn) = (self.variable("AWS_WEB_IDENTITY_TOKEN_FILE").await, self.variable("AWS_ROLE_ARN").await);
        if let (Some(file), Some(arn)) = (file, arn) {
            return self.web_identity(arn.expose(), SESSION_NAME, file.expose()).await;
        }
        let profiles = self.profiles().await;
        let named = self.variable("AWS_PROFILE").await;
        let name = named.as_ref().map_or("default", Secret::expose);
        if named.is_some() || profiles.profile(name).is_some_and(gives_credentials) {
            return self.profile(name, &profiles, 0).await;
        }
        if let Some(own) = self.container().await? {
            return Ok(own);
        }
        match self.virtual_machine().await {
            Ok(own) => Ok(own),
            Err(_) => Err(Failure::new(GapKind::Denied, "this machine has no AWS identity to assume the role with")
                .with_hint(
                    "set access keys or a profile of the instance, or AWS_ACCESS_KEY_ID, AWS_PROFILE or \
                     AWS_WEB_IDENTITY_TOKEN_FILE in the environment",
                )),
        }
    }

    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    async fn variables(&self) -> Option<Credentials> {
        Some(Credentials {
            access_key_id: self.variable("AWS_ACCESS_KEY_ID").await?,
            secret_access_key: self.variable("AWS_SECRET_ACCESS_KEY").await?,
            session_token: self.variable("AWS_SESSION_TOKEN").await,
        })
    }

    /// The profiles of this user; none where there are no files.
    async fn profiles(&self) -> Profiles {
        let mut texts = Vec::new();
        for (variable, path) in
            [("AWS_CONFIG_FILE", "~/.aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")]
        {
            let named = self.variable(variable).await;
            let path = named.as_ref().map_or(path, Secret::expose).to_owned();
            texts.push(self.read(SecretReference::File(path)).await.ok());
        }
        let text = |at: usize| texts.get(at).and_then(Option::as_ref).map_or("", Secret::expose);
        Profiles::read(text(0), text(1))
    }

    /// The credentials of a profile: its keys, its role (which may begin with another profile), its web identity, the
    /// output of its `credential_process`, or its SSO session's.
    fn profile<'s>(
        &'s self,
        name: &'s str,
        profiles: &'s Profiles,
        depth: usize,
    ) -> BoxFuture<'s, Result<Credentials, Failure>> {
        async move {
            let fail = |what: &str| Failure::new(GapKind::Denied, format!("AWS profile {name} {what}"));
            if depth >= LONGEST_CHAIN {
                return Err(fail("is at the end of a chain of profiles that is too long, or goes in a circle"));
            }
            let Some(section) = profiles.profile(name) else {
                let known: Vec<&str> = profiles.names().take(20).collect();
                return Err(fail("is not in the shared configuration")
                    .with_hint(format!("profiles there: {}", known.join(", "))));
            };
            let setting = |key: &str| section.get(key).map(String::as_str).filter(|value| !value.is_empty());
            if let Some(arn) = setting("role_arn") {
                if setting("mfa_serial").is_some() {
                    return Err(fail("wants a code of an MFA device, which nobody is there to give")
                        .with_hint("use a role without MFA, or temporary keys"));
                }
                let session_name = setting("role_session_name").unwrap_or(SESSION_NAME);
                if let Some(file) = setting("web_identity_token_file") {
                    return self.web_identity(arn, session_name, file).await;
                }
                let own = match (setting("source_profile"), setting("credential_source")) {
                    // A profile may be its own source: then its keys are meant.
                    (Some(source), _) if source == name => keys_of(section),
                    (Some(source), _) => Some(self.profile(source, profiles, depth + 1).await?),
                    (_, Some("Environment")) => self.variables().await,
                    (_, Some("EcsContainer")) => self.container().await?,
                    (_, Some("Ec2InstanceMetadata")) => Some(self.virtual_machine().await?),
                    _ => None,
                };
                let own = own.ok_or_else(|| fail("has a role, and nothing to assume it with"))?;
                return self.assume(&own, &Role { arn, external_id: setting("external_id"), session_name }).await;
            }
            if let Some(own) = keys_of(section) {
                return Ok(own);
            }
            if let Some(command) = setting("credential_process") {
                let words = command.split_whitespace().map(str::to_owned).collect();
                let output = self.read(SecretReference::Exec(words)).await?;
                return parsed(output.expose())
                    .ok_or_else(|| fail("has a credential_process that gives no credentials"));
            }
            if setting("sso_session").is_some() || setting("sso_start_url").is_some() {
                return self.signed_in(name, section, profiles).await;
            }
            Err(fail("has no credentials"))
        }
        .boxed()
    }

    /// The credentials of a profile whose user has signed in with SSO: asked for with the token that `aws sso login` has
    /// left in its cache ("SSO token provider configuration"; "GetRoleCredentials"). It is not renewed here.
    async fn signed_in(&self, name: &str, section: &Section, profiles: &Profiles) -> Result<Credentials, Failure> {
        let sign_in = |what: &str| {
            Failure::new(GapKind::Denied, format!("AWS profile {name} {what}"))
                .with_hint(format!("run `aws sso login --profile {name}`"))
        };
        let session = section.get("sso_session");
        let settings = session.and_then(|session| profiles.session(session)).unwrap_or(section);
        let part = |of: &Section, key: &str| {
            of.get(key).cloned().ok_or_else(|| sign_in(&format!("signs in with SSO, but has no {key}")))
        };
        let region = part(settings, "sso_region")?;
        let (account, role) = (part(section, "sso_account_id")?, part(section, "sso_role_name")?);
        let cached = match session {
            Some(session) => session.clone(),
            None => part(section, "sso_start_url")?,
        };
        let file = format!("~/.aws/sso/cache/{:x}.json", Sha1::digest(cached.as_bytes()));
        let cache = self.read(SecretReference::File(file)).await.map_err(|_| sign_in("is not signed in"))?;
        let cache: Json = serde_json::from_str(cache.expose()).unwrap_or_default();
        let text = |key: &str| cache.get(key).and_then(Json::as_str);
        let token = text("accessToken").ok_or_else(|| sign_in("is not signed in"))?;
        let expires: Option<Timestamp> = text("expiresAt").and_then(|time| time.parse().ok());
        if expires.is_some_and(|expires| expires <= self.caller.access.http.now()) {
            return Err(sign_in("is signed in no longer"));
        }
        let auth = Auth::Header("x-amz-sso_bearer_token", Secret::new(token));
        let client = self.caller.client(&self.caller.base(&SSO, &region), auth).await?;
        let request = Request::get("federation/credentials").query(&[("role_name", role), ("account_id", account)]);
        let reply = self.caller.send(&client, request, Some(FRESH), "sso:GetRoleCredentials").await?;
        let answer: Json = reply.json()?;
        let text =
            |key: &str| answer.pointer(&format!("/roleCredentials/{key}")).and_then(Json::as_str).map(Secret::new);
        match (text("accessKeyId"), text("secretAccessKey")) {
            (Some(access_key_id), Some(secret_access_key)) => {
                Ok(Credentials { access_key_id, secret_access_key, session_token: text("sessionToken") })
            }
            _ => Err(Failure::nonsense("answered GetRoleCredentials without credentials")),
        }
    }

    async fn assume(&self, own: &Credentials, role: &Role<'_>) -> Result<Credentials, Failure> {
        let mut parameters = Parameters::default().with("RoleArn", role.arn).with("RoleSessionName", role.session_name);
        if let Some(id) = role.external_id {
            parameters = parameters.with("ExternalId", id);
        }
        self.session("AssumeRole", Some(own), parameters).await.map_err(|failure| {
            let hint = "check the role's trust policy: that it trusts this identity, and wants this external id";
            let denied = failure.kind == GapKind::Denied;
            let failure = failure.about(&format!("role {}", role.arn));
            if denied { failure.with_hint(hint) } else { failure }
        })
    }

    async fn web_identity(&self, arn: &str, session_name: &str, file: &str) -> Result<Credentials, Failure> {
        let token = self.read(SecretReference::File(file.to_owned())).await?;
        let parameters = Parameters::default()
            .with("RoleArn", arn)
            .with("RoleSessionName", session_name)
            .with("WebIdentityToken", token.expose());
        self.session("AssumeRoleWithWebIdentity", None, parameters)
            .await
            .map_err(|failure| failure.about(&format!("role {arn} by web identity")))
    }

    /// A session's credentials, asked for once for all queries of an investigation.
    async fn session(
        &self,
        action: &str,
        own: Option<&Credentials>,
        parameters: Parameters,
    ) -> Result<Credentials, Failure> {
        let answer = self.caller.query(&STS, self.region, own, action, parameters, Some(FRESH)).await?;
        let text = |name: &str| {
            answer
                .find("Credentials")
                .and_then(|node| node.text(name))
                .map(Secret::new)
                .ok_or_else(|| Failure::nonsense(format!("answered {action} without credentials")))
        };
        Ok(Credentials {
            access_key_id: text("AccessKeyId")?,
            secret_access_key: text("SecretAccessKey")?,
            session_token: Some(text("SessionToken")?),
        })
    }

    /// The role of a container (ECS, EKS Pod Identity), where the variables say that there is one. The endpoint is a
    /// link-local or loopback address; a full URI elsewhere has to be https, so that no token goes astray.
    async fn container(&self) -> Result<Option<Credentials>, Failure> {
        let full = self.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI").await;
        let relative = self.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").await;
        let uri = match (&relative, &full) {
            (Some(path), _) => format!("http://169.254.170.2{}", path.expose()),
            (None, Some(uri)) => uri.expose().to_owned(),
            (None, None) => return Ok(None),
        };
        let bad = || Failure::new(GapKind::Denied, "AWS_CONTAINER_CREDENTIALS_FULL_URI cannot be used");
        let url = url::Url::parse(&uri).map_err(|_| bad())?;
        let near = match url.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback() || ip.octets()[..3] == [169, 254, 170],
            Some(url::Host::Ipv6(ip)) => {
                ip.is_loopback() || ip == std::net::Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)
            }
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        };
        if !near && url.scheme() != "https" {
            return Err(bad());
        }
        let token = match self.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").await {
            Some(file) => Some(self.read(SecretReference::File(file.expose().to_owned())).await?),
            None => self.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").await,
        };
        let mut base = url.clone();
        base.set_path("");
        let auth = token.map_or(Auth::None, |token| Auth::Header("authorization", token));
        let client = self.caller.client(base.as_str(), auth).await?;
        let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let request = Request::get(url.path()).query(&parameters);
        let reply = self.caller.send(&client, request, Some(FRESH), "the container's role").await?;
        parsed(&reply.text()).map(Some).ok_or_else(|| Failure::nonsense("answered without a container's credentials"))
    }

    /// The role of a virtual machine ("Use the Instance Metadata Service", version 2).
    async fn virtual_machine(&self) -> Result<Credentials, Failure> {
        let off = self.variable("AWS_EC2_METADATA_DISABLED").await;
        if off.is_some_and(|off| off.expose().eq_ignore_ascii_case("true")) {
            return Err(Failure::new(GapKind::Denied, "the metadata service is turned off"));
        }
        let base = self.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").await;
        let base = base.as_ref().map_or("http://169.254.169.254", Secret::expose);
        let client = self.caller.client(base, Auth::None).await?.by(Instant::now() + METADATA_TIME);
        const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
        let asking = Request::put("latest/api/token").header(TTL, "3600").is_read();
        let token = self.caller.send(&client, asking, Some(FRESH), "the metadata service").await?.text();
        let read = |path: String| {
            let request = Request::get(path.as_str()).header("x-aws-ec2-metadata-token", token.trim());
            let client = &client;
            async move { self.caller.send(client, request, Some(FRESH), "the metadata service").await }
        };
        let roles = read("latest/meta-data/iam/security-credentials/".to_owned()).await?.text();
        let role = roles.lines().next().unwrap_or_default().trim();
        let answer = read(format!("latest/meta-data/iam/security-credentials/{role}")).await?.text();
        parsed(&answer).ok_or_else(|| Failure::nonsense("answered without a machine's credentials"))
    }

    async fn variable(&self, name: &str) -> Option<Secret> {
        self.read(SecretReference::Env(name.to_owned())).await.ok().filter(|value| !value.is_empty())
    }

    /// A variable, file or command's output, read off the async threads.
    async fn read(&self, reference: SecretReference) -> Result<Secret, Failure> {
        let access = self.caller.access.clone();
        let reading = tokio::task::spawn_blocking(move || {
            access.secrets.resolve(&SecretValue::Reference(reference), &access.instance.source)
        });
        match tokio::time::timeout_at(self.caller.access.deadline.into(), reading).await {
            Ok(Ok(Ok(secret))) => Ok(secret),
            Ok(Ok(Err(failure))) => Err(Failure { kind: GapKind::Denied, reason: failure.reason, hint: failure.hint }),
            Ok(Err(_)) => Err(Failure::new(GapKind::Failed, "the credentials could not be read")),
            Err(_) => Err(Failure::new(GapKind::Deadline, "the credentials were not there when the time was over")),
        }
    }
}

/// Whether a profile says where credentials come from; a `default` that only sets a region does not.
fn gives_credentials(section: &Section) -> bool {
    ["aws_access_key_id", "role_arn", "credential_process", "sso_session", "sso_start_url"]
        .iter()
        .any(|key| section.contains_key(*key))
}

fn keys_of(section: &Section) -> Option<Credentials> {
    let text = |key: &str| section.get(key).filter(|value| !value.is_empty()).map(|value| Secret::new(value.as_str()));
    Some(Credentials {
        access_key_id: text("aws_access_key_id")?,
        secret_access_key: text("aws_secret_access_key")?,
        session_token: text("aws_session_token"),
    })
}

/// Credentials as a process, a container and a machine give them: JSON, with `Token` or `SessionToken`.
fn parsed(json: &str) -> Option<Credentials> {
    let json: Json = serde_json::from_str(json).ok()?;
    let text = |key: &str| json.get(key)?.as_str().filter(|value| !value.is_empty()).map(Secret::new);
    Some(Credentials {
        access_key_id: text("AccessKeyId")?,
        secret_access_key: text("SecretAccessKey")?,
        session_token: text("SessionToken").or_else(|| text("Token")),
    })
}
