//! The mark that some editors set at the beginning of a text file (a "byte order mark"). It is not part of the text.

use std::io::{self, BufRead};

const MARK: &[u8] = b"\xef\xbb\xbf";

/// The text behind the mark, if there is one.
pub(crate) fn behind(text: &[u8]) -> &[u8] {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// Steps over the mark, if there is one.
pub(crate) fn step_over(reader: &mut impl BufRead) -> io::Result<()> {
    if reader.fill_buf()?.starts_with(MARK) {
        reader.consume(MARK.len());
    }
    Ok(())
}
