package pigato

// #include "helpers.h"
import "C"

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Codec tells how data is to be read.
type Codec int

const (
	// CodecJSON: as UTF-8 JSON.
	CodecJSON Codec = C.PIGATO_CODEC_JSON
	// CodecRaw: as bytes.
	CodecRaw Codec = C.PIGATO_CODEC_RAW
)

// String is the codec's name on the wire.
func (c Codec) String() string {
	if c == CodecRaw {
		return "raw"
	}
	return "json"
}

// Raw is data that is sent as bytes, with the codec raw, instead of being marshalled to JSON. The bytes must not be
// changed until the call returns.
type Raw []byte

// Payload is data and options as they came.
type Payload struct {
	data    []byte
	options []byte
	codec   Codec
}

// Bytes is the data as it came: JSON, or any bytes if the codec is CodecRaw. It belongs to the caller.
func (p *Payload) Bytes() []byte {
	return p.data
}

// Codec tells how the data is to be read.
func (p *Payload) Codec() Codec {
	return p.codec
}

// Options is the JSON object of options that came with the data, the sender's own headers among them; may be empty.
func (p *Payload) Options() json.RawMessage {
	return p.options
}

// Header reads one of the options into v, a pointer, and tells whether it was there.
func (p *Payload) Header(name string, v any) (bool, error) {
	return header(p.options, name, v)
}

// header reads a key of a JSON object, which may be empty.
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

// Decode reads the data into v, a pointer, as encoding/json does. Raw data can be read into a *[]byte or *Raw, which
// then share memory with Bytes. ErrData if the data is something else.
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
		return dataError(fmt.Errorf("raw bytes can be read into a *[]byte, not into a %T", v))
	}
	return nil
}

// decodeJSON reads JSON; what published peers send for nothing is null.
func decodeJSON(data []byte, v any) error {
	if len(data) == 0 || bytes.Equal(data, []byte("undefined")) {
		data = []byte("null")
	}
	if err := json.Unmarshal(data, v); err != nil {
		return dataError(err)
	}
	return nil
}

// encode gives the bytes that are sent for a value, and whether they are raw.
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
		return nil, false, dataError(fmt.Errorf("WithRaw sends []byte or string, not %T", value))
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, false, dataError(err)
	}
	return encoded, false, nil
}

var nullJSON = []byte("null")
