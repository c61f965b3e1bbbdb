//! A connection that waits only so long for a peer that takes nothing more of what is written to it: an answer that nobody
//! reads must not hold its memory and its place for good.

use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long a peer may take nothing at all. As web servers do it: a minute is a long pause on any network that still works.
pub(super) const WRITE_PATIENCE: Duration = Duration::from_secs(60);

/// The connection.
pub(super) struct Patient<I> {
    io: I,
    /// Runs while a write waits.
    waits: Option<Pin<Box<Sleep>>>,
}

impl<I> Patient<I> {
    pub(super) fn new(io: I) -> Self {
        Self { io, waits: None }
    }

    /// What became of a write; an error once it has waited too long.
    fn weigh<T>(&mut self, written: Poll<Result<T>>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        if written.is_ready() {
            self.waits = None;
            return written;
        }
        let waits = self.waits.get_or_insert_with(|| Box::pin(sleep(WRITE_PATIENCE)));
        ready!(waits.as_mut().poll(cx));
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the peer takes nothing more")))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Patient<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Patient<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.weigh(written, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.weigh(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let shut = Pin::new(&mut self.io).poll_shutdown(cx);
        self.weigh(shut, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.weigh(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    //! A peer that reads slowly is waited for, one that reads nothing is not.

    use std::io::ErrorKind;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::{Instant, sleep};

    use super::{Patient, WRITE_PATIENCE};

    const ANSWER: [u8; 64] = [7; 64];

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let (ours, _theirs) = duplex(16);
        let at = Instant::now();
        let error = Patient::new(ours).write_all(&ANSWER).await.expect_err("nobody reads");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(at.elapsed().as_secs(), WRITE_PATIENCE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_peer_is_waited_for_as_long_as_it_takes_something() {
        let (ours, mut theirs) = duplex(16);
        let mut patient = Patient::new(ours);
        let read_slowly = async {
            let mut read = Vec::new();
            while read.len() < ANSWER.len() {
                sleep(WRITE_PATIENCE - Duration::from_secs(1)).await;
                let mut part = [0; 8];
                let n = theirs.read(&mut part).await.expect("the connection lives");
                read.extend_from_slice(&part[..n]);
            }
            read
        };
        let (written, read) = tokio::join!(patient.write_all(&ANSWER), read_slowly);
        written.expect("it is read in the end");
        assert_eq!(read, ANSWER);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_in_the_other_direction_is_no_fault() {
        let (ours, mut theirs) = duplex(16);
        let mut patient = Patient::new(ours);
        let speak_late = async {
            sleep(WRITE_PATIENCE * 3).await;
            theirs.write_all(b"at last").await.expect("the connection lives");
            drop(theirs);
        };
        let hear = async {
            patient.write_all(b"hello").await.expect("there is room");
            let mut heard = Vec::new();
            patient.read_to_end(&mut heard).await.expect("reading has no limit here");
            heard
        };
        let (heard, ()) = tokio::join!(hear, speak_late);
        assert_eq!(heard, b"at last");
    }
}
