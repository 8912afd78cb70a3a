//! `integrations schema`.

use opensre_model::schema;

use super::address;
use crate::app::App;
use crate::args::SchemaKind;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

pub(super) fn run(app: &App, kind: SchemaKind, service: Option<&str>) -> Outcome {
    let schema = match (kind, service) {
        (SchemaKind::Store, _) => schema::store_schema(&app.catalogue),
        (SchemaKind::Report, _) => opensre_report::json::schema(),
        (SchemaKind::Instances, Some(service)) => {
            let spec = address::provider(&app.catalogue, service)?;
            schema::instances_variable_schema(spec).ok_or_else(|| {
                Failure::input(format!("{} has no variable of its own", spec.key))
                    .hint(format!("use --service {}", spec.family))
            })?
        }
        (SchemaKind::Instances, None) => {
            return Err(Failure::input("which service's variable?").hint("add --service SERVICE"));
        }
    };
    app.output.json(&schema)?;
    Ok(Exit::Success)
}
