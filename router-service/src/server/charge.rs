//! What bodies take, memory and time. All requests together have a limit, each is charged as its body is read, and gives it back when it
//! ends. The body of a call that is forwarded has a time of its own, since the call may take as long as a model does.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep_until};

use crate::metrics::Metrics;
use crate::metrics::list::Metric;
use crate::status::Rejection;

/// The memory that all bodies together may take.
#[derive(Debug)]
pub(super) struct Memory {
    used: AtomicUsize,
    most: usize,
    retry_after: Duration,
    metrics: Arc<Metrics>,
}

impl Memory {
    pub(super) fn new(most: usize, retry_after: Duration, metrics: &Arc<Metrics>) -> Self {
        Self { used: AtomicUsize::new(0), most, retry_after, metrics: Arc::clone(metrics) }
    }
}

/// What one request has taken of it, given back when the request ends.
#[derive(Debug)]
pub(super) struct Account {
    memory: Arc<Memory>,
    door: &'static str,
    used: AtomicUsize,
}

impl Account {
    /// For a request that came in by this door.
    pub(super) fn open(memory: &Arc<Memory>, door: &'static str) -> Arc<Self> {
        Arc::new(Self { memory: Arc::clone(memory), door, used: AtomicUsize::new(0) })
    }

    fn charge(&self, bytes: usize) -> Result<(), Rejection> {
        let used = self.memory.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.used.fetch_add(bytes, Ordering::Relaxed);
        if used > self.memory.most {
            // Nothing is read of a body after this, so that it is counted once.
            self.memory.metrics.count(Metric::Shed, &[self.door, "memory"]);
            let retry_after = self.memory.retry_after;
            return Err(Rejection::Overloaded { limit: "limits.max_bytes_in_flight", retry_after });
        }
        Ok(())
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.used.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// A body that is charged for as it is read.
#[derive(Debug)]
pub(crate) struct Charged<B> {
    body: B,
    account: Arc<Account>,
    /// When it must be there, where nothing else ends the wait for it soon enough.
    whole_by: Option<Pin<Box<Sleep>>>,
}

impl<B> Charged<B> {
    pub(super) fn new(body: B, account: Arc<Account>, whole_by: Option<Instant>) -> Self {
        Self { body, account, whole_by: whole_by.map(|at| Box::pin(sleep_until(at.into()))) }
    }

    /// Nothing has come, and perhaps nothing will: until when that is borne with.
    fn late(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        let Some(whole_by) = &mut self.whole_by else { return Poll::Pending };
        whole_by.as_mut().poll(cx).map(|()| {
            self.whole_by = None;
            self.account.memory.metrics.count(Metric::Shed, &[self.account.door, "too_slow"]);
            Rejection::Late { complaint: "the body took longer than limits.request_timeout_ms" }
        })
    }
}

/// What a body can fail of.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

impl<B> Body for Charged<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_pending() {
            return self.late(cx).map(|late| Some(Err(Box::new(late) as BodyError)));
        }
        polled.map(|next| {
            let frame = match next? {
                Ok(frame) => frame,
                Err(error) => return Some(Err(error.into())),
            };
            let n_bytes = frame.data_ref().map_or(0, Bytes::len);
            Some(match self.account.charge(n_bytes) {
                Ok(()) => Ok(frame),
                Err(rejection) => Err(Box::new(rejection) as BodyError),
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
