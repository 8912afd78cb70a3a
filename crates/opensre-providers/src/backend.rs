//! One queryable API of an instance: reached directly, or through a Grafana data-source proxy. The same code asks
//! both.

use std::fmt;
use std::sync::Arc;

use opensre_http::Client;
use opensre_model::evidence::{Evidence, EvidenceData, Gap, Origin};
use opensre_model::instance::Instance;
use opensre_model::window::Window;

use crate::failure::Failure;

/// What a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkTarget<'a> {
    /// A query in the back end's own language, over a window.
    Query(&'a str),
    /// One trace, by its id.
    Trace(&'a str),
}

/// Makes the link that a person can open, or `None` where there is no page for it. Never holds a credential.
pub type LinkBuilder = Arc<dyn Fn(LinkTarget<'_>, &Window) -> Option<String> + Send + Sync>;

/// One queryable API of an instance.
#[derive(Clone)]
pub struct Backend {
    /// A client whose paths start at the API's root: the instance's base URL, or below
    /// `api/datasources/proxy/uid/<uid>`. Its deadline is the back end's.
    pub client: Client,
    /// Family key of the provider.
    pub service: String,
    /// Name of the instance.
    pub instance: String,
    /// The data source inside the instance (`prom-main (prometheus)`), where it has several.
    pub datasource: Option<String>,
    /// Makes links.
    pub links: LinkBuilder,
}

impl Backend {
    /// The API at an instance's own base URL.
    pub fn direct(instance: &Instance, client: Client, links: LinkBuilder) -> Self {
        Self {
            client,
            service: instance.family.clone(),
            instance: instance.name.as_str().to_owned(),
            datasource: None,
            links,
        }
    }

    /// Evidence from this back end; its link is that of the query.
    pub fn evidence(
        &self,
        operation: &str,
        query: impl Into<String>,
        window: Window,
        summary: impl Into<String>,
        data: EvidenceData,
    ) -> Evidence {
        let query = query.into();
        let link = (self.links)(LinkTarget::Query(&query), &window);
        let origin = Origin {
            service: self.service.clone(),
            instance: self.instance.clone(),
            datasource: self.datasource.clone(),
            operation: operation.to_owned(),
            query,
            window,
            link,
        };
        Evidence { origin, summary: summary.into(), truncated: None, data }
    }

    /// A gap at this back end. The data source, which a gap has no field for, goes in front of the reason.
    pub fn gap(&self, operation: &str, failure: impl Into<Failure>) -> Gap {
        let Failure { kind, reason, hint } = failure.into();
        let reason = match &self.datasource {
            Some(datasource) => format!("{datasource}: {reason}"),
            None => reason,
        };
        Gap {
            service: self.service.clone(),
            instance: Some(self.instance.clone()),
            operation: Some(operation.to_owned()),
            kind,
            reason,
            hint,
        }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend")
            .field("service", &self.service)
            .field("instance", &self.instance)
            .field("datasource", &self.datasource)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}
