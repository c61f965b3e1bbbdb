//! A body that follows a script: pieces, waits, and an end of any kind. What a newcomer would get wrong: pieces that are ready
//! together leave in one write, so whoever wants them apart puts a pause between them.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::time::Sleep;

use super::line::Scissors;
use super::{Reset, Witness};

/// What a body does next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Says this.
    Piece(Bytes),
    /// Lets what was said leave.
    Pause,
    /// Waits.
    Wait(Duration),
    /// Resets the connection.
    Reset,
    /// Says nothing more, and does not end.
    Stall,
    /// Ends cleanly.
    End,
}

/// These pieces with this before each, and then the end.
pub(super) fn pieces(pieces: Vec<Vec<u8>>, before: &Step, end: Step) -> Vec<Step> {
    let said = pieces.into_iter().flat_map(|piece| [before.clone(), Step::Piece(piece.into())]);
    said.chain([Step::Pause, end]).collect()
}

/// Each byte of the pieces alone.
pub(super) fn bytes(pieces: &[Vec<u8>]) -> Vec<Vec<u8>> {
    pieces.concat().into_iter().map(|byte| vec![byte]).collect()
}

/// The first half of the pieces, or of the only one.
pub(super) fn half(mut pieces: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    if let [only] = pieces.as_mut_slice() {
        only.truncate(only.len() / 2);
    } else {
        pieces.truncate(pieces.len() / 2);
    }
    pieces
}

/// A body under way.
pub(super) struct Played {
    steps: VecDeque<Step>,
    waiting: Option<Pin<Box<Sleep>>>,
    witness: Witness,
    scissors: Scissors,
}

impl Played {
    pub(super) fn new(steps: Vec<Step>, witness: Witness, scissors: Scissors) -> Self {
        Self { steps: steps.into(), waiting: None, witness, scissors }
    }
}

impl Body for Played {
    type Data = Bytes;
    type Error = Reset;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Reset>>> {
        loop {
            if let Some(waiting) = &mut self.waiting {
                ready!(waiting.as_mut().poll(cx));
                self.waiting = None;
            }
            match self.steps.pop_front() {
                Some(Step::Piece(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Step::Pause) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Wait(gap)) => self.waiting = Some(Box::pin(tokio::time::sleep(gap))),
                Some(Step::Reset) => {
                    self.witness.played = true;
                    self.scissors.cut();
                    return Poll::Ready(Some(Err(Reset)));
                }
                Some(Step::Stall) => {
                    self.steps.push_front(Step::Stall);
                    return Poll::Pending;
                }
                Some(Step::End) | None => {
                    self.witness.played = true;
                    return Poll::Ready(None);
                }
            }
        }
    }
}
