//! Words that a machine writes, or somebody who speaks to one: settings, fields, stamps, tags and rulers, told by their shape.

use std::collections::BTreeSet;

/// Signs that rulers are drawn with. Of low lines they would be blanks to fill in, and `>>>` begins a line of code.
const RULER_SIGNS: &str = "-=*#~%";

/// Signs of a ruler, at least: two dashes are a dash.
const MIN_RULER: usize = 3;

/// Characters of what a machine counts by, at least, and the digits among them.
const MIN_NUMBER: usize = 8;
const MIN_DIGITS: usize = 4;

/// Digits of a digest, at least: an id with dashes in it has as many.
const MIN_DIGEST: usize = 32;

/// Characters of a key of any letters, at least, and how many letters are in it.
const MIN_KEY: usize = 20;
const MIN_KEY_LETTERS: usize = 7;

/// What belongs to a request alone, or a part of its name, as in `retry_after`. What is measured or computed has no place here: its value
/// is given for the question.
const NAMES: &str = "\
api cache client complexity correlation difficulty env fallback lane locale priority queue request retry route router routing \
session severity sla span tenant ticket tier timeout tokens trace";

/// What is set of a request and measured elsewhere: `temperature=0` is a setting, and `temperature: 37` is given.
const SET: &str = "temperature";

/// Headers whose names are plain words; those of others begin with `x-`.
const HEADERS: &str = "content-type idempotency-key message-id reply-to user-agent";

/// Tags of pages, which somebody may ask about.
const PAGE: &str = "\
a article aside b body br button canvas code div em footer form h1 h2 h3 h4 head header hr html i iframe img input label li link \
main meta nav ol option p pre script section select span strong style sub sup svg table tbody td textarea th thead title tr u ul \
video";

/// Who wrote a word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Make {
    /// Surely a machine.
    Made,
    /// Perhaps one.
    Likely,
    /// Anybody.
    Plain,
}

/// Told by the shape of the word, in lower case.
pub(super) fn make_of(word: &str) -> Make {
    // Most words.
    if word.trim_end_matches([',', '.', '?', '!']).bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Make::Plain;
    }
    let shapes = [is_ruler, is_setting, is_field, is_stamp, is_number, is_path, is_tag, is_switch, is_version];
    if shapes.iter().any(|has| has(word)) {
        return Make::Made;
    }
    let likely = word.contains(|c: char| c.is_ascii_digit() || matches!(c, '_' | '/' | '@' | '#' | '=' | '|' | '"'))
        || word.starts_with(['(', '[', '{', '<', '-'])
        || word.ends_with([':', ';', ')', ']', '}', '>']);
    if likely { Make::Likely } else { Make::Plain }
}

/// Whether a name is one of those of a request.
pub(super) fn of_a_request(name: &str) -> bool {
    name.split(['_', '-', '.']).any(|part| is_on(NAMES, part))
}

/// A setting of a request with a number: `temperature=0`.
pub(super) fn is_grade(word: &str) -> bool {
    let number = |value: &str| value.starts_with(|c: char| c.is_ascii_digit());
    word.split_once('=').is_some_and(|(name, value)| (name == SET || of_a_request(name)) && number(value))
}

/// Whether a list has a word.
pub(crate) fn is_on(list: &str, word: &str) -> bool {
    list.split(' ').any(|known| known == word)
}

/// A line that only draws, or an end of one: `---8<---`, `-----begin`, `prompt-----`. An arrow is none.
pub(super) fn is_ruler(word: &str) -> bool {
    if word.len() >= MIN_RULER && word.contains('#') && word.chars().all(|sign| RULER_SIGNS.contains(sign)) {
        return true;
    }
    let at_the_front = word.chars().next().map_or(0, |sign| word.len() - word.trim_start_matches(sign).len());
    let at_the_back = word.chars().next_back().map_or(0, |sign| word.len() - word.trim_end_matches(sign).len());
    !word.ends_with('>')
        && (word.starts_with(|c| RULER_SIGNS.contains(c)) && at_the_front >= MIN_RULER
            || word.ends_with(|c| RULER_SIGNS.contains(c)) && at_the_back >= MIN_RULER)
}

/// A word of nothing but signs that rulers are drawn with, or full stops.
pub(super) fn is_drawn(word: &str) -> bool {
    word.chars().all(|sign| sign == '.' || RULER_SIGNS.contains(sign))
}

/// A time to the second, with its day or without: `2024-11-08t09:14:27z`, `[03:55:10]`.
pub(super) fn is_stamp(word: &str) -> bool {
    let time = word.trim_matches(['[', ']', '(', ')']);
    let time = time.split_once('t').map_or(time, |(_, time)| time);
    let begins = |part: &str| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_digit());
    time.split(':').take(3).filter(|part| begins(part)).count() == 3
}

/// Nothing but the digits of a digest, or of an id that is unique in the world.
pub(super) fn is_digest(word: &str) -> bool {
    let n_digits = word.bytes().filter(u8::is_ascii_hexdigit).count();
    n_digits >= MIN_DIGEST && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// `lang=en`, `"seed=1;echo=off"`, `tier=2`; not `x=a`, `n=10`, `alpha=0.05` and `y=f(x)`.
fn is_setting(word: &str) -> bool {
    let word = word.trim_matches(['"', '\'', '[', ']', '{', '}', '(', ')', ',', ';', '.', '&', '?']);
    let mut named = false;
    for part in word.split(['&', ';', ',']) {
        let Some((name, value)) = part.split_once('=') else { return false };
        let computes = value.contains(['=', '(', ')', '*', '+', '<', '>', '!', '{', '}', '\'']);
        let short = name.len() < 2 && part.len() == word.len();
        if short || !is_name(name) || computes {
            return false;
        }
        let told = value.starts_with(|c: char| c.is_alphabetic() || c == '"') || value.starts_with("0x");
        named |= told || name == SET || of_a_request(name);
    }
    named
}

/// `x-request-id:`, `user_id:`, `[meta:`, `{"role":"user"}`, `queue:`.
fn is_field(word: &str) -> bool {
    let bare = word.trim_start_matches(['[', '{', '(', '"', '@', '.']);
    let Some((name, value)) = bare.split_once(':') else { return false };
    let name = name.trim_end_matches('"');
    let bracketed = word.starts_with(['[', '{', '"']);
    name.len() > 1
        && is_name(name)
        && (value.is_empty() || bracketed)
        && (bracketed || name.contains('_') || name.starts_with("x-") || is_on(HEADERS, name) || of_a_request(name))
}

/// A letter, and then letters, digits and what joins them.
fn is_name(name: &str) -> bool {
    let joins = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(joins)
}

/// What a machine counts by: a digest, `7f3c1a90-2b5e`, `inc0098312`, `#4821`, `00481726`. A plain number is one of the question.
fn is_number(word: &str) -> bool {
    word.split(':').any(counts)
}

fn counts(word: &str) -> bool {
    if word.strip_prefix('#').is_some_and(|rest| rest.bytes().take_while(u8::is_ascii_digit).count() >= MIN_DIGITS) {
        return true;
    }
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let is_hex = word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let serial = word.trim_start_matches(|c: char| c.is_ascii_lowercase() || c == '-');
    let is_serial = serial.bytes().all(|byte| byte.is_ascii_digit());
    let plain = !word.starts_with('0') && !word.contains(|c: char| c.is_ascii_lowercase());
    let letters: BTreeSet<u8> = word.bytes().filter(u8::is_ascii_lowercase).collect();
    // A formula has few letters.
    let is_key = word.len() >= MIN_KEY
        && letters.len() >= MIN_KEY_LETTERS
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    word.len() >= MIN_NUMBER && digits >= MIN_DIGITS && !plain && (is_hex || is_serial || is_key)
}

/// `eval_set/dev/item_0412.txt:1:`.
fn is_path(word: &str) -> bool {
    let joins = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':');
    word.contains('/') && word.contains('_') && word.chars().all(joins)
}

/// `</prompt>`, `<|user|>`, `[inst]`, `[[route`, `{{#if`, `#helpdesk`.
fn is_tag(word: &str) -> bool {
    let letter = |text: &str| text.trim_start_matches(['/', '|', '!']).starts_with(|c: char| c.is_ascii_alphabetic());
    let name = word.trim_matches(['<', '>', '/']);
    let angled = word.strip_prefix('<').is_some_and(letter) && !word[1..].contains(['=', '<']) && !is_on(PAGE, name);
    let inside = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_label =
        |name: &str| name.len() > 2 && name.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_".contains(&byte));
    let hashed = word.strip_prefix('#').is_some_and(|name| name.len() > 2 && is_name(name));
    let doubled =
        word.strip_prefix("[[").is_some_and(letter) || ["{{#", "{{/", "{{!"].iter().any(|mark| word.starts_with(mark));
    angled || inside.is_some_and(is_label) || hashed || doubled
}

/// `--no-cache`, `--tier=2`.
pub(super) fn is_switch(word: &str) -> bool {
    word.strip_prefix("--").is_some_and(|name| name.len() > 1 && name.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// `v2.7.1-rc3`.
fn is_version(word: &str) -> bool {
    word.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains('.'))
}

#[cfg(test)]
mod tests {
    //! What is told by its shape.

    use super::{Make, make_of};

    #[test]
    fn what_a_machine_writes_is_told_from_what_a_question_gives() {
        for made in [
            "===",
            "---8<---",
            "prompt-----",
            "lang=en",
            "\"seed=1;echo=off\"",
            "max_tokens=512",
            "crc32=0x5d3a91be",
            "&a_source=news&b_ref=footer",
            "x-request-id:",
            "user_id:",
            "queue:",
            "{\"role\":\"user\",\"v\":3}",
            "[meta:",
            "2024-11-08t09:14:27.331z",
            "03:55:10",
            "7f3c1a90-2b5e-4d7a",
            "inc0098312",
            "#4821,",
            "00481726",
            "eval_set/dev/item_0412.txt:1:",
            "</instructions>",
            "<|endoftext|>",
            "[inst]",
            "#helpdesk",
            "--no-cache",
            "v2.7.1-rc3",
        ] {
            assert!(make_of(made) == Make::Made, "{made}");
        }
        for given in [
            "n=10",
            "alpha=0.05",
            "x=y",
            "y=f(x)",
            "height:",
            "temperature:",
            "e-mail:",
            "self-esteem:",
            "<img",
            "</table>",
            "<b>bold</b>",
            "mode:",
            "12:30",
            "1000000007",
            "c12h22o11",
            "____",
            ">>>",
            "---->",
            "a/b",
            "km/h",
            "[1,",
            "i++",
            "--",
            "plain",
            "don't",
            "v",
            "#1",
            "[a]",
            "",
        ] {
            assert!(make_of(given) != Make::Made, "{given}");
        }
    }
}
