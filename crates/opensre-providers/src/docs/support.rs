//! The table of all providers and of how far each is supported: every cell is derived, and tests walk the rendered table
//! and do what its cells claim.

use std::fmt::Write as _;

use opensre_model::provider::Identifies;

use super::markdown::{code, codes, table};
use super::{GENERATED, kind_name, kinds};
use crate::driver::Provider;

const COLUMNS: [&str; 8] = [
    "Provider",
    "`<SERVICE>_INSTANCES` env",
    "Classifier multi-instance",
    "Selection by",
    "Verify",
    "Identity",
    "Queries",
    "Delivery",
];

const LEGEND: &str = "\
A provider's page (its name) has its fields, variables, queries and permissions.

- **env**: the variable that holds several named, tagged instances as a JSON array.
- **Classifier**: a record of the store holds several instances, and each is read by itself.
- **Selection by**: what chooses the second of two instances: the alert's `<service>_instance` hint, its name on the command \
line, a tag that a label of the alert agrees with, and what of an alert belongs to an instance (a URL under its own, its \
account, region, site or cluster).
- **Verify**: `integrations verify` proves the credentials of every instance with a real call; what cannot be proved \
without a side effect (a webhook) is `configured`, never `passed`.
- **Identity**: what that call tells of who we are there, and so what `expect` may pin an instance to; not every server \
tells all of it.
- **Queries**: how many read-only queries an investigation and `opensre query` can ask.
- **Delivery**: `investigate --deliver` sends the report there.

*declared only*: instances are loaded, listed, selected and kept, but nothing calls them yet.
";

/// The table of all providers and of how far each is supported. Links are relative to the repository.
pub fn support_table(providers: &[Provider]) -> String {
    let mut text = format!("{GENERATED}\n\n# Providers\n\n{LEGEND}");
    for kind in kinds(providers.iter().map(|provider| provider.spec)) {
        let rows: Vec<Vec<String>> = providers.iter().filter(|provider| provider.spec.kind == kind).map(row).collect();
        let _ = write!(text, "\n## {}\n\n{}", kind_name(kind), table(&COLUMNS, &rows));
    }
    text
}

const YES: &str = "✅";
const NO: &str = "–";

fn row(provider: &Provider) -> Vec<String> {
    let spec = provider.spec;
    let variable = spec.instances_variable.map_or_else(|| format!("with {}", code(spec.family)), code);
    let mut row = vec![
        format!("[{}](docs/providers/{}.md)", spec.name, spec.key),
        format!("{YES} {variable}"),
        YES.to_owned(),
        format!("{YES} {}", selections(provider).join(", ")),
    ];
    if provider.is_only_declared() {
        row.push("*declared only*".to_owned());
        row.extend([NO, NO, NO].map(str::to_owned));
        return row;
    }
    let or_no = |there: bool, text: String| if there { text } else { NO.to_owned() };
    row.extend([
        or_no(provider.probe.is_some(), YES.to_owned()),
        or_no(!provider.identity.is_empty(), codes(provider.identity)),
        or_no(!provider.queries.is_empty(), format!("{YES} {}", provider.queries.len())),
        or_no(provider.deliver.is_some(), YES.to_owned()),
    ]);
    row
}

/// What chooses an instance: what holds for all, and what the fields are recognised by.
fn selections(provider: &Provider) -> Vec<&'static str> {
    let mut words = vec!["hint", "name", "tag"];
    for field in provider.spec.fields {
        let word = match field.identifies {
            None => continue,
            Some(Identifies::Url) => "URL",
            Some(Identifies::AwsArn | Identifies::AwsAccount) => "account",
            Some(Identifies::AwsRegion) => "region",
            Some(Identifies::DatadogSite) => "site",
            Some(Identifies::Cluster) => "cluster",
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}
