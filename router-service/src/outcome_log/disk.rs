//! The folder of a log. A hidden part takes lines while its segment is open, and is held under a lock that ends with its process; so
//! whoever finds a part without a lock knows that nobody writes it any more. `NAME.parquet` appears whole, then the part goes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use training_data::log::{Record, SegmentWriter};
use training_data::publish::Staged;
use training_data::row::Draft;

use super::MAX_RECORD_BYTES;

/// What the writer asks of a disk. The real one is a folder; tests have disks that fill, stall and break.
pub(super) trait Disk: Send + 'static {
    /// A segment that is being written.
    type Part: Send;

    /// Begins a segment.
    fn begin(&mut self) -> io::Result<Self::Part>;

    /// Adds whole lines behind the first `n_bytes`. When that fails, what was added of them is taken away again.
    fn append(&mut self, part: &mut Self::Part, n_bytes: u64, lines: &[u8]) -> io::Result<()>;

    /// Forces what was written to the disk.
    fn sync(&mut self, part: &mut Self::Part) -> io::Result<()>;

    /// Closes a segment and lets readers see it. Says how many lines could not be read back.
    fn publish(&mut self, part: &Self::Part) -> io::Result<u64>;

    /// Forgets a segment that holds nothing.
    fn discard(&mut self, part: Self::Part);
}

/// What a start found of an earlier run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Each part that was left, and what became of it.
    pub parts: Vec<(PathBuf, Recovered)>,
}

/// What became of a part that was left by an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// Its whole lines were published.
    Published {
        /// Records that are readable now.
        n_records: u64,
        /// Lines that were torn and are lost.
        n_torn: u64,
    },
    /// It held nothing, or had been published already; it is gone.
    Removed,
    /// Another process is writing it.
    InUse,
    /// It could not be published now, for this reason. It stays where it is.
    Left(String),
}

impl Recovery {
    /// How many parts were published.
    pub fn n_published(&self) -> u64 {
        let published = |(_, what): &&(PathBuf, Recovered)| matches!(what, Recovered::Published { .. });
        u64::try_from(self.parts.iter().filter(published).count()).unwrap_or(u64::MAX)
    }

    /// How many lines were lost.
    pub fn n_torn(&self) -> u64 {
        let torn = |(_, what): &(PathBuf, Recovered)| match what {
            Recovered::Published { n_torn, .. } => *n_torn,
            Recovered::Removed | Recovered::InUse | Recovered::Left(_) => 0,
        };
        self.parts.iter().map(torn).sum()
    }
}

/// How a part's name ends.
const PART: &str = ".jsonl.part";

/// A folder on a file system.
pub(super) struct Folder {
    folder: PathBuf,
    n_begun: u64,
}

/// A part that is being written: the open file holds the lock.
pub(super) struct Part {
    file: File,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder, makes it if it is not there, and proves that it can be written to.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut folder = Self { folder: folder.to_owned(), n_begun: 0 };
        let part = folder.begin()?;
        folder.discard(part);
        Ok(folder)
    }

    /// Proves that the folder can be written to, or made where it is not there, and leaves nothing behind.
    pub(super) fn prove(folder: &Path) -> io::Result<()> {
        let above = folder.ancestors().find(|above| above.exists()).unwrap_or(Path::new("."));
        let mut above = Self { folder: above.to_owned(), n_begun: 0 };
        let part = above.begin()?;
        above.discard(part);
        Ok(())
    }

    /// Publishes the parts that nobody writes any more. One that fails is named and does not stand in the way.
    pub(super) fn recover(&mut self) -> io::Result<Recovery> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(PART)) {
                paths.push(entry.path());
            }
        }
        paths.sort();
        let mut recovery = Recovery::default();
        for path in paths {
            let what = recover(&path).unwrap_or_else(|error| Recovered::Left(error.to_string()));
            recovery.parts.push((path, what));
        }
        Ok(recovery)
    }
}

impl Disk for Folder {
    type Part = Part;

    fn begin(&mut self) -> io::Result<Part> {
        /// Names that are tried when another process takes a part for a dead one between its making and its locking.
        const MAX_NAMES: u64 = 8;
        for _ in 0..MAX_NAMES {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.n_begun += 1;
            // Names in the order of time. Chance keeps writers of the same millisecond apart: in containers that share a folder,
            // every process is number 1.
            let name = format!("outcomes-{:013}-{:06}-{:08x}", since.as_millis(), self.n_begun, fastrand::u32(..));
            let path = self.folder.join(format!(".{name}{PART}"));
            let file = match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                file => file?,
            };
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {}
                // A file system without locks has one writer, or whoever runs it knows better.
                Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
                Ok(()) | Err(TryLockError::Error(_)) if path.exists() => return Ok(Part { file, path }),
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
        }
        Err(io::Error::other("another process takes every file away that is begun here"))
    }

    fn append(&mut self, part: &mut Part, n_bytes: u64, lines: &[u8]) -> io::Result<()> {
        let written = part.file.seek(SeekFrom::Start(n_bytes)).and_then(|_| part.file.write_all(lines));
        if written.is_err() {
            // A full disk took half a line. If it cannot be cut off either, the reading back passes over it.
            let _ = part.file.set_len(n_bytes);
        }
        written
    }

    fn sync(&mut self, part: &mut Part) -> io::Result<()> {
        part.file.sync_data()
    }

    fn publish(&mut self, part: &Part) -> io::Result<u64> {
        let (_, n_torn) = publish(&part.path)?;
        // If it stays, the next start sees that its segment is there and removes it.
        let _ = fs::remove_file(&part.path);
        Ok(n_torn)
    }

    fn discard(&mut self, part: Part) {
        // An empty part that stays is removed by the next start.
        let _ = fs::remove_file(&part.path);
    }
}

fn recover(path: &Path) -> io::Result<Recovered> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Recovered::InUse),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let what = if target(path)?.exists() || file.metadata()?.len() == 0 {
        // Published before the crash, which came between the renaming and the removal; or never written to.
        Recovered::Removed
    } else {
        match publish(path)? {
            (0, 0) => Recovered::Removed,
            (n_records, n_torn) => Recovered::Published { n_records, n_torn },
        }
    };
    fs::remove_file(path)?;
    Ok(what)
}

/// Where the segment of a part will stand.
fn target(part: &Path) -> io::Result<PathBuf> {
    let name = part.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = name.strip_prefix('.').and_then(|name| name.strip_suffix(PART));
    let stem = stem.ok_or_else(|| io::Error::other("expected the name of a part"))?;
    Ok(part.with_file_name(format!("{stem}.parquet")))
}

/// The whole lines of a part as Parquet, in its place at once. How many there were, and how many were torn.
fn publish(part: &Path) -> io::Result<(u64, u64)> {
    let mut writer = SegmentWriter::new(Staged::create(&target(part)?)?)?;
    let mut reader = BufReader::with_capacity(1 << 18, File::open(part)?);
    let (mut draft, mut line) = (Draft::default(), Vec::new());
    let (mut n_records, mut n_torn) = (0, 0);
    loop {
        line.clear();
        let limit = u64::try_from(MAX_RECORD_BYTES).unwrap_or(u64::MAX);
        io::Read::take(&mut reader, limit).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            break;
        }
        match Record::from_line(line.trim_ascii_end(), &mut draft) {
            Ok(record) => {
                writer.write(&record)?;
                n_records += 1;
            }
            Err(_) => n_torn += 1,
        }
    }
    writer.finish()?.publish()?;
    Ok((n_records, n_torn))
}
