//! What Arrow's writers (pandas, Polars) say of a file beside its schema. Parquet has no type for lengths of time, so only
//! their note tells in which unit one is stored. Of that note, a flatbuffer in base64, nothing else is read.

use super::meaning::Unit;

/// Under this key the note stands.
pub(super) const ARROW_KEY: &str = "ARROW:schema";

/// The kinds of the two unions that lie on the way, as Arrow numbers them.
const SCHEMA: u8 = 1;
const DURATION: u8 = 18;

/// The columns that are lengths of time, with their units. Of a note that makes no sense there are none.
pub(super) fn durations(note: &str) -> Vec<(String, Unit)> {
    let bytes = base64(note).unwrap_or_default();
    // A mark and a length stand before the message; the first files had neither.
    let message = if bytes.starts_with(&[0xff; 4]) { bytes.get(8..) } else { Some(&*bytes) };
    message.and_then(|message| fields(Flat(message))).unwrap_or_default()
}

fn fields(flat: Flat<'_>) -> Option<Vec<(String, Unit)>> {
    let message = flat.follow(0)?;
    if flat.byte(flat.field(message, 1)?)? != SCHEMA {
        return None;
    }
    let schema = flat.follow(flat.field(message, 2)?)?;
    let list = flat.follow(flat.field(schema, 1)?)?;
    // A field has four bytes at least, so that there are no more of them than the note has room for.
    let n_fields = (flat.u32(list)? as usize).min(flat.0.len() / 4);
    Some((0..n_fields).filter_map(|at| duration(flat, flat.follow(list + 4 + 4 * at)?)).collect())
}

/// A field's name and unit, if it is a length of time.
fn duration(flat: Flat<'_>, field: usize) -> Option<(String, Unit)> {
    if flat.byte(flat.field(field, 2)?)? != DURATION {
        return None;
    }
    let text = flat.follow(flat.field(field, 0)?)?;
    let name = flat.0.get(text + 4..)?.get(..flat.u32(text)? as usize)?;
    let kind = flat.follow(flat.field(field, 3)?)?;
    // What is not written is as it usually is.
    let unit = match flat.field(kind, 0).map(|at| flat.byte(at)) {
        Some(Some(0)) => Unit::Seconds,
        None | Some(Some(1)) => Unit::Millis,
        Some(Some(2)) => Unit::Micros,
        Some(Some(3)) => Unit::Nanos,
        Some(_) => return None,
    };
    Some((String::from_utf8(name.to_vec()).ok()?, unit))
}

/// Bytes in which tables lie, each a few numbers behind a list of where its fields are.
#[derive(Clone, Copy)]
struct Flat<'b>(&'b [u8]);

impl Flat<'_> {
    fn byte(self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    fn u16(self, at: usize) -> Option<usize> {
        Some(usize::from(u16::from_le_bytes(*self.0.get(at..)?.first_chunk()?)))
    }

    fn u32(self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(*self.0.get(at..)?.first_chunk()?))
    }

    /// Where the offset at a place leads.
    fn follow(self, at: usize) -> Option<usize> {
        Some(at + self.u32(at)? as usize).filter(|place| *place < self.0.len())
    }

    /// Where a field of a table stands; nowhere, if it is not written.
    fn field(self, table: usize, index: usize) -> Option<usize> {
        let back = i64::from(self.u32(table)?.cast_signed());
        let list = usize::try_from(i64::try_from(table).ok()? - back).ok()?;
        let entry = 4 + 2 * index;
        let offset = if entry < self.u16(list)? { self.u16(list + entry)? } else { 0 };
        (offset > 0).then_some(table + offset)
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut n_bits) = (0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        (bits, n_bits) = (bits << 6 | u32::from(value), n_bits + 6);
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((bits >> n_bits).to_le_bytes()[0]);
            bits &= (1 << n_bits) - 1;
        }
    }
    Some(bytes)
}
