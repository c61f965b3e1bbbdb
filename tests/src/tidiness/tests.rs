//! Shows each rule a good and a bad sample: a rule that cannot fail guards nothing.

use super::{
    HouseFile, finished, header_first, light_enough, named_after_a_noun, on_the_map, repeats_shared_keys, short_enough,
    takes_the_lints,
};

fn file(path: &str, text: &str) -> HouseFile {
    HouseFile { path: path.to_owned(), bytes: text.len() as u64, text: Some(text.to_owned()) }
}

#[test]
fn a_file_without_a_header_is_found() {
    assert!(header_first(&file("a/b.rs", "//! The b.\n")).is_none());
    assert!(header_first(&file("a/b.rs", "use std::fmt;\n//! Too late.\n")).is_some());
    assert!(header_first(&file("a/b.md", "# Prose\n")).is_none());
    assert!(header_first(&file("proto/src/gen/b.rs", "// Made by a generator.\n")).is_none());
}

#[test]
fn a_long_file_is_found_unless_it_is_generated_or_a_table() {
    let long = "//! x\n".repeat(501);
    assert!(short_enough(&file("a/b.rs", &long)).is_some());
    assert!(short_enough(&file("a/b.rs", &"//! x\n".repeat(500))).is_none());
    assert!(short_enough(&file("proto/src/gen/b.rs", &long)).is_none());
    assert!(short_enough(&file("a/decide_table.rs", &long)).is_none());
}

#[test]
fn junk_names_are_found_as_file_and_as_folder() {
    assert!(named_after_a_noun(&file("a/utils.rs", "")).is_some());
    assert!(named_after_a_noun(&file("a/helpers/b.rs", "")).is_some());
    assert!(named_after_a_noun(&file("training-data/src/row.rs", "")).is_none());
}

#[test]
fn a_heavy_file_is_found() {
    let mut heavy = file("weights.bin", "");
    heavy.bytes = 256 * 1024;
    assert!(light_enough(&heavy).is_none());
    heavy.bytes += 1;
    assert!(light_enough(&heavy).is_some());
}

#[test]
fn unfinished_work_is_found_with_its_line() {
    let text = format!("//! x\nfn a() {{ {}\"later\") }}\n", concat!("unimple", "mented!("));
    let found = finished(&file("a/b.rs", &text));
    assert_eq!(found.len(), 1);
    assert!(found[0].place.starts_with("a/b.rs:2"));
    assert!(finished(&file("a/b.rs", "//! A clean room.\n")).is_empty());
}

#[test]
fn a_package_off_the_map_is_found() {
    assert!(on_the_map("`decision` decides", "decision").is_none());
    assert!(on_the_map("`decision` decides", "proto").is_some());
}

#[test]
fn a_manifest_without_our_lints_is_found() {
    assert!(takes_the_lints(&file("a/Cargo.toml", "[lints]\nworkspace = true\n")).is_none());
    assert!(takes_the_lints(&file("a/Cargo.toml", "[package]\nname = \"a\"\n")).is_some());
}

#[test]
fn a_nested_clippy_file_that_forgets_a_shared_key_is_found() {
    let root = "too-many-lines-threshold = 70\ndisallowed-methods = []\n";
    assert!(repeats_shared_keys(root, &file("a/clippy.toml", "too-many-lines-threshold = 70\n")).is_empty());
    assert_eq!(repeats_shared_keys(root, &file("a/clippy.toml", "disallowed-methods = []\n")).len(), 1);
}
