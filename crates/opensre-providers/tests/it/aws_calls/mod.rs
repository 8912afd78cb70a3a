//! AWS, asked over HTTP against the lab's account: whose credentials are used, what is sent, what is made of answers and
//! refusals.

mod conduct;
mod evidence;
mod identity;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use opensre_lab::vendors::aws::{Account, router};
use opensre_lab::vendors::stage::Stage;
use opensre_lab::vendors::{Guard, serve};
use opensre_model::diagnostic::Source;
use opensre_model::evidence::{Event, EventKind, Evidence, EvidenceData, ResourceState};
use opensre_model::secret::{Secret, SecretFailure, SecretReference, SecretSource, SecretValue};
use opensre_providers::aws::PROVIDER;
use opensre_providers::driver::{Access, Input};
use serde_json::{Value as Json, json};

use crate::stub::{access, input, window};

const ACCOUNT: &str = "111122223333";
const KEY: &str = "AKIAOPS";
const SECRET: &str = "canary+secret/key";
const ROLE: &str = "arn:aws:iam::111122223333:role/reader";
const EXTERNAL_ID: &str = "canary-external-id";

/// An account that is served, and its instance's access.
struct World {
    account: Arc<Account>,
    stage: Arc<Stage>,
    url: String,
    _guard: Guard,
}

impl World {
    async fn new() -> Self {
        let account = Account::new(ACCOUNT, KEY, window().onset).with_role(ROLE, Some(EXTERNAL_ID));
        Self::serve(account).await
    }

    async fn serve(account: Account) -> Self {
        let (account, stage) = (Arc::new(account), Arc::new(Stage::default()));
        let app: Router = stage.around(router(account.clone()));
        let (address, guard) = serve(app).await.unwrap();
        Self { account, stage, url: format!("http://{address}"), _guard: guard }
    }

    /// Access with these fields beside the endpoint and one region.
    fn access(&self, fields: &[(&'static str, &str)]) -> Access {
        let mut all = vec![("endpoint_url", self.url.as_str()), ("region", "eu-west-1")];
        all.retain(|(key, _)| !fields.iter().any(|(other, _)| other == key));
        all.extend(fields);
        around(access(&PROVIDER, &all), &[("AWS_EC2_METADATA_DISABLED", "true")], &[])
    }

    fn with_keys(&self) -> Access {
        self.access(&[("access_key_id", KEY), ("secret_access_key", SECRET)])
    }

    fn actions(&self) -> Vec<String> {
        self.account.calls().into_iter().map(|call| call.action).collect()
    }
}

/// Variables and files that a test brings.
struct Surroundings {
    variables: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
}

impl SecretSource for Surroundings {
    fn resolve(&self, value: &SecretValue, _: &Source) -> Result<Secret, SecretFailure> {
        let found = match value {
            SecretValue::Plain(secret) => return Ok(secret.clone()),
            SecretValue::Reference(SecretReference::Env(name)) => self.variables.get(name),
            SecretValue::Reference(SecretReference::File(path)) => self.files.get(path),
            SecretValue::Reference(SecretReference::Exec(words)) => self.files.get(&words.join(" ")),
        };
        found.map(|text| Secret::new(text.as_str())).ok_or(SecretFailure { reason: "not there".to_owned(), hint: None })
    }
}

fn around(mut access: Access, variables: &[(&str, &str)], files: &[(&str, &str)]) -> Access {
    let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    access.secrets = Arc::new(Surroundings { variables: owned(variables), files: owned(files) });
    access
}

fn labelled(labels: Json) -> Input {
    input("labels", labels)
}

fn of_the_database() -> Input {
    labelled(json!({"DBInstanceIdentifier": "orders-db"}))
}

fn events(evidence: &Evidence) -> &[Event] {
    let EvidenceData::Events { events } = &evidence.data else { panic!("these are {}", evidence.data.kind()) };
    events
}

fn states(evidence: &Evidence) -> &[ResourceState] {
    let EvidenceData::States { states } = &evidence.data else { panic!("these are {}", evidence.data.kind()) };
    states
}

fn titles(evidence: &Evidence) -> Vec<(EventKind, &str)> {
    events(evidence).iter().map(|event| (event.kind, event.title.as_str())).collect()
}
