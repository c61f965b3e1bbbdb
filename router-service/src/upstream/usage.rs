//! The tokens of one call as an upstream tells them, checked before anybody is billed by them. What a newcomer would get wrong:
//! here `completion` holds the reasoning and `prompt` the cached tokens, as OpenAI counts; the engine's `Usage` keeps reasoning apart.

use decision::{MAX_TOKENS, PicoUsd, Prices, Tokens};
use serde_json::{Map, Value, json};

/// The tokens of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// All prompt tokens.
    pub(crate) prompt: u64,
    /// Those of the prompt that came from the provider's cache.
    pub(crate) cached_prompt: u64,
    /// Those of the prompt that were written into the provider's cache. They are billed as prompt tokens: the catalog has no
    /// price of their own for them.
    pub(crate) cache_write: u64,
    /// All tokens of the answer.
    pub(crate) completion: u64,
    /// Those of the answer that were hidden reasoning.
    pub(crate) reasoning: u64,
    /// It was counted here, since nothing that could be believed was told.
    pub(crate) estimated: bool,
    /// What was told could not be true. What could not be believed is 0 here.
    pub(crate) doubtful: bool,
}

/// The most tokens that a call can have taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    /// What was sent.
    pub(crate) prompt: u64,
    /// What the caller sees of it.
    pub(crate) shown: u64,
    /// Hidden reasoning.
    pub(crate) reasoning: u64,
}

impl Usage {
    /// The `usage` of an answer or a chunk of OpenAI's shape; none where there is none.
    pub(crate) fn of_openai(usage: &Value) -> Option<Self> {
        let keys = usage.as_object().filter(|keys| !keys.is_empty())?;
        let mut told = Told::default();
        let prompt = told.needed(keys, "prompt_tokens");
        let completion = told.needed(keys, "completion_tokens");
        let prompt_details = told.details(keys, "prompt_tokens_details");
        let completion_details = told.details(keys, "completion_tokens_details");
        let total = keys.get("total_tokens").and_then(Value::as_u64); // Nobody is billed by it.
        // DeepSeek's word for the cached part stands beside the count of the prompt.
        let cached =
            told.count(prompt_details, "cached_tokens").or_else(|| told.count(Some(keys), "prompt_cache_hit_tokens"));
        let cache_write = told.count(prompt_details, "cache_write_tokens");
        let reasoning = told.count(completion_details, "reasoning_tokens").unwrap_or(0);
        // Some count reasoning beside the completion instead of inside it; their total gives them away.
        let beside = reasoning > 0 && total == Some(prompt + completion + reasoning);
        let completion = if beside { completion + reasoning } else { completion };
        let counts = Self { prompt, completion, ..Self::default() };
        Some(counts.with_parts(cached.unwrap_or(0), cache_write.unwrap_or(0), reasoning, told))
    }

    /// The `usage` of an answer of Anthropic's shape, whose `input_tokens` leave out what the cache gave or took.
    pub(crate) fn of_anthropic(usage: &Value) -> Option<Self> {
        let keys = usage.as_object().filter(|keys| !keys.is_empty())?;
        let mut told = Told::default();
        let fresh = told.needed(keys, "input_tokens");
        let completion = told.needed(keys, "output_tokens");
        let cached = told.count(Some(keys), "cache_read_input_tokens").unwrap_or(0);
        let cache_write = told.count(Some(keys), "cache_creation_input_tokens").unwrap_or(0);
        let counts = Self { prompt: fresh + cached + cache_write, completion, ..Self::default() };
        // How much of the output was thinking is not told.
        Some(counts.with_parts(cached, cache_write, 0, told))
    }

    /// What the call is booked with: what was told, or what was counted here where nothing was told or it could not be true.
    pub(crate) fn settled(told: Option<Self>, counted: impl FnOnce() -> Self) -> Self {
        match told {
            Some(told) if !told.doubtful => told,
            Some(_) => Self { estimated: true, doubtful: true, ..counted() },
            None => Self { estimated: true, ..counted() },
        }
    }

    /// Doubts what is more than could have been, whatever the upstream tells. What is shown and what is hidden have bounds of
    /// their own, since some do not count reasoning against the limit that a caller sets.
    #[must_use]
    pub(crate) fn doubted_beyond(self, most: Most) -> Self {
        let shown = self.completion.saturating_sub(self.reasoning);
        let beyond = self.prompt > most.prompt || shown > most.shown || self.reasoning > most.reasoning;
        Self { doubtful: self.doubtful || beyond, ..self }
    }

    /// As OpenAI's clients read it.
    pub(crate) fn to_openai(self) -> Value {
        let mut usage = json!({
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt.saturating_add(self.completion),
            "prompt_tokens_details": {"cached_tokens": self.cached_prompt},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning},
        });
        if self.cache_write > 0 {
            usage["prompt_tokens_details"]["cache_write_tokens"] = json!(self.cache_write);
        }
        usage
    }

    /// What it costs, each kind of token at its own price.
    pub(crate) fn bill(&self, prices: &Prices) -> PicoUsd {
        prices.bill(&self.by_kind())
    }

    /// Doubts that nothing was asked, or that nothing was said where something was heard.
    #[must_use]
    pub(crate) fn doubted_if_nothing(self, heard: &Self) -> Self {
        let nothing = self.prompt == 0 && heard.prompt > 0 || self.completion == 0 && heard.completion > 0;
        Self { doubtful: self.doubtful || nothing, ..self }
    }

    /// In the engine's kinds, of which no two share a token but the prompt and its cached part.
    pub(crate) fn by_kind(&self) -> decision::Usage {
        decision::Usage {
            prompt: Tokens::held(self.prompt),
            cached_prompt: Tokens::held(self.cached_prompt.min(self.prompt)),
            completion: Tokens::held(self.completion.saturating_sub(self.reasoning)),
            reasoning: Tokens::held(self.reasoning.min(self.completion)),
        }
    }

    /// Parts that are more than their whole were not counted by anybody.
    fn with_parts(self, cached_prompt: u64, cache_write: u64, reasoning: u64, told: Told) -> Self {
        let most = u64::from(MAX_TOKENS);
        let mut usage = Self { cached_prompt, cache_write, reasoning, doubtful: told.doubtful, ..self };
        if cached_prompt + cache_write > usage.prompt {
            (usage.cached_prompt, usage.cache_write, usage.doubtful) = (0, 0, true);
        }
        if reasoning > usage.completion {
            (usage.reasoning, usage.doubtful) = (0, true);
        }
        if usage.prompt > most {
            (usage.prompt, usage.cached_prompt, usage.cache_write, usage.doubtful) = (0, 0, 0, true);
        }
        if usage.completion > most {
            (usage.completion, usage.reasoning, usage.doubtful) = (0, 0, true);
        }
        usage
    }
}

/// What was read of a `usage` so far: whether anything in it cannot be true.
#[derive(Clone, Copy, Default)]
struct Told {
    doubtful: bool,
}

impl Told {
    /// A count that every `usage` has.
    fn needed(&mut self, keys: &Map<String, Value>, key: &str) -> u64 {
        let count = self.count(Some(keys), key);
        self.doubtful |= count.is_none();
        count.unwrap_or(0)
    }

    /// A count that may be left out or null. Anything but a whole number of tokens that a call can have is no count.
    fn count(&mut self, keys: Option<&Map<String, Value>>, key: &str) -> Option<u64> {
        match keys?.get(key)? {
            Value::Null => None,
            value => {
                let count = value.as_u64().filter(|count| *count <= u64::from(MAX_TOKENS));
                self.doubtful |= count.is_none();
                count
            }
        }
    }

    fn details<'a>(&mut self, keys: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
        match keys.get(key)? {
            Value::Object(details) => Some(details),
            Value::Null => None,
            _ => {
                self.doubtful = true;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
