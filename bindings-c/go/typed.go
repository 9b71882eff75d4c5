//go:build cgo

package pigato

import (
	"context"
	"iter"
)

// Call sends a request and returns its final reply, decoded into a T.
func Call[T any](ctx context.Context, client *Client, service string, data any, options ...RequestOption) (T, error) {
	var value T
	reply, err := client.Request(ctx, service, data, options...)
	if err != nil {
		return value, err
	}
	err = reply.Decode(&value)
	return value, err
}

// Values returns an iterator over the replies of a stream, each decoded into a T, ending with the
// final one. Errors end the loop as with Stream.All. A reply that is not a T ends it with ErrData.
func Values[T any](stream *Stream) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for reply, err := range stream.All() {
			var value T
			isUnreadable := false
			if err == nil {
				err = reply.Decode(&value)
				isUnreadable = err != nil
			}
			if !yield(value, err) || isUnreadable {
				return
			}
		}
	}
}

// Handle returns a handler that decodes the data into an In, calls answer and replies with the Out.
// If the data is not an In, the client gets ErrHandler with a message that contains E_DATA.
func Handle[In, Out any](answer func(context.Context, In) (Out, error)) Handler {
	return func(ctx context.Context, req *Request, w *ReplyWriter) error {
		var in In
		if err := req.Decode(&in); err != nil {
			return err
		}
		out, err := answer(ctx, in)
		if err != nil {
			return err
		}
		return w.End(out)
	}
}
