package pigato

// #include "helpers.h"
import "C"

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Codec is the encoding of data.
type Codec int

const (
	// CodecJSON is UTF-8 JSON.
	CodecJSON Codec = C.PIGATO_CODEC_JSON
	// CodecRaw is any bytes.
	CodecRaw Codec = C.PIGATO_CODEC_RAW
)

// String returns the codec's name on the wire: json or raw.
func (c Codec) String() string {
	if c == CodecRaw {
		return "raw"
	}
	return "json"
}

// Raw is data that is sent as bytes, with the codec raw, instead of being marshaled to JSON. The
// bytes must not change until the call returns.
type Raw []byte

// Payload is data and options as they were received.
type Payload struct {
	data    []byte
	options []byte
	codec   Codec
}

// Bytes returns the data as it was received: JSON, or any bytes if the codec is CodecRaw. The
// caller may modify it.
func (p *Payload) Bytes() []byte {
	return p.data
}

// Codec returns the encoding of the data.
func (p *Payload) Codec() Codec {
	return p.codec
}

// Options returns the JSON object of options and headers that came with the data; it may be empty.
func (p *Payload) Options() json.RawMessage {
	return p.options
}

// Header unmarshals one of the options into the value that v points to, and reports whether it
// exists.
func (p *Payload) Header(name string, v any) (bool, error) {
	return header(p.options, name, v)
}

// header unmarshals one key of a JSON object, which may be empty.
func header(object []byte, name string, v any) (bool, error) {
	if len(object) == 0 {
		return false, nil
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(object, &keys); err != nil {
		return false, dataError(err)
	}
	value, isThere := keys[name]
	if !isThere {
		return false, nil
	}
	return true, decodeJSON(value, v)
}

// Decode unmarshals the data into the value that v points to, as encoding/json does. Raw data needs
// a *[]byte or a *Raw, which then shares memory with Bytes. Decode returns ErrData if the data does
// not fit.
func (p *Payload) Decode(v any) error {
	if p.codec != CodecRaw {
		return decodeJSON(p.data, v)
	}
	switch target := v.(type) {
	case *[]byte:
		*target = p.data
	case *Raw:
		*target = p.data
	default:
		return dataError(fmt.Errorf("raw data cannot be decoded into a %T; use a *[]byte or a *pigato.Raw", v))
	}
	return nil
}

// decodeJSON unmarshals JSON. Peers of the published packages send empty data, or undefined, for
// null.
func decodeJSON(data []byte, v any) error {
	if len(data) == 0 || bytes.Equal(data, []byte("undefined")) {
		data = []byte("null")
	}
	if err := json.Unmarshal(data, v); err != nil {
		return dataError(err)
	}
	return nil
}

// encode returns the bytes to send for a value, and whether they are raw.
func encode(value any, asRaw bool) ([]byte, bool, error) {
	switch value := value.(type) {
	case nil:
		if asRaw {
			return nil, true, nil
		}
		return nullJSON, false, nil
	case Raw:
		return value, true, nil
	case json.RawMessage:
		if len(value) == 0 && !asRaw {
			return nullJSON, false, nil
		}
		return value, asRaw, nil
	case []byte:
		if asRaw {
			return value, true, nil
		}
	case string:
		if asRaw {
			return []byte(value), true, nil
		}
	}
	if asRaw {
		return nil, false, dataError(fmt.Errorf("WithRaw cannot send a %T; use []byte or string", value))
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, false, dataError(err)
	}
	return encoded, false, nil
}

var nullJSON = []byte("null")
