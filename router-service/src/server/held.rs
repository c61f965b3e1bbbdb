//! The body of an answer that takes its time: until its last byte it holds what its request was given. Dropped before that, its
//! caller has hung up.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::charge::Account;
use super::witness::Witness;

/// What a request was given.
pub(super) struct Holding {
    pub(super) witness: Witness,
    pub(super) _account: Arc<Account>,
    pub(super) _place: Option<OwnedSemaphorePermit>,
}

/// A body that holds it.
pub(super) struct Held {
    body: tonic::body::Body,
    holding: Option<Holding>,
}

impl Held {
    pub(super) fn new(body: tonic::body::Body, holding: Holding) -> Self {
        let mut held = Self { body, holding: Some(holding) };
        if held.body.is_end_stream() {
            held.release();
        }
        held
    }

    fn release(&mut self) {
        if let Some(mut holding) = self.holding.take() {
            holding.witness.delivered();
        }
    }
}

impl Body for Held {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        // Whoever knows the length beforehand does not ask for an end after the last byte.
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) || self.body.is_end_stream() {
            self.release();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
