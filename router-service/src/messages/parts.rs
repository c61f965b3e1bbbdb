//! The parts of a message: texts, and what is attached to them. Nothing attached is read; what it takes to make something of it
//! and what it may be billed as is all that a choice needs.

use decision::Skill;
use serde_json::{Map, Value};

use super::{FieldError, kind, one_of, unknown_word};

/// Tokens of an image. A guess: what providers bill for a picture of a million pixels.
pub(crate) const IMAGE_TOKENS: u64 = 1_000;

/// Bytes of a recording to a token. A guess between speech that is packed tightly and speech that is not packed.
const AUDIO_BYTES: u64 = 1_000;

/// Bytes of a file to a token. A guess: a page takes two or three thousand tokens, and fifty kilobytes.
const FILE_BYTES: u64 = 20;

/// Tokens of a file that only the provider has. A guess at some pages.
const UNSEEN_FILE_TOKENS: u64 = 10_000;

const PARTS: [&str; 5] = ["text", "image_url", "input_audio", "file", "refusal"];

/// A part that was read.
pub(super) enum Part<'a> {
    Text(&'a str),
    Attached(Attached),
}

/// Something for a model with that skill.
pub(super) struct Attached {
    pub(super) skill: Skill,
    /// What it may be billed as.
    pub(super) tokens: u64,
}

/// Reads a part.
pub(super) fn part<'a>(field: &str, value: &'a Value) -> Result<Part<'a>, FieldError> {
    let Value::Object(keys) = value else {
        return Err(FieldError::new(field, "a part with a `type`", kind(value)));
    };
    let text = |key: &str| match keys.get(key) {
        Some(Value::String(text)) => Ok(Part::Text(text)),
        Some(other) => Err(FieldError::new(format!("{field}.{key}"), "a text", kind(other))),
        None => Err(FieldError::new(format!("{field}.{key}"), "a text", "nothing")),
    };
    let expected = one_of(&PARTS);
    let at = || format!("{field}.type");
    let attached = match keys.get("type") {
        None => Err(FieldError::new(at(), expected, "nothing")),
        Some(Value::String(word)) => match word.as_str() {
            "text" => return text("text"),
            "refusal" => return text("refusal"),
            "image_url" => image(&format!("{field}.image_url"), keys.get("image_url")),
            "input_audio" => recording(&format!("{field}.input_audio"), keys.get("input_audio")),
            "file" => file(&format!("{field}.file"), keys.get("file")),
            other => Err(FieldError::new(at(), expected, unknown_word(other, &PARTS))),
        },
        Some(other) => Err(FieldError::new(at(), expected, kind(other))),
    };
    attached.map(Part::Attached)
}

fn image(field: &str, value: Option<&Value>) -> Result<Attached, FieldError> {
    let expected = "an address or an object with `url`";
    let seen = Attached { skill: Skill::Vision, tokens: IMAGE_TOKENS };
    match value {
        Some(Value::String(_)) => Ok(seen),
        Some(Value::Object(keys)) if keys.get("url").is_some_and(Value::is_string) => Ok(seen),
        Some(Value::Object(_)) => Err(FieldError::new(format!("{field}.url"), "an address", "none")),
        Some(other) => Err(FieldError::new(field, expected, kind(other))),
        None => Err(FieldError::new(field, expected, "nothing")),
    }
}

fn recording(field: &str, value: Option<&Value>) -> Result<Attached, FieldError> {
    let keys = object(field, "an object with `data`", value)?;
    let data = keys.get("data").and_then(Value::as_str);
    let data = data.ok_or_else(|| FieldError::new(field, "an object with `data`", "one without"))?;
    Ok(Attached { skill: Skill::Audio, tokens: bytes_in(data).div_ceil(AUDIO_BYTES) })
}

fn file(field: &str, value: Option<&Value>) -> Result<Attached, FieldError> {
    let expected = "an object with `file_data` or `file_id`";
    let keys = object(field, expected, value)?;
    let written = |key: &str| keys.get(key).and_then(Value::as_str);
    let tokens = match (written("file_data"), written("file_id")) {
        (Some(data), _) => bytes_in(data).div_ceil(FILE_BYTES),
        (None, Some(_)) => UNSEEN_FILE_TOKENS,
        (None, None) => return Err(FieldError::new(field, expected, "one without")),
    };
    Ok(Attached { skill: Skill::Documents, tokens })
}

fn object<'a>(field: &str, expected: &str, value: Option<&'a Value>) -> Result<&'a Map<String, Value>, FieldError> {
    match value {
        Some(Value::Object(keys)) => Ok(keys),
        Some(other) => Err(FieldError::new(field, expected, kind(other))),
        None => Err(FieldError::new(field, expected, "nothing")),
    }
}

/// Bytes that base64 stands for.
fn bytes_in(base64: &str) -> u64 {
    u64::try_from(base64.len()).unwrap_or(u64::MAX) / 4 * 3
}
