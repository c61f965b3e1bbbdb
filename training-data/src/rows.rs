//! The one door to outcome rows: any number of files and folders, Parquet and JSONL, as one stream in a stable order.
//! Segments of a service's log are among them: their decisions come out joined with their verdicts.
//! A bad row ends the stream unless bad rows are skipped, and then it is counted; a bad file always ends it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::drops::Drops;
use crate::log::join::{SegmentReader, Verdicts};
use crate::row::{OutcomeRow, RowError};
use crate::{jsonl, parquet};

/// Files that are read at once. A guess; nothing rests on it but that a wrong folder is noticed.
pub const MAX_FILES: usize = 100_000;

/// How the names of outcome files end.
const ENDINGS: [&str; 3] = ["parquet", "jsonl", "ndjson"];

/// Opens files and folders as one stream of rows. Folders are read whole, files in the order of their names; what is
/// neither Parquet nor JSONL by its name is passed over inside a folder and refused when named itself.
///
/// # Errors
/// A path does not exist, is of another format, or holds nothing to read.
pub fn read(paths: &[PathBuf], skip_bad: bool) -> Result<Rows, RowError> {
    let mut rows = read_each(paths)?;
    rows.skip_bad = skip_bad;
    rows.ends_at_bad = !skip_bad;
    Ok(rows)
}

/// As [`read`], but bad rows come out as errors and the stream goes on behind them.
pub(crate) fn read_each(paths: &[PathBuf]) -> Result<Rows, RowError> {
    let mut files = files(paths, &ENDINGS)?;
    let verdicts = Verdicts::of(&files)?;
    files.reverse(); // Taken from the end.
    Ok(Rows::of(files, None, verdicts))
}

/// The rows of one file, in the format that another file's name says.
pub(crate) fn read_as(file: &Path, named: &Path) -> Result<Rows, RowError> {
    let open = Some(open(file, named)?);
    Ok(Rows { ends_at_bad: true, ..Rows::of(Vec::new(), open, Verdicts::default()) })
}

/// The files that [`read`] would open, in that order.
///
/// # Errors
/// A path does not exist, or a folder holds nothing to read.
pub fn outcome_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, RowError> {
    files(paths, &ENDINGS)
}

/// The files that some paths name, those in folders by their endings.
pub(crate) fn files(paths: &[PathBuf], endings: &[&str]) -> Result<Vec<PathBuf>, RowError> {
    files_within(paths, endings, MAX_FILES)
}

fn files_within(paths: &[PathBuf], endings: &[&str], limit: usize) -> Result<Vec<PathBuf>, RowError> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        collect(path, true, endings, &mut files)?;
        if files.len() > limit {
            return Err(RowError::TooManyFiles { folder: path.clone(), limit });
        }
        if files.len() == before {
            let expected = endings.iter().map(|ending| format!(".{ending}")).collect::<Vec<_>>().join(" or ");
            return Err(RowError::NoFiles { folder: path.clone(), expected });
        }
    }
    Ok(files)
}

/// A stream of rows.
pub struct Rows {
    files: Vec<PathBuf>,
    open: Option<Open>,
    verdicts: Verdicts,
    skip_bad: bool,
    ends_at_bad: bool,
    drops: Drops,
    n_read: u64,
    done: bool,
}

enum Open {
    Parquet(Box<parquet::RowReader>),
    Jsonl(Box<jsonl::RowReader>),
    Segment(Box<SegmentReader>),
}

impl Rows {
    fn of(files: Vec<PathBuf>, open: Option<Open>, verdicts: Verdicts) -> Self {
        let (skip_bad, ends_at_bad, drops, n_read, done) = (false, false, Drops::default(), 0, false);
        Self { files, open, verdicts, skip_bad, ends_at_bad, drops, n_read, done }
    }

    /// Decisions of a service's log that were passed over so far, since nobody has judged them.
    #[must_use]
    pub fn n_unjudged(&self) -> u64 {
        self.verdicts.n_unjudged()
    }

    /// Verdicts in a service's log whose decisions are in none of the files read so far.
    #[must_use]
    pub fn n_stray_verdicts(&self) -> u64 {
        self.verdicts.n_strays()
    }

    /// The bad rows that were skipped so far.
    #[must_use]
    pub fn drops(&self) -> &Drops {
        &self.drops
    }

    /// The rows that were met so far, good and bad.
    #[must_use]
    pub fn n_read(&self) -> u64 {
        self.n_read
    }

    fn step(&mut self) -> Option<Result<OutcomeRow, RowError>> {
        loop {
            if let Some(open) = &mut self.open {
                let next = match open {
                    Open::Parquet(reader) => reader.next(),
                    Open::Jsonl(reader) => reader.next(),
                    Open::Segment(reader) => reader.next_outcome(&mut self.verdicts),
                };
                if next.is_some() {
                    return next;
                }
            }
            let file = self.files.pop()?;
            match open(&file, &file) {
                Ok(open) => self.open = Some(open),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Iterator for Rows {
    type Item = Result<OutcomeRow, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            match self.step() {
                None => self.done = true,
                Some(Ok(row)) => {
                    self.n_read += 1;
                    return Some(Ok(row));
                }
                Some(Err(error)) => match error.bad_row() {
                    Some((place, fault)) if self.skip_bad => {
                        self.n_read += 1;
                        self.drops.add(fault.reason(), place);
                    }
                    bad_row => {
                        self.done = self.ends_at_bad || bad_row.is_none();
                        return Some(Err(error));
                    }
                },
            }
        }
        None
    }
}

fn collect(path: &Path, named: bool, endings: &[&str], files: &mut Vec<PathBuf>) -> Result<(), RowError> {
    let io = |source| RowError::Io { file: path.to_owned(), source };
    if !fs::metadata(path).map_err(io)?.is_dir() {
        if named || ending(path).is_some_and(|ending| endings.contains(&ending)) {
            files.push(path.to_owned());
        }
        return Ok(());
    }
    let mut inside: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(path).map_err(io)? {
        let entry = entry.map_err(io)?;
        // Hidden files are other people's, or ours half-written.
        if !entry.file_name().to_string_lossy().starts_with('.') {
            inside.push(entry.path());
        }
    }
    inside.sort();
    inside.iter().try_for_each(|path| collect(path, false, endings, files))
}

fn ending(path: &Path) -> Option<&str> {
    path.extension()?.to_str()
}

fn open(path: &Path, named: &Path) -> Result<Open, RowError> {
    match ending(named) {
        Some("parquet") => match SegmentReader::open(path)? {
            Some(segment) => Ok(Open::Segment(Box::new(segment))),
            None => parquet::RowReader::open(path).map(|reader| Open::Parquet(Box::new(reader))),
        },
        Some("jsonl" | "ndjson") => jsonl::RowReader::open(path).map(|reader| Open::Jsonl(Box::new(reader))),
        _ => Err(RowError::Format {
            file: path.to_owned(),
            expected: "a name that ends in .parquet or .jsonl",
            found: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        }),
    }
}

#[cfg(test)]
mod tests;
