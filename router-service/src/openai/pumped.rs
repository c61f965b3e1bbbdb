//! The body of a streamed answer: the pieces as events, as they come. A stream that broke ends in an event that says so, after a
//! finish that is no good one; the word that all is done stands only at a good end.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{explained, told};
use crate::fields::Fields;
use crate::relay::{Abandoned, Pump, Receipt, Relayed, Step, unix_seconds};
use crate::status::Rejection;
use crate::upstream::openai::{DONE, Piece};

/// A streamed answer.
pub(crate) struct Pumped(Pump<Bytes>);

impl Pumped {
    pub(crate) fn new(relayed: Relayed) -> Self {
        Self(Pump::of(relayed.deadline(), |events| pump(relayed, events)))
    }
}

impl Body for Pumped {
    type Data = Bytes;
    type Error = Abandoned;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Abandoned>>> {
        self.0.poll_next(cx).map(|event| event.map(|event| event.map(Frame::data)))
    }
}

async fn pump(mut relayed: Relayed, events: mpsc::Sender<Bytes>) {
    let mut writer = Writer { first: true, id: String::new() };
    loop {
        let last = match relayed.next().await {
            Step::Piece(piece) => {
                let Some(event) = writer.piece(&relayed, *piece) else { continue };
                if events.send(event).await.is_err() {
                    return;
                }
                continue;
            }
            Step::End(receipt) => writer.end(&relayed, &receipt),
            Step::Broken(rejection, open, receipt) => writer.broken(&relayed, &rejection, &open, &receipt),
        };
        for event in last {
            if events.send(event).await.is_err() {
                return;
            }
        }
        return;
    }
}

/// Pieces to events.
struct Writer {
    first: bool,
    /// The answer's name, as the provider gave it.
    id: String,
}

impl Writer {
    /// A piece as an event; none for the one that only tells the tokens, which are told at the end.
    fn piece(&mut self, relayed: &Relayed, piece: Piece) -> Option<Bytes> {
        let mut fields = piece.fields;
        if self.id.is_empty() {
            self.id = fields.get("id").unwrap_or_default();
        }
        if piece.choices.is_empty() && piece.usage.is_some() {
            return None;
        }
        fields.remove("usage");
        fields.set("model", &relayed.model());
        if self.first && relayed.chat().explain {
            fields.set("pointsman", &explained(relayed.answer(), None));
        }
        self.first = false;
        Some(event(&fields.to_json()))
    }

    fn end(&self, relayed: &Relayed, receipt: &Receipt) -> Vec<Bytes> {
        let usage = Some(self.usage(receipt)).filter(|_| relayed.chat().include_usage);
        usage.into_iter().chain([event(DONE)]).collect()
    }

    /// A finish that is no good one for every answer that had begun, then the error; and no word that all is done.
    fn broken(&self, relayed: &Relayed, rejection: &Rejection, open: &[u64], receipt: &Receipt) -> Vec<Bytes> {
        let mut last = Vec::new();
        if !open.is_empty() {
            let choice = |index: &u64| json!({ "index": index, "delta": {}, "finish_reason": "error" });
            let choices: Vec<Value> = open.iter().map(choice).collect();
            last.push(event(&self.frame(receipt, &json!(choices)).to_json()));
        }
        if relayed.chat().include_usage {
            last.push(self.usage(receipt));
        }
        last.push(event(&String::from_utf8_lossy(&rejection.body())));
        last
    }

    /// The chunk that tells the tokens of the whole, and beside them what they cost.
    fn usage(&self, receipt: &Receipt) -> Bytes {
        let mut fields = self.frame(receipt, &json!([]));
        fields.set("usage", &receipt.usage.to_openai());
        fields.set("pointsman", &told(receipt));
        event(&fields.to_json())
    }

    fn frame(&self, receipt: &Receipt, choices: &Value) -> Fields {
        let mut fields = Fields::default();
        fields.set("id", &self.id);
        fields.set("object", &"chat.completion.chunk");
        fields.set("created", &unix_seconds());
        fields.set("model", &receipt.model);
        fields.set("choices", choices);
        fields
    }
}

/// JSON is one line, so one `data` line holds it.
fn event(text: &str) -> Bytes {
    Bytes::from(format!("data: {}\n\n", text.replace(['\n', '\r'], " ")))
}
