//go:build cgo

package pigato

import (
	"context"
	"io"
	"iter"
	"sync"
)

// Stream returns the replies to one request in the order in which the worker sent them. Reading a
// stream slowly slows down its own worker, but no other stream.
type Stream struct {
	client *Client
	ctx    context.Context
	number uint64

	mutex sync.Mutex
	// release ends the watch on ctx.
	release func() bool
	queue   []outcome
	first   int
	// queuedBytes is the size of the outcomes in the queue.
	queuedBytes int
	ending      ending
	// unreported counts partial replies that were read but not yet reported as consumed.
	unreported uint32
	// ready holds a value when there may be something to read.
	ready chan struct{}
}

// ending is the state of a stream.
type ending int

const (
	// running: more replies may arrive.
	running ending = iota
	// complete: the last outcome is in the queue.
	complete
	// over: the last outcome was read.
	over
)

// grantBatch is the number of partial replies that are reported to C as consumed at once.
const grantBatch = 64

func newStream(ctx context.Context, client *Client) *Stream {
	return &Stream{client: client, ctx: ctx, ready: make(chan struct{}, 1)}
}

// start is called with the request number before any outcome arrives.
func (s *Stream) start(number uint64) {
	s.number = number
	if s.ctx.Done() == nil {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.release = context.AfterFunc(s.ctx, func() { s.abandon(contextError(s.ctx.Err())) })
}

// Next waits for the next reply. After the final one it returns io.EOF. An error that ends the
// request is returned once, as the last outcome. After an Error with IsPartial the stream
// continues. If ctx ends, Next fails but the request continues, and Next may be called again.
func (s *Stream) Next(ctx context.Context) (*Reply, error) {
	for {
		taken, isThere := s.take()
		if isThere {
			return taken.reply, taken.err
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return nil, contextError(ctx.Err())
		}
	}
}

// take removes the next outcome from the queue.
func (s *Stream) take() (outcome, bool) {
	s.mutex.Lock()
	if s.ending == over {
		s.mutex.Unlock()
		s.wake()
		return outcome{err: io.EOF}, true
	}
	if s.first == len(s.queue) {
		s.mutex.Unlock()
		return outcome{}, false
	}
	taken := s.queue[s.first]
	s.queue[s.first] = outcome{}
	s.queuedBytes -= taken.size()
	s.first++
	if s.first == len(s.queue) {
		s.queue, s.first = s.queue[:0], 0
	}
	grant := uint32(0)
	if taken.isFinal {
		s.ending = over
	} else if s.unreported++; s.unreported == grantBatch {
		grant, s.unreported = s.unreported, 0
	}
	isMore := s.first < len(s.queue) || s.ending == over
	s.mutex.Unlock()
	if grant > 0 {
		s.client.core.consumed(s.number, grant)
	}
	if isMore {
		s.wake()
	}
	return taken, true
}

// wake wakes one reader, which wakes the next one if there is more.
func (s *Stream) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// All returns an iterator over the replies, ending with the final one. An error ends the loop
// unless it has IsPartial. Leaving the loop early cancels the request.
func (s *Stream) All() iter.Seq2[*Reply, error] {
	return func(yield func(*Reply, error) bool) {
		defer s.Close()
		for {
			reply, err := s.Next(s.ctx)
			if err == io.EOF {
				return
			}
			if !yield(reply, err) {
				return
			}
			if err != nil && !isPartial(err) {
				return
			}
		}
	}
}

func isPartial(err error) bool {
	own, ok := err.(*Error)
	return ok && own.IsPartial
}

// Close cancels the request if it has not ended; Next then returns ErrCancelled. Close always
// returns nil; the result satisfies io.Closer.
func (s *Stream) Close() error {
	s.abandon(&Error{Code: ErrCancelled, Message: "the stream was closed"})
	return nil
}

// abandon ends the stream from this side and drops unread replies.
func (s *Stream) abandon(err error) {
	s.mutex.Lock()
	if s.ending != running {
		s.mutex.Unlock()
		return
	}
	clear(s.queue)
	s.queue, s.first, s.queuedBytes = s.queue[:0], 0, 0
	s.end(outcome{err: err, isFinal: true})
	s.mutex.Unlock()
	s.client.core.cancel(s.number)
	s.wake()
}

// end queues the last outcome and ends the watch on the context.
func (s *Stream) end(last outcome) {
	s.put(last)
	s.ending = complete
	if s.release != nil {
		s.release()
	}
}

func (s *Stream) receive(received outcome) {
	s.mutex.Lock()
	if s.ending != running {
		s.mutex.Unlock()
		return
	}
	isOverflow := !received.isFinal && !s.hasRoom(received.size())
	switch {
	case isOverflow:
		err := &Error{Code: ErrBusy, Message: "too many replies are unread, and the worker has no back-pressure; read faster"}
		s.end(outcome{err: err, isFinal: true})
	case received.isFinal:
		s.end(received)
	default:
		s.makeRoom()
		s.put(received)
	}
	s.mutex.Unlock()
	if isOverflow {
		s.client.core.cancel(s.number)
	}
	s.wake()
}

// hasRoom reports whether the queue takes a partial reply of this size. An empty queue always does.
func (s *Stream) hasRoom(size int) bool {
	waiting, most := len(s.queue)-s.first, s.client.core.unread
	return waiting == 0 || waiting < most.partials && s.queuedBytes+size <= most.bytes
}

func (s *Stream) put(added outcome) {
	s.queue = append(s.queue, added)
	s.queuedBytes += added.size()
}

// makeRoom moves the queue to the start of its memory when more than half of that is unused space
// before it.
func (s *Stream) makeRoom() {
	if len(s.queue) < cap(s.queue) || s.first <= len(s.queue)/2 {
		return
	}
	left := copy(s.queue, s.queue[s.first:])
	clear(s.queue[left:])
	s.queue, s.first = s.queue[:left], 0
}
