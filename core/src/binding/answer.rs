//! The data and options of a worker's replies.

use serde_json::{Map, Value};

use crate::config::Codec;
use crate::error::{Error, ErrorCode};
use crate::protocol::{encode_reply_options, Frame, Payload, Status};
use pigato_proto::option_name as key;

/// The options of a reply: the encoding of its data, and headers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AnswerOptions {
    codec: Codec,
    others: Map<String, Value>,
    /// The options frame.
    encoded: Frame,
}

impl Default for AnswerOptions {
    fn default() -> Self {
        Self::of(Codec::Json)
    }
}

impl AnswerOptions {
    fn of(codec: Codec) -> Self {
        Self { codec, others: Map::new(), encoded: encode_reply_options(codec, &Map::new()) }
    }

    /// Sets an option by its name: `codec`, `cache` (for how many milliseconds the broker may answer the same request with
    /// this reply), or a header.
    ///
    /// # Errors
    ///
    /// `E_OPTION` for an invalid `codec` or `cache`.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), Error> {
        if name == key::CODEC {
            self.codec = Codec::from_option(value)?;
        } else {
            if name == key::CACHE && value.as_f64().is_none_or(|millis| millis < 0.0) {
                return Err(Error::new(
                    ErrorCode::Option,
                    format!("`{name}` takes milliseconds, 0 or more, not {value}"),
                ));
            }
            self.others.insert(name.to_owned(), value.clone());
        }
        self.encoded = encode_reply_options(self.codec, &self.others);
        Ok(())
    }
}

/// The data and options of a reply.
#[derive(Debug, Clone)]
pub struct Answer {
    data: Frame,
    options: Frame,
}

impl Answer {
    /// Data with options: encoded JSON, or bytes with the codec `raw`.
    pub fn new(data: impl Into<Frame>, options: &AnswerOptions) -> Self {
        Self { data: data.into(), options: options.encoded.clone() }
    }

    /// Encoded JSON.
    pub fn json(data: impl Into<Frame>) -> Self {
        Self::new(data, &AnswerOptions::default())
    }

    /// Bytes (`{"codec":"raw"}`).
    pub fn raw(data: impl Into<Frame>) -> Self {
        Self::new(data, &AnswerOptions::of(Codec::Raw))
    }

    pub(super) fn payload(self, status: Status) -> Payload {
        Payload::new(status, self.data, self.options)
    }
}
