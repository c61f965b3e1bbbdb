//! One value of a document, as serde wants to see it. It is ours for one reason: serde hands the known keys to the
//! *error type* when it meets an unknown one, and only an error type of our own can then name the nearest.

use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Step, unknown};

/// A complaint on its way up: every level it passes adds its step.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: Option<usize>,
    /// From the inside out.
    pub(super) path: Vec<Step>,
    pub(super) complaint: String,
}

impl Fault {
    fn new(complaint: String) -> Self {
        Self { at: None, path: Vec::new(), complaint }
    }

    fn at(mut self, at: usize) -> Self {
        self.at.get_or_insert(at);
        self
    }

    fn within(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }
}

/// What was expected, in words of the document rather than of the program.
fn plain(expected: &str) -> String {
    match expected {
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" | "u64" | "usize" => "a whole number from 0".to_owned(),
        "i8" | "i16" | "i32" | "i64" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        other if other.starts_with("struct ") => "a table".to_owned(),
        other => other.to_owned(),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.complaint)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(format!("expected {}, found {unexpected}", plain(&expected.to_string())))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(unknown("key", field, expected.iter().copied()))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(unknown("value", variant, expected.iter().copied()))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("lacks the key `{field}`"))
    }
}

/// A value with its place.
#[derive(Clone, Copy)]
struct Node<'a>(&'a Spanned<DeValue<'a>>);

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let read = match self.0.get_ref() {
            DeValue::String(text) => visitor.visit_borrowed_str(text),
            DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
                Ok(integer) => visitor.visit_i64(integer),
                Err(_) => Err(Fault::new(format!("expected an integer below 2^63, found {integer}"))),
            },
            DeValue::Float(float) => match float.as_str().parse() {
                Ok(float) => visitor.visit_f64(float),
                Err(_) => Err(Fault::new(format!("expected a number, found {float}"))),
            },
            DeValue::Boolean(boolean) => visitor.visit_bool(*boolean),
            DeValue::Datetime(datetime) => visitor.visit_string(datetime.to_string()),
            DeValue::Array(array) => visitor.visit_seq(Items { items: array.iter(), index: 0 }),
            DeValue::Table(table) => visitor.visit_map(Entries::of(table)),
        };
        read.map_err(|fault| fault.at(self.0.span().start))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    /// Only enums without payload have a text form here: a mode, a skill, a basis.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let read = match self.0.get_ref() {
            DeValue::String(text) => {
                let text: StrDeserializer<'_, Fault> = text.as_ref().into_deserializer();
                text.deserialize_enum(name, variants, visitor)
            }
            other => Err(Fault::new(format!("expected one of {variants:?}, found {}", other.type_str()))),
        };
        read.map_err(|fault| fault.at(self.0.span().start))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// The table at the top of a document.
pub(super) struct Table<'a>(&'a DeTable<'a>);

impl<'a> Table<'a> {
    pub(super) fn root(root: &'a Spanned<DeTable<'a>>) -> Self {
        Self(root.get_ref())
    }
}

impl<'de> Deserializer<'de> for Table<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(Entries::of(self.0))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

type Entry<'a> = (&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>);

struct Entries<'a> {
    entries: Vec<Entry<'a>>,
    next: usize,
}

impl<'a> Entries<'a> {
    /// In the order of the text, so that the first complaint is about the first mistake.
    fn of(table: &'a DeTable<'a>) -> Self {
        let mut entries: Vec<Entry<'a>> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        Self { entries, next: 0 }
    }
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, _)) = self.entries.get(self.next) else { return Ok(None) };
        let name = BorrowedStrDeserializer::new(key.get_ref());
        seed.deserialize(name).map(Some).map_err(|fault: Fault| fault.at(key.span().start))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (key, value) = self.entries[self.next];
        self.next += 1;
        seed.deserialize(Node(value))
            .map_err(|fault| fault.at(key.span().start).within(Step::Key(key.get_ref().to_string())))
    }
}

struct Items<'a> {
    items: std::slice::Iter<'a, Spanned<DeValue<'a>>>,
    index: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Node(item)).map(Some).map_err(|fault| fault.within(Step::Index(index)))
    }
}
