//! Log lines on their way out: a bounded queue and one thread, so that a terminal or a pipe that nobody reads never delays a
//! request. When the queue is full a line is dropped and counted.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

use crate::metrics::Metrics;
use crate::metrics::list::Metric;
use crate::metrics::series::Series;

/// Lines that may wait: some seconds of a busy service at a few hundred bytes each.
pub const LOG_QUEUE_LINES: usize = 8192;

/// Bytes that are written at once.
const CHUNK_BYTES: usize = 1 << 16;

enum Item {
    Line(Vec<u8>),
    /// Everything before this is to be written; then say so.
    Flush(SyncSender<()>),
}

/// The near end of the queue.
#[derive(Clone)]
pub(super) struct LogWriter {
    queue: SyncSender<Item>,
    dropped: Arc<Series>,
}

impl LogWriter {
    /// Starts the thread. It ends when the last writer is gone, or with the process.
    pub(super) fn start(sink: impl Write + Send + 'static, n_lines: usize, metrics: &Metrics) -> io::Result<Self> {
        let (queue, items) = sync_channel(n_lines);
        std::thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&items, sink))?;
        Ok(Self { queue, dropped: metrics.series(Metric::LogLinesDropped, &[]) })
    }

    /// Waits until what was logged so far is out, at most this long. False if it is not.
    pub(super) fn flush(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let (done, wait) = sync_channel(1);
        let mut item = Item::Flush(done);
        loop {
            match self.queue.try_send(item) {
                Ok(()) => break,
                Err(TrySendError::Disconnected(_)) => return false,
                Err(TrySendError::Full(_)) if Instant::now() >= until => return false,
                Err(TrySendError::Full(back)) => {
                    item = back;
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
        wait.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok()
    }
}

fn write_all(items: &Receiver<Item>, mut sink: impl Write) {
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    while let Ok(first) = items.recv() {
        let mut flushed = Vec::new();
        let mut next = Some(first);
        while let Some(item) = next {
            match item {
                Item::Line(line) => chunk.extend_from_slice(&line),
                Item::Flush(done) => flushed.push(done),
            }
            next = if chunk.len() < CHUNK_BYTES { items.try_recv().ok() } else { None };
        }
        // A log that cannot be written has nowhere to complain.
        let _ = sink.write_all(&chunk).and_then(|()| sink.flush());
        chunk.clear();
        for done in flushed {
            let _ = done.send(());
        }
    }
}

/// One line that is being put together.
pub(super) struct Line<'a> {
    writer: &'a LogWriter,
}

impl Write for Line<'_> {
    /// The subscriber hands a whole line in at once.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.writer.queue.try_send(Item::Line(line.to_vec())).is_err() {
            self.writer.dropped.add(1);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { writer: self }
    }
}
