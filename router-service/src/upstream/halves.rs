//! Half characters. JSON writes what lies beyond sixteen bits as two escapes, and a provider that cuts its text between tokens may
//! send one of them alone. No text can hold that, but an answer is not lost for half an emoji.

use serde::de::DeserializeOwned;

/// The sign for what cannot be shown, as long as the escape whose place it takes.
const REPLACEMENT: &[u8; ESCAPE] = b"\\ufffd";

/// Bytes of an escape.
const ESCAPE: usize = 6;

/// Reads JSON that may hold halves.
pub(super) fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(json).or_else(|error| serde_json::from_slice(&mended(json).ok_or(error)?))
}

/// The JSON with every half that has no other replaced; none where there is no such half.
pub(super) fn mended(json: &[u8]) -> Option<Vec<u8>> {
    let mut mended: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(found) = json[at..].iter().position(|byte| *byte == b'\\') {
        at += found;
        at += match (code(&json[at..]), json.get(at + ESCAPE..).and_then(code)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 2 * ESCAPE,
            (Some(0xD800..=0xDFFF), _) => {
                mended.get_or_insert_with(|| json.to_vec())[at..at + ESCAPE].copy_from_slice(REPLACEMENT);
                ESCAPE
            }
            // An escaped backslash begins no escape.
            _ => 2,
        };
        at = at.min(json.len());
    }
    mended
}

/// What the escape that the bytes begin with stands for.
fn code(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |code, digit| Some(code * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    //! Whole characters stay, halves become the sign for what cannot be shown.

    use super::mended;

    fn check(json: &str, expected: Option<&str>) {
        let mended = mended(json.as_bytes()).map(|bytes| String::from_utf8(bytes).expect("escapes are ASCII"));
        assert_eq!(mended.as_deref(), expected, "{json}");
    }

    #[test]
    fn what_is_no_json_for_another_reason_stays_none() {
        assert_eq!(super::read::<String>(br#""\ud83d""#).ok().as_deref(), Some("\u{fffd}"));
        assert!(super::read::<String>(br#""\ud83d"#).is_err());
    }

    #[test]
    fn a_half_without_its_other_is_replaced() {
        check(r#"{"a":"x"}"#, None);
        check(r#"{"a":"\ud83d\ude00 \u00e9"}"#, None);
        check(r#"{"a":"\\ud83d"}"#, None);
        check(r#"{"a":"\ud83d"}"#, Some(r#"{"a":"\ufffd"}"#));
        check(r#"{"a":"\uDE00 é"}"#, Some(r#"{"a":"\ufffd é"}"#));
        check(r#"{"a":"\ud83d\ud83d\ude00\n\ud83dx"}"#, Some(r#"{"a":"\ufffd\ud83d\ude00\n\ufffdx"}"#));
        check(r#"{"a":"\\\ud83d"}"#, Some(r#"{"a":"\\\ufffd"}"#));
        check(r"\ud8", None);
        check(r"\", None);
    }
}
