//! The documents tell the truth: every TOML example in them is read by the code that users' files go through.

use std::fs;
use std::path::Path;

use decision::{Catalog, Policies};

use crate::house;

#[test]
fn every_example_of_a_configuration_is_read() {
    let tokens = ["GATEWAY_TOKEN", "OPERATIONS_TOKEN", "OPENAI_API_KEY"];
    let environment = tokens.map(|name| (name.to_owned(), format!("{name}-0123456789"))).into();
    for (document, n_least) in [("docs/serving.md", 2), ("docs/forwarding.md", 1)] {
        let text = fs::read_to_string(house::root().join(document)).expect("the document is there");
        let examples = blocks(&text, "toml");
        assert!(examples.len() >= n_least, "{document}: only {} examples found", examples.len());
        for (line, block) in examples {
            let read = router_service::Settings::from_text(&block, Path::new(""), &environment);
            assert!(read.is_ok(), "{document}, the example at line {line}: {}", read.unwrap_err());
        }
    }
}

#[test]
fn every_key_of_the_configuration_is_documented_with_its_default() {
    let text = fs::read_to_string(house::root().join("docs/serving.md")).expect("the document is there");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
    let defaults: toml::Table = router_service::Settings::built_in().to_toml().parse().expect("settings are TOML");
    // What depends on the machine is described, not numbered.
    let of_the_machine =
        ["runtime.worker_threads", "limits.max_concurrent_requests", "inference.threads", "inference.queue_prompts"];
    for (section, keys) in router_service::config::keys() {
        for key in keys {
            let name = format!("`{section}.{key}`");
            let row = rows.iter().find(|row| row.contains(&name) || row.contains(&format!("`.{key}`")));
            let row = row.unwrap_or_else(|| panic!("docs/serving.md says nothing of {name}"));
            let default = defaults.get(section).and_then(|section| section.get(*key)).map(ToString::to_string);
            let default = default.filter(|_| !of_the_machine.contains(&name.trim_matches('`')));
            if let Some(default) = default {
                let default = default.trim_matches('"');
                assert!(row.contains(default), "{name} is {default} by default; the page says {row}");
            }
        }
    }
}

/// The fenced blocks of one language, with the line each begins at.
fn blocks(text: &str, language: &str) -> Vec<(usize, String)> {
    let fence = format!("```{language}");
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        match &mut open {
            Some((_, block)) if line.trim_end() != "```" => {
                block.push_str(line);
                block.push('\n');
            }
            Some(_) => blocks.extend(open.take()),
            None if line.trim_end() == fence => open = Some((index + 2, String::new())),
            None => {}
        }
    }
    blocks
}

#[test]
fn every_toml_example_is_a_catalog_or_a_set_of_policies() {
    let mut n_read = 0;
    for document in ["README.md", "docs/policies.md", "docs/tuning.md"] {
        let text = fs::read_to_string(house::root().join(document)).expect("the document is there");
        for (line, block) in blocks(&text, "toml") {
            let outcome = if block.contains("[[model]]") {
                Catalog::from_toml(&block).map(|_| ())
            } else {
                Policies::from_toml(&block).map(|_| ())
            };
            assert!(outcome.is_ok(), "{document}, the example at line {line}: {}", outcome.unwrap_err());
            n_read += 1;
        }
    }
    assert!(n_read >= 4, "only {n_read} examples found");
}

#[test]
fn every_key_of_a_policy_and_a_catalog_is_documented() {
    let text = fs::read_to_string(house::root().join("docs/policies.md")).expect("the document is there");
    // The engine names its keys when it meets one it does not know.
    for unknown in ["default = \"p\"\n[policy.p]\nzzzzzzzzzz = 1", "[[model]]\nzzzzzzzzzz = 1", "zzzzzzzzzz = 1"] {
        let errors = [Catalog::from_toml(unknown).err(), Policies::from_toml(unknown).err()];
        for error in errors.into_iter().flatten() {
            let known = error.complaint.split("known: ").nth(1).unwrap_or_default();
            for key in known.split('`').skip(1).step_by(2) {
                assert!(text.contains(key), "docs/policies.md says nothing of the key `{key}`");
            }
        }
    }
}
