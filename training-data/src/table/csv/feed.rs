//! The bytes of a CSV file, given to the parser one line at a time, so that it is known on which line a record begins and
//! what its quotes did. The parser tells neither: it counts `\r\n` a line late, and takes any quotes in silence.

use std::io::{self, BufRead, Read};

use super::MAX_RECORD_BYTES;
use crate::mark;

/// What quotes of a record did that no writer of CSV lets them do. Records behind it may have been taken for a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadQuote {
    /// The file ended inside quotes.
    Open,
    /// Text stood behind the quote that closed a field, in a record that has one line.
    Stray,
    /// The same in a record of several lines, of which this is the last.
    StrayLines(u64),
}

/// What an error expects of quotes.
pub(crate) const QUOTES: &str = "a field that begins with a quote to end with one, and those within it to be doubled";

impl BadQuote {
    /// What an error has found in the record that began on a line.
    pub(crate) fn found(self, began: u64) -> String {
        match self {
            Self::Open => format!("a quote in the record of line {began} that is open at the end of the file"),
            Self::Stray => format!("text behind a closing quote on line {began}"),
            Self::StrayLines(last) => {
                format!("text behind a closing quote in the record of lines {began} to {last}; is a quote left open?")
            }
        }
    }
}

/// Where the last byte stood in its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Start,
    Plain,
    Quoted,
    /// Behind a quote that closes the field, unless a second one follows.
    Closed,
    /// Behind blanks that follow such a quote.
    Blank,
}

/// Bytes that are given on a line at a time, no more for a record than one may have.
pub(crate) struct Feed<B> {
    bytes: B,
    delimiter: u8,
    at: At,
    /// The lines that were begun so far.
    line: u64,
    /// Whether the last of them has not ended yet.
    in_line: bool,
    /// Whether the last byte was a `\r`, so that a `\n` ends no second line.
    after_cr: bool,
    /// The line on which the record began.
    began: Option<u64>,
    strayed: bool,
    n_record_bytes: usize,
}

impl<B: BufRead> Feed<B> {
    pub(crate) fn new(mut bytes: B, delimiter: u8) -> io::Result<Self> {
        mark::step_over(&mut bytes)?;
        let (at, line, in_line, after_cr) = (At::Start, 0, false, false);
        Ok(Self { bytes, delimiter, at, line, in_line, after_cr, began: None, strayed: false, n_record_bytes: 0 })
    }

    /// Forgets the record before.
    pub(crate) fn begin_record(&mut self) {
        (self.began, self.strayed, self.n_record_bytes) = (None, false, 0);
    }

    /// The line on which the record began.
    pub(crate) fn began(&self) -> u64 {
        self.began.unwrap_or(self.line)
    }

    /// What is wrong with the quotes of the record that was read.
    pub(crate) fn bad_quote(&self) -> Option<BadQuote> {
        match (self.at, self.strayed) {
            (At::Quoted, _) => Some(BadQuote::Open),
            (_, true) if self.line > self.began() => Some(BadQuote::StrayLines(self.line)),
            (_, true) => Some(BadQuote::Stray),
            (At::Start | At::Plain | At::Closed | At::Blank, false) => None,
        }
    }

    /// The next bytes up to the end of their line, as many as are at hand and wanted.
    fn piece(&mut self, n_wanted: usize) -> io::Result<&[u8]> {
        let chunk = self.bytes.fill_buf()?;
        let chunk = &chunk[..chunk.len().min(n_wanted)];
        let n_bytes = match chunk.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            Some(at) if chunk[at] == b'\r' && chunk.get(at + 1) == Some(&b'\n') => at + 2,
            Some(at) => at + 1,
            None => chunk.len(),
        };
        let piece = &chunk[..n_bytes];
        // The second half of a line's end that was cut in two.
        let ends_before = std::mem::take(&mut self.after_cr) && piece == b"\n";
        if !self.in_line && !piece.is_empty() && !ends_before {
            self.line += 1;
        }
        self.in_line = !matches!(piece.last(), Some(b'\r' | b'\n') | None);
        self.after_cr = piece.last() == Some(&b'\r');
        if self.began.is_none() && !matches!(piece.first(), Some(b'\r' | b'\n') | None) {
            self.began = Some(self.line);
        }
        for byte in piece {
            self.at = match (self.at, *byte) {
                (At::Quoted, b'"') => At::Closed,
                (At::Quoted, _) | (At::Start | At::Closed, b'"') => At::Quoted,
                (_, b'\r' | b'\n') => At::Start,
                (_, byte) if byte == self.delimiter => At::Start,
                (At::Closed | At::Blank, b' ') => At::Blank,
                (At::Closed | At::Blank, _) => {
                    self.strayed = true;
                    At::Plain
                }
                (At::Start | At::Plain, _) => At::Plain,
            };
        }
        Ok(piece)
    }
}

impl<B: BufRead> Read for Feed<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.n_record_bytes >= MAX_RECORD_BYTES {
            return Err(io::Error::other(format!(
                "expected records of at most 64 MiB, found a longer one that begins on line {}; is a quote left open?",
                self.began()
            )));
        }
        let piece = self.piece(buffer.len())?;
        let n_bytes = piece.len();
        buffer[..n_bytes].copy_from_slice(piece);
        self.bytes.consume(n_bytes);
        self.n_record_bytes += n_bytes;
        Ok(n_bytes)
    }
}
