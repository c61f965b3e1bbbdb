//! What the operating system tells the service: SIGTERM and SIGINT end it, a second one ends it at once, SIGHUP makes it read
//! its files anew.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::pipeline::Pipeline;
use crate::reload::Trigger;

/// The signals that have come.
#[derive(Debug)]
pub struct Signals {
    n_stops: watch::Receiver<u32>,
    _tasks: JoinSet<()>,
}

impl Signals {
    /// Listens from now on.
    pub fn listen(pipeline: &Arc<Pipeline>) -> std::io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let (sender, n_stops) = watch::channel(0);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                sender.send_modify(|n_stops| *n_stops += 1);
            }
        });
        let pipeline = Arc::clone(pipeline);
        tasks.spawn(async move {
            while hang_up.recv().await.is_some() {
                let pipeline = Arc::clone(&pipeline);
                // The reason of a failure is kept where `/readyz` and the metrics find it.
                let _ = tokio::task::spawn_blocking(move || pipeline.reload(Trigger::Signal)).await;
            }
        });
        Ok(Self { n_stops, _tasks: tasks })
    }

    /// Ends when this many signals to stop have come.
    pub fn stops(&self, n: u32) -> impl Future<Output = ()> + use<> {
        let mut n_stops = self.n_stops.clone();
        async move {
            let _ = n_stops.wait_for(|found| *found >= n).await;
        }
    }
}
