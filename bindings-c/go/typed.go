//go:build cgo

package pigato

import (
	"context"
	"iter"
)

// Call makes a request and reads its final reply as a T.
func Call[T any](ctx context.Context, client *Client, service string, data any, options ...RequestOption) (T, error) {
	var value T
	reply, err := client.Request(ctx, service, data, options...)
	if err != nil {
		return value, err
	}
	err = reply.Decode(&value)
	return value, err
}

// Values gives the replies of a stream, the final one as the last, each read as a T. An error ends the loop as it does
// with Stream.All; so does, with ErrData, a reply that is no T.
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

// Handle makes a handler of a function from an In to an Out. Data that is no In gives ErrData to the client, as the
// message of a W_HANDLER.
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
