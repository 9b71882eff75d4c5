//go:build cgo

package pigato

import (
	"context"
	"io"
	"iter"
	"sync"
)

// Stream gives the replies to one request in the order in which the worker sent them. A stream that is read slowly
// slows its own worker down and no other stream.
type Stream struct {
	client *Client
	ctx    context.Context
	number uint64

	mutex sync.Mutex
	// release lets go of ctx.
	release func() bool
	queue   []outcome
	first   int
	// queuedBytes is the size of what is in the queue.
	queuedBytes int
	ending      ending
	// unreported counts partial replies that were read and not granted again.
	unreported uint32
	// news has something in it when there may be something to read.
	news chan struct{}
}

// ending is how far a stream has got.
type ending int

const (
	// running: replies may come.
	running ending = iota
	// complete: the last outcome is in the queue.
	complete
	// over: the last outcome was read.
	over
)

// grantHelping is how many partial replies are read before C is told of them.
const grantHelping = 64

func newStream(ctx context.Context, client *Client) *Stream {
	return &Stream{client: client, ctx: ctx, news: make(chan struct{}, 1)}
}

// start tells the number of the request, before any event of it is received.
func (s *Stream) start(number uint64) {
	s.number = number
	if s.ctx.Done() == nil {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.release = context.AfterFunc(s.ctx, func() { s.abandon(contextError(s.ctx.Err())) })
}

// Next waits for the next reply. After the final one comes io.EOF. An error of the request's is told once, as its last
// outcome, except for an Error with IsPartial, after which the stream goes on. When ctx ends Next fails, but the request
// goes on: another Next may follow.
func (s *Stream) Next(ctx context.Context) (*Reply, error) {
	for {
		taken, isThere := s.take()
		if isThere {
			return taken.reply, taken.err
		}
		select {
		case <-s.news:
		case <-ctx.Done():
			return nil, contextError(ctx.Err())
		}
	}
}

// take takes what is next in the queue.
func (s *Stream) take() (outcome, bool) {
	s.mutex.Lock()
	if s.ending == over {
		s.mutex.Unlock()
		s.tell()
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
	} else if s.unreported++; s.unreported == grantHelping {
		grant, s.unreported = s.unreported, 0
	}
	isMore := s.first < len(s.queue) || s.ending == over
	s.mutex.Unlock()
	if grant > 0 {
		s.client.core.consumed(s.number, grant)
	}
	if isMore {
		s.tell()
	}
	return taken, true
}

// tell wakes one reader, who wakes the next if there is more.
func (s *Stream) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// All gives the replies one after the other, the final one as the last, for use with range. An error is the last, unless
// it has IsPartial. Leaving the loop early cancels the request.
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

// Close cancels the request if it has not ended; Next gives ErrCancelled then. It never fails; the result is there for
// io.Closer.
func (s *Stream) Close() error {
	s.abandon(&Error{Code: ErrCancelled, Message: "the stream was closed"})
	return nil
}

// abandon ends the stream from this side; replies that were not read are dropped.
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
	s.tell()
}

// end puts the last outcome into the queue and lets go of the context.
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
		err := &Error{Code: ErrBusy, Message: "the stream is read too slowly for a worker that knows no back-pressure"}
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
	s.tell()
}

// hasRoom tells whether a partial reply of this size may wait too. One alone always may.
func (s *Stream) hasRoom(size int) bool {
	waiting, most := len(s.queue)-s.first, s.client.core.unread
	return waiting == 0 || waiting < most.partials && s.queuedBytes+size <= most.bytes
}

func (s *Stream) put(last outcome) {
	s.queue = append(s.queue, last)
	s.queuedBytes += last.size()
}

// makeRoom moves the queue to the front of its memory once most of that lies before it.
func (s *Stream) makeRoom() {
	if len(s.queue) < cap(s.queue) || s.first <= len(s.queue)/2 {
		return
	}
	left := copy(s.queue, s.queue[s.first:])
	clear(s.queue[left:])
	s.queue, s.first = s.queue[:left], 0
}
