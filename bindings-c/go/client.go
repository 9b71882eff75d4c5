package pigato

// #include "helpers.h"
import "C"

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
)

// Client makes requests. It connects by itself, and again whenever the connection is lost. All methods may be called
// from any goroutine.
type Client struct {
	core *clientCore
}

// clientCore is what the polling goroutine works with. It does not know its Client, so that one that was forgotten can
// be collected and stopped.
type clientCore struct {
	handle   guard[*C.pigato_client]
	calls    *callTable
	logger   *slog.Logger
	stopOnce sync.Once
	stopped  chan struct{}
	unread   unreadBounds
}

// unreadBounds is how much of one stream may wait for its reader. Workers that know of back-pressure stop long before;
// a stream whose worker does not ends with ErrBusy here.
type unreadBounds struct {
	partials int
	bytes    int
}

const (
	maxUnreadPartials = C.PIGATO_UNREAD_PARTIALS
	// maxUnreadBytes keeps a stream of large replies from taking all memory before their number does anything.
	maxUnreadBytes = C.PIGATO_UNREAD_BYTES
)

// NewClient starts a client for the broker at endpoint, `tcp://127.0.0.1:55555`. A broker that is not there yet is no
// error: requests made until then are sent when it is. Close has to be called in the end; a
// client that was forgotten is closed when the garbage collector finds it, which may be late.
func NewClient(endpoint string, options ...ClientOption) (*Client, error) {
	given := new(settings)
	for _, option := range options {
		option.toClient(given)
	}
	made, err := given.handle(C.PIGATO_OPTIONS_CLIENT)
	if err != nil {
		return nil, err
	}
	defer made.free()
	result := C.pigato_go_client_start(textPointer(endpoint), C.size_t(len(endpoint)), made.pointer)
	if err := failure(result); err != nil {
		return nil, err
	}
	core := &clientCore{
		calls:   newCallTable(),
		logger:  given.log().With("pigato", "client", "endpoint", endpoint),
		stopped: make(chan struct{}),
		unread:  unreadBounds{maxUnreadPartials, maxUnreadBytes},
	}
	core.handle.pointer = (*C.pigato_client)(result.handle)
	go core.poll(core.handle.pointer)
	client := &Client{core}
	runtime.SetFinalizer(client, func(forgotten *Client) { forgotten.core.stop() })
	return client, nil
}

// Close stops the client: all that wait for it get ErrClosed, workers are told that nobody waits any more, and nothing
// of it runs when Close returns. Closing again does nothing. It never fails; the result is there for io.Closer.
func (c *Client) Close() error {
	c.core.stop()
	<-c.core.stopped
	runtime.SetFinalizer(c, nil)
	return nil
}

// Request makes a request and waits for the final reply; partial replies are passed over. The data is marshalled to
// JSON; see Raw for bytes. When ctx ends the request is cancelled, its worker is told, and the error wraps ctx.Err().
func (c *Client) Request(ctx context.Context, service string, data any, options ...RequestOption) (*Reply, error) {
	call := newSingleCall(c.core)
	number, err := c.core.send(ctx, service, data, options, call)
	if err != nil {
		call.recycle()
		return nil, err
	}
	var ended outcome
	if done := ctx.Done(); done == nil {
		ended = <-call.ended
	} else {
		select {
		case ended = <-call.ended:
		case <-done:
			// The call stays with the table until its last event, so it cannot be used again.
			c.core.cancel(number)
			return nil, contextError(ctx.Err())
		}
	}
	call.recycle()
	runtime.KeepAlive(c)
	return ended.reply, ended.err
}

// Stream makes a request and gives its replies as they come, the partial ones and the final one. The request ends with
// its final reply, with ctx, or with Stream.Close, one of which has to come.
func (c *Client) Stream(ctx context.Context, service string, data any, options ...RequestOption) (*Stream, error) {
	stream := newStream(ctx, c)
	if _, err := c.core.send(ctx, service, data, options, stream); err != nil {
		return nil, err
	}
	return stream, nil
}

// directoryService is the name under which brokers tell who offers what.
const directoryService = C.PIGATO_DIRECTORY_SERVICE

// Directory asks which workers offer which service.
func (c *Client) Directory(ctx context.Context, options ...RequestOption) (map[string][]string, error) {
	return Call[map[string][]string](ctx, c, directoryService, nil, options...)
}

// Workers asks which workers offer a service; nobody is no error.
func (c *Client) Workers(ctx context.Context, service string, options ...RequestOption) ([]string, error) {
	return Call[[]string](ctx, c, directoryService, service, options...)
}

// send makes a request whose events go to receiver.
func (c *clientCore) send(ctx context.Context, service string, data any, options []RequestOption,
	receiver receiver) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, contextError(err)
	}
	message, err := prepareRequest(data, options)
	if err != nil {
		return 0, err
	}
	defer message.options.free()
	handle, err := c.handle.acquire()
	if err != nil {
		return 0, err
	}
	result := C.pigato_go_client_request(handle, textPointer(service), C.size_t(len(service)),
		bytesPointer(message.data), C.size_t(len(message.data)), message.options.pointer)
	c.handle.release()
	if err := failure(result); err != nil {
		return 0, err
	}
	number := uint64(result.number)
	receiver.start(number)
	c.calls.register(number, receiver)
	return number, nil
}

// cancel ends a request. What there is to be told comes as its last event.
func (c *clientCore) cancel(number uint64) {
	if handle, err := c.handle.acquire(); err == nil {
		// The only possible failure says that the client has stopped, and the request with it.
		C.pigato_client_cancel(handle, C.uint64_t(number))
		c.handle.release()
	}
}

// consumed lets the worker send as many more partial replies.
func (c *clientCore) consumed(number uint64, partials uint32) {
	if handle, err := c.handle.acquire(); err == nil {
		// The only possible failure says that the client has stopped, and the request with it.
		C.pigato_client_consumed(handle, C.uint64_t(number), C.uint32_t(partials))
		c.handle.release()
	}
}

// stop begins the end, which the polling goroutine completes.
func (c *clientCore) stop() {
	c.stopOnce.Do(func() {
		if handle, err := c.handle.acquire(); err == nil {
			// The only possible failure says that it has stopped already.
			C.pigato_client_stop(handle)
			c.handle.release()
		}
	})
}

// poll hands events on until the client has stopped, and frees it then.
func (c *clientCore) poll(handle *C.pigato_client) {
	defer close(c.stopped)
	pollEvents(func(first *C.pigato_client_event, capacity C.size_t) C.pigato_go_result {
		return C.pigato_go_client_poll(handle, first, capacity)
	}, func(first *C.pigato_client_event, count C.size_t) {
		C.pigato_client_events_free(first, count)
	}, c.handleEvent, corks{
		// Whatever they could fail for, nothing is kept back then.
		cork:   func() { C.pigato_client_cork(handle) },
		uncork: func() { C.pigato_client_uncork(handle) },
	}, c.logger)
	C.pigato_client_free(c.handle.take())
	c.calls.close()
}

// handleEvent tells whether more may follow.
func (c *clientCore) handleEvent(event *C.pigato_client_event) bool {
	switch event.kind {
	case C.PIGATO_EVENT_REPLY, C.PIGATO_EVENT_FAILED:
		c.calls.deliver(uint64(event.request), outcomeOf(event))
	case C.PIGATO_EVENT_STOPPED:
		c.logger.Debug("stopped")
		return false
	case C.PIGATO_EVENT_CONNECTED:
		c.logger.Debug("connected")
	case C.PIGATO_EVENT_DISCONNECTED:
		c.logger.Debug("disconnected")
	case C.PIGATO_EVENT_PROTOCOL_ERROR:
		// Most often a reply that was on its way when its request was cancelled.
		c.logger.Debug("a message without meaning", "error", textOf(event.message))
	}
	return true
}
