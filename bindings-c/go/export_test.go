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

// SetMaxUnread changes how many partial replies of a stream may wait for their reader.
func SetMaxUnread(client *Client, most int) {
	client.core.maxUnread = most
}

// Receive has a stream receive something as if C had told it.
func Receive(stream *Stream, reply *Reply, err error, isFinal bool) {
	stream.receive(outcome{reply, err, isFinal})
}
