//! The pieces of a message: texts, images and files as blocks. Empty texts are no blocks there, so they are left out.

use std::borrow::Cow;
use std::fmt::Write;

use serde_json::{Value, json};

use super::Unconvertible;

/// The kinds of image that are taken there.
const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// The kind of file that is taken there.
const DOCUMENT: &str = "application/pdf";

/// A content that may hold texts, images and files.
pub(super) fn parts(field: &str, content: Option<&Value>) -> Result<Vec<Value>, Unconvertible> {
    blocks(field, content, |field, part| match part.get("type").and_then(Value::as_str) {
        Some("text") => text(&format!("{field}.text"), part.get("text")),
        Some("image_url") => image(&format!("{field}.image_url"), part.get("image_url")).map(Some),
        Some("file") => document(&format!("{field}.file"), part.get("file")).map(Some),
        _ => Err(Unconvertible::new(format!("{field}.type"), "one of `text`, `image_url`, `file`")),
    })
}

/// A content that may hold texts only.
pub(super) fn text_blocks(field: &str, content: Option<&Value>) -> Result<Vec<Value>, Unconvertible> {
    blocks(field, content, |field, part| match part.get("type").and_then(Value::as_str) {
        Some(kind @ ("text" | "refusal")) => text(&format!("{field}.{kind}"), part.get(kind)),
        _ => Err(Unconvertible::new(format!("{field}.type"), "one of `text`, `refusal`")),
    })
}

/// Whether a block is thinking, to be read or not.
pub(super) fn is_thinking(block: &Value) -> bool {
    matches!(block.get("type").and_then(Value::as_str), Some("thinking" | "redacted_thinking"))
}

/// The id of a call as it may be written there. Ids of other providers hold other letters, which are spelled out; a call and its
/// result go through here alike, so they still find each other.
pub(super) fn call_id(id: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !id.is_empty() && id.bytes().all(plain) {
        return Cow::Borrowed(id);
    }
    let mut spelled = "id_".to_owned();
    for byte in id.bytes() {
        if plain(byte) {
            spelled.push(char::from(byte));
        } else {
            write!(spelled, "-{byte:02x}").expect("a text can always be written to");
        }
    }
    Cow::Owned(spelled)
}

fn blocks(
    field: &str,
    content: Option<&Value>,
    block: impl Fn(&str, &Value) -> Result<Option<Value>, Unconvertible>,
) -> Result<Vec<Value>, Unconvertible> {
    match content {
        None => Ok(Vec::new()),
        Some(content @ Value::String(_)) => Ok(text(field, Some(content))?.into_iter().collect()),
        Some(Value::Array(parts)) => {
            let mut blocks = Vec::with_capacity(parts.len());
            for (index, part) in parts.iter().enumerate() {
                let Some(mut made) = block(&format!("{field}[{index}]"), part)? else { continue };
                // Callers who know of Anthropic's cache may mark what is kept in it.
                if let Some(cache_control) = part.get("cache_control") {
                    made["cache_control"] = cache_control.clone();
                }
                blocks.push(made);
            }
            Ok(blocks)
        }
        Some(_) => Err(Unconvertible::new(field, "a text or a list of parts")),
    }
}

fn text(field: &str, value: Option<&Value>) -> Result<Option<Value>, Unconvertible> {
    let text = value.and_then(Value::as_str).ok_or_else(|| Unconvertible::new(field, "a text"))?;
    Ok((!text.trim().is_empty()).then(|| json!({ "type": "text", "text": text })))
}

fn image(field: &str, value: Option<&Value>) -> Result<Value, Unconvertible> {
    let url = value.and_then(|value| value.as_str().or_else(|| value.get("url")?.as_str()));
    let url = url.ok_or_else(|| Unconvertible::new(format!("{field}.url"), "an address"))?;
    let source = if let Some(written_out) = strip_scheme(url, "data:") {
        let expected = || Unconvertible::new(format!("{field}.url"), format!("base64 of {}", IMAGES.join(", ")));
        let (head, base64) = written_out.split_once(',').ok_or_else(expected)?;
        let mut words = head.split(';');
        let kind = words.next().unwrap_or_default().trim().to_ascii_lowercase();
        let kind = if kind == "image/jpg" { "image/jpeg".to_owned() } else { kind };
        if !IMAGES.contains(&kind.as_str()) || !words.any(|word| word.trim().eq_ignore_ascii_case("base64")) {
            return Err(expected());
        }
        json!({ "type": "base64", "media_type": kind, "data": base64 })
    } else if strip_scheme(url, "https://").or_else(|| strip_scheme(url, "http://")).is_some() {
        json!({ "type": "url", "url": url })
    } else {
        return Err(Unconvertible::new(format!("{field}.url"), "addresses with `https:`, `http:` or `data:`"));
    };
    Ok(json!({ "type": "image", "source": source }))
}

/// A file that is written out. An id is known only to the provider that gave it.
fn document(field: &str, value: Option<&Value>) -> Result<Value, Unconvertible> {
    let text = |key: &str| value.and_then(|file| file.get(key)?.as_str());
    let expected = || Unconvertible::new(format!("{field}.file_data"), format!("`data:{DOCUMENT};base64,` and a file"));
    let written_out = text("file_data").and_then(|data| strip_scheme(data, "data:")).ok_or_else(expected)?;
    let (head, base64) = written_out.split_once(',').ok_or_else(expected)?;
    let mut words = head.split(';').map(str::trim);
    if !words.next().is_some_and(|kind| kind.eq_ignore_ascii_case(DOCUMENT))
        || !words.any(|word| word.eq_ignore_ascii_case("base64"))
    {
        return Err(expected());
    }
    let mut block =
        json!({ "type": "document", "source": { "type": "base64", "media_type": DOCUMENT, "data": base64 } });
    if let Some(name) = text("filename").filter(|name| !name.trim().is_empty()) {
        block["title"] = json!(name);
    }
    Ok(block)
}

/// Schemes have no case.
fn strip_scheme<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = url.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}
