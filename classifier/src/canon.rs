//! The canonical form of a text: what is left when letter case, layout and courtesies are taken away. A forecast is made
//! from this form only, so that nobody talks a price up or down by shouting, spacing or saying please.

use std::borrow::Cow;

use self::anew::begins_anew;
use self::shell::unpacked;
use self::wrapped::rejoined;
use crate::courtesy;

mod anew;
mod shell;
mod wrapped;

/// Stands for a blank behind which the writer began anew, where no sign but a capital letter says so: "urgent Which of the ...".
/// A tab as somebody typed it is a blank like any other, so the form of a form has lost it.
pub(crate) const ANEW: char = '\t';

/// The blanks of a canonical text.
pub(crate) const BLANKS: [char; 3] = [' ', '\n', ANEW];

/// Bytes that are read from the beginning of a long text: some 1,500 tokens, more than the encoder looks at.
const HEAD_BYTES: usize = 6_000;

/// Bytes that are read from its end, where a question often stands below what was pasted.
const TAIL_BYTES: usize = 2_000;

/// A canonical text for those who are not to see where the writer began anew: it goes by letter case.
pub(crate) fn without_case(text: &str) -> Cow<'_, str> {
    if text.contains(ANEW) { Cow::Owned(text.replace(ANEW, " ")) } else { Cow::Borrowed(text) }
}

/// The canonical form. Long texts are cut by rule: their head and their tail.
pub(crate) fn canonical(text: &str) -> String {
    let text = unpacked(text);
    let (head, tail) = ends(&text);
    let mut form = folded(&rejoined(head));
    if let Some(tail) = tail {
        form.push('\n');
        form.push_str(&folded(&rejoined(tail)));
    }
    let kept = courtesy::stripped(&form);
    if kept.len() == form.len() { form } else { kept.to_owned() }
}

/// The head, and the tail where the text is longer than both windows.
fn ends(text: &str) -> (&str, Option<&str>) {
    if text.len() <= HEAD_BYTES + TAIL_BYTES {
        return (text, None);
    }
    let head = text.floor_char_boundary(HEAD_BYTES);
    let tail = text.ceil_char_boundary(text.len() - TAIL_BYTES);
    (&text[..head], Some(&text[tail..]))
}

/// Lower case; every run of blanks one space, or [`ANEW`]; no blank at the ends of a line; no empty lines; no control characters.
pub(crate) fn folded(text: &str) -> String {
    let mut form = String::with_capacity(text.len());
    let mut pending = None;
    for (at, c) in text.char_indices() {
        // Most characters of most texts.
        if c.is_ascii_graphic() {
            if let Some(blank) = pending.take().filter(|_| !form.is_empty()) {
                let anew = blank == ' ' && c.is_ascii_uppercase() && begins_anew(&text[..at], &text[at..]);
                form.push(if anew { ANEW } else { blank });
            }
            form.push(c.to_ascii_lowercase());
            continue;
        }
        let blank = match c {
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => Some('\n'),
            c if c.is_whitespace() || c.is_control() || is_invisible(c) => Some(' '),
            _ => None,
        };
        match (blank, pending) {
            (Some('\n'), _) => pending = Some('\n'),
            (Some(_), None) => pending = Some(' '),
            (Some(_), Some(_)) => {}
            (None, _) => {
                if let Some(blank) = pending.take().filter(|_| !form.is_empty()) {
                    form.push(blank);
                }
                form.extend(c.to_lowercase());
            }
        }
    }
    form
}

/// Characters that nobody sees: they change the bytes of a text, not what it says.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}')
}

#[cfg(test)]
mod tests {
    //! What a text may change without changing its form.

    use super::canonical;

    #[test]
    fn case_and_layout_are_no_part_of_a_question() {
        let plain = canonical("Find x.\nShow your work");
        for same in
            ["FIND X.\nSHOW YOUR WORK", "  Find  x. \r\n\r\n\tShow your   work \n\n", "find\u{200b} x.\nshow your work"]
        {
            assert_eq!(canonical(same), plain);
        }
    }

    #[test]
    fn a_long_text_keeps_its_ends() {
        let text = format!("first words {} last words", "middle ".repeat(100_000));
        let form = canonical(&text);
        assert!(form.starts_with("first words middle") && form.ends_with("middle last words"));
        assert!(form.len() <= super::HEAD_BYTES + super::TAIL_BYTES + 1);
    }

    #[test]
    fn any_text_has_a_form() {
        for text in ["", " ", "\0", "\u{feff}", "é", "日本語 ".repeat(5_000).as_str(), "🦀".repeat(4_000).as_str()]
        {
            let form = canonical(text);
            assert_eq!(canonical(&form), form, "the form of a form is itself");
        }
    }
}
