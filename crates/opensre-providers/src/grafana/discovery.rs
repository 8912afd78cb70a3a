//! Finding a Grafana's data sources, and reaching each as the back end that it is.
//!
//! The list is asked for once for all queries of an instance, however many run at the same time; the HTTP layer keeps
//! it under the instance's whole identity, credentials included, for a minute, and never keeps a failure.
//!
//! Facts from the vendor's page "Data source HTTP API" (`GET /api/datasources`, and the proxy
//! `/api/datasources/proxy/uid/{uid}/...`, which hands a call on to the data source untouched).

use std::time::Duration;

use opensre_http::{Client, FailureKind};
use opensre_model::alert::Labels;
use opensre_model::evidence::{Gap, GapKind};
use serde_json::Value as Json;

use super::datasources::{DataSource, DataSources, Kind};
use super::{FIELDS, links};
use crate::access::Access;
use crate::backend::Backend;
use crate::driver::Bounds;
use crate::failure::Failure;

/// How long the list of data sources is taken for known.
const FRESH: Duration = Duration::from_mins(1);

/// Most bytes of what all queries share; no more than the query that may read least.
const SHARED_BYTES: usize = 4 * 1024 * 1024;

/// Most data sources that are named one by one as not asked.
const NAMED: usize = 5;

/// One Grafana, ready to be asked within the bounds of a query.
pub(super) struct Grafana<'a> {
    access: &'a Access,
    /// Asks for what all queries share, and therefore has bounds of its own.
    shared: Client,
    /// Keeps to the bounds of the query.
    pub(super) client: Client,
}

/// The data sources of an instance as Grafana describes them, for whoever wants to reach them without it. Those of a
/// `wanted` type come with what only their own page tells (`basicAuthUser`, which secrets there are), as far as the
/// token may see that.
pub async fn described(access: &Access, wanted: impl Fn(&str) -> bool) -> Result<Vec<Json>, Failure> {
    let client = access.client(&FIELDS).await?;
    let list: Json = client.get_json("api/datasources", NO_PARAMETERS).await?;
    let Json::Array(mut sources) = list else {
        return Err(Failure::nonsense("the list of data sources is none"));
    };
    for source in &mut sources {
        let text = |key: &str| source.get(key).and_then(Json::as_str).unwrap_or_default();
        let uid = text("uid");
        if uid.is_empty() || !wanted(text("type")) {
            continue;
        }
        // Without that permission the list has to do.
        if let Ok(Json::Object(page)) = client.get_json(&["api", "datasources", "uid", uid], NO_PARAMETERS).await {
            *source = Json::Object(page);
        }
    }
    Ok(sources)
}

const NO_PARAMETERS: &[(&str, &str)] = &[];

/// The data sources of one kind, ready to be asked.
pub(super) struct Reached {
    /// Those that are asked, the most telling first.
    pub(super) backends: Vec<Backend>,
    /// What is not asked, and why.
    pub(super) gaps: Vec<Gap>,
}

impl<'a> Grafana<'a> {
    pub(super) async fn open(access: &'a Access, bounds: Bounds) -> Result<Self, Failure> {
        let shared = access.client(&FIELDS).await?;
        Ok(Self { access, client: bounds.keep(shared.clone()), shared: shared.at_most(SHARED_BYTES) })
    }

    /// All data sources.
    pub(super) async fn sources(&self) -> Result<DataSources, Failure> {
        match self.shared.get_shared("api/datasources", &[], FRESH).await {
            Ok(reply) => DataSources::parse(&reply.json::<Json>()?).map_err(|odd| Failure::nonsense(odd.to_string())),
            Err(failure) if failure.kind == FailureKind::Forbidden => Err(Failure::from(failure)
                .with_hint("give the service account the role Viewer and the permission datasources:read")),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The data sources of a kind that an alert with these labels makes worth asking. A data source that is configured
    /// by its uid is asked even when the token may not list them.
    pub(super) async fn reach(&self, kind: Kind, operation: &str, labels: &Labels) -> Result<Reached, Failure> {
        let configured = self.configured(kind);
        let sources = match self.sources().await {
            Ok(sources) => sources,
            Err(failure) if failure.kind == GapKind::Denied && configured.is_some() => DataSources::default(),
            Err(failure) => return Err(failure),
        };
        let choice = sources.choose(kind, configured, labels);
        let assumed = configured
            .filter(|_| choice.asked.is_empty() && sources.known.is_empty())
            .map(|uid| DataSource::configured(uid, kind));
        let asked: Vec<&DataSource> = choice.asked.iter().copied().chain(&assumed).collect();
        if asked.is_empty() {
            let reason = match configured {
                Some(uid) => format!("there is no {} data source with the configured uid {uid}", kind.word()),
                None => format!("it has no {} data source that the token can see", kind.word()),
            };
            let failure = Failure::new(GapKind::NotRelevant, reason)
                .with_hint("`opensre integrations verify grafana` lists what is there");
            return Ok(Reached { backends: Vec::new(), gaps: vec![self.gap(operation, failure)] });
        }
        let mut backends = Vec::new();
        let mut gaps = Vec::new();
        for source in asked {
            match self.backend(source) {
                Ok(backend) => backends.push(backend),
                Err(failure) => gaps.push(self.gap(operation, failure)),
            }
        }
        if !choice.skipped.is_empty() {
            let mut named: Vec<String> = choice
                .skipped
                .iter()
                .take(NAMED)
                .map(|(source, reason)| format!("{} ({reason})", source.name))
                .collect();
            if choice.skipped.len() > NAMED {
                named.push(format!("and {} more", choice.skipped.len() - NAMED));
            }
            let reason = format!("{} data sources that are not asked: {}", kind.word(), named.join(", "));
            gaps.push(self.gap(operation, Failure::new(GapKind::NotRelevant, reason)));
        }
        Ok(Reached { backends, gaps })
    }

    /// The back end that a data source is, through the proxy.
    pub(super) fn backend(&self, source: &DataSource) -> Result<Backend, Failure> {
        let client = self.client.under(&["api", "datasources", "proxy", "uid", source.uid.as_str()])?;
        let links = links::explore(self.client.base(), source);
        Ok(Backend { datasource: Some(source.label()), ..Backend::direct(&self.access.instance, client, links) })
    }

    /// Grafana itself as a back end, for evidence that comes from no data source.
    pub(super) fn itself(&self) -> Backend {
        Backend::direct(&self.access.instance, self.client.clone(), std::sync::Arc::new(|_, _| None))
    }

    pub(super) fn gap(&self, operation: &str, failure: impl Into<Failure>) -> Gap {
        failure.into().into_gap(&self.access.instance, operation)
    }

    fn configured(&self, kind: Kind) -> Option<&str> {
        let field = match kind {
            Kind::Loki => "loki_datasource_uid",
            Kind::Tempo => "tempo_datasource_uid",
            Kind::Prometheus => return None,
        };
        self.access.instance.config().text(field)
    }
}
