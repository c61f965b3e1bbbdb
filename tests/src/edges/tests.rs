//! Proves that the edge rule sees a forbidden edge and an unlisted package.

use serde_json::{Value, json};

use super::forbidden_edges;

fn house(edges: &[(&str, &[&str])]) -> Value {
    let packages: Vec<Value> = edges
        .iter()
        .map(|(name, dependencies)| {
            let dependencies: Vec<Value> = dependencies.iter().map(|name| json!({ "name": name })).collect();
            json!({ "name": name, "dependencies": dependencies })
        })
        .collect();
    json!({ "packages": packages })
}

#[test]
fn a_listed_edge_passes() {
    assert!(forbidden_edges(&house(&[("decision", &["serde"]), ("classifier", &["decision"])])).is_empty());
}

#[test]
fn an_edge_against_the_grain_is_found() {
    let found = forbidden_edges(&house(&[("decision", &["classifier"]), ("classifier", &[])]));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].place, "decision -> classifier");
}

#[test]
fn a_package_nobody_listed_is_found() {
    let found = forbidden_edges(&house(&[("router-utils", &[])]));
    assert_eq!(found[0].rule, "every package stands in the list of edges");
}
