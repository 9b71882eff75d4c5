package pigato

// The border to C: how it is linked, and how pointers, results and errors cross it.

/*
#cgo !pigato_dynamic CFLAGS: -I${SRCDIR}/../include
#cgo !pigato_dynamic LDFLAGS: ${SRCDIR}/../build/libpigato.a -lstdc++ -lutil -lrt -lpthread -lm -ldl
#cgo pigato_dynamic pkg-config: pigato
#include "helpers.h"
*/
import "C"

import (
	"sync"
	"unsafe"
)

// textPointer points at a text for the length of one call.
func textPointer(text string) *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(text)))
}

// bytesPointer points at bytes for the length of one call.
func bytesPointer(bytes []byte) *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(bytes)))
}

// view shows bytes of C's for as long as they are valid.
func view(bytes C.pigato_bytes) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(bytes.data)), int(bytes.length))
}

// textOf copies a text of C's.
func textOf(bytes C.pigato_bytes) string {
	return string(view(bytes))
}

// arena takes copies of several texts and bytes of C's in one allocation, without those that are large: whoever keeps a
// short text should not keep them as well.
type arena []byte

const largestInArena = 4096

func newArena(bytes ...C.pigato_bytes) arena {
	total := 0
	for _, part := range bytes {
		if part.length <= largestInArena {
			total += int(part.length)
		}
	}
	if total == 0 {
		return nil
	}
	return make(arena, 0, total)
}

// bytes copies, into the room that was reserved if it is not large; whoever gets the copy may change it, and append to it.
func (a *arena) bytes(bytes C.pigato_bytes) []byte {
	switch {
	case bytes.length == 0:
		return nil
	case bytes.length > largestInArena:
		return append([]byte(nil), view(bytes)...)
	}
	start := len(*a)
	*a = append(*a, view(bytes)...)
	return (*a)[start:len(*a):len(*a)]
}

// text copies as bytes does, to where nobody else is shown.
func (a *arena) text(bytes C.pigato_bytes) string {
	copied := a.bytes(bytes)
	return unsafe.String(unsafe.SliceData(copied), len(copied))
}

// failure is the error that a call gave back, or nil.
func failure(result C.pigato_go_result) error {
	if result.status == C.PIGATO_OK {
		return nil
	}
	if result.error == nil {
		return localError(result.status, "")
	}
	text := textOf(C.pigato_bytes{data: result.error, length: result.error_length})
	C.free(unsafe.Pointer(result.error))
	return localError(result.status, text)
}

// Version is the version of the library underneath.
func Version() string {
	var version C.pigato_bytes
	C.pigato_version(&version)
	return textOf(version)
}

// statusName is what C calls a status, and whether there is one with this number.
func statusName(status int32) (string, bool) {
	var name C.pigato_bytes
	if C.pigato_status_name(C.pigato_status(status), &name) != C.PIGATO_OK {
		return "", false
	}
	return textOf(name), true
}

// statusMessage is what C says about a status.
func statusMessage(status C.pigato_status) string {
	var message C.pigato_bytes
	if C.pigato_status_message(status, &message) != C.PIGATO_OK {
		return ""
	}
	return textOf(message)
}

// guard lets a handle be used until it is taken away to be freed, and never after.
type guard[P any] struct {
	mutex   sync.RWMutex
	pointer P
	isTaken bool
}

// acquire gives the handle until release; ErrClosed, and nothing to release, once it was taken away.
func (g *guard[P]) acquire() (P, error) {
	g.mutex.RLock()
	if g.isTaken {
		g.mutex.RUnlock()
		var none P
		return none, errClosed()
	}
	return g.pointer, nil
}

func (g *guard[P]) release() {
	g.mutex.RUnlock()
}

// take waits for all users and takes the handle away. It must not be called twice.
func (g *guard[P]) take() P {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.isTaken = true
	return g.pointer
}
