package pigato

// #include "helpers.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
)

// ReplyWriter answers one request. Its methods may be called from any goroutine. After the handler
// has returned they return ErrClosed. If the request was cancelled, ErrClosed wraps
// context.Canceled, the error of the handler's context. Data is marshaled to JSON; see Raw for
// bytes.
type ReplyWriter struct {
	job     *job
	isEnded atomic.Bool
}

// Write sends a partial reply. It blocks while the client has not read enough of the earlier ones.
// If ctx ends first, the error wraps ctx.Err(). If the request ends first, the error is ErrClosed.
func (w *ReplyWriter) Write(ctx context.Context, data any, options ...ReplyOption) error {
	message, err := prepareReply(data, options)
	if err != nil {
		return err
	}
	defer message.options.free()
	writable := w.job.writableSignal()
	for hasWaited := false; ; hasWaited = true {
		status, err := w.tryWrite(message)
		if status != C.PIGATO_C_BUSY {
			if hasWaited {
				// Another goroutine may wait for the same signal.
				w.job.signalWritable()
			}
			return w.explain(err)
		}
		select {
		case <-writable:
		case <-ctx.Done():
			return contextError(ctx.Err())
		case <-w.job.context.Done():
			return w.explain(errClosed())
		}
	}
}

// explain adds the cause to an error of C. A request that ended without a final reply was
// cancelled: its error wraps context.Canceled, even if the handler's context has not ended yet.
func (w *ReplyWriter) explain(err error) error {
	if !errors.Is(err, ErrClosed) || w.isEnded.Load() {
		return err
	}
	return &Error{Code: ErrClosed, Message: "the request was cancelled", cause: context.Canceled}
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

// End sends the final reply. It returns ErrClosed if the request has ended.
func (w *ReplyWriter) End(data any, options ...ReplyOption) error {
	message, err := prepareReply(data, options)
	if err != nil {
		return err
	}
	defer message.options.free()
	return w.finish(func(handle *C.pigato_worker, number C.uint64_t) C.pigato_go_result {
		return C.pigato_go_worker_end(handle, number, bytesPointer(message.data), C.size_t(len(message.data)),
			message.options.pointer)
	})
}

// Error sends an error value, marshaled to JSON, as the final reply; the client gets ErrRemote. It
// returns ErrClosed if the request has ended.
func (w *ReplyWriter) Error(value any, options ...ReplyOption) error {
	message, err := prepareReply(value, options)
	if err != nil {
		return err
	}
	defer message.options.free()
	return w.finish(func(handle *C.pigato_worker, number C.uint64_t) C.pigato_go_result {
		return C.pigato_go_worker_error(handle, number, bytesPointer(message.data), C.size_t(len(message.data)),
			message.options.pointer)
	})
}

// Reject returns the request to the broker, which sends it to another worker. The reason,
// marshaled to JSON, is for the broker; it may be nil. Reject returns ErrClosed if the request has
// ended.
func (w *ReplyWriter) Reject(reason any) error {
	encoded, err := json.Marshal(reason)
	if err != nil {
		return dataError(err)
	}
	return w.finish(func(handle *C.pigato_worker, number C.uint64_t) C.pigato_go_result {
		return C.pigato_go_worker_reject(handle, number, bytesPointer(encoded), C.size_t(len(encoded)))
	})
}

// fail ends the request with ErrHandler. It runs no user code.
func (w *ReplyWriter) fail(message string) error {
	return w.finish(func(handle *C.pigato_worker, number C.uint64_t) C.pigato_go_result {
		return C.pigato_go_worker_fail(handle, number, textPointer(message), C.size_t(len(message)))
	})
}

// finish makes a call that ends the request.
func (w *ReplyWriter) finish(call func(*C.pigato_worker, C.uint64_t) C.pigato_go_result) error {
	handle, err := w.job.worker.handle.acquire()
	if err != nil {
		return w.explain(err)
	}
	defer w.job.worker.handle.release()
	if err := failure(call(handle, C.uint64_t(w.job.number))); err != nil {
		return w.explain(err)
	}
	w.isEnded.Store(true)
	return nil
}

// Heartbeat sends the broker a heartbeat now; see Worker.Heartbeat.
func (w *ReplyWriter) Heartbeat() error {
	handle, err := w.job.worker.handle.acquire()
	if err != nil {
		return err
	}
	defer w.job.worker.handle.release()
	return failure(C.pigato_go_worker_heartbeat(handle))
}

// IsWanted reports whether the reply is still wanted, as far as the worker knows: the request has
// not ended, and its client has sent a heartbeat within the last heartbeat intervals.
func (w *ReplyWriter) IsWanted() bool {
	handle, err := w.job.worker.handle.acquire()
	if err != nil {
		return false
	}
	defer w.job.worker.handle.release()
	result := C.pigato_go_worker_is_wanted(handle, C.uint64_t(w.job.number))
	return failure(result) == nil && result.number != 0
}
