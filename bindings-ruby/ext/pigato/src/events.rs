//! Events as Ruby arrays: a symbol, then the event's fields. `lib/pigato/{pending_requests,jobs}.rb` read them.

use magnus::{Error, IntoValue, RArray, RString, Ruby, Value};
use pigato::{Codec, PeerEvent};

/// One event as a Ruby array in the making.
pub(crate) struct Record<'r> {
    ruby: &'r Ruby,
    fields: RArray,
}

impl<'r> Record<'r> {
    pub(crate) fn new(ruby: &'r Ruby, kind: &str) -> Result<Self, Error> {
        let fields = ruby.ary_new_capa(8);
        fields.push(ruby.sym_new(kind))?;
        Ok(Self { ruby, fields })
    }

    pub(crate) fn with(self, value: impl IntoValue) -> Result<Self, Error> {
        self.fields.push(value)?;
        Ok(self)
    }

    /// A symbol, or nil.
    pub(crate) fn symbol(self, name: Option<&str>) -> Result<Self, Error> {
        let value: Value = name.map_or_else(
            || self.ruby.qnil().into_value_with(self.ruby),
            |name| self.ruby.sym_new(name).into_value_with(self.ruby),
        );
        self.with(value)
    }

    /// A body: a binary string, or for JSON one in UTF-8.
    pub(crate) fn data(self, bytes: &[u8], codec: Codec) -> Result<Self, Error> {
        let string = match codec {
            Codec::Raw => self.ruby.str_from_slice(bytes),
            Codec::Json => self.text(bytes),
        };
        self.with(string)
    }

    /// A string in UTF-8, not validated; nil for no bytes.
    pub(crate) fn text_or_nil(self, bytes: &[u8]) -> Result<Self, Error> {
        if bytes.is_empty() {
            return self.with(());
        }
        let string = self.text(bytes);
        self.with(string)
    }

    fn text(&self, bytes: &[u8]) -> RString {
        self.ruby.enc_str_new(bytes, self.ruby.utf8_encindex())
    }

    pub(crate) fn finish(self) -> RArray {
        self.fields
    }
}

/// An event of a client's or worker's connection; `None` for an event that Ruby does not know.
pub(crate) fn peer(ruby: &Ruby, event: PeerEvent) -> Result<Option<RArray>, Error> {
    let record = match event {
        PeerEvent::Connected => Record::new(ruby, "connected")?,
        PeerEvent::Disconnected => Record::new(ruby, "disconnected")?,
        PeerEvent::Stopped => Record::new(ruby, "stopped")?,
        PeerEvent::ProtocolError(malformed) => Record::new(ruby, "protocol_error")?.with(malformed.published_name())?,
        _ => return Ok(None),
    };
    Ok(Some(record.finish()))
}

/// The codec's name in Ruby.
pub(crate) fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::Json => "json",
        Codec::Raw => "raw",
    }
}
