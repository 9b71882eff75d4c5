package pigato

// #include "helpers.h"
import "C"

import (
	"math"
	"time"
)

// Request is a request for a handler to answer. Decode returns its data, Header one of its headers.
type Request struct {
	Payload
	service   string
	client    string
	id        string
	attempt   int
	remaining time.Duration
}

// Service returns the service that the client asked for, which differs from the worker's if that is
// a wildcard.
func (r *Request) Service() string { return r.service }

// ID returns the id that the client gave the request.
func (r *Request) ID() string { return r.id }

// Client returns the client's identity, which may be any bytes.
func (r *Request) Client() string { return r.client }

// Attempt returns 1 for the first worker that gets the request, more after workers were lost with
// it.
func (r *Request) Attempt() int { return r.attempt }

// Remaining returns what was left of the request's timeout on delivery, or NoTimeout if there is
// none or it is unknown.
func (r *Request) Remaining() time.Duration { return r.remaining }

func requestOf(event *C.pigato_worker_event) Request {
	room := newArena(event.service, event.client, event.id, event.data, event.options)
	return Request{
		Payload:   Payload{room.bytes(event.data), room.bytes(event.options), Codec(event.codec)},
		service:   room.text(event.service),
		client:    room.text(event.client),
		id:        room.text(event.id),
		attempt:   int(event.attempt),
		remaining: remainingOf(int64(event.remaining_ms)),
	}
}

// remainingOf converts a time from C. A time beyond the range of time.Duration is its maximum.
func remainingOf(milliseconds int64) time.Duration {
	switch {
	case milliseconds < 0:
		return NoTimeout
	case milliseconds > math.MaxInt64/int64(time.Millisecond):
		return math.MaxInt64
	default:
		return time.Duration(milliseconds) * time.Millisecond
	}
}
