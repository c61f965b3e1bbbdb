//! The tools a model may call, and whether it must. What a newcomer would get wrong: forbidding parallel calls is part of the
//! choice there, so it needs a choice even where the caller made none.

use serde_json::{Map, Value, json};

use super::Unconvertible;
use super::answer::{ANSWER_TOOL, Answer};

/// Puts `tools` and `tool_choice` into the request.
pub(super) fn add(
    chat: &Map<String, Value>,
    answer: &Answer,
    body: &mut Map<String, Value>,
) -> Result<(), Unconvertible> {
    let mut tools = match chat.get("tools") {
        None => Vec::new(),
        Some(Value::Array(tools)) => {
            let convert = |(index, value): (usize, &Value)| tool(&format!("tools[{index}]"), value);
            tools.iter().enumerate().map(convert).collect::<Result<Vec<_>, _>>()?
        }
        Some(_) => return Err(Unconvertible::new("tools", "a list of tools")),
    };
    let parallel = match chat.get("parallel_tool_calls") {
        None => true,
        Some(value) => value.as_bool().ok_or_else(|| Unconvertible::new("parallel_tool_calls", "true or false"))?,
    };
    let mut choice = if tools.is_empty() { None } else { choice(chat.get("tool_choice"))? };
    if let Answer::Tool(answer_tool) = answer {
        choice = Some(choice_with_answer(choice.as_ref(), tools.is_empty()));
        tools.push(answer_tool.clone());
    }
    if tools.is_empty() {
        return Ok(());
    }
    if !parallel && choice.as_ref().is_none_or(|choice| choice["type"] != "none") {
        let choice = choice.get_or_insert_with(|| json!({ "type": "auto" }));
        choice["disable_parallel_tool_use"] = json!(true);
    }
    body.insert("tools".to_owned(), Value::Array(tools));
    if let Some(choice) = choice {
        body.insert("tool_choice".to_owned(), choice);
    }
    Ok(())
}

/// Whether this choice makes the model call something.
pub(super) fn is_forced(body: &Map<String, Value>) -> bool {
    let kind = body.get("tool_choice").and_then(|choice| choice.get("type")).and_then(Value::as_str);
    matches!(kind, Some("any" | "tool"))
}

/// Among tools that the model may call or not, the answer is one more and something must be called.
fn choice_with_answer(choice: Option<&Value>, alone: bool) -> Value {
    let kind = choice.and_then(|choice| choice["type"].as_str()).unwrap_or("auto");
    match (kind, choice) {
        ("tool", Some(named)) => named.clone(),
        ("auto" | "any", _) if !alone => json!({ "type": "any" }),
        (_, _) => json!({ "type": "tool", "name": ANSWER_TOOL, "disable_parallel_tool_use": true }),
    }
}

fn choice(value: Option<&Value>) -> Result<Option<Value>, Unconvertible> {
    let expected = || Unconvertible::new("tool_choice", "`none`, `auto`, `required` or the name of a function");
    let Some(value) = value else { return Ok(None) };
    let kind = match value {
        Value::String(word) => match word.as_str() {
            "none" => "none",
            "auto" => "auto",
            "required" => "any",
            _ => return Err(expected()),
        },
        _ => {
            let name = value.get("function").and_then(|function| function.get("name")).and_then(Value::as_str);
            let name = name.filter(|_| value["type"] == "function").ok_or_else(expected)?;
            return Ok(Some(json!({ "type": "tool", "name": name })));
        }
    };
    Ok(Some(json!({ "type": kind })))
}

fn tool(field: &str, value: &Value) -> Result<Value, Unconvertible> {
    if value.get("type").and_then(Value::as_str) != Some("function") {
        return Err(Unconvertible::new(format!("{field}.type"), "`function`"));
    }
    let function = value.get("function").and_then(Value::as_object);
    let function = function.ok_or_else(|| Unconvertible::new(format!("{field}.function"), "an object"))?;
    let at = |key: &str| format!("{field}.function.{key}");
    let name = function.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| Unconvertible::new(at("name"), "a text"))?;
    if name == ANSWER_TOOL {
        return Err(Unconvertible::new(at("name"), format!("another name than `{ANSWER_TOOL}`")));
    }
    let schema = match function.get("parameters") {
        None | Some(Value::Null) => json!({ "type": "object", "properties": {} }),
        Some(Value::Object(schema)) => with_type(schema),
        Some(_) => return Err(Unconvertible::new(at("parameters"), "a schema")),
    };
    let mut tool = json!({ "name": name, "input_schema": schema });
    if let Some(description) = function.get("description").and_then(Value::as_str) {
        tool["description"] = description.into();
    }
    if function.get("strict").and_then(Value::as_bool) == Some(true) {
        tool["strict"] = json!(true);
    }
    if let Some(cache_control) = value.get("cache_control").or_else(|| function.get("cache_control")) {
        tool["cache_control"] = cache_control.clone();
    }
    Ok(tool)
}

/// A schema without a type, as `{}` for a function without parameters, means an object; there it must say so.
fn with_type(schema: &Map<String, Value>) -> Value {
    let mut schema = schema.clone();
    schema.entry("type").or_insert_with(|| "object".into());
    Value::Object(schema)
}
