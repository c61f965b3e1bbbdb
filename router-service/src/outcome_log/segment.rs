//! One segment after another: when one begins, what happens to records that cannot be written, when one is closed. It takes the
//! time as a value and the disk as a trait, so that every mishap is a test.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use training_data::log::Record;

use super::disk::Disk;
use super::{MAX_RECORD_BYTES, SYNC_EVERY};
use crate::metrics::Metrics;
use crate::metrics::list::Metric;

/// When a segment is closed: at the first of these.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rotation {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) age: Duration,
}

/// The one writer.
pub(super) struct Writer<D: Disk> {
    disk: D,
    rotation: Rotation,
    metrics: Arc<Metrics>,
    open: Option<Open<D::Part>>,
    /// Segments that are full and could not be published yet.
    left: VecDeque<D::Part>,
    lines: Vec<u8>,
}

/// Segments that are tried again while the service runs; one more, and the oldest waits for the next start.
pub(super) const MAX_LEFT: usize = 64;

/// The segment that is being written.
struct Open<P> {
    part: P,
    begun: Instant,
    n_rows: u64,
    n_bytes: u64,
    synced: Instant,
    unsynced: bool,
}

impl<D: Disk> Writer<D> {
    pub(super) fn new(disk: D, rotation: Rotation, metrics: Arc<Metrics>) -> Self {
        Self { disk, rotation, metrics, open: None, left: VecDeque::new(), lines: Vec::new() }
    }

    /// Writes records, as one piece: all of them, or none and they are counted as lost. Then closes the segment if it is due.
    pub(super) fn write(&mut self, records: &[Record], now: Instant) {
        let (mut n_decisions, mut n_verdicts) = (0, 0);
        self.lines.clear();
        for record in records {
            let before = self.lines.len();
            record.write_line(&mut self.lines);
            if self.lines.len() - before > MAX_RECORD_BYTES {
                self.lines.truncate(before);
                self.metrics.count(Metric::LogDropped, &["too_large"]);
                continue;
            }
            match record {
                Record::Decision(_) => n_decisions += 1,
                Record::Verdict(_) => n_verdicts += 1,
            }
        }
        let n_records = n_decisions + n_verdicts;
        if n_records > 0 {
            if self.append(n_records, now) {
                self.metrics.add(Metric::LogRows, &["decision"], n_decisions);
                self.metrics.add(Metric::LogRows, &["verdict"], n_verdicts);
            } else {
                self.metrics.add(Metric::LogDropped, &["write_failed"], n_records);
            }
        }
        self.sync(now);
        if self.is_due(now) {
            self.publish();
        }
    }

    /// Publishes what is open, and tries once more what could not be published.
    pub(super) fn close(&mut self) {
        self.publish();
        self.retry();
    }

    fn append(&mut self, n_records: u64, now: Instant) -> bool {
        if self.open.is_none() {
            let Ok(part) = self.disk.begin() else { return false };
            self.open = Some(Open { part, begun: now, n_rows: 0, n_bytes: 0, synced: now, unsynced: false });
        }
        let Some(open) = &mut self.open else { return false };
        if self.disk.append(&mut open.part, open.n_bytes, &self.lines).is_err() {
            return false;
        }
        open.n_rows += n_records;
        open.n_bytes += u64::try_from(self.lines.len()).unwrap_or(u64::MAX);
        open.unsynced = true;
        true
    }

    fn sync(&mut self, now: Instant) {
        let Some(open) = self.open.as_mut().filter(|open| open.unsynced) else { return };
        if now.saturating_duration_since(open.synced) >= SYNC_EVERY {
            // Whether it reached the disk is known when the segment is published; until then this is the best there is.
            let _ = self.disk.sync(&mut open.part);
            (open.synced, open.unsynced) = (now, false);
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.open.as_ref().is_some_and(|open| {
            open.n_rows >= self.rotation.rows
                || open.n_bytes >= self.rotation.bytes
                || now.saturating_duration_since(open.begun) >= self.rotation.age
        })
    }

    /// Closes the segment. One that cannot be published keeps its hidden file, whole lines and all, and is tried again behind the
    /// next that can.
    fn publish(&mut self) {
        let Some(Open { part, n_rows, .. }) = self.open.take() else { return };
        if n_rows == 0 {
            self.disk.discard(part);
            return;
        }
        match self.disk.publish(&part) {
            Ok(n_torn) => {
                self.published(n_torn);
                self.retry();
            }
            Err(error) => {
                tracing::warn!(%error, "a segment of the outcome log is not published yet");
                self.metrics.count(Metric::LogSegments, &["failed"]);
                self.left.push_back(part);
                if self.left.len() > MAX_LEFT {
                    self.left.pop_front();
                }
            }
        }
    }

    fn retry(&mut self) {
        while let Some(part) = self.left.pop_front() {
            match self.disk.publish(&part) {
                Ok(n_torn) => self.published(n_torn),
                Err(_) => {
                    self.left.push_front(part);
                    return;
                }
            }
        }
    }

    fn published(&self, n_torn: u64) {
        self.metrics.add(Metric::LogDropped, &["torn"], n_torn);
        self.metrics.count(Metric::LogSegments, &["published"]);
    }
}
