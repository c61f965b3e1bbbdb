//! What was decided and what came of it, on the disk: the next training set. A record goes into a bounded queue; one thread writes.
//! The queue is full or the disk is: records are dropped and counted, and no request waits.
//!
//! A segment is written as lines of JSON under a hidden name, and closed by turning it into a Parquet file that appears whole. What
//! a crash leaves is the hidden file, all whole lines of which the next start publishes. Decisions and verdicts are records of
//! their own; `training_data::rows` joins them.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use training_data::log::{Record, Verdict};

use crate::metrics::Metrics;
use crate::metrics::list::Metric;
use crate::metrics::series::Series;
use disk::{Disk, Folder};
use segment::{Rotation, Writer};

mod disk;
mod made;
mod segment;

pub use disk::{Recovered, Recovery};
pub use made::{ForecastLine, Made, forecast_lines};

/// Records that may wait for the disk: a few seconds of a busy service.
pub const OUTCOME_QUEUE_LEN: usize = 8192;

/// Bytes of records that may wait, for logs that keep prompts.
pub const OUTCOME_QUEUE_BYTES: u64 = 32 << 20;

/// Bytes of one record; a larger one is dropped. Twice the longest prompt, for the escapes in it.
pub const MAX_RECORD_BYTES: usize = training_data::jsonl::MAX_LINE_BYTES;

/// Records of one segment, usually.
pub const SEGMENT_ROWS: u64 = 100_000;

/// Bytes of one segment before it is packed, usually: some seconds of a busy service with a hundred models.
pub const SEGMENT_BYTES: u64 = 64 << 20;

/// How long a segment stays open, usually: so long is a record invisible to readers.
pub const SEGMENT_AGE: Duration = Duration::from_secs(15 * 60);

/// How often what was written is forced to the disk: so much is lost when a machine loses power.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Records that are written at once.
const BATCH_LEN: usize = 256;

/// Where and how outcomes are logged. Without such settings, they are not.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeLogSettings {
    /// The folder. It is made if it is not there.
    pub folder: PathBuf,
    /// What rows say as their source.
    pub source: String,
    /// Whether the text of prompts is kept. Off unless somebody opts in; a digest stands there otherwise.
    pub keep_prompts: bool,
    /// Records that may wait.
    pub queue_len: usize,
    /// Records after which a segment is closed.
    pub segment_rows: u64,
    /// Bytes after which a segment is closed.
    pub segment_bytes: u64,
    /// Age at which a segment is closed.
    pub segment_age: Duration,
}

impl OutcomeLogSettings {
    /// The usual settings for a folder.
    pub fn to(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            source: "pointsman-log".to_owned(),
            keep_prompts: false,
            queue_len: OUTCOME_QUEUE_LEN,
            segment_rows: SEGMENT_ROWS,
            segment_bytes: SEGMENT_BYTES,
            segment_age: SEGMENT_AGE,
        }
    }
}

/// Why outcomes cannot be logged.
#[derive(Debug, thiserror::Error)]
pub enum OutcomeLogError {
    /// The folder cannot be made, read or written to.
    #[error("outcome log, {}: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No thread.
    #[error("outcome log: {0}")]
    Thread(io::Error),
}

/// The log, as requests see it. Cheap to share.
pub struct OutcomeLog {
    settings: OutcomeLogSettings,
    queue: Mutex<Option<SyncSender<Record>>>,
    ended: Mutex<Receiver<()>>,
    waiting: Arc<Waiting>,
    metrics: Arc<Metrics>,
}

/// Proves that the folder of the log can be written to, or made.
///
/// # Errors
/// It cannot.
pub fn prove(settings: &OutcomeLogSettings) -> Result<(), OutcomeLogError> {
    let failed = |source| OutcomeLogError::Folder { folder: settings.folder.clone(), source };
    Folder::prove(&settings.folder).map_err(failed)
}

impl OutcomeLog {
    /// Opens the folder, publishes what an earlier run left there, and starts the writer. The recovery says what was found, for
    /// the log of the service.
    pub fn open(settings: OutcomeLogSettings, metrics: &Arc<Metrics>) -> Result<(Self, Recovery), OutcomeLogError> {
        let failed = |source| OutcomeLogError::Folder { folder: settings.folder.clone(), source };
        let mut disk = Folder::open(&settings.folder).map_err(failed)?;
        let recovery = disk.recover().map_err(failed)?;
        metrics.add(Metric::LogSegments, &["recovered"], recovery.n_published());
        metrics.add(Metric::LogDropped, &["torn"], recovery.n_torn());
        Self::with(settings, metrics, disk).map(|log| (log, recovery))
    }

    fn with(settings: OutcomeLogSettings, metrics: &Arc<Metrics>, disk: impl Disk) -> Result<Self, OutcomeLogError> {
        let (queue, records) = sync_channel(settings.queue_len);
        let (end, ended) = sync_channel(1);
        let waiting = Arc::new(Waiting { records: metrics.series(Metric::LogQueue, &[]), bytes: AtomicU64::new(0) });
        let rotation =
            Rotation { rows: settings.segment_rows, bytes: settings.segment_bytes, age: settings.segment_age };
        let mut writer = Writer::new(disk, rotation, Arc::clone(metrics));
        let drained = Arc::clone(&waiting);
        let work = move || {
            write_all(&records, &mut writer, &drained);
            let _ = end.send(());
        };
        std::thread::Builder::new().name("outcome-log".to_owned()).spawn(work).map_err(OutcomeLogError::Thread)?;
        let (queue, ended) = (Mutex::new(Some(queue)), Mutex::new(ended));
        Ok(Self { settings, queue, ended, waiting, metrics: Arc::clone(metrics) })
    }

    /// Files a decision. Returns at once.
    pub fn decided(&self, made: &Made<'_>) {
        self.file(made.record(&self.settings.source, self.settings.keep_prompts));
    }

    /// Files what came of one. Returns at once.
    pub fn reported(&self, verdict: Verdict) {
        self.file(Record::Verdict(Box::new(verdict)));
    }

    fn file(&self, record: Record) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(queue) = queue else {
            self.metrics.count(Metric::LogDropped, &["closed"]);
            return;
        };
        let n_bytes = weight(&record);
        let fits = self.waiting.bytes.load(Ordering::Relaxed) + n_bytes <= OUTCOME_QUEUE_BYTES;
        self.waiting.add(1, n_bytes);
        let why = match fits.then(|| queue.try_send(record)) {
            Some(Ok(())) => return,
            None | Some(Err(TrySendError::Full(_))) => "queue_full",
            Some(Err(TrySendError::Disconnected(_))) => "closed",
        };
        self.waiting.take(1, n_bytes);
        self.metrics.count(Metric::LogDropped, &[why]);
    }

    /// Takes no more, writes what waits and publishes the open segment, within this time. False if time ran out: the hidden file
    /// is then published by the next start.
    pub fn close(&self, patience: Duration) -> bool {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        // A second call finds the thread gone, which is as good.
        !matches!(ended.recv_timeout(patience), Err(RecvTimeoutError::Timeout))
    }
}

/// What lies in the queue.
struct Waiting {
    records: Arc<Series>,
    bytes: AtomicU64,
}

impl Waiting {
    fn add(&self, n_records: i64, n_bytes: u64) {
        self.records.shift(n_records);
        self.bytes.fetch_add(n_bytes, Ordering::Relaxed);
    }

    fn take(&self, n_records: i64, n_bytes: u64) {
        self.records.shift(-n_records);
        self.bytes.fetch_sub(n_bytes, Ordering::Relaxed);
    }
}

/// About what a record takes in memory.
fn weight(record: &Record) -> u64 {
    /// The names, ids and numbers of a row, with room to spare.
    const NAMES_BYTES: usize = 1024;
    let texts = match record {
        Record::Decision(row) => {
            let forecasts = row.logged.as_ref().and_then(|logged| logged.forecasts.as_ref());
            row.prompt.as_ref().map_or(0, |text| text.len()) + forecasts.map_or(0, |text| text.len())
        }
        Record::Verdict(_) => 0,
    };
    u64::try_from(texts + NAMES_BYTES).unwrap_or(u64::MAX)
}

/// The life of the writer's thread. It looks up between records, so that a segment is closed in time though nobody asks anything.
fn write_all<D: Disk>(records: &Receiver<Record>, writer: &mut Writer<D>, waiting: &Waiting) {
    let mut batch = Vec::with_capacity(BATCH_LEN);
    loop {
        match records.recv_timeout(SYNC_EVERY) {
            Ok(record) => {
                batch.push(record);
                batch.extend(records.try_iter().take(BATCH_LEN - 1));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return writer.close(),
        }
        waiting.take(i64::try_from(batch.len()).unwrap_or(i64::MAX), batch.iter().map(weight).sum());
        writer.write(&batch, Instant::now());
        batch.clear();
    }
}

#[cfg(test)]
mod tests;
