//! A call over gRPC: the decision first, then the answer as it comes, then what came of it. The status of the call says the same as
//! its last message, for clients that look at nothing else.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use proto::v1;
use proto::v1::complete_reply::Part;
use tokio::sync::mpsc;
use tonic::Status;
use tonic::codegen::tokio_stream::Stream;

use crate::chat::Chat;
use crate::convert::route_reply;
use crate::pipeline::{Arrival, Pipeline};
use crate::relay::{Abandoned, Begun, Decided, Pump, Receipt, Relayed, Step, decide};
use crate::status::Rejection;
use crate::upstream::openai::Piece;

/// The messages of one call.
pub(crate) struct Parts(Pump<Result<v1::CompleteReply, Status>>);

impl Stream for Parts {
    type Item = Result<v1::CompleteReply, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let told =
            |part: Result<_, Abandoned>| part.unwrap_or_else(|late| Err(Status::deadline_exceeded(late.to_string())));
        self.0.poll_next(cx).map(|part| part.map(told))
    }
}

type Sender = mpsc::Sender<Result<v1::CompleteReply, Status>>;

/// Decides a call and begins to carry it out. What cannot be decided is the status of the call.
pub(crate) async fn complete(
    pipeline: &Arc<Pipeline>,
    request: v1::CompleteRequest,
    arrival: Arrival,
) -> Result<Parts, Rejection> {
    let (chat, question) = Chat::of_wire(request, &pipeline.limits)?;
    let decided = decide(pipeline, chat, question, arrival).await?;
    Ok(Parts(Pump::of(decided.deadline(), |parts| async move {
        // Nobody listens any more: the call is dropped, and filed as what it is.
        let _ = carried_out(decided, &parts).await;
    })))
}

async fn carried_out(
    decided: Decided,
    parts: &Sender,
) -> Result<(), mpsc::error::SendError<Result<v1::CompleteReply, Status>>> {
    let (answer, send) = (Arc::clone(&decided.answer), |part| parts.send(Ok(v1::CompleteReply { part: Some(part) })));
    send(Part::Decision(route_reply(&answer))).await?;
    let mut relayed: Relayed = match decided.begin().await {
        Ok(Begun::Stream(relayed)) => *relayed,
        Ok(Begun::Whole(piece, receipt)) => {
            send(Part::Delta(delta(&piece))).await?;
            return send(Part::End(end(v1::CompletionEnd::Answered, &receipt))).await;
        }
        Err(rejection) => {
            let mut end = v1::CompleteEnd { model: answer.decision.model().to_string(), ..v1::CompleteEnd::default() };
            if let Rejection::Upstream(unanswered) = &rejection {
                end.cost_usd = unanswered.cost.usd();
                end.n_attempts = unanswered.n_attempts;
            }
            send(Part::End(complained(end, v1::CompletionEnd::Unanswered, &rejection))).await?;
            return parts.send(Err(rejection.status())).await;
        }
    };
    loop {
        match relayed.next().await {
            Step::Piece(mut piece) => {
                if piece.choices.is_empty() && piece.usage.is_some() {
                    continue;
                }
                piece.fields.remove("usage");
                piece.fields.set("model", &relayed.model());
                send(Part::Delta(delta(&piece))).await?;
            }
            Step::End(receipt) => return send(Part::End(end(v1::CompletionEnd::Answered, &receipt))).await,
            Step::Broken(rejection, _, receipt) => {
                let end = end(v1::CompletionEnd::Cut, &receipt);
                send(Part::End(complained(end, v1::CompletionEnd::Cut, &rejection))).await?;
                return parts.send(Err(rejection.status())).await;
            }
        }
    }
}

fn delta(piece: &Piece) -> v1::Delta {
    v1::Delta { text: piece.text.clone(), chunk: piece.fields.to_json().into_bytes() }
}

fn end(how: v1::CompletionEnd, receipt: &Receipt) -> v1::CompleteEnd {
    let Receipt { model, provider, usage, cost, n_attempts } = receipt;
    v1::CompleteEnd {
        how: how.into(),
        model: model.clone(),
        provider: provider.clone(),
        prompt_tokens: usage.prompt,
        cached_prompt_tokens: usage.cached_prompt,
        completion_tokens: usage.completion,
        reasoning_tokens: usage.reasoning,
        estimated: usage.estimated,
        cost_usd: cost.usd(),
        n_attempts: *n_attempts,
        error_code: String::new(),
        error_message: String::new(),
    }
}

fn complained(end: v1::CompleteEnd, how: v1::CompletionEnd, rejection: &Rejection) -> v1::CompleteEnd {
    let (code, _, _) = rejection.codes();
    v1::CompleteEnd { how: how.into(), error_code: code.to_owned(), error_message: rejection.to_string(), ..end }
}
