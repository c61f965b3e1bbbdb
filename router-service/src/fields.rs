//! A JSON object whose values are kept byte for byte and in their order: what passes through is not ours to rewrite. A schema's
//! properties keep their order, a number its digits; only the few keys we set are ours.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// The keys of an object, each with its value as it was written.
#[derive(Clone, Default)]
pub(crate) struct Fields {
    list: Vec<(String, Box<RawValue>)>,
}

impl Fields {
    /// Reads an object.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// The value of a key. Of a key that is given twice the last counts, as with most readers.
    pub(crate) fn raw(&self, key: &str) -> Option<&RawValue> {
        self.list.iter().rev().find(|(known, _)| known == key).map(|(_, value)| &**value)
    }

    /// The value of a key as a `T`; none where it is missing, null or something else.
    pub(crate) fn get<'a, T: Deserialize<'a>>(&'a self, key: &str) -> Option<T> {
        serde_json::from_str(self.raw(key)?.get()).ok()
    }

    /// Puts a value under a key, at its old place if it has one.
    pub(crate) fn set<T: Serialize>(&mut self, key: &str, value: &T) {
        let value = to_raw_value(value).expect("strings, numbers and lists of them have a JSON form");
        match self.list.iter().position(|(known, _)| known == key) {
            Some(place) => {
                self.list[place].1 = value;
                let mut index = 0;
                self.list.retain(|(known, _)| {
                    index += 1;
                    known != key || index == place + 1
                });
            }
            None => self.list.push((key.to_owned(), value)),
        }
    }

    /// Takes a key out.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Box<RawValue>> {
        let found = self.list.iter().rposition(|(known, _)| known == key).map(|place| self.list.remove(place).1);
        self.list.retain(|(known, _)| known != key);
        found
    }

    /// The text of the object.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("values that were JSON are JSON")
    }
}

impl fmt::Debug for Fields {
    /// The keys alone: a value may be a prompt.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.list.iter().map(|(key, _)| key.len())).finish()
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfFields)
    }
}

struct OfFields;

impl<'de> Visitor<'de> for OfFields {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(entry) = map.next_entry()? {
            fields.list.push(entry);
        }
        Ok(fields)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.list.iter().map(|(key, value)| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    //! What is not touched comes out as it went in.

    use super::Fields;

    #[test]
    fn what_is_not_set_is_kept_byte_for_byte() {
        let text = r#"{"model":"auto","z":{"b":1,"a":1.10},"a":12345678901234567890123,"stop":["\u0041"]}"#;
        let mut fields = Fields::parse(text.as_bytes()).unwrap();
        assert_eq!(fields.to_json(), text);
        fields.set("model", &"m");
        fields.set("more", &true);
        assert_eq!(fields.to_json(), text.replace("auto", "m").replace(r#"["\u0041"]}"#, r#"["\u0041"],"more":true}"#));
        assert_eq!(fields.remove("z").unwrap().get(), r#"{"b":1,"a":1.10}"#);
        assert!(fields.raw("z").is_none() && fields.get::<String>("model").as_deref() == Some("m"));
    }

    #[test]
    fn a_key_that_is_given_twice_counts_once() {
        let mut fields = Fields::parse(br#"{"a":1,"b":2,"a":3}"#).unwrap();
        assert_eq!(fields.get::<u8>("a"), Some(3));
        fields.set("a", &4);
        assert_eq!(fields.to_json(), r#"{"a":4,"b":2}"#);
        let mut fields = Fields::parse(br#"{"a":1,"a":3}"#).unwrap();
        assert_eq!(fields.remove("a").unwrap().get(), "3");
        assert_eq!(fields.to_json(), "{}");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[]", "5", "{", "{\"a\":}", "{} {}", ""] {
            assert!(Fields::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
