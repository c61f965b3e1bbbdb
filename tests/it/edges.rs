//! Holds the dependencies between our packages against the listed edges.

use std::process::Command;

use crate::house;

#[test]
fn packages_depend_only_along_the_listed_edges() {
    let metadata = metadata();
    let findings = tests::edges::forbidden_edges(&metadata);
    assert!(findings.is_empty(), "{}", crate::tidiness::sheet(&findings));
    assert_eq!(
        tests::edges::our_edges(&metadata).len(),
        tests::edges::ALLOWED.len(),
        "a listed package is missing from the workspace"
    );
}

#[test]
fn the_architecture_names_every_package() {
    let architecture =
        std::fs::read_to_string(house::root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    let findings: Vec<_> = tests::edges::our_edges(&metadata())
        .keys()
        .filter_map(|package| tests::tidiness::on_the_map(&architecture, package))
        .collect();
    assert!(findings.is_empty(), "{}", crate::tidiness::sheet(&findings));
}

fn metadata() -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(house::root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}
