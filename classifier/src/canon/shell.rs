//! Shells: what a program puts around a whole prompt. A field of an object in JSON, a tag, a fence, quotation marks, the marks of a mail
//! that is quoted. What stands inside is what was asked.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Shells within shells, at most.
const MAX_SHELLS: usize = 3;

/// Longer texts are documents, not questions that a program packed.
const MAX_BYTES: usize = 8_000;

/// Words inside, at least: less may be what is asked about.
const MIN_WORDS: usize = 3;

/// The name of a tag, at most.
const MAX_NAME: usize = 24;

/// Signs on either side, the longer first.
const PAIRS: [(&str, &str); 8] = [
    ("\"\"\"", "\"\"\""),
    ("'''", "'''"),
    ("***", "***"),
    ("**", "**"),
    ("__", "__"),
    ("\"", "\""),
    ("\u{201c}", "\u{201d}"),
    ("\u{ab}", "\u{bb}"),
];

const FENCE: &str = "```";

/// What a fence may say of what is no code.
const TONGUES: [&str; 5] = ["", "text", "txt", "plaintext", "markdown"];

/// What programs call the field that holds a question.
const FIELDS: [&str; 10] =
    ["question", "prompt", "query", "input", "text", "content", "message", "instruction", "request", "user_query"];

/// What is inside of the shells around a text; borrowed where there are none, or where the text stands there as it is.
pub(super) fn unpacked(text: &str) -> Cow<'_, str> {
    let mut inside = Cow::Borrowed(text);
    for _ in 0..MAX_SHELLS {
        let Some(next) = without_shell(inside.trim()) else { break };
        if next.split_whitespace().nth(MIN_WORDS - 1).is_none() {
            break;
        }
        inside = Cow::Owned(next);
    }
    inside
}

fn without_shell(text: &str) -> Option<String> {
    if text.len() > MAX_BYTES {
        return None;
    }
    match text.as_bytes().first()? {
        b'{' => field(text),
        b'>' => quoted(text),
        b'<' => tagged(text).map(str::to_owned),
        b'`' => fenced(text).map(str::to_owned),
        _ => PAIRS.iter().find_map(|pair| paired(text, pair)).map(str::to_owned),
    }
}

/// The one value of an object, whatever it is called, if that is a text; or the one that is called like a question, where the others are
/// numbers and words, such as an id and a role.
fn field(text: &str) -> Option<String> {
    let mut object: Map<String, Value> = serde_json::from_str(text).ok()?;
    let key = match object.len() {
        1 => object.keys().next().cloned(),
        _ => object.keys().find(|key| FIELDS.contains(&key.as_str())).cloned(),
    };
    let Value::String(inside) = object.remove(&key?)? else { return None };
    let is_aside = |(key, value): (&String, &Value)| match value {
        Value::String(text) => !FIELDS.contains(&key.as_str()) && !text.contains(char::is_whitespace),
        Value::Array(_) | Value::Object(_) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    };
    object.iter().all(is_aside).then_some(inside)
}

/// Lines that all begin with the mark of what is quoted, without it. Before one line alone it may be what is asked about.
fn quoted(text: &str) -> Option<String> {
    text.trim().lines().nth(1)?;
    let mut inside = String::with_capacity(text.len());
    for line in text.lines() {
        let line = if line.trim().is_empty() { "" } else { line.trim_start().strip_prefix('>')? };
        inside.push_str(line.strip_prefix(' ').unwrap_or(line));
        inside.push('\n');
    }
    Some(inside)
}

/// What stands between a tag and its end, where no other tag of its name does.
fn tagged(text: &str) -> Option<&str> {
    let (name, rest) = text.strip_prefix('<')?.split_once('>')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(is_name) {
        return None;
    }
    let inside = rest.strip_suffix('>')?.strip_suffix(name)?.strip_suffix("</")?;
    let again = format!("{name}>");
    (!inside.contains(&again)).then_some(inside)
}

fn fenced(text: &str) -> Option<&str> {
    let inside = text.strip_prefix(FENCE)?.strip_suffix(FENCE)?;
    let (tongue, inside) = inside.split_once('\n')?;
    (TONGUES.contains(&tongue.trim()) && !inside.contains(FENCE)).then_some(inside)
}

fn paired<'a>(text: &'a str, (open, close): &(&str, &str)) -> Option<&'a str> {
    let inside = text.strip_prefix(open)?.strip_suffix(close)?;
    let has_more = inside.contains(open) || inside.contains(close) || inside.ends_with('\\');
    // Between signs of three a text may have lines of its own.
    let may_begin = open.len() == 3 || !inside.starts_with(char::is_whitespace);
    (may_begin && !has_more).then_some(inside)
}

#[cfg(test)]
mod tests {
    //! A question in many shells, and texts that only look like one.

    use super::{MAX_BYTES, unpacked};

    #[test]
    fn a_question_is_the_same_in_whatever_it_is_packed() {
        const QUESTION: &str = "Which of these is \u{201c}heavier\u{201d}:\na pound of salt or a litre of milk?";
        let json = serde_json::json!({"question": QUESTION}).to_string();
        let message = serde_json::json!({"role": "user", "content": QUESTION}).to_string();
        let row = serde_json::json!({"id": 7, "lang": "en", "last": true, "query": QUESTION}).to_string();
        let mail: Vec<String> = QUESTION.lines().map(|line| format!("> {line}")).collect();
        for text in [
            QUESTION.to_owned(),
            message,
            row,
            mail.join("\n"),
            format!("\"\"\"\n{QUESTION}\n\"\"\""),
            format!("```\n{QUESTION}\n```"),
            format!("```text\n{QUESTION}\n```\n"),
            format!("<p>{QUESTION}</p>"),
            format!("<user_query>\n{QUESTION}\n</user_query>"),
            format!("**{QUESTION}**"),
            format!("\"{QUESTION}\""),
            format!("<q>{json}</q>"),
            json,
        ] {
            assert_eq!(unpacked(&text).trim(), QUESTION, "{text}");
        }
    }

    #[test]
    fn what_is_no_shell_stays() {
        let long = format!("<p>{}</p>", "word ".repeat(MAX_BYTES / 5));
        for text in [
            "\"Yes\" or \"no\"?",
            "**bold** and **bold again**",
            "```python\nprint(1 + 1) # what is this?\n```",
            "```\none two three\n```\nand\n```\nfour\n```",
            "<p>one two three</p><p>four five six</p>",
            "<b>only this word</b> is meant, but why is it so</b>",
            "{\"name\": \"Anna Maria Berg\", \"age\": \"five\"}",
            "{\"ages\": [1, 2, 3]}",
            "{\"question\": \"Which of them is older?\", \"people\": [\"Anna\", \"Ben\"]}",
            "{\"question\": \"Which of them is older?\", \"context\": \"Anna is as old as Ben was.\"}",
            "{\"input\": \"three four five\", \"prompt\": \"add\"}",
            "{ not json at all }",
            "> quoted by somebody\nand then answered",
            "> in front of a line means what?",
            "\"why\"",
            "<>empty is no name</>",
            &long,
            "",
        ] {
            assert_eq!(unpacked(text), text);
        }
    }
}
