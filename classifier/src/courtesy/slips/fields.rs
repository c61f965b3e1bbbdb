//! Lines that name something and say it: the headers of a mail, and what an app knows of who asks; and what a transcript remarks.

use super::{Apart, bare};
use crate::courtesy::is_on;
use crate::courtesy::words::Word;

/// Headers of a mail.
const HEADERS: &str = "attachments bcc cc date from fwd fw importance re received sent subject to";

/// What an app tells of itself, of the device that it is on, and of who asks.
const APP: &str = "app browser build channel client device locale membership os plan platform subscription tier timezone username version \
via workspace";

/// What may stand before or behind these, and two of which are a name: "app version:", "user agent:".
const PARTS: &str = "agent app client device language name operating system time user version zone";

/// Systems and programs that something is sent from.
const PROGRAMS: &str = "android chrome chromeos desktop discord edge firefox gmail ios ipad ipados iphone linux mac macos messenger mobile outlook \
phone pixel safari sequoia slack sonoma tablet teams telegram ubuntu ventura watch web webapp whatsapp windows";

/// What may stand beside these.
const BESIDE: &str = "app build for from get mini on pro sent the typed using v version via / | \u{b7} -";

/// Words of the name, at most.
const MAX_NAME: usize = 3;

/// Words of a remark in brackets, at most.
const MAX_REMARK: usize = 6;

/// How it is said in four languages that somebody wrote.
const WROTE: [&str; 4] = ["wrote", "schrieb", "\u{e9}crit", "escribi\u{f3}"];

/// Beside a word that begins so, such a line may be what is asked about.
pub(super) const SPOKEN: &str = "\
account address android app attach browser bug call chrome citation cite crash css device docker e-mail email error extract file firefox format \
header html install ios iphone json key letter line linux locale mac mail message parse phone plan price python recipient regex reply safari \
screen send setting subject support transcript update version windows write wrote";

/// Whether these words are such a line: `subject: homework`, `on tue, 4 mar 2025 at 16:02 bob wrote:`, `via slack`, `[end of recording]`.
pub(super) fn is_field(words: &[Word<'_>], apart: Apart) -> bool {
    if words.iter().any(|word| word.text.contains('?')) {
        return false;
    }
    let tells = is_app(words[0].core()) && is_named(words) || is_remark(words);
    tells || apart != Apart::Hardly && (is_named(words) || is_quoted(words) || is_program(words))
}

fn is_named(words: &[Word<'_>]) -> bool {
    let Some(end) = words.iter().take(MAX_NAME).position(|word| word.text.ends_with(':')) else { return false };
    let named = |word: &Word<'_>| is_on(HEADERS, word.core()) || is_app(word.core());
    let name = &words[..=end];
    name.iter().all(|word| named(word) || is_on(PARTS, word.core()))
        && (name.iter().any(named) || name.len() > 1)
        && end + 1 < words.len()
        && !words[end + 1..].iter().any(|word| word.text.ends_with(':'))
}

/// Names that hardly anything else bears, an answer to choose from included.
fn is_app(name: &str) -> bool {
    is_on(APP, name)
}

/// Who wrote when, before what was written; and the marks of it.
fn is_quoted(words: &[Word<'_>]) -> bool {
    let dated = words.iter().any(|word| word.text.contains(|c: char| c.is_ascii_digit()));
    let wrote = words.iter().any(|word| WROTE.contains(&word.core()));
    let announces = words.last().is_some_and(|word| word.text.ends_with(':')) || words[words.len() - 1].text == ":";
    words.iter().all(|word| word.text == ">") || dated && wrote && announces
}

/// A system or a program with its version.
fn is_program(words: &[Word<'_>]) -> bool {
    let (mut known, mut beside) = (false, 0);
    for part in words.iter().map(|word| bare(word.text)).filter(|part| !part.is_empty()) {
        match part {
            program if is_on(PROGRAMS, program) => known = true,
            other if is_on(BESIDE, other) || other.starts_with(|c: char| c.is_ascii_digit()) => beside += 1,
            _ => return false,
        }
    }
    let versioned = words.iter().any(|word| word.core() == "version");
    known && words.len() > 1 || versioned && beside > 1
}

/// Words in square brackets: `[voice message]`.
fn is_remark(words: &[Word<'_>]) -> bool {
    let (first, last) = (words[0].text, words[words.len() - 1].text);
    let spoken = |word: &Word<'_>| bare(word.text).chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\''));
    (2..=MAX_REMARK).contains(&words.len())
        && first.strip_prefix('[').is_some_and(|rest| !rest.is_empty() && !rest.contains(']'))
        && last.strip_suffix(']').is_some_and(|rest| !rest.is_empty() && !rest.contains('['))
        && words.iter().all(spoken)
}
