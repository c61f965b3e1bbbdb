//! The built-in upstream, for a service that has no provider yet. It says plainly that it is no model, whom the router chose and why,
//! in the shape the caller asked for, so that everything around a call can be tried without a key. It costs nothing.

use classifier::billed_tokens;
use serde_json::{Value, json};

use super::openai::{self, Piece, Read};
use super::usage::Usage;
use crate::chat::Chat;

/// What an echo has to tell.
#[derive(Clone, Debug)]
pub(crate) struct Echo<'a> {
    /// The call's name.
    pub(crate) id: &'a str,
    /// Who was chosen.
    pub(crate) model: &'a str,
    /// Why, in one sentence.
    pub(crate) reason: &'a str,
    /// Seconds since 1970.
    pub(crate) created: u64,
}

impl Echo<'_> {
    fn text(&self) -> String {
        format!(
            "This is Pointsman's built-in echo, not a model: no provider is configured for `{}`. \
             Why the router chose it: {}. To have it answer, list a provider that serves it (docs/forwarding.md).",
            self.model, self.reason
        )
    }

    fn usage(&self, chat: &Chat) -> Usage {
        let (prompt, answer) = (u64::from(chat.prompt_tokens.get()), billed_tokens(&self.text()));
        let completion = answer.saturating_mul(chat.n_choices);
        Usage { prompt, completion, estimated: true, ..Usage::default() }
    }

    /// The whole answer.
    pub(crate) fn reply(&self, chat: &Chat) -> Box<Piece> {
        let choice = |index: u64| {
            json!({ "index": index, "message": { "role": "assistant", "content": self.text() }, "logprobs": null,
                    "finish_reason": "stop" })
        };
        let choices: Vec<Value> = (0..chat.n_choices).map(choice).collect();
        let mut reply = self.frame("chat.completion");
        reply["choices"] = json!(choices);
        reply["usage"] = self.usage(chat).to_openai();
        piece(&reply)
    }

    /// The answer word by word, and its usage at the end.
    pub(crate) fn chunks(&self, chat: &Chat) -> Vec<Piece> {
        let mut chunks = Vec::new();
        let mut chunk = |index: u64, delta: Value, finish: Value| {
            let mut chunk = self.frame("chat.completion.chunk");
            chunk["choices"] = json!([{ "index": index, "delta": delta, "finish_reason": finish }]);
            chunks.push(*piece(&chunk));
        };
        for index in 0..chat.n_choices {
            chunk(index, json!({ "role": "assistant", "content": "" }), Value::Null);
            for word in self.text().split_inclusive(' ') {
                chunk(index, json!({ "content": word }), Value::Null);
            }
            chunk(index, json!({}), json!("stop"));
        }
        let mut last = self.frame("chat.completion.chunk");
        last["choices"] = json!([]);
        last["usage"] = self.usage(chat).to_openai();
        chunks.push(*piece(&last));
        chunks
    }

    fn frame(&self, object: &str) -> Value {
        json!({ "id": format!("chatcmpl-{}", self.id), "object": object, "created": self.created, "model": self.model })
    }
}

fn piece(value: &Value) -> Box<Piece> {
    match openai::read(value.to_string().as_bytes()) {
        Ok(Read::Piece(piece)) => piece,
        Ok(Read::Complaint(_)) | Err(_) => unreachable!("what is written above is a completion"),
    }
}
