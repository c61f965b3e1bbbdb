//! What a caller was still sending when it was turned away. Many clients read an answer only once they have sent everything, and
//! take a connection that is closed before for a failure: so the rest is read and dropped, as far as that is bearable.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::timeout;

/// Bytes that are read and dropped for one answer: four bodies of the usual limit.
const MAX_DROPPED_BYTES: usize = 16 << 20;

/// How long that may take; a caller that trickles has to live with a closed connection.
const MAX_DROPPING: Duration = Duration::from_secs(1);

/// A body on loan: it comes back when whoever reads it lets go.
pub(crate) struct Lent<B> {
    body: Option<B>,
    owner: Arc<Mutex<Option<B>>>,
}

/// Where a lent body comes back to.
pub(crate) struct Unread<B>(Arc<Mutex<Option<B>>>);

/// Lends a body.
pub(crate) fn lend<B>(body: B) -> (Lent<B>, Unread<B>) {
    let owner = Arc::new(Mutex::new(None));
    (Lent { body: Some(body), owner: Arc::clone(&owner) }, Unread(owner))
}

impl<B: Body<Data = Bytes> + Unpin> Unread<B> {
    /// Reads and drops what is left of the body, if it has come back with anything left.
    pub(crate) async fn drop_the_rest(self) {
        let rest = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(rest) = rest {
            drop_the_rest(rest).await;
        }
    }
}

/// Reads and drops what is left of a body.
pub(crate) async fn drop_the_rest<B: Body<Data = Bytes> + Unpin>(mut body: B) {
    let dropping = async {
        let mut n_dropped = 0;
        while n_dropped <= MAX_DROPPED_BYTES {
            let Some(Ok(frame)) = body.frame().await else { return };
            n_dropped += frame.data_ref().map_or(0, Bytes::len);
        }
    };
    // Whether it ended or was given up makes no difference to the answer.
    let _ = timeout(MAX_DROPPING, dropping).await;
}

impl<B: Body + Unpin> Body for Lent<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl<B> Drop for Lent<B> {
    fn drop(&mut self) {
        *self.owner.lock().unwrap_or_else(PoisonError::into_inner) = self.body.take();
    }
}

#[cfg(test)]
mod tests {
    //! Bodies that are let go of half-read.

    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};

    use super::{MAX_DROPPED_BYTES, lend};

    /// A body of so many parts of a mebibyte, and how many have been taken.
    fn body(n_parts: usize) -> (impl http_body::Body<Data = Bytes, Error = Infallible> + Unpin, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&taken);
        let parts = (0..n_parts).map(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok(Frame::data(Bytes::from(vec![0; 1 << 20])))
        });
        (StreamBody::new(tonic::codegen::tokio_stream::iter(parts)), taken)
    }

    #[tokio::test]
    async fn what_was_left_is_read_to_its_end_and_no_further_than_the_limit() {
        for (n_parts, expected) in [(5, 5), (1_000, (MAX_DROPPED_BYTES >> 20) + 1)] {
            let (body, taken) = body(n_parts);
            let (mut lent, unread) = lend(body);
            assert!(lent.frame().await.is_some());
            drop(lent);
            assert_eq!(taken.load(Ordering::Relaxed), 1, "nothing is read before somebody asks");
            unread.drop_the_rest().await;
            assert_eq!(taken.load(Ordering::Relaxed), expected + usize::from(n_parts > 100));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_trickles_is_not_waited_for() {
        let (lent, unread) =
            lend(StreamBody::new(tonic::codegen::tokio_stream::pending::<Result<Frame<Bytes>, Infallible>>()));
        drop(lent);
        unread.drop_the_rest().await;
    }

    #[tokio::test]
    async fn a_body_that_is_still_being_read_is_left_alone() {
        let (body, taken) = body(3);
        let (lent, unread) = lend(body);
        unread.drop_the_rest().await;
        assert_eq!(taken.load(Ordering::Relaxed), 0);
        assert_eq!(lent.collect().await.map(|all| all.to_bytes().len()), Ok(3 << 20));
    }
}
