//! Lines that name something and say it: the headers of a mail, and what an app knows of who asks; and what a transcript remarks.

use super::lexicon::{APP, HEADER, PART_OF_NAME, PROGRAM, WITH_PROGRAMS};
use super::{Apart, Part, Told};

/// Words of the name, at most.
const MAX_NAME: usize = 3;

/// Words of a remark in brackets, at most.
const MAX_REMARK: usize = 6;

/// How it is said in four languages that somebody wrote.
const WROTE: [&str; 4] = ["wrote", "schrieb", "\u{e9}crit", "escribi\u{f3}"];

/// Beside these such a line may be what is asked about.
pub(super) const SPOKEN: [&str; 2] = [
    "address attach cite citation e-mail email header letter mail message parse quot recipient regex reply sender subject wrote",
    "account android app browser bug chrome crash css device docker error extract firefox html install ios iphone json linux locale mac \
     phone plan price python safari screen setting support transcript update version windows write",
];

/// Whether these words are such a line: `subject: homework`, `on tue, 4 mar 2025 at 16:02 bob wrote:`, `via slack`, `[end of recording]`.
pub(super) fn is_field(parts: &[Part<'_>], apart: Apart) -> Option<Told> {
    if parts.iter().any(|part| part.text.contains('?')) {
        return None;
    }
    let headed = || is_named(parts) && parts[0].is(HEADER);
    let apart = apart != Apart::Hardly;
    if apart && (headed() || is_quoted(parts)) {
        return Some(Told::Plainly);
    }
    let told = is_named(parts) && (apart || parts[0].is(APP)) || is_remark(parts) || apart && is_program(parts);
    told.then_some(Told::Perhaps)
}

fn is_named(parts: &[Part<'_>]) -> bool {
    let Some(end) = parts.iter().take(MAX_NAME).position(|part| part.text.ends_with(':')) else { return false };
    let (name, value) = parts.split_at(end + 1);
    name.iter().all(|part| part.is(HEADER | APP | PART_OF_NAME))
        && (name.len() > 1 || name[0].is(HEADER | APP))
        && !value.is_empty()
        && !value.iter().any(|part| part.text.ends_with(':'))
}

/// Who wrote when, before what was written; and the marks of it.
fn is_quoted(parts: &[Part<'_>]) -> bool {
    let dated = || parts.iter().any(|part| part.text.contains(|c: char| c.is_ascii_digit()));
    let wrote = || parts.iter().any(|part| WROTE.contains(&part.bare));
    // The mark of a quotation may stand behind it.
    let line = parts.iter().rev().find(|part| part.text != ">");
    line.is_none_or(|last| last.text.ends_with(':') && dated() && wrote())
}

/// A system or a program with its version.
fn is_program(parts: &[Part<'_>]) -> bool {
    let known = |part: &Part<'_>| {
        part.bare.is_empty() || part.is(PROGRAM | WITH_PROGRAMS) || part.bare.as_bytes()[0].is_ascii_digit()
    };
    let versioned = parts.len() > 2 && parts.iter().any(|part| part.bare == "version");
    parts.iter().all(known) && (versioned || parts.len() > 1 && parts.iter().any(|part| part.is(PROGRAM)))
}

/// Words in square brackets: `[voice message]`, `>> [quoted text trimmed]`.
fn is_remark(parts: &[Part<'_>]) -> bool {
    let quoted = parts.iter().take_while(|part| part.text.bytes().all(|byte| byte == b'>')).count();
    let parts = &parts[quoted.min(parts.len() - 1)..];
    let (first, last) = (parts[0].text, parts[parts.len() - 1].text);
    let spoken = |part: &Part<'_>| part.bare.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\''));
    parts.len() <= MAX_REMARK
        && first.starts_with('[')
        && first.len() > 1
        && last.strip_suffix(']').is_some_and(|rest| !rest.is_empty() && !rest.contains('['))
        && parts.iter().all(spoken)
}
