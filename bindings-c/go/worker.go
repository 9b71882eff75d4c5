package pigato

// #include "helpers.h"
import "C"

import (
	"context"
	"log/slog"
	"sync"
)

// Worker offers a service. It connects in the background and reconnects whenever the connection is
// lost. All methods may be called from any goroutine.
type Worker struct {
	handle   guard[*C.pigato_worker]
	jobs     *table[*job]
	handler  Handler
	logger   *slog.Logger
	stopped  chan struct{}
	handlers sync.WaitGroup
}

// NewWorker starts a worker that offers service at the broker at endpoint. The service may be a
// wildcard (ech*) or a version (echo@1.2.3). NewWorker does not wait for the connection. Each
// request runs the handler in its own goroutine; WithConcurrency limits their number. The worker
// runs until Close or Stop, even if nothing refers to it.
func NewWorker(endpoint, service string, handler Handler, options ...WorkerOption) (*Worker, error) {
	if handler == nil {
		return nil, &Error{Code: ErrArgument, Message: "the handler is nil"}
	}
	given := new(settings)
	for _, option := range options {
		option.toWorker(given)
	}
	made, err := given.handle(C.PIGATO_OPTIONS_WORKER)
	if err != nil {
		return nil, err
	}
	defer made.free()
	result := C.pigato_go_worker_start(textPointer(endpoint), C.size_t(len(endpoint)),
		textPointer(service), C.size_t(len(service)), made.pointer)
	if err := failure(result); err != nil {
		return nil, err
	}
	worker := &Worker{
		jobs:    newTable[*job](),
		handler: handler,
		logger:  given.log().With("pigato", "worker", "service", service, "endpoint", endpoint),
		stopped: make(chan struct{}),
	}
	worker.handle.pointer = (*C.pigato_worker)(result.handle)
	go worker.poll(worker.handle.pointer)
	return worker, nil
}

// Close stops the worker at once: the contexts of its handlers end, and requests without a final
// reply go to other workers if they have WithRetry, or fail. Close does not wait for handlers.
// Further calls do nothing. Close always returns nil; the result satisfies io.Closer.
func (w *Worker) Close() error {
	w.stop(0)
	<-w.stopped
	return nil
}

// Stop stops the worker once its requests are answered and its handlers have returned. The broker
// sends new requests to other workers. If ctx ends first, Stop closes the worker as Close does, and
// the error wraps ctx.Err(). A handler of the worker must not call Stop: it would wait for itself.
func (w *Worker) Stop(ctx context.Context) error {
	w.stop(-1)
	ended := make(chan struct{})
	go func() {
		<-w.stopped
		w.handlers.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		w.Close()
		return contextError(ctx.Err())
	}
}

// SetConcurrency sets the maximum number of concurrent requests from now on; NoLimit removes the
// limit.
func (w *Worker) SetConcurrency(requests int) error {
	handle, err := w.handle.acquire()
	if err != nil {
		return err
	}
	defer w.handle.release()
	return failure(C.pigato_go_worker_set_concurrency(handle, C.int64_t(requests)))
}

// Heartbeat sends the broker a heartbeat now. The library does so once per heartbeat interval,
// however busy the handlers are.
func (w *Worker) Heartbeat() error {
	handle, err := w.handle.acquire()
	if err != nil {
		return err
	}
	defer w.handle.release()
	return failure(C.pigato_go_worker_heartbeat(handle))
}

// stop begins the stop, which the polling goroutine completes.
func (w *Worker) stop(milliseconds int64) {
	if handle, err := w.handle.acquire(); err == nil {
		// Fails only if the worker has already stopped.
		C.pigato_worker_stop(handle, C.int64_t(milliseconds))
		w.handle.release()
	}
}

// poll handles events until the worker has stopped, then frees it.
func (w *Worker) poll(handle *C.pigato_worker) {
	defer close(w.stopped)
	poller[C.pigato_worker_event]{
		poll: func(events *C.pigato_worker_event, capacity C.size_t) C.pigato_go_result {
			return C.pigato_go_worker_poll(handle, events, capacity)
		},
		free:   func(events *C.pigato_worker_event, count C.size_t) { C.pigato_worker_events_free(events, count) },
		cork:   func() { C.pigato_worker_cork(handle) },
		uncork: func() { C.pigato_worker_uncork(handle) },
		handle: w.handleEvent,
		logger: w.logger,
	}.run()
	C.pigato_worker_free(w.handle.take())
	w.jobs.drain(func(job *job) { job.context.cancel(errClosed()) })
}

// handleEvent reports whether more events may follow.
func (w *Worker) handleEvent(event *C.pigato_worker_event) bool {
	number := uint64(event.request)
	switch event.kind {
	case C.PIGATO_EVENT_REQUEST:
		w.begin(number, requestOf(event))
	case C.PIGATO_EVENT_CANCELLED:
		if job, isKnown := w.jobs.get(number); isKnown {
			job.context.cancel(cancellation(event.reason))
		}
	case C.PIGATO_EVENT_WRITABLE:
		if job, isKnown := w.jobs.get(number); isKnown {
			job.signalWritable()
		}
	case C.PIGATO_EVENT_STOPPED:
		w.logger.Debug("stopped")
		return false
	case C.PIGATO_EVENT_CONNECTED:
		w.logger.Debug("connected")
	case C.PIGATO_EVENT_DISCONNECTED:
		w.logger.Debug("disconnected")
	case C.PIGATO_EVENT_PROTOCOL_ERROR:
		w.logger.Warn("ignored a message that violates the protocol", "error", textOf(event.message))
	}
	return true
}

// cancellation returns the cause with which a handler's context ends.
func cancellation(reason C.pigato_cancel_reason) error {
	switch reason {
	case C.PIGATO_CANCEL_DISCONNECTED:
		return &Error{Code: ErrDisconnected}
	case C.PIGATO_CANCEL_STOPPED:
		return &Error{Code: ErrClosed, Message: "the worker was stopped"}
	default:
		return &Error{Code: ErrCancelled, Message: "the client cancelled the request, timed out or is gone"}
	}
}

// begin runs the handler for a new job.
func (w *Worker) begin(number uint64, request Request) {
	made := newJob(w, number, request)
	w.jobs.put(number, made)
	w.handlers.Add(1)
	go made.run()
}
