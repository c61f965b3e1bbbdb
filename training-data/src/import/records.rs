//! JSON files that hold one long list of records, read a record at a time: the file may be larger than memory. What is no
//! object among the records is a bad record with its number, not the end of the file.

use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::cell::Cell;
use crate::mark;
use crate::row::fault::Place;
use crate::row::{Fault, RowError};

/// What a format keeps of a record.
pub(super) trait Record: Default {
    /// Where the value of a key goes; nowhere, if it is not read.
    fn field(&mut self, key: &str) -> Option<&mut Value>;
}

/// What is done with each record.
pub(super) type Take<'t, R> = dyn FnMut(Result<R, Fault>, Place) -> Result<(), RowError> + 't;

/// Reads the list that stands under `key`, or the list that is the whole file.
pub(super) fn read<R: Record>(path: &Path, key: Option<&'static str>, take: &mut Take<'_, R>) -> Result<(), RowError> {
    let mut json = serde_json::Deserializer::from_reader(open(path)?);
    let mut refused = None;
    let list = List { file: path.into(), take, refused: &mut refused, record: PhantomData };
    let read = match key {
        Some(key) => json.deserialize_map(Envelope { key, list }),
        None => json.deserialize_seq(list),
    };
    let read = read.and_then(|()| json.end());
    match refused {
        Some(error) => Err(error),
        None => read.map_err(|error| RowError::Format {
            file: path.to_owned(),
            expected: if key.is_some() { "a JSON object with a list of records" } else { "a JSON list of records" },
            found: error.to_string(),
        }),
    }
}

/// Opens a JSON file at the beginning of its text.
pub(super) fn open(path: &Path) -> Result<BufReader<File>, RowError> {
    let io = |source| RowError::Io { file: path.to_owned(), source };
    let mut reader = BufReader::with_capacity(1 << 18, File::open(path).map_err(io)?);
    mark::step_over(&mut reader).map_err(io)?;
    Ok(reader)
}

struct Envelope<'l, 't, R> {
    key: &'static str,
    list: List<'l, 't, R>,
}

impl<'de, R: Record> Visitor<'de> for Envelope<'_, '_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with \"{}\"", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut list = Some(self.list);
        while let Some(key) = map.next_key::<String>()? {
            match list.take_if(|_| key == self.key) {
                Some(list) => map.next_value_seed(list)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if list.is_some() { Err(serde::de::Error::missing_field(self.key)) } else { Ok(()) }
    }
}

struct List<'l, 't, R> {
    file: Arc<Path>,
    take: &'l mut Take<'t, R>,
    refused: &'l mut Option<RowError>,
    record: PhantomData<R>,
}

impl<'de, R: Record> DeserializeSeed<'de> for List<'_, '_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, R: Record> Visitor<'de> for List<'_, '_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut number = 0;
        while let Some(Read(record)) = list.next_element()? {
            number += 1;
            let place = Place { file: Arc::clone(&self.file), unit: "record", number };
            if let Err(error) = (self.take)(record, place) {
                *self.refused = Some(error);
                return Err(serde::de::Error::custom("the refusal says it better"));
            }
        }
        Ok(())
    }
}

/// A record, or what stands in its place. Only JSON that is broken as such is an error of the reading.
struct Read<R>(Result<R, Fault>);

impl<R> Read<R> {
    fn no_record<E>(cell: Cell<'_>) -> Result<Self, E> {
        Ok(Self(Err(Fault::Shape { expected: "a JSON object a record", found: cell.to_string() })))
    }
}

impl<'de, R: Record> Deserialize<'de> for Read<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RecordVisitor(PhantomData))
    }
}

struct RecordVisitor<R>(PhantomData<R>);

impl<'de, R: Record> Visitor<'de> for RecordVisitor<R> {
    type Value = Read<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    /// A key given twice counts as given last, as in our own files.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read<R>, A::Error> {
        let mut record = R::default();
        while let Some(key) = map.next_key::<String>()? {
            match record.field(&key) {
                Some(field) => *field = map.next_value()?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Read(Ok(record)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Read<R>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Read::no_record(Cell::Other("a list"))
    }

    fn visit_unit<E>(self) -> Result<Read<R>, E> {
        Read::no_record(Cell::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Read<R>, E> {
        Read::no_record(Cell::Flag(flag))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Read<R>, E> {
        Read::no_record(Cell::Integer(integer))
    }

    fn visit_u64<E>(self, integer: u64) -> Result<Read<R>, E> {
        Read::no_record(i64::try_from(integer).map_or(Cell::Other("a number"), Cell::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Read<R>, E> {
        Read::no_record(Cell::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Read<R>, E> {
        Read::no_record(Cell::Text(text))
    }
}
