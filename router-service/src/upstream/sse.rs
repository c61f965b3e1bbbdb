//! Server-sent events: bytes in, events out, no IO. What a newcomer would get wrong: bytes are cut anywhere, also between the CR
//! and the LF of one line end and inside a letter, and any way of cutting them must give the same events.

use std::mem;

/// Bytes one line may have. A guess at ten times the longest delta of any provider; an image in base64 is longer, but no provider
/// streams one in a line.
pub(crate) const MAX_LINE_BYTES: usize = 1 << 20;

/// Bytes the `data` lines of one event may have together.
pub(crate) const MAX_EVENT_BYTES: usize = 4 << 20;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// One event: its `data` lines, joined by line feeds.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// What its `event` line says, where it has one that says something.
    pub(crate) name: Option<String>,
    /// Its `data`.
    pub(crate) text: String,
}

impl std::fmt::Debug for Event {
    /// The text is a piece of somebody's answer, and is only measured.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Event({:?}, {} bytes)", self.name, self.text.len())
    }
}

/// Why bytes are no events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Garbled {
    /// A line longer than [`MAX_LINE_BYTES`].
    #[error("expected lines of at most {MAX_LINE_BYTES} bytes, found a longer one")]
    LineTooLong,
    /// An event longer than [`MAX_EVENT_BYTES`].
    #[error("expected events of at most {MAX_EVENT_BYTES} bytes, found a longer one")]
    EventTooLong,
    /// A line that is no UTF-8.
    #[error("expected lines in UTF-8, found other bytes")]
    NotUtf8,
    /// The bytes ended inside an event.
    #[error("expected an empty line after the last event, found the end")]
    Cut,
}

/// What has come of a stream and is no event yet.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// The line under way, without its end.
    line: Vec<u8>,
    /// The event under way.
    name: Option<String>,
    text: Option<String>,
    /// The last byte was a CR: an LF right after it belongs to the same line end.
    after_cr: bool,
    /// At least one line has ended, so a byte order mark is one no more.
    begun: bool,
    /// What went wrong: nothing that comes after it can be trusted.
    garbled: Option<Garbled>,
}

impl Events {
    /// Takes what came next and appends the events that it completes. After the first error every call gives that error.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Garbled> {
        if let Some(garbled) = self.garbled {
            return Err(garbled);
        }
        self.take(bytes, out).inspect_err(|garbled| self.garbled = Some(*garbled))
    }

    /// The stream has ended: what lacks no more than its end is an event all the same. Whether it is whole, its text must show.
    pub(crate) fn finish(&mut self, out: &mut Vec<Event>) -> Result<(), Garbled> {
        self.push(b"\n\n", out)
    }

    /// The stream has ended: whether it did so between two events.
    pub(crate) fn end(self) -> Result<(), Garbled> {
        match self.garbled {
            Some(garbled) => Err(garbled),
            // A byte order mark alone is a stream without events.
            None if !self.begun && self.line == BYTE_ORDER_MARK => Ok(()),
            None if self.line.is_empty() && self.text.is_none() => Ok(()),
            None => Err(Garbled::Cut),
        }
    }

    fn take(&mut self, mut bytes: &[u8], out: &mut Vec<Event>) -> Result<(), Garbled> {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(at) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (piece, rest) = bytes.split_at(at);
            let ended_by_cr = rest[0] == b'\r';
            self.lengthen(piece)?;
            let line = mem::take(&mut self.line);
            self.line_ended(&line, out)?;
            self.line = line; // Its room is used again.
            self.line.clear();
            bytes = &rest[1..];
            if ended_by_cr {
                self.after_cr = bytes.is_empty();
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
        }
        self.lengthen(bytes)
    }

    fn lengthen(&mut self, piece: &[u8]) -> Result<(), Garbled> {
        if self.line.len() + piece.len() > MAX_LINE_BYTES {
            return Err(Garbled::LineTooLong);
        }
        self.line.extend_from_slice(piece);
        Ok(())
    }

    fn line_ended(&mut self, line: &[u8], out: &mut Vec<Event>) -> Result<(), Garbled> {
        let line =
            if mem::replace(&mut self.begun, true) { line } else { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) };
        let line = std::str::from_utf8(line).map_err(|_| Garbled::NotUtf8)?;
        if line.is_empty() {
            let name = self.name.take();
            out.extend(self.text.take().map(|text| Event { name, text }));
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => self.said(value)?,
            "event" => self.name = Some(value.to_owned()).filter(|name| !name.is_empty()),
            // A comment has an empty field. `id` and `retry` are for clients that come back, and nobody resumes an answer.
            _ => {}
        }
        Ok(())
    }

    fn said(&mut self, value: &str) -> Result<(), Garbled> {
        let before = self.text.as_ref().map_or(0, |text| text.len() + 1);
        if before + value.len() > MAX_EVENT_BYTES {
            return Err(Garbled::EventTooLong);
        }
        match &mut self.text {
            Some(text) => {
                text.push('\n');
                text.push_str(value);
            }
            None => self.text = Some(value.to_owned()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
