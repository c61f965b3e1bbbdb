//! How much a model is to think. What a newcomer would get wrong: `reasoning_effort` is advice, and next to what Anthropic does not
//! allow beside thinking it gives way; a `thinking` of the caller's own is an order, goes through as it is, and the upstream judges it.

use serde_json::{Map, Value, json};

use super::turns::Turns;
use super::{Unconvertible, tools};

/// The least budget there may be.
const MIN_BUDGET_TOKENS: u64 = 1_024;

/// The largest that is asked for by effort. Beyond it answers take minutes; a caller who wants that names a budget.
const MAX_BUDGET_TOKENS: u64 = 32_000;

/// From this version on a Claude model decides by itself how much it thinks and takes an effort in place of a budget.
const ADAPTIVE_FROM: (u32, u32) = (4, 6);

/// The least `top_p` that is allowed beside thinking.
const MIN_TOP_P: f64 = 0.95;

/// Puts `thinking` into the request and gives the `output_config`, which names an effort where models want one.
pub(super) fn add(
    chat: &Map<String, Value>,
    turns: &Turns,
    max_tokens: u64,
    body: &mut Map<String, Value>,
) -> Result<Option<Map<String, Value>>, Unconvertible> {
    let own = match chat.get("output_config") {
        None => None,
        Some(Value::Object(own)) => Some(own.clone()),
        Some(_) => return Err(Unconvertible::new("output_config", "an object")),
    };
    let effort = match chat.get("reasoning_effort").map(Value::as_str) {
        None | Some(Some("none" | "minimal")) => return Ok(own),
        Some(Some("low")) => Effort::Low,
        Some(Some("medium")) => Effort::Medium,
        Some(Some("high" | "xhigh" | "max")) => Effort::High,
        Some(_) => {
            let expected = "one of `none`, `minimal`, `low`, `medium`, `high`, `xhigh`";
            return Err(Unconvertible::new("reasoning_effort", expected));
        }
    };
    if body.contains_key("thinking") || !is_allowed(turns, body) {
        return Ok(own);
    }
    if body.get("model").and_then(Value::as_str).is_some_and(is_adaptive) {
        body.insert("thinking".to_owned(), json!({ "type": "adaptive" }));
        let mut output_config = own.unwrap_or_default();
        output_config.entry("effort").or_insert_with(|| effort.word().into());
        return Ok(Some(output_config));
    }
    if let Some(budget_tokens) = effort.budget(max_tokens) {
        body.insert("thinking".to_owned(), json!({ "type": "enabled", "budget_tokens": budget_tokens }));
    }
    Ok(own)
}

#[derive(Clone, Copy)]
enum Effort {
    Low,
    Medium,
    High,
}

impl Effort {
    fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// A fifth, half or four fifths of all that may be written, which thinking is part of; none where too little would be left.
    fn budget(self, max_tokens: u64) -> Option<u64> {
        let tenths = match self {
            Self::Low => 2,
            Self::Medium => 5,
            Self::High => 8,
        };
        let share = max_tokens.saturating_mul(tenths) / 10;
        let budget = share.clamp(MIN_BUDGET_TOKENS, MAX_BUDGET_TOKENS);
        (budget < max_tokens).then_some(budget)
    }
}

/// Beside thinking there may be no sampling of one's own, no call that must be made, no answer begun by the caller, and no loop
/// of tools whose beginning was not thought about.
fn is_allowed(turns: &Turns, body: &Map<String, Value>) -> bool {
    let number = |key: &str| body.get(key).and_then(Value::as_f64);
    let sampled = number("temperature").is_some_and(|temperature| temperature < 1.0)
        || number("top_p").is_some_and(|top_p| top_p < MIN_TOP_P)
        || body.contains_key("top_k");
    !sampled && !tools::is_forced(body) && turns.may_be_thought_about()
}

/// Reads the version out of names such as `claude-opus-4-6`, `claude-3-7-sonnet-20250219` or `us.anthropic.claude-sonnet-4-v1:0`.
fn is_adaptive(model: &str) -> bool {
    let Some((_, name)) = model.split_once("claude") else { return false };
    let mut numbers = name
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|piece| !piece.is_empty())
        .skip_while(|piece| !is_version(piece))
        .map_while(|piece| if is_version(piece) { piece.parse::<u32>().ok() } else { None });
    numbers.next().is_some_and(|major| (major, numbers.next().unwrap_or(0)) >= ADAPTIVE_FROM)
}

/// Dates have eight digits, versions one or two.
fn is_version(piece: &str) -> bool {
    piece.len() <= 2 && piece.bytes().all(|byte| byte.is_ascii_digit())
}
