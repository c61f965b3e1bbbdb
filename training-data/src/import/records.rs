//! JSON files that hold one long list of records, read a record at a time: the file may be larger than memory.

use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::row::RowError;
use crate::row::fault::Place;

/// What is done with each record.
pub(super) type Take<'t, R> = dyn FnMut(R, Place) -> Result<(), RowError> + 't;

/// Reads the list that stands under `key`, or the list that is the whole file.
pub(super) fn read<R: DeserializeOwned>(
    path: &Path,
    key: Option<&'static str>,
    take: &mut Take<'_, R>,
) -> Result<(), RowError> {
    let file = File::open(path).map_err(|source| RowError::Io { file: path.to_owned(), source })?;
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 18, file));
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

struct Envelope<'l, 't, R> {
    key: &'static str,
    list: List<'l, 't, R>,
}

impl<'de, R: DeserializeOwned> Visitor<'de> for Envelope<'_, '_, R> {
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

impl<'de, R: DeserializeOwned> DeserializeSeed<'de> for List<'_, '_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, R: DeserializeOwned> Visitor<'de> for List<'_, '_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut number = 0;
        while let Some(record) = list.next_element()? {
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
