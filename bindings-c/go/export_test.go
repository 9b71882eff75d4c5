package pigato

// Access to internals for tests.

// Codes returns the code of every status of C that is an error.
func Codes() map[int32]Code {
	known := make(map[int32]Code)
	for status, code := range codes {
		known[int32(status)] = code
	}
	return known
}

// StatusName returns C's name of a status.
var StatusName = statusName

// SetMaxUnread sets the limits of unread partial replies of a stream.
func SetMaxUnread(client *Client, partials, bytes int) {
	client.core.unread = unreadBounds{partials, bytes}
}

// CachedOptions returns the number of cached sets of options, at most MaxCachedOptions.
func CachedOptions() int {
	cache.RLock()
	defer cache.RUnlock()
	return len(cache.handles)
}

const MaxCachedOptions = cachedOptions

// AreCached reports whether these options are cached.
func AreCached(options ...RequestOption) bool {
	key, isCacheable := keyOf(requestOptions, settingsOf(options).options)
	cache.RLock()
	defer cache.RUnlock()
	_, isThere := cache.handles[key]
	return isCacheable && isThere
}

// Receive passes an outcome to a stream as if it came from C.
func Receive(stream *Stream, reply *Reply, err error, isFinal bool) {
	stream.receive(outcome{reply, err, isFinal})
}

// UseWhileTheCacheIsEmptied uses options and empties the cache meanwhile. It returns their number
// of users before and after that.
func UseWhileTheCacheIsEmptied(options ...RequestOption) (before, after int64) {
	made, err := settingsOf(options).handle(requestOptions)
	if err != nil {
		return 0, 0
	}
	defer made.free()
	before = made.users.Load()
	cache.Lock()
	defer cache.Unlock()
	emptyCache()
	return before, made.users.Load()
}

func settingsOf(options []RequestOption) *settings {
	given := new(settings)
	for _, option := range options {
		option.toRequest(given)
	}
	return given
}
