package pigato

// #include "helpers.h"
import "C"

import (
	"log/slog"
	"runtime"
	"unsafe"
)

// eventsPerPoll is how many events one call into C fetches at most.
const eventsPerPoll = 256

// pollEvents hands each event to handle, until that tells that no more may follow. The functions of C's are those of
// clients, workers or brokers.
func pollEvents[E any](poll func(first *E, capacity C.size_t) C.pigato_go_result, free func(first *E, count C.size_t),
	handle func(*E) bool, logger *slog.Logger) {
	var event E
	memory := C.calloc(eventsPerPoll, C.size_t(unsafe.Sizeof(event)))
	defer C.free(memory)
	first := (*E)(memory)
	events := unsafe.Slice(first, eventsPerPoll)
	for isOpen := true; isOpen; {
		result := poll(first, eventsPerPoll)
		if err := failure(result); err != nil {
			logger.Error("polling failed", "error", err)
			return
		}
		for at := range events[:result.number] {
			isOpen = handle(&events[at]) && isOpen
		}
		free(first, C.size_t(result.number))
		// Those who were told run first, and may ask or answer: the next call then finds many events and not few.
		runtime.Gosched()
	}
}
