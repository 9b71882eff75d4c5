package pigato

// #include "helpers.h"
import "C"

// Reply is a reply to a request. Decode reads its data, Bytes shows it as it came.
type Reply struct {
	Payload
	isFinal bool
}

// IsFinal tells whether this reply ends its request; the others are partial replies.
func (r *Reply) IsFinal() bool {
	return r.isFinal
}

// outcome is what one event of C's says about a request.
type outcome struct {
	reply   *Reply
	err     error
	isFinal bool
}

func outcomeOf(event *C.pigato_client_event) outcome {
	isFinal := bool(event.is_final)
	room := newArena(event.data, event.options)
	data, options := room.bytes(event.data), room.bytes(event.options)
	if event.kind == C.PIGATO_EVENT_REPLY {
		return outcome{reply: &Reply{Payload{data, options, Codec(event.codec)}, isFinal}, isFinal: isFinal}
	}
	err := newError(event.status, textOf(event.message))
	err.Value, err.Origin, err.IsPartial = data, Origin(event.origin), !isFinal
	return outcome{err: err, isFinal: isFinal}
}
