//! Which of our packages may depend on which: the whole list. A new edge is an architecture change, so it starts in
//! `ARCHITECTURE.md` and here, and only then in a `Cargo.toml`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::tidiness::Finding;

/// Each package of ours with the packages of ours it may name, in any kind of dependency.
pub const ALLOWED: &[(&str, &[&str])] = &[
    ("decision", &[]),
    ("proto", &[]),
    ("training-data", &[]),
    ("zstd", &[]),
    ("classifier", &["decision"]),
    ("evals", &["decision", "classifier", "training-data"]),
    ("trainer", &["evals", "decision", "classifier", "training-data"]),
    ("router-service", &["proto", "decision", "classifier", "training-data"]),
    ("pointsman", &["router-service", "trainer", "evals", "training-data", "classifier", "decision"]),
    ("tests", &["pointsman", "router-service", "trainer", "evals", "training-data", "classifier", "decision", "proto"]),
];

/// Compares what `cargo metadata --no-deps` prints with [`ALLOWED`].
pub fn forbidden_edges(metadata: &Value) -> Vec<Finding> {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut findings = Vec::new();
    for (package, dependencies) in our_edges(metadata) {
        let Some(permitted) = allowed.get(package.as_str()) else {
            findings.push(Finding {
                rule: "every package stands in the list of edges",
                place: package,
                way_out: "add it to ALLOWED in tests/src/edges.rs and to the code map in ARCHITECTURE.md".to_owned(),
            });
            continue;
        };
        for dependency in dependencies {
            if !permitted.contains(&dependency.as_str()) {
                findings.push(Finding {
                    rule: "packages depend only along the listed edges",
                    place: format!("{package} -> {dependency}"),
                    way_out: format!(
                        "{package} may name {permitted:?}; move the code to the side that may know the other, or argue for the edge in ARCHITECTURE.md first"
                    ),
                });
            }
        }
    }
    findings
}

/// Every package of the workspace with the workspace packages it depends on.
pub fn our_edges(metadata: &Value) -> BTreeMap<String, Vec<String>> {
    let packages = || metadata["packages"].as_array().into_iter().flatten();
    let ours: Vec<&str> = packages().filter_map(|package| package["name"].as_str()).collect();
    packages()
        .filter_map(|package| {
            let name = package["name"].as_str()?.to_owned();
            let dependencies = package["dependencies"].as_array()?;
            let edges = dependencies
                .iter()
                .filter_map(|dependency| dependency["name"].as_str())
                .filter(|dependency| ours.contains(dependency))
                .map(str::to_owned)
                .collect();
            Some((name, edges))
        })
        .collect()
}

#[cfg(test)]
mod tests;
