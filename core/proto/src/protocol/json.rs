//! Small JSON objects, read leniently and without building values that nothing uses.
//!
//! An invalid member does not affect the others. The last of repeated members counts. Only text is copied, so a peer's
//! JSON never costs more memory than its own length.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::config::Timeout;

/// A type that is read from an object, member by member.
pub(super) trait Object: Sized {
    /// Reads the value of one member with [`scalar`], [`each_text`] or, for an unknown name, [`skip`].
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error>;
}

/// Reads `json` into `object`; `None` if it is not an object from beginning to end.
pub(super) fn read<T: Object>(json: &[u8], object: T) -> Option<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let object = deserializer.deserialize_map(ObjectVisitor(object)).ok()?;
    deserializer.end().ok()?;
    Some(object)
}

/// A member's value. Skips arrays and objects.
pub(super) fn scalar<'de, A: MapAccess<'de>>(members: &mut A) -> Result<Scalar<'de>, A::Error> {
    members.next_value_seed(Any { each_text: None })
}

/// Passes each text in a member's array to `each`.
pub(super) fn each_text<'de, A: MapAccess<'de>>(members: &mut A, each: &mut dyn FnMut(&str)) -> Result<(), A::Error> {
    members.next_value_seed(Any { each_text: Some(each) }).map(drop)
}

/// Skips a member's value.
pub(super) fn skip<'de, A: MapAccess<'de>>(members: &mut A) -> Result<(), A::Error> {
    members.next_value::<IgnoredAny>().map(drop)
}

/// A scalar value.
#[derive(Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
    /// An array or an object.
    Compound,
}

impl Scalar<'_> {
    /// Whether JavaScript treats the value as true.
    pub(super) fn truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(flag) => *flag,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Compound => true,
        }
    }

    /// A number or, as some peers send them, its text.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A whole number; a larger one counts as the largest.
    pub(super) fn whole(&self) -> Option<i64> {
        self.number().filter(|number| number.fract() == 0.0).map(|number| number as i64)
    }

    /// A count; a larger one counts as the largest.
    pub(super) fn count(&self) -> Option<u32> {
        self.whole().filter(|number| *number >= 0).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// Milliseconds.
    pub(super) fn millis(&self) -> Option<Timeout> {
        self.number().and_then(Timeout::from_millis)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

struct ObjectVisitor<T>(T);

impl<'de, T: Object> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<T, A::Error> {
        while let Some(Name(name)) = members.next_key()? {
            self.0.member(std::str::from_utf8(&name).unwrap_or_default(), &mut members)?;
        }
        Ok(self.0)
    }
}

/// A member's name, borrowed if it contains no escapes. Read as bytes, because JavaScript writes names that are not
/// Unicode (`"\ud800"`).
struct Name<'a>(Cow<'a, [u8]>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_bytes<E>(self, name: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }
            fn visit_bytes<E>(self, name: &[u8]) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_vec())))
            }
        }
        deserializer.deserialize_bytes(NameVisitor)
    }
}

/// Reads any value; of an array, passes on the texts.
struct Any<'f> {
    each_text: Option<&'f mut dyn FnMut(&str)>,
}

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = Scalar<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        match self.each_text {
            None => while elements.next_element::<IgnoredAny>()?.is_some() {},
            Some(each) => {
                while let Some(element) = elements.next_element_seed(Any { each_text: None })? {
                    element.text().map(&mut *each);
                }
            }
        }
        Ok(Scalar::Compound)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Compound)
    }
}
