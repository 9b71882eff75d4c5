package pigato

// #include "helpers.h"
import "C"

import (
	"sync"
	"sync/atomic"
)

// optionsHandle refers to options in C; its pointer is nil for none.
type optionsHandle struct {
	pointer *C.pigato_options
	// users counts the users that must call free, including the cache. Nil if options are never
	// freed.
	users *atomic.Int64
}

func newOptionsHandle(pointer *C.pigato_options) optionsHandle {
	made := optionsHandle{pointer, new(atomic.Int64)}
	made.users.Store(1)
	return made
}

// share adds a user.
func (o optionsHandle) share() optionsHandle {
	o.users.Add(1)
	return o
}

// free removes a user; the last one frees the options.
func (o optionsHandle) free() {
	if o.users != nil && o.users.Add(-1) == 0 {
		C.pigato_options_free(o.pointer)
	}
}

// Options that are used often, such as the raw codec or a timeout, are cached. A full cache is
// emptied; options that are still used enter it again.
const (
	cachedOptions     = 256
	optionsInCacheKey = 4
)

type optionsKey struct {
	kind    C.pigato_options_kind
	options [optionsInCacheKey]option
}

var cache = struct {
	sync.RWMutex
	handles map[optionsKey]optionsHandle
}{handles: map[optionsKey]optionsHandle{}}

const requestOptions = C.PIGATO_OPTIONS_REQUEST

var rawCodec = option{name: "codec", value: `"raw"`}

// handle returns the options in C, from the cache if possible.
func (s *settings) handle(kind C.pigato_options_kind) (optionsHandle, error) {
	options := s.options
	if len(options) == 0 {
		return optionsHandle{}, nil
	}
	key, isCacheable := keyOf(kind, options)
	if isCacheable {
		if known, isKnown := findOptions(key); isKnown {
			return known, nil
		}
	}
	pointer, err := makeOptions(kind, options)
	if err != nil {
		return optionsHandle{}, err
	}
	made := newOptionsHandle(pointer)
	if isCacheable {
		cacheOptions(key, made)
	}
	return made, nil
}

func findOptions(key optionsKey) (optionsHandle, bool) {
	cache.RLock()
	defer cache.RUnlock()
	known, isKnown := cache.handles[key]
	if !isKnown {
		return optionsHandle{}, false
	}
	return known.share(), true
}

func cacheOptions(key optionsKey, made optionsHandle) {
	cache.Lock()
	defer cache.Unlock()
	if _, isKnown := cache.handles[key]; isKnown {
		return
	}
	if len(cache.handles) >= cachedOptions {
		emptyCache()
	}
	cache.handles[key] = made.share()
}

// emptyCache must be called with the cache locked.
func emptyCache() {
	for _, handle := range cache.handles {
		handle.free()
	}
	clear(cache.handles)
}

func keyOf(kind C.pigato_options_kind, options []option) (optionsKey, bool) {
	key := optionsKey{kind: kind}
	if len(options) > optionsInCacheKey {
		return key, false
	}
	for at, option := range options {
		if option.isVaried || option.err != nil {
			return key, false
		}
		key.options[at] = option
	}
	return key, true
}

func makeOptions(kind C.pigato_options_kind, options []option) (*C.pigato_options, error) {
	result := C.pigato_go_options_new(kind)
	if err := failure(result); err != nil {
		return nil, err
	}
	made := (*C.pigato_options)(result.handle)
	for _, option := range options {
		err := option.err
		if err == nil {
			err = failure(C.pigato_go_options_set(made, textPointer(option.name), C.size_t(len(option.name)),
				textPointer(option.value), C.size_t(len(option.value))))
		}
		if err != nil {
			C.pigato_options_free(made)
			return nil, err
		}
	}
	return made, nil
}

// message is data and options to pass to C.
type message struct {
	data    []byte
	options optionsHandle
}

// prepare returns a message, whose options the caller must free.
func (s *settings) prepare(kind C.pigato_options_kind, value any) (message, error) {
	data, isRaw, err := encode(value, s.isRaw)
	if err != nil {
		return message{}, err
	}
	if isRaw {
		s.options = append(s.options, rawCodec)
	}
	made, err := s.handle(kind)
	return message{data, made}, err
}

func prepareRequest(value any, options []RequestOption) (message, error) {
	if len(options) == 0 {
		return prepareBare(value, rawRequest)
	}
	given := new(settings)
	for _, option := range options {
		option.toRequest(given)
	}
	return given.prepare(requestOptions, value)
}

func prepareReply(value any, options []ReplyOption) (message, error) {
	if len(options) == 0 {
		return prepareBare(value, rawReply)
	}
	given := new(settings)
	for _, option := range options {
		option.toReply(given)
	}
	return given.prepare(C.PIGATO_OPTIONS_REPLY, value)
}

// Options with nothing but the raw codec, outside the cache because they are on the fast path.
var (
	rawRequest = sync.OnceValues(func() (*C.pigato_options, error) {
		return makeOptions(requestOptions, []option{rawCodec})
	})
	rawReply = sync.OnceValues(func() (*C.pigato_options, error) {
		return makeOptions(C.PIGATO_OPTIONS_REPLY, []option{rawCodec})
	})
)

// prepareBare returns a message without options of the user, as most are.
func prepareBare(value any, raw func() (*C.pigato_options, error)) (message, error) {
	data, isRaw, err := encode(value, false)
	if err != nil || !isRaw {
		return message{data, optionsHandle{}}, err
	}
	options, err := raw()
	return message{data, optionsHandle{pointer: options}}, err
}
