package pigato

// #include "helpers.h"
import "C"

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"unsafe"
)

// Broker accepts requests from clients and sends them to workers. All methods may be called from
// any goroutine.
type Broker struct {
	handle    guard[*C.pigato_broker]
	endpoints []string
	intch     string
	name      string
	logger    *slog.Logger
	events    chan BrokerEvent
	missed    atomic.Uint64
	stopped   chan struct{}
}

// NewBroker starts a broker that listens on the endpoints of WithEndpoint, by default on
// tcp://127.0.0.1:55555. It returns ErrEndpoint if it cannot listen on one of them. The broker runs
// until Close or Stop, even if nothing refers to it.
func NewBroker(options ...BrokerOption) (*Broker, error) {
	given := new(settings)
	for _, option := range options {
		option.toBroker(given)
	}
	made, err := given.handle(C.PIGATO_OPTIONS_BROKER)
	if err != nil {
		return nil, err
	}
	defer made.free()
	var listed string
	ends := make([]C.size_t, len(given.endpoints))
	for at, endpoint := range given.endpoints {
		listed += endpoint
		ends[at] = C.size_t(len(listed))
	}
	result := C.pigato_go_broker_start(textPointer(listed), unsafe.SliceData(ends), C.size_t(len(ends)), made.pointer)
	if err := failure(result); err != nil {
		return nil, err
	}
	broker := newBroker((*C.pigato_broker)(result.handle), given.log())
	go broker.poll(broker.handle.pointer)
	return broker, nil
}

// unreadBrokerEvents is the capacity of the channel of events; further events are dropped.
const unreadBrokerEvents = 1024

func newBroker(handle *C.pigato_broker, logger *slog.Logger) *Broker {
	broker := &Broker{
		events:  make(chan BrokerEvent, unreadBrokerEvents),
		stopped: make(chan struct{}),
	}
	broker.handle.pointer = handle
	var text C.pigato_bytes
	for at := C.size_t(0); C.pigato_broker_endpoint(handle, at, &text) == C.PIGATO_OK; at++ {
		broker.endpoints = append(broker.endpoints, textOf(text))
	}
	if C.pigato_broker_intch(handle, &text) == C.PIGATO_OK {
		broker.intch = textOf(text)
	}
	if C.pigato_broker_name(handle, &text) == C.PIGATO_OK {
		broker.name = textOf(text)
	}
	broker.logger = logger.With("pigato", "broker", "name", broker.name)
	return broker
}

// Endpoint returns the first endpoint that the broker listens on, with the actual port instead of
// *.
func (b *Broker) Endpoint() string { return b.endpoints[0] }

// Endpoints returns all endpoints that the broker listens on.
func (b *Broker) Endpoints() []string { return append([]string(nil), b.endpoints...) }

// Intch returns the endpoint on which the broker publishes its directory to core services; empty if
// none.
func (b *Broker) Intch() string { return b.intch }

// Name returns the broker's name.
func (b *Broker) Name() string { return b.name }

// Events returns the channel of workers and clients that join and leave. It is closed when the
// broker has stopped. Reading it is optional: when 1024 events are unread, the broker drops further
// ones and counts them in Statistics.MissedEvents.
func (b *Broker) Events() <-chan BrokerEvent { return b.events }

// Close stops the broker at once; nothing of it runs when Close returns. Further calls do nothing.
// Close always returns nil; the result satisfies io.Closer.
func (b *Broker) Close() error {
	b.stop(0)
	<-b.stopped
	return nil
}

// Stop stops the broker once the requests at workers have ended. New requests, and those that wait
// for a worker that does not exist, fail with ErrDraining. If ctx ends first, Stop closes the
// broker as Close does, and the error wraps ctx.Err().
func (b *Broker) Stop(ctx context.Context) error {
	b.stop(-1)
	select {
	case <-b.stopped:
		return nil
	case <-ctx.Done():
		b.Close()
		return contextError(ctx.Err())
	}
}

// Directory returns the identities of the workers of each service. It returns ErrClosed if the
// broker has stopped.
func (b *Broker) Directory() (map[string][]string, error) {
	handle, err := b.handle.acquire()
	if err != nil {
		return nil, err
	}
	defer b.handle.release()
	var text C.pigato_text
	if err := failure(C.pigato_go_broker_directory(handle, &text)); err != nil {
		return nil, err
	}
	defer C.pigato_text_free(&text)
	var directory map[string][]string
	if err := json.Unmarshal(view(C.pigato_bytes{data: text.data, length: text.length}), &directory); err != nil {
		return nil, dataError(err)
	}
	return directory, nil
}

// stop begins the stop, which the polling goroutine completes.
func (b *Broker) stop(milliseconds int64) {
	if handle, err := b.handle.acquire(); err == nil {
		// Fails only if the broker has already stopped.
		C.pigato_broker_stop(handle, C.int64_t(milliseconds))
		b.handle.release()
	}
}

// poll handles events until the broker has stopped, then frees it.
func (b *Broker) poll(handle *C.pigato_broker) {
	defer close(b.stopped)
	defer close(b.events)
	poller[C.pigato_broker_event]{
		poll: func(events *C.pigato_broker_event, capacity C.size_t) C.pigato_go_result {
			return C.pigato_go_broker_poll(handle, events, capacity)
		},
		free:   func(events *C.pigato_broker_event, count C.size_t) { C.pigato_broker_events_free(events, count) },
		handle: b.handleEvent,
		logger: b.logger,
	}.run()
	C.pigato_broker_free(b.handle.take())
}

// handleEvent reports whether more events may follow.
func (b *Broker) handleEvent(event *C.pigato_broker_event) bool {
	if event.kind == C.PIGATO_EVENT_STOPPED {
		b.logger.Debug("stopped")
		return false
	}
	made := brokerEventOf(event)
	b.logger.Debug(made.Kind.String(), "peer", made.Peer, "service", made.Service, "reason", made.Reason)
	select {
	case b.events <- made:
	default:
		b.missed.Add(1)
	}
	return true
}
