package pigato

// #include "helpers.h"
import "C"

import "strconv"

// Reply is a reply to a request. Decode returns its data, Bytes the data as it was received.
type Reply struct {
	Payload
	isFinal bool
}

// IsFinal reports whether this reply ends its request. Other replies are partial.
func (r *Reply) IsFinal() bool {
	return r.isFinal
}

// String returns the data: JSON as it was received, raw bytes quoted.
func (r *Reply) String() string {
	switch {
	case r == nil:
		return "a nil *pigato.Reply"
	case r.codec == CodecRaw:
		return strconv.Quote(string(r.data))
	default:
		return string(r.data)
	}
}

// outcome is one event of a request: a reply or an error.
type outcome struct {
	reply   *Reply
	err     error
	isFinal bool
}

// size returns the number of bytes of data and options.
func (o outcome) size() int {
	if o.reply != nil {
		return len(o.reply.data) + len(o.reply.options)
	}
	if own, ok := o.err.(*Error); ok {
		return len(own.Value) + len(own.Options) + len(own.Message)
	}
	return 0
}

func outcomeOf(event *C.pigato_client_event) outcome {
	isFinal := bool(event.is_final)
	room := newArena(event.data, event.options)
	data, options := room.bytes(event.data), room.bytes(event.options)
	if event.kind == C.PIGATO_EVENT_REPLY {
		return outcome{reply: &Reply{Payload{data, options, Codec(event.codec)}, isFinal}, isFinal: isFinal}
	}
	err := newError(event.status, textOf(event.message))
	err.Value, err.Options, err.Origin, err.IsPartial = data, options, Origin(event.origin), !isFinal
	return outcome{err: err, isFinal: isFinal}
}
