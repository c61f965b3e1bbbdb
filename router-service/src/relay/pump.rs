//! A task that runs only while somebody takes what it makes: a slow taker holds it back, one that leaves takes it along. It is how a
//! relayed answer needs neither a task of its own nor a queue without an end.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::mpsc;

/// Things that wait to be taken. Beyond them the task rests, and with it the provider.
pub(crate) const MAX_WAITING: usize = 16;

/// Such a task.
pub(crate) struct Pump<T> {
    task: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    waiting: mpsc::Receiver<T>,
}

impl<T> Pump<T> {
    /// What this task hands over. It ends when nobody takes any more.
    pub(crate) fn of<F: Future<Output = ()> + Send + 'static>(task: impl FnOnce(mpsc::Sender<T>) -> F) -> Self {
        let (sender, waiting) = mpsc::channel(MAX_WAITING);
        Self { task: Some(Box::pin(task(sender))), waiting }
    }

    /// The next thing; none at the end.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if let Poll::Ready(Some(next)) = self.waiting.poll_recv(cx) {
            return Poll::Ready(Some(next));
        }
        if let Some(task) = &mut self.task
            && task.as_mut().poll(cx).is_ready()
        {
            self.task = None;
        }
        self.waiting.poll_recv(cx)
    }
}

#[cfg(test)]
mod tests {
    //! It makes no more than is taken, and is gone with its taker.

    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::{MAX_WAITING, Pump};

    #[tokio::test]
    async fn it_makes_no_more_than_fits_the_queue() {
        let made = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&made);
        let mut pump = Pump::of(|sender| async move {
            for number in 0..1000 {
                counted.fetch_add(1, Ordering::Relaxed);
                if sender.send(number).await.is_err() {
                    return;
                }
            }
        });
        assert_eq!(made.load(Ordering::Relaxed), 0, "nobody has asked yet");
        assert_eq!(poll_fn(|cx| pump.poll_next(cx)).await, Some(0));
        assert!(made.load(Ordering::Relaxed) <= MAX_WAITING + 1, "{made:?}");
        let mut taken = 1;
        while poll_fn(|cx| pump.poll_next(cx)).await.is_some() {
            taken += 1;
        }
        assert_eq!(taken, 1000);
    }

    #[tokio::test]
    async fn what_it_holds_is_dropped_with_its_taker() {
        let held = Arc::new(());
        let inside = Arc::clone(&held);
        let mut pump = Pump::of(|sender| async move {
            let _inside = inside;
            let _ = sender.send(1).await;
            std::future::pending::<()>().await;
        });
        assert_eq!(poll_fn(|cx| pump.poll_next(cx)).await, Some(1));
        assert_eq!(Arc::strong_count(&held), 2);
        drop(pump);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
