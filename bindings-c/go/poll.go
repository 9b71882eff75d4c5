package pigato

// #include "helpers.h"
import "C"

import (
	"log/slog"
	"runtime"
	"time"
	"unsafe"
)

const (
	// eventsPerPoll is the most events that one call into C returns.
	eventsPerPoll = C.PIGATO_EVENTS_PER_POLL
	// fewEvents is the most events for which a cork is not worth its cost.
	fewEvents = 2
	// A yield that takes longer than slowYield shows that the goroutines have more work than
	// processors. Then the poller yields only once per manyEvents events: yielding after every poll
	// would deliver few events in that time.
	slowYield  = time.Millisecond
	manyEvents = 256
)

// poller polls the events of a client, worker or broker in C.
//
// It batches: the events of one poll wake many goroutines, which then send requests or replies.
// While they do, the handle is corked, that is, C holds the messages back for about 1 ms at most,
// and sends them with one wake-up of its I/O thread.
type poller[E any] struct {
	poll func(events *E, capacity C.size_t) C.pigato_go_result
	free func(events *E, count C.size_t)
	// cork and uncork are nil for a handle without corks. If they fail, nothing is held back.
	cork, uncork func()
	// handle reports whether more events may follow.
	handle func(*E) bool
	logger *slog.Logger
}

// run polls until no more events can follow.
func (p poller[E]) run() {
	var event E
	memory := C.calloc(eventsPerPoll, C.size_t(unsafe.Sizeof(event)))
	defer C.free(memory)
	first := (*E)(memory)
	events := unsafe.Slice(first, eventsPerPoll)
	handled, isSlow := 0, false
	for isOpen := true; isOpen; {
		result := p.poll(first, eventsPerPoll)
		if err := failure(result); err != nil {
			p.logger.Error("polling failed", "error", err)
			return
		}
		isCorked := result.number > fewEvents && p.cork != nil
		if isCorked {
			p.cork()
		}
		for at := range events[:result.number] {
			isOpen = p.handle(&events[at]) && isOpen
		}
		p.free(first, C.size_t(result.number))
		if handled += int(result.number); !isSlow || handled >= manyEvents {
			handled, isSlow = 0, yield()
		}
		if isCorked {
			p.uncork()
		}
	}
}

// yield lets the goroutines run that got events, so that the next poll returns many events instead
// of few. It reports whether that took long. It yields twice because an idle thread may resume this
// goroutine at once the first time.
func yield() bool {
	begun := time.Now()
	runtime.Gosched()
	if time.Since(begun) > slowYield {
		return true
	}
	runtime.Gosched()
	return false
}
