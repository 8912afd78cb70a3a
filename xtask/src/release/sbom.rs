//! The software bill of materials: CycloneDX 1.6 as JSON ("CycloneDX v1.6 JSON Reference").

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};

use super::archive::sha256;
use super::graph::{Graph, Package};

/// The document. `time` is in seconds since 1970.
pub(super) fn document(graph: &Graph, time: u64) -> Result<String> {
    let root = graph.root();
    let libraries: Vec<Json> = graph.packages.iter().filter(|package| package.id != root.id).map(library).collect();
    let dependencies: Vec<Json> = graph
        .packages
        .iter()
        .map(|package| {
            let of = |id: &String| graph.packages.iter().find(|package| package.id == *id).map(Package::purl);
            let mut on: Vec<String> = package.needs.iter().filter_map(of).collect();
            on.sort();
            on.dedup();
            json!({"ref": package.purl(), "dependsOn": on})
        })
        .collect();
    let written = jiff::Timestamp::from_second(i64::try_from(time)?).context("the time is out of range")?;
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "",
        "version": 1,
        "metadata": {
            "timestamp": written.to_string(),
            "tools": {"components": [{"type": "application", "name": "xtask", "version": root.version}]},
            "component": {
                "type": "application", "bom-ref": root.purl(), "name": "opensre", "version": root.version,
                "purl": root.purl(), "licenses": [{"expression": root.licence}],
            },
        },
        "components": libraries,
        "dependencies": dependencies,
    });
    document["serialNumber"] = serial(&document.to_string()).into();
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn library(package: &Package) -> Json {
    let mut library = json!({
        "type": "library", "bom-ref": package.purl(), "name": package.name, "version": package.version,
        "scope": "required", "licenses": [{"expression": package.licence}], "purl": package.purl(),
    });
    if let Some(sum) = &package.checksum {
        library["hashes"] = json!([{"alg": "SHA-256", "content": sum}]);
    }
    if let Some(repository) = &package.repository {
        library["externalReferences"] = json!([{"type": "vcs", "url": repository}]);
    }
    library
}

/// A UUID of the content (RFC 9562, version 8: of one's own making), so that the same content has the same number.
fn serial(content: &str) -> String {
    let sum = sha256(content.as_bytes());
    format!("urn:uuid:{}-{}-8{}-8{}-{}", &sum[..8], &sum[8..12], &sum[13..16], &sum[17..20], &sum[20..32])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value as Json;

    use super::super::graph::Graph;
    use super::document;

    #[test]
    fn every_component_is_named_once_and_every_edge_leads_to_one() {
        let graph = Graph::read(&crate::root(), "x86_64-unknown-linux-gnu").expect("a graph");
        let text = document(&graph, 1_795_489_500).expect("a document");
        assert_eq!(text, document(&graph, 1_795_489_500).expect("a document"), "not reproducible");
        let bom: Json = serde_json::from_str(&text).expect("JSON");
        assert_eq!(bom["metadata"]["timestamp"], "2026-11-24T03:05:00Z");
        let components = bom["components"].as_array().expect("components");
        let mut names: BTreeSet<&str> = components.iter().filter_map(|one| one["bom-ref"].as_str()).collect();
        assert_eq!(names.len(), components.len(), "two components of one name");
        names.extend(bom["metadata"]["component"]["bom-ref"].as_str());
        let edges = bom["dependencies"].as_array().expect("dependencies");
        assert_eq!(edges.len(), names.len());
        for edge in edges {
            let on = edge["dependsOn"].as_array().expect("a list").iter().filter_map(Json::as_str);
            assert!(edge["ref"].as_str().into_iter().chain(on).all(|name| names.contains(name)), "{edge}");
        }
        let hashed =
            components.iter().filter(|one| one["hashes"][0]["content"].as_str().is_some_and(|sum| sum.len() == 64));
        assert!(hashed.count() > 100);
    }
}
