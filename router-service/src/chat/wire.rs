//! A call as it comes over gRPC: plain text in the words of the wire, or what OpenAI's clients write, as JSON. It becomes the same
//! call that HTTP brings, always streamed.

use proto::v1;
use proto::v1::route_request::Input;
use serde_json::{Value, json};

use super::{AUTO, Chat, FALLBACKS_FIELD, Named, Spelling, WISHES, fallbacks_of, required};
use crate::config::Limits;
use crate::fields::Fields;
use crate::json::read;
use crate::question::{Call, Question};
use crate::status::Rejection;

/// What is read of a chat.
const IN_CHAT: &[&str] = &["messages", "max_completion_tokens", "max_tokens", "n", "response_format", "stream_options"];

impl Chat {
    /// Reads a request.
    pub(crate) fn of_wire(request: v1::CompleteRequest, limits: &Limits) -> Result<(Self, Question), Rejection> {
        let v1::CompleteRequest { question, chat, model, fallbacks } = request;
        let mut wire = question.unwrap_or_default();
        let input = wire.input.take();
        let plain_place = match &input {
            Some(Input::Prompt(_)) => "question.prompt",
            Some(Input::Conversation(_)) | None => "question.conversation.messages",
        };
        let mut fields = match (input, chat.is_empty()) {
            (Some(input), true) => plain(&input, &model, wire.max_completion_tokens)?,
            (None, false) => read(&chat)?,
            (Some(_), false) => {
                return Err(Rejection::field("chat", "expected a chat, or a question with a prompt, found both"));
            }
            (None, true) => {
                return Err(Rejection::field("chat", "expected a chat, or a question with a prompt, found neither"));
            }
        };
        let asked: String = required(&fields, "model", "a name, as `auto`").map_err(|error| error.within("chat"))?;
        if !chat.is_empty() && !model.is_empty() && model != asked {
            return Err(Rejection::field("model", "expected what the chat names, found another one"));
        }
        if fields.remove("pointsman").is_some() {
            return Err(Rejection::field(
                "chat.pointsman",
                "expected the wishes in `question`, found them in the chat",
            ));
        }
        fields.set("stream", &true);
        fields.remove("stream_options");
        narrow(&mut fields, wire.max_completion_tokens);
        let named = Named::parse(&asked, &wire.policy, wire.own_policy.is_some())?;
        let mut spelling = Spelling::inside("question", WISHES);
        if chat.is_empty() {
            spelling.say("messages", plain_place);
            spelling.say("max_completion_tokens", "question.max_completion_tokens");
        } else {
            IN_CHAT.iter().for_each(|field| spelling.say(field, format!("chat.{field}")));
            if fields.raw("max_completion_tokens").is_none() {
                spelling.say("max_completion_tokens", "chat.max_tokens");
            }
        }
        spelling.say(FALLBACKS_FIELD, FALLBACKS_FIELD);
        let model_place = if model.is_empty() && !chat.is_empty() { "chat.model" } else { "model" };
        spelling.say("model", model_place);
        if named.by_model {
            spelling.say("policy", model_place);
        }
        let fallbacks = fallbacks_of(&fallbacks, &named)?;
        wire.policy.clone_from(&named.policy);
        let (read, question) = Self::assembled(fields, wire, "question.own_policy", limits, spelling)?;
        let call = Some(Call { named: named.model, fallbacks });
        Ok((read, Question { call, ..question }))
    }
}

/// Of the limit in a chat and the one in its question the narrower is decided for and sent.
fn narrow(fields: &mut Fields, wished: Option<u32>) {
    let Some(wished) = wished else { return };
    let key = if fields.raw("max_completion_tokens").is_none() && fields.raw("max_tokens").is_some() {
        "max_tokens"
    } else {
        "max_completion_tokens"
    };
    // What is no number is complained about later, with its place.
    if fields.raw(key).is_none() || fields.get::<u32>(key).is_some_and(|written| written > wished) {
        fields.set(key, &wished);
    }
}

/// Plain text as a chat.
fn plain(input: &Input, model: &str, max_completion_tokens: Option<u32>) -> Result<Fields, Rejection> {
    let messages = match input {
        Input::Prompt(text) => json!([{ "role": "user", "content": text }]),
        Input::Conversation(conversation) => {
            let messages = conversation.messages.iter().enumerate();
            Value::Array(messages.map(|(place, said)| message(place, said)).collect::<Result<_, _>>()?)
        }
    };
    let mut fields = Fields::default();
    fields.set("model", &if model.is_empty() { AUTO } else { model });
    fields.set("messages", &messages);
    if let Some(most) = max_completion_tokens {
        fields.set("max_completion_tokens", &most);
    }
    Ok(fields)
}

fn message(place: usize, said: &v1::Message) -> Result<Value, Rejection> {
    let field = |name: &str| format!("question.conversation.messages[{place}].{name}");
    if said.n_images > 0 || said.n_tool_calls > 0 {
        let name = if said.n_images > 0 { "n_images" } else { "n_tool_calls" };
        let complaint = "expected text alone, since what is counted here cannot be sent; send it as a `chat`";
        return Err(Rejection::field(field(name), complaint));
    }
    let role = match said.role() {
        v1::Role::System => "system",
        v1::Role::User => "user",
        v1::Role::Assistant => "assistant",
        v1::Role::Tool | v1::Role::Unspecified => {
            return Err(Rejection::field(field("role"), "expected system, user or assistant; send others as a `chat`"));
        }
    };
    Ok(json!({ "role": role, "content": said.text }))
}
