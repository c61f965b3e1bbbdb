//! An answer on its way to its caller, piece by piece. From its first word on nobody takes over: what comes is relayed, and a break
//! is told as one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::Decided;
use super::filing::Receipt;
use crate::chat::Chat;
use crate::pipeline::Answer;
use crate::status::{Rejection, Unanswered, UpstreamEnd};
use crate::upstream::Failed;
use crate::upstream::openai::Piece;
use crate::upstream::provider::Place;
use crate::upstream::stream::Stream;

/// An answer on its way to the caller.
pub(crate) struct Relayed {
    decided: Decided,
    stream: Stream,
    first: VecDeque<Piece>,
    place: Option<Place>,
    between: Duration,
    first_token: Duration,
    deadline: Instant,
}

/// What comes next of an answer.
pub(crate) enum Step {
    /// A piece of it.
    Piece(Box<Piece>),
    /// Its good end.
    End(Receipt),
    /// It broke off: what to tell, the answers that were not finished, and what it cost all the same.
    Broken(Rejection, Vec<u64>, Receipt),
}

impl Relayed {
    /// An answer that has begun. `times` are the wait for each further token, and how long the first one took.
    pub(super) fn new(
        decided: Decided,
        stream: Stream,
        first: Vec<Piece>,
        place: Place,
        times: (Duration, Duration),
    ) -> Self {
        let deadline = decided.deadline();
        let (between, first_token) = times;
        Self { decided, stream, first: first.into(), place: Some(place), between, first_token, deadline }
    }

    /// The decision behind it.
    pub(crate) fn answer(&self) -> &Arc<Answer> {
        &self.decided.answer
    }

    /// Who answers.
    pub(crate) fn model(&self) -> &str {
        self.decided.filing.model()
    }

    /// Where.
    pub(crate) fn provider(&self) -> &str {
        self.decided.filing.provider()
    }

    /// When it is over, read or not.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What was asked.
    pub(crate) fn chat(&self) -> &Arc<Chat> {
        &self.decided.chat
    }

    /// The next of it. After an end there is nothing more to ask for.
    pub(crate) async fn next(&mut self) -> Step {
        if let Some(piece) = self.first.pop_front() {
            self.decided.filing.heard(&piece);
            return Step::Piece(Box::new(piece));
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        let Ok(next) = timeout(self.between.min(left), self.stream.next()).await else {
            return self.silent(left);
        };
        match next {
            Ok(Some(piece)) => {
                self.decided.filing.heard(&piece);
                Step::Piece(Box::new(piece))
            }
            Ok(None) => {
                if let Some(place) = self.place.take() {
                    place.answered(Instant::now(), Some(self.first_token));
                }
                self.decided.attempts.succeeded();
                self.decided.filing.told(self.stream.usage());
                Step::End(self.decided.filing.answered())
            }
            Err(failed) => self.broken(&failed),
        }
    }

    /// Nothing came: for as long as the provider may be silent, or for what was left of the whole call, which tells nothing of it.
    fn silent(&mut self, left: Duration) -> Step {
        if left < self.between {
            drop(self.place.take());
            return self.broken(&Failed::cut_short());
        }
        self.broken(&Failed::late(format!("expected the next token within {} ms", self.between.as_millis())))
    }

    fn broken(&mut self, failed: &Failed) -> Step {
        if let Some(place) = self.place.take() {
            place.failed(Instant::now());
        }
        let open: Vec<u64> = self.stream.open_choices().collect();
        let receipt = self.decided.filing.cut();
        let unanswered = Unanswered {
            end: UpstreamEnd::Cut,
            field: String::new(),
            complaint: format!("the answer broke off: {}", failed.complaint),
            retry_after: None,
            cost: receipt.cost,
            n_attempts: receipt.n_attempts,
        };
        Step::Broken(Rejection::Upstream(Box::new(unanswered)), open, receipt)
    }
}
