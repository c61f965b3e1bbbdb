//! The streams of HTTP/2 connections, each a task of its own that outlives its connection by a moment. They are ended by the end of the
//! service, and waited for: what a dropped call has cost is told by its last moment.

use std::future::Future;

use hyper::rt::Executor;
use hyper_util::rt::TokioExecutor;
use tokio::sync::{mpsc, watch};

use super::{Phase, reached};

/// What begins them.
#[derive(Clone)]
pub(super) struct Streams {
    phases: watch::Receiver<Phase>,
    /// Never sent to: it is there as long as one of them is.
    alive: mpsc::Sender<()>,
}

impl Streams {
    /// The other half hears of their end, when this and all its clones are gone, too.
    pub(super) fn new(phases: watch::Receiver<Phase>) -> (Self, mpsc::Receiver<()>) {
        let (alive, ended) = mpsc::channel(1);
        (Self { phases, alive }, ended)
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let Self { mut phases, alive } = self.clone();
        TokioExecutor::new().execute(async move {
            tokio::select! {
                () = stream => {}
                () = reached(&mut phases, Phase::Cut) => {}
            }
            drop(alive);
        });
    }
}
