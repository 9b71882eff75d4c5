package pigato

// #include "helpers.h"
import "C"

import (
	"context"
	"log/slog"
	"sync"
)

// Worker offers a service. It connects by itself, and again whenever the connection is lost. All methods may be called
// from any goroutine.
type Worker struct {
	handle   guard[*C.pigato_worker]
	jobs     *table[*job]
	handler  Handler
	logger   *slog.Logger
	stopped  chan struct{}
	handlers sync.WaitGroup
}

// NewWorker starts a worker at the broker at endpoint. The service may be a wildcard (`ech*`) or a version
// (`echo@1.2.3`). A broker that is not there yet is no error. Each request runs the handler in a goroutine of its own, as
// many at a time as WithConcurrency says. The worker runs until Close or Stop, whether anything refers to it or not.
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

// Close stops the worker at once: the contexts of its handlers end, and what is not answered goes to other workers, or
// fails. It does not wait for handlers that run on. Closing again does nothing. It never fails; the result is there for
// io.Closer.
func (w *Worker) Close() error {
	w.stop(0)
	<-w.stopped
	return nil
}

// Stop stops the worker once its requests are answered and its handlers have returned; new requests go to other workers.
// When ctx ends first, it stops at once, as Close does, and the error wraps ctx.Err(). Not to be called by a handler
// of the worker, which would wait for itself.
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

// SetConcurrency takes this many requests at a time from now on, NoLimit for any number.
func (w *Worker) SetConcurrency(requests int) error {
	handle, err := w.handle.acquire()
	if err != nil {
		return err
	}
	defer w.handle.release()
	return failure(C.pigato_go_worker_set_concurrency(handle, C.int64_t(requests)))
}

// Heartbeat sends the broker a sign of life now. It happens by itself once a heartbeat interval, whatever handlers do.
func (w *Worker) Heartbeat() error {
	handle, err := w.handle.acquire()
	if err != nil {
		return err
	}
	defer w.handle.release()
	return failure(C.pigato_go_worker_heartbeat(handle))
}

// stop begins the end, which the polling goroutine completes.
func (w *Worker) stop(milliseconds int64) {
	if handle, err := w.handle.acquire(); err == nil {
		// The only possible failure says that it has stopped already.
		C.pigato_worker_stop(handle, C.int64_t(milliseconds))
		w.handle.release()
	}
}

// poll hands events on until the worker has stopped, and frees it then.
func (w *Worker) poll(handle *C.pigato_worker) {
	defer close(w.stopped)
	pollEvents(func(first *C.pigato_worker_event, capacity C.size_t) C.pigato_go_result {
		return C.pigato_go_worker_poll(handle, first, capacity)
	}, func(first *C.pigato_worker_event, count C.size_t) {
		C.pigato_worker_events_free(first, count)
	}, w.handleEvent, corks{
		// Whatever they could fail for, nothing is kept back then.
		cork:   func() { C.pigato_worker_cork(handle) },
		uncork: func() { C.pigato_worker_uncork(handle) },
	}, w.logger)
	C.pigato_worker_free(w.handle.take())
	w.jobs.drain(func(job *job) { job.context.cancel(errClosed()) })
}

// handleEvent tells whether more may follow.
func (w *Worker) handleEvent(event *C.pigato_worker_event) bool {
	number := uint64(event.request)
	switch event.kind {
	case C.PIGATO_EVENT_REQUEST:
		w.begin(number, requestOf(event))
	case C.PIGATO_EVENT_CANCELLED:
		if job, isLive := w.jobs.get(number); isLive {
			job.context.cancel(cancellation(event.reason))
		}
	case C.PIGATO_EVENT_WRITABLE:
		if job, isLive := w.jobs.get(number); isLive {
			job.tellWritable()
		}
	case C.PIGATO_EVENT_STOPPED:
		w.logger.Debug("stopped")
		return false
	case C.PIGATO_EVENT_CONNECTED:
		w.logger.Debug("connected")
	case C.PIGATO_EVENT_DISCONNECTED:
		w.logger.Debug("disconnected")
	case C.PIGATO_EVENT_PROTOCOL_ERROR:
		w.logger.Warn("a message broke the protocol", "error", textOf(event.message))
	}
	return true
}

// cancellation is why a handler's context has ended.
func cancellation(reason C.pigato_cancel_reason) error {
	switch reason {
	case C.PIGATO_CANCEL_DISCONNECTED:
		return &Error{Code: ErrDisconnected}
	case C.PIGATO_CANCEL_STOPPED:
		return &Error{Code: ErrClosed, Message: "the worker was stopped"}
	default:
		return &Error{Code: ErrCancelled, Message: "the client gave up, timed out or vanished"}
	}
}

// begin runs the handler for a request.
func (w *Worker) begin(number uint64, request Request) {
	made := newJob(w, number, request)
	w.jobs.put(number, made)
	w.handlers.Add(1)
	go made.run()
}
