//! One message of a conversation in the form OpenAI's clients send: a text or a list of parts, tool calls as a list. Keys that
//! have no part in choosing a model are passed over, as there will be new ones next year.

use proto::v1;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::status::Rejection;

#[derive(Debug, Deserialize)]
pub(super) struct MessageJson {
    role: String,
    content: Option<ContentJson>,
    #[serde(default)]
    tool_calls: Option<Vec<IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of parts")]
enum ContentJson {
    Text(String),
    Parts(Vec<PartJson>),
}

#[derive(Debug, Deserialize)]
struct PartJson {
    r#type: String,
    text: Option<String>,
}

impl MessageJson {
    pub(super) fn into_wire(self, index: usize) -> Result<v1::Message, Rejection> {
        let role = match self.role.as_str() {
            "system" | "developer" => v1::Role::System,
            "user" => v1::Role::User,
            "assistant" => v1::Role::Assistant,
            "tool" | "function" => v1::Role::Tool,
            other => {
                let other: String = other.chars().take(40).collect();
                let complaint = format!("expected system, developer, user, assistant or tool, found `{other}`");
                return Err(Rejection::field(format!("messages[{index}].role"), complaint));
            }
        };
        let n_tool_calls = u32::try_from(self.tool_calls.map_or(0, |calls| calls.len())).unwrap_or(u32::MAX);
        let (text, n_images) = match self.content {
            None => (String::new(), 0),
            Some(ContentJson::Text(text)) => (text, 0),
            Some(ContentJson::Parts(parts)) => joined(parts, index)?,
        };
        Ok(v1::Message { role: role.into(), text, n_images, n_tool_calls })
    }
}

/// The text parts, joined by line breaks, and the number of images.
fn joined(parts: Vec<PartJson>, message: usize) -> Result<(String, u32), Rejection> {
    let (mut texts, mut n_images) = (Vec::new(), 0_u32);
    for (index, part) in parts.into_iter().enumerate() {
        let field = |key: &str| format!("messages[{message}].content[{index}].{key}");
        match (part.r#type.as_str(), part.text) {
            ("text" | "input_text" | "output_text" | "refusal", Some(text)) => texts.push(text),
            ("text" | "input_text" | "output_text", None) => {
                return Err(Rejection::field(field("text"), "expected a text, found none"));
            }
            ("image_url" | "image" | "input_image", _) => n_images = n_images.saturating_add(1),
            // Sound, files and what else there will be: nothing to read here, nothing to refuse for.
            (_, _) => {}
        }
    }
    Ok((texts.join("\n"), n_images))
}
