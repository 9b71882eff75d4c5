package pigato

// The boundary to C: linking, and passing pointers, results and errors.

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

// textPointer returns a pointer to a text, for one call.
func textPointer(text string) *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(text)))
}

// bytesPointer returns a pointer to bytes, for one call.
func bytesPointer(bytes []byte) *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(bytes)))
}

// view returns C's bytes without copying, valid as long as C says.
func view(bytes C.pigato_bytes) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(bytes.data)), int(bytes.length))
}

// textOf returns a copy of C's text.
func textOf(bytes C.pigato_bytes) string {
	return string(view(bytes))
}

// arena holds copies of several small texts and bytes from C in one allocation. Large ones are
// allocated separately, so that keeping a short text does not keep them in memory.
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

// bytes returns a copy that the caller may modify and append to.
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

// text returns a copy as a string. Nothing else refers to its bytes.
func (a *arena) text(bytes C.pigato_bytes) string {
	copied := a.bytes(bytes)
	return unsafe.String(unsafe.SliceData(copied), len(copied))
}

// failure returns the error of a call, or nil.
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

// Version returns the version of the C library.
func Version() string {
	var version C.pigato_bytes
	C.pigato_version(&version)
	return textOf(version)
}

// statusName returns C's name of a status, and whether the status exists.
func statusName(status int32) (string, bool) {
	var name C.pigato_bytes
	if C.pigato_status_name(C.pigato_status(status), &name) != C.PIGATO_OK {
		return "", false
	}
	return textOf(name), true
}

// statusMessage returns C's description of a status.
func statusMessage(status C.pigato_status) string {
	var message C.pigato_bytes
	if C.pigato_status_message(status, &message) != C.PIGATO_OK {
		return ""
	}
	return textOf(message)
}

// guard protects a handle from use after it was taken to be freed.
type guard[P any] struct {
	mutex   sync.RWMutex
	pointer P
	isTaken bool
}

// acquire returns the handle for use until release. Once the handle was taken, it returns
// ErrClosed, and release must not be called.
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

// take waits until no call uses the handle and returns it to be freed. It must be called only once.
func (g *guard[P]) take() P {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.isTaken = true
	return g.pointer
}
