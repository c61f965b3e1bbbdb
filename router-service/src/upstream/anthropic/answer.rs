//! `response_format`: how an answer is held to JSON. A strict schema is given to the upstream, which then writes nothing else; a
//! schema that is not strict, or none, becomes a tool that the model must call, and what it is called with is the answer.

use serde_json::{Map, Value, json};

use super::Unconvertible;

/// The name of that tool. Answers are told from calls by it, so no tool of a caller may have it.
pub(super) const ANSWER_TOOL: &str = "answer_in_json";

/// The form an answer must have.
pub(super) enum Answer {
    /// Any.
    Free,
    /// What this schema allows, held by the upstream.
    Schema(Value),
    /// What this tool is called with.
    Tool(Value),
}

impl Answer {
    /// Reads a `response_format`.
    pub(super) fn of(format: Option<&Value>) -> Result<Self, Unconvertible> {
        let Some(format) = format else { return Ok(Self::Free) };
        match format.get("type").and_then(Value::as_str) {
            Some("text") => Ok(Self::Free),
            Some("json_object") => Ok(Self::Tool(tool(&json!({ "type": "object" }), None))),
            Some("json_schema") => {
                let wanted = format.get("json_schema").and_then(Value::as_object);
                Self::of_schema(wanted.ok_or_else(|| Unconvertible::new("response_format.json_schema", "an object"))?)
            }
            _ => Err(Unconvertible::new("response_format.type", "one of `text`, `json_object`, `json_schema`")),
        }
    }

    fn of_schema(wanted: &Map<String, Value>) -> Result<Self, Unconvertible> {
        let schema = match wanted.get("schema") {
            None | Some(Value::Null) => json!({ "type": "object" }),
            Some(schema @ Value::Object(_)) => schema.clone(),
            Some(_) => return Err(Unconvertible::new("response_format.json_schema.schema", "a schema")),
        };
        let strict = wanted.get("strict").and_then(Value::as_bool).unwrap_or(false);
        // A tool is called with an object, so a schema for anything else must be held by the upstream.
        if strict || schema.get("type").and_then(Value::as_str) != Some("object") {
            return Ok(Self::Schema(schema));
        }
        Ok(Self::Tool(tool(&schema, wanted.get("description").and_then(Value::as_str))))
    }

    /// Where the upstream holds the schema itself: the `output_config` with it.
    pub(super) fn with_format(self, output_config: Option<Map<String, Value>>) -> Option<Value> {
        match self {
            Self::Free | Self::Tool(_) => output_config.map(Value::Object),
            Self::Schema(schema) => {
                let mut output_config = output_config.unwrap_or_default();
                output_config.insert("format".to_owned(), json!({ "type": "json_schema", "schema": schema }));
                Some(Value::Object(output_config))
            }
        }
    }
}

fn tool(schema: &Value, description: Option<&str>) -> Value {
    let description =
        description.unwrap_or("Gives the final answer to the user, as JSON. Always answer by calling this.");
    json!({ "name": ANSWER_TOOL, "description": description, "input_schema": schema })
}
