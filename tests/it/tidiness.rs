//! Judges the whole house by the rules of `tests::tidiness`, and prints every finding at once.

use tests::tidiness::{
    Finding, finished, header_first, light_enough, named_after_a_noun, repeats_shared_keys, short_enough,
    takes_the_lints,
};

use crate::house;

#[test]
fn every_file_opens_with_what_lives_in_it() {
    judge(|file| header_first(file).into_iter().collect());
}

#[test]
fn no_file_outgrows_its_noun() {
    judge(|file| short_enough(file).into_iter().collect());
}

#[test]
fn no_file_bears_a_junk_name() {
    judge(|file| named_after_a_noun(file).into_iter().collect());
}

#[test]
fn no_tracked_file_is_heavy() {
    judge(|file| light_enough(file).into_iter().collect());
}

#[test]
fn nothing_unfinished_is_here() {
    judge(finished);
}

#[test]
fn every_package_takes_our_lints() {
    judge(|file| takes_the_lints(file).into_iter().collect());
}

#[test]
fn nested_clippy_files_repeat_the_shared_keys() {
    let root = std::fs::read_to_string(house::root().join("clippy.toml")).expect("the root clippy.toml is there");
    judge(|file| if file.path.ends_with("/clippy.toml") { repeats_shared_keys(&root, file) } else { Vec::new() });
}

fn judge(rule: impl Fn(&tests::tidiness::HouseFile) -> Vec<Finding>) {
    let findings: Vec<Finding> = house::files().iter().flat_map(rule).collect();
    assert!(findings.is_empty(), "{}", sheet(&findings));
}

/// The findings, one paragraph each.
pub(crate) fn sheet(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    format!("{} finding(s)\n{}", findings.len(), lines.join("\n"))
}
