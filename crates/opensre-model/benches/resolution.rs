//! Resolving many instances. The bar: 10,000 instances under 100 ms, linear in their number.

use opensre_model::diagnostic::Source;
use opensre_model::environment;
use opensre_model::provider::EnvironmentMap;
use opensre_model::record::Record;
use opensre_model::resolution::{Precedence, resolve};
use serde_json::{Value as Json, json};

#[path = "../tests/it/catalogue.rs"]
mod catalogue;

const COUNTS: [usize; 3] = [100, 1_000, 10_000];

fn main() {
    divan::main();
}

fn instance(index: usize) -> Json {
    json!({
        "name": format!("instance-{index}"),
        "tags": {"env": "prod", "shard": index},
        "credentials": {"host": format!("db-{index}.example"), "database": "app", "port": "5433", "password": "${env:P}"},
    })
}

/// `count` instances, either in one record or each in its own.
fn records(count: usize, one: bool) -> Vec<Record> {
    let source = Source::Store { path: "integrations.json".to_owned() };
    let instances: Vec<Json> = (0..count).map(instance).collect();
    let groups: Vec<Json> =
        if one { vec![json!(instances)] } else { instances.into_iter().map(|instance| json!([instance])).collect() };
    groups
        .into_iter()
        .enumerate()
        .filter_map(|(index, instances)| {
            let record =
                json!({"id": format!("sql-{index}"), "service": "SQL", "status": "active", "instances": instances});
            Record::from_json(&record, &source, index).0
        })
        .collect()
}

#[divan::bench(args = COUNTS)]
fn one_record(bencher: divan::Bencher<'_, '_>, count: usize) {
    let (catalogue, records) = (catalogue::catalogue(), records(count, true));
    bencher
        .with_inputs(|| records.clone())
        .bench_values(|records| resolve(&catalogue, records, &[], Precedence::Store));
}

#[divan::bench(args = COUNTS)]
fn many_records(bencher: divan::Bencher<'_, '_>, count: usize) {
    let (catalogue, records) = (catalogue::catalogue(), records(count, false));
    bencher
        .with_inputs(|| records.clone())
        .bench_values(|records| resolve(&catalogue, records, &[], Precedence::Store));
}

#[divan::bench(args = COUNTS)]
fn many_borrowed_records(bencher: divan::Bencher<'_, '_>, count: usize) {
    let (catalogue, records) = (catalogue::catalogue(), records(count, false));
    bencher.bench(|| resolve(&catalogue, &records, &[], Precedence::Store));
}

#[divan::bench(args = COUNTS)]
fn merging_with_itself(bencher: divan::Bencher<'_, '_>, count: usize) {
    let (catalogue, records) = (catalogue::catalogue(), records(count, true));
    bencher
        .with_inputs(|| [records.clone(), records.clone()])
        .bench_values(|[one, other]| resolve(&catalogue, one, other, Precedence::Merge));
}

#[divan::bench(args = COUNTS)]
fn reading_the_variable(bencher: divan::Bencher<'_, '_>, count: usize) {
    let list = json!((0..count).map(instance).collect::<Vec<_>>()).to_string();
    let environment = EnvironmentMap::from([("SQL_DATABASE_INSTANCES".to_owned(), list)]);
    let catalogue = catalogue::catalogue();
    bencher.bench(|| environment::records(&catalogue, &environment));
}
