//! A task that runs only while somebody takes what it makes: a slow taker holds it back, one that leaves takes it along. It is how a
//! relayed answer needs no queue without an end. A taker that neither takes nor leaves would hold it for ever, so it has a last moment.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Things that wait to be taken. Beyond them the task rests, and with it the provider.
pub(crate) const MAX_WAITING: usize = 16;

/// What a task that is heeded needs beyond its deadline to say that it has missed it. A guess; nothing rests on it.
const TO_SAY_SO: Duration = Duration::from_secs(5);

/// Such a task.
pub(crate) struct Pump<T> {
    task: Arc<Mutex<Task>>,
    waiting: mpsc::Receiver<T>,
    _watch: JoinSet<()>,
}

enum Task {
    Running(Pin<Box<dyn Future<Output = ()> + Send>>),
    Ended,
    Abandoned,
}

/// The task was dropped, since its time was over and nobody took what it had made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer was not read in time (forwarding.total_ms)")]
pub(crate) struct Abandoned;

impl<T> Pump<T> {
    /// What this task hands over. It ends when nobody takes any more, and is dropped soon after this moment.
    pub(crate) fn of<F>(until: Instant, task: impl FnOnce(mpsc::Sender<T>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, waiting) = mpsc::channel(MAX_WAITING);
        let task = Arc::new(Mutex::new(Task::Running(Box::pin(task(sender)))));
        // The taker alone owns it: what it drops is gone at once, and not when the watch has ended.
        let (watched, mut watch) = (Arc::downgrade(&task), JoinSet::new());
        watch.spawn(async move {
            tokio::time::sleep_until((until + TO_SAY_SO).into()).await;
            let Some(task) = watched.upgrade() else { return };
            let mut task = locked(&task);
            if matches!(*task, Task::Running(_)) {
                *task = Task::Abandoned;
            }
        });
        Self { task, waiting, _watch: watch }
    }

    /// The next thing; none at the end.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Abandoned>>> {
        if let Poll::Ready(Some(next)) = self.waiting.poll_recv(cx) {
            return Poll::Ready(Some(Ok(next)));
        }
        let mut task = locked(&self.task);
        match &mut *task {
            Task::Running(running) => {
                if running.as_mut().poll(cx).is_ready() {
                    *task = Task::Ended;
                }
            }
            Task::Ended => {}
            Task::Abandoned => {
                *task = Task::Ended;
                return Poll::Ready(Some(Err(Abandoned)));
            }
        }
        self.waiting.poll_recv(cx).map(|next| next.map(Ok))
    }
}

/// A task that panicked is polled no more: its caller is gone with it.
fn locked(task: &Mutex<Task>) -> MutexGuard<'_, Task> {
    task.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    //! It makes no more than is taken, and is gone with its taker.

    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use tokio::sync::oneshot;

    use super::{Abandoned, MAX_WAITING, Pump, TO_SAY_SO};

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(600)
    }

    #[tokio::test]
    async fn it_makes_no_more_than_fits_the_queue() {
        let made = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&made);
        let mut pump = Pump::of(later(), |sender| async move {
            for number in 0..1000 {
                counted.fetch_add(1, Ordering::Relaxed);
                if sender.send(number).await.is_err() {
                    return;
                }
            }
        });
        assert_eq!(made.load(Ordering::Relaxed), 0, "nobody has asked yet");
        assert_eq!(poll_fn(|cx| pump.poll_next(cx)).await, Some(Ok(0)));
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
        let mut pump = Pump::of(later(), |sender| async move {
            let _inside = inside;
            let _ = sender.send(1).await;
            std::future::pending::<()>().await;
        });
        assert_eq!(poll_fn(|cx| pump.poll_next(cx)).await, Some(Ok(1)));
        assert_eq!(Arc::strong_count(&held), 2);
        drop(pump);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[tokio::test]
    async fn what_nobody_takes_is_dropped_in_the_end_and_never_ends_well() {
        let (held, dropped) = oneshot::channel::<()>();
        let long_ago = Instant::now().checked_sub(TO_SAY_SO).expect("the machine runs for longer");
        let mut pump = Pump::of(long_ago, |sender| async move {
            let _held = held;
            while sender.send(1).await.is_ok() {}
        });
        assert_eq!(poll_fn(|cx| pump.poll_next(cx)).await, Some(Ok(1)));
        assert!(dropped.await.is_err(), "nobody came back for more");
        let mut taken = Vec::new();
        while let Some(next) = poll_fn(|cx| pump.poll_next(cx)).await {
            taken.push(next);
        }
        assert!(taken.len() <= MAX_WAITING + 1, "{taken:?}");
        assert_eq!(taken.last(), Some(&Err(Abandoned)), "what had been made is told first");
    }
}
