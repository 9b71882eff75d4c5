package pigato

// #include "helpers.h"
import "C"

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
)

// Client sends requests. It connects in the background and reconnects whenever the connection is
// lost. All methods may be called from any goroutine.
type Client struct {
	core *clientCore
}

// clientCore is the part of a Client that its polling goroutine uses. It has no reference to the
// Client, so that the garbage collector can find an unreachable one and stop it.
type clientCore struct {
	handle   guard[*C.pigato_client]
	requests *pendingRequests
	logger   *slog.Logger
	stopOnce sync.Once
	stopped  chan struct{}
	unread   unreadBounds
}

// unreadBounds limits what one stream holds for its reader. Workers with back-pressure stop long
// before; a stream from another worker ends with ErrBusy at the limit.
type unreadBounds struct {
	partials int
	bytes    int
}

const (
	maxUnreadPartials = C.PIGATO_UNREAD_PARTIALS
	// maxUnreadBytes stops a stream of large replies long before maxUnreadPartials would.
	maxUnreadBytes = C.PIGATO_UNREAD_BYTES
)

// NewClient starts a client of the broker at endpoint, such as tcp://127.0.0.1:55555. It does not
// wait for the connection: requests made before the broker is reachable are sent when it is.
// NewClient returns ErrEndpoint if the endpoint cannot be used. Close the client when it is no
// longer needed; the garbage collector closes an unreachable client, possibly late.
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
		requests: newPendingRequests(),
		logger:   given.log().With("pigato", "client", "endpoint", endpoint),
		stopped:  make(chan struct{}),
		unread:   unreadBounds{maxUnreadPartials, maxUnreadBytes},
	}
	core.handle.pointer = (*C.pigato_client)(result.handle)
	go core.poll(core.handle.pointer)
	client := &Client{core}
	runtime.SetFinalizer(client, func(unreachable *Client) { unreachable.core.stop() })
	return client, nil
}

// Close stops the client. Its pending requests end with ErrClosed and are cancelled at their
// workers. Nothing of the client runs when Close returns. Further calls do nothing. Close always
// returns nil; the result satisfies io.Closer.
func (c *Client) Close() error {
	c.core.stop()
	<-c.core.stopped
	runtime.SetFinalizer(c, nil)
	return nil
}

// Request sends a request and waits for the final reply; it drops partial replies. The data is
// marshaled to JSON; see Raw for bytes. When ctx ends, the request is cancelled at its worker too,
// and the error wraps ctx.Err().
func (c *Client) Request(ctx context.Context, service string, data any, options ...RequestOption) (*Reply, error) {
	pending := newPendingReply(c.core)
	number, err := c.core.send(ctx, service, data, options, pending)
	if err != nil {
		pending.recycle()
		return nil, err
	}
	var ended outcome
	if done := ctx.Done(); done == nil {
		ended = <-pending.ended
	} else {
		select {
		case ended = <-pending.ended:
		case <-done:
			// Not recycled: the client's table refers to it until the final event.
			c.core.cancel(number)
			return nil, contextError(ctx.Err())
		}
	}
	pending.recycle()
	runtime.KeepAlive(c)
	return ended.reply, ended.err
}

// Stream sends a request and returns a Stream of its replies, partial and final. The request ends
// with its final reply, when ctx ends, or with Stream.Close; make sure that one of them happens.
func (c *Client) Stream(ctx context.Context, service string, data any, options ...RequestOption) (*Stream, error) {
	stream := newStream(ctx, c)
	if _, err := c.core.send(ctx, service, data, options, stream); err != nil {
		return nil, err
	}
	return stream, nil
}

// directoryService is the service that lists which workers offer which service.
const directoryService = C.PIGATO_DIRECTORY_SERVICE

// Directory returns the identities of the workers of each service.
func (c *Client) Directory(ctx context.Context, options ...RequestOption) (map[string][]string, error) {
	return Call[map[string][]string](ctx, c, directoryService, nil, options...)
}

// Workers returns the identities of the workers of a service, which may be none.
func (c *Client) Workers(ctx context.Context, service string, options ...RequestOption) ([]string, error) {
	return Call[[]string](ctx, c, directoryService, service, options...)
}

// send sends a request whose outcomes go to pending.
func (c *clientCore) send(ctx context.Context, service string, data any, options []RequestOption,
	pending pendingRequest) (uint64, error) {
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
	pending.start(number)
	c.requests.register(number, pending)
	return number, nil
}

// cancel ends a request; its final event follows.
func (c *clientCore) cancel(number uint64) {
	if handle, err := c.handle.acquire(); err == nil {
		// Fails only if the client, and with it the request, has stopped.
		C.pigato_client_cancel(handle, C.uint64_t(number))
		c.handle.release()
	}
}

// consumed reports that partial replies were read, so that the worker may send more.
func (c *clientCore) consumed(number uint64, partials uint32) {
	if handle, err := c.handle.acquire(); err == nil {
		// Fails only if the client, and with it the request, has stopped.
		C.pigato_client_consumed(handle, C.uint64_t(number), C.uint32_t(partials))
		c.handle.release()
	}
}

// stop begins the stop, which the polling goroutine completes.
func (c *clientCore) stop() {
	c.stopOnce.Do(func() {
		if handle, err := c.handle.acquire(); err == nil {
			// Fails only if the client has already stopped.
			C.pigato_client_stop(handle)
			c.handle.release()
		}
	})
}

// poll handles events until the client has stopped, then frees it.
func (c *clientCore) poll(handle *C.pigato_client) {
	defer close(c.stopped)
	poller[C.pigato_client_event]{
		poll: func(events *C.pigato_client_event, capacity C.size_t) C.pigato_go_result {
			return C.pigato_go_client_poll(handle, events, capacity)
		},
		free:   func(events *C.pigato_client_event, count C.size_t) { C.pigato_client_events_free(events, count) },
		cork:   func() { C.pigato_client_cork(handle) },
		uncork: func() { C.pigato_client_uncork(handle) },
		handle: c.handleEvent,
		logger: c.logger,
	}.run()
	C.pigato_client_free(c.handle.take())
	c.requests.close()
}

// handleEvent reports whether more events may follow.
func (c *clientCore) handleEvent(event *C.pigato_client_event) bool {
	switch event.kind {
	case C.PIGATO_EVENT_REPLY, C.PIGATO_EVENT_FAILED:
		c.requests.deliver(uint64(event.request), outcomeOf(event))
	case C.PIGATO_EVENT_STOPPED:
		c.logger.Debug("stopped")
		return false
	case C.PIGATO_EVENT_CONNECTED:
		c.logger.Debug("connected")
	case C.PIGATO_EVENT_DISCONNECTED:
		c.logger.Debug("disconnected")
	case C.PIGATO_EVENT_PROTOCOL_ERROR:
		// Usually a reply that was on its way when its request was cancelled.
		c.logger.Debug("ignored a message that violates the protocol", "error", textOf(event.message))
	}
	return true
}
