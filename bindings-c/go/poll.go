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
	// eventsPerPoll is how many events one call into C fetches at most.
	eventsPerPoll = C.PIGATO_EVENTS_PER_POLL
	// fewEvents are not worth keeping together what becomes of them.
	fewEvents = 2
	// slowYield is how long others run if there is more to compute than there are processors: then events are handed out by
	// many, or few of them would be in all that time.
	slowYield  = time.Millisecond
	manyEvents = 256
)

// corks keep together what a handle is given between the two, for about a millisecond at most.
type corks struct {
	cork, uncork func()
}

// pollEvents hands each event to handle, until that tells that no more may follow. The functions of C's are those of
// clients, workers or brokers; what those who are told of many events ask and answer at once is sent together.
func pollEvents[E any](poll func(first *E, capacity C.size_t) C.pigato_go_result, free func(first *E, count C.size_t),
	handle func(*E) bool, corks corks, logger *slog.Logger) {
	var event E
	memory := C.calloc(eventsPerPoll, C.size_t(unsafe.Sizeof(event)))
	defer C.free(memory)
	first := (*E)(memory)
	events := unsafe.Slice(first, eventsPerPoll)
	handedOut, isSlow := 0, false
	for isOpen := true; isOpen; {
		result := poll(first, eventsPerPoll)
		if err := failure(result); err != nil {
			logger.Error("polling failed", "error", err)
			return
		}
		isCorked := result.number > fewEvents && corks.cork != nil
		if isCorked {
			corks.cork()
		}
		for at := range events[:result.number] {
			isOpen = handle(&events[at]) && isOpen
		}
		free(first, C.size_t(result.number))
		if handedOut += int(result.number); !isSlow || handedOut >= manyEvents {
			handedOut, isSlow = 0, yield()
		}
		if isCorked {
			corks.uncork()
		}
	}
}

// yield lets those run who were told, and may ask or answer: the next call then finds many events and not few. Twice, since
// another thread that has nothing to do may go on with this at once. It tells whether that took long.
func yield() bool {
	begun := time.Now()
	runtime.Gosched()
	if time.Since(begun) > slowYield {
		return true
	}
	runtime.Gosched()
	return false
}
