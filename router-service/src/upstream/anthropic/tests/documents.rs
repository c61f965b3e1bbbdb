//! The page about upstreams names every field that is converted, dropped or refused, and every limit.

use crate::upstream::anthropic::answer::ANSWER_TOOL;
use crate::upstream::anthropic::request::{ADVICE, CONVERTED, WITHOUT_COUNTERPART};
use crate::upstream::anthropic::{MAX_BLOCKS, MAX_THINKING_BYTES, REASONING_KEY, THINKING_KEY};
use crate::upstream::sse::{MAX_EVENT_BYTES, MAX_LINE_BYTES};

const PAGE: &str = include_str!("../../../../../docs/upstreams.md");

#[test]
fn every_field_is_on_the_page() {
    let unsaid = WITHOUT_COUNTERPART.map(|(name, _, _)| name);
    let fields = ADVICE.iter().chain(&CONVERTED).chain(&unsaid);
    for name in fields.chain(&[ANSWER_TOOL, REASONING_KEY, THINKING_KEY]) {
        assert!(PAGE.contains(&format!("`{name}")), "docs/upstreams.md says nothing of `{name}`");
    }
}

#[test]
fn every_limit_is_on_the_page() {
    let mib = |bytes: usize| format!("{} MiB", bytes >> 20);
    for (what, limit) in [
        ("a line of a stream", mib(MAX_LINE_BYTES)),
        ("the data of one event", mib(MAX_EVENT_BYTES)),
        ("thinking of one message, with its signatures", mib(MAX_THINKING_BYTES)),
        ("blocks of one message", format!("{},{:03}", MAX_BLOCKS / 1000, MAX_BLOCKS % 1000)),
    ] {
        let row = format!("| {what} | {limit} |");
        assert!(PAGE.contains(&row), "docs/upstreams.md has no row {row:?}");
    }
}
