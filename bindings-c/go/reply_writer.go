package pigato

// #include "helpers.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
)

// ReplyWriter answers one request. Its methods may be called from any goroutine, also after the handler has returned,
// when they give ErrClosed. When the request was cancelled, ErrClosed wraps context.Canceled, as the handler's context
// says. Data is marshalled to JSON; see Raw for bytes.
type ReplyWriter struct {
	job     *job
	isEnded atomic.Bool
}

// Write sends a partial reply. It waits while the client has not read enough of the earlier ones, until ctx or the
// request ends; the error wraps ctx.Err(), or is ErrClosed.
func (w *ReplyWriter) Write(ctx context.Context, data any, options ...ReplyOption) error {
	message, err := prepareReply(data, options)
	if err != nil {
		return err
	}
	defer message.options.free()
	news := w.job.news()
	for hasWaited := false; ; hasWaited = true {
		status, err := w.tryWrite(message)
		if status != C.PIGATO_C_BUSY {
			if hasWaited {
				// Another goroutine may wait for the same news.
				w.job.tellWritable()
			}
			return w.told(err)
		}
		select {
		case <-news:
		case <-ctx.Done():
			return contextError(ctx.Err())
		case <-w.job.context.Done():
			return w.told(errClosed())
		}
	}
}

// told is what a handler is told of a call that has failed. A request that has ended, but not by an answer, was
// cancelled: the error wraps what the handler's context says, or is about to say.
func (w *ReplyWriter) told(err error) error {
	if !errors.Is(err, ErrClosed) || w.isEnded.Load() {
		return err
	}
	return &Error{Code: ErrClosed, Message: "nobody waits for the reply any more", cause: context.Canceled}
}

func (w *ReplyWriter) tryWrite(message message) (C.pigato_status, error) {
	handle, err := w.job.worker.handle.acquire()
	if err != nil {
		return C.PIGATO_C_CLOSED, err
	}
	defer w.job.worker.handle.release()
	result := C.pigato_go_worker_write(handle, C.uint64_t(w.job.number), bytesPointer(message.data),
		C.size_t(len(message.data)), message.options.pointer)
	if result.status == C.PIGATO_C_BUSY {
		return result.status, nil
	}
	return result.status, failure(result)
}

// End sends the final reply. ErrClosed if the request has ended.
func (w *ReplyWriter) End(data any, options ...ReplyOption) error {
	message, err := prepareReply(data, options)
	if err != nil {
		return err
	}
	defer message.options.free()
	return w.conclusive(func(handle *C.pigato_worker, number C.uint64_t) C.pigato_go_result {
		return C.pigato_go_worker_end(handle, number, bytesPointer(message.data), C.size_t(len(message.data)),
			message.options.pointer)
	})
}

// Error sends an error value of your own, marshalled to JSON, as the final reply. ErrClosed if the request has ended.
func (w *ReplyWriter) Error(value any, options ...ReplyOption) error {
	message, err := prepareReply(value, options)
	if err != nil {
		return err
	}
	defer message.options.free()
	return w.conclusive(func(handle *C.pigato_worker, number C.uint64_t) C.pigato_go_result {
		return C.pigato_go_worker_error(handle, number, bytesPointer(message.data), C.size_t(len(message.data)),
			message.options.pointer)
	})
}

// Reject has another worker answer. The reason, marshalled to JSON, is for the broker; it may be nil. ErrClosed if the
// request has ended.
func (w *ReplyWriter) Reject(reason any) error {
	encoded, err := json.Marshal(reason)
	if err != nil {
		return dataError(err)
	}
	return w.conclusive(func(handle *C.pigato_worker, number C.uint64_t) C.pigato_go_result {
		return C.pigato_go_worker_reject(handle, number, bytesPointer(encoded), C.size_t(len(encoded)))
	})
}

// fail ends the request as that of a failed handler. It runs no code of the user's.
func (w *ReplyWriter) fail(message string) error {
	return w.conclusive(func(handle *C.pigato_worker, number C.uint64_t) C.pigato_go_result {
		return C.pigato_go_worker_fail(handle, number, textPointer(message), C.size_t(len(message)))
	})
}

// conclusive makes a call that ends the request.
func (w *ReplyWriter) conclusive(call func(*C.pigato_worker, C.uint64_t) C.pigato_go_result) error {
	handle, err := w.job.worker.handle.acquire()
	if err != nil {
		return w.told(err)
	}
	defer w.job.worker.handle.release()
	if err := failure(call(handle, C.uint64_t(w.job.number))); err != nil {
		return w.told(err)
	}
	w.isEnded.Store(true)
	return nil
}

// Heartbeat sends the broker a sign of life now, as Worker.Heartbeat does.
func (w *ReplyWriter) Heartbeat() error {
	handle, err := w.job.worker.handle.acquire()
	if err != nil {
		return err
	}
	defer w.job.worker.handle.release()
	return failure(C.pigato_go_worker_heartbeat(handle))
}

// IsWanted tells whether the reply is still wanted, as far as is known: the request has not ended, and its client has
// said so within the last heartbeats.
func (w *ReplyWriter) IsWanted() bool {
	handle, err := w.job.worker.handle.acquire()
	if err != nil {
		return false
	}
	defer w.job.worker.handle.release()
	result := C.pigato_go_worker_is_wanted(handle, C.uint64_t(w.job.number))
	return failure(result) == nil && result.number != 0
}
