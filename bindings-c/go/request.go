package pigato

// #include "helpers.h"
import "C"

import (
	"math"
	"time"
)

// Request is a request that a handler is to answer. Decode reads its data, Header a key of the client's own.
type Request struct {
	Payload
	service   string
	client    string
	id        string
	attempt   int
	remaining time.Duration
}

// Service is the name that was asked for, which is not the worker's own if that is a wildcard.
func (r *Request) Service() string { return r.service }

// ID is what the client calls the request.
func (r *Request) ID() string { return r.id }

// Client is the client's identity, any bytes.
func (r *Request) Client() string { return r.client }

// Attempt is 1 the first time the request is handed to a worker, more after workers were lost with it.
func (r *Request) Attempt() int { return r.attempt }

// Remaining is what was left of the request's timeout when it was handed over; NoTimeout if there is none or it is not
// known.
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

// remainingOf is a time that C tells; one that is longer than Go can say is the longest that it can.
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
