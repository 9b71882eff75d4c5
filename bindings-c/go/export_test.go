package pigato

// What tests need and users do not.

// Codes is the code of every status that is an error.
func Codes() map[int32]Code {
	known := make(map[int32]Code)
	for status, code := range codes {
		known[int32(status)] = code
	}
	return known
}

// StatusName is what C calls a status.
var StatusName = statusName

// SetMaxUnread changes how many partial replies of a stream may wait for their reader, and how many bytes.
func SetMaxUnread(client *Client, partials, bytes int) {
	client.core.unread = unreadBounds{partials, bytes}
}

// CachedOptions is how many sets of options are kept, which never are more than MaxCachedOptions.
func CachedOptions() int {
	cache.RLock()
	defer cache.RUnlock()
	return len(cache.handles)
}

const MaxCachedOptions = cachedOptions

// AreCached tells whether these options are kept.
func AreCached(options ...RequestOption) bool {
	key, isCacheable := keyOf(requestOptions, settingsOf(options).options)
	cache.RLock()
	defer cache.RUnlock()
	_, isThere := cache.handles[key]
	return isCacheable && isThere
}

// Receive has a stream receive something as if C had told it.
func Receive(stream *Stream, reply *Reply, err error, isFinal bool) {
	stream.receive(outcome{reply, err, isFinal})
}

// UseWhileTheCacheIsEmptied tells how many users these options have while they are in use, before and after.
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
