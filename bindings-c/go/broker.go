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

// Broker takes requests from clients and hands them to workers. All methods may be called from any goroutine.
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

// NewBroker starts a broker. It listens where WithEndpoint says, without it where clients and workers look for a broker
// by default. ErrEndpoint for a place where it cannot. The broker runs until Close or Stop, whether anything refers to it
// or not.
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

// unreadBrokerEvents is how many events wait for a reader; the reader misses the rest.
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

// Endpoint is where the broker listens, with the port that a `*` became; the first place if there are several.
func (b *Broker) Endpoint() string { return b.endpoints[0] }

// Endpoints is all places where the broker listens.
func (b *Broker) Endpoints() []string { return append([]string(nil), b.endpoints...) }

// Intch is where the broker publishes its directory; empty if nowhere.
func (b *Broker) Intch() string { return b.intch }

// Name is the broker's name.
func (b *Broker) Name() string { return b.name }

// Events tells of workers and clients. It is closed when the broker has stopped. The broker works on whether anybody
// reads or not: of what is not read the newest is lost, and counted as Statistics.MissedEvents.
func (b *Broker) Events() <-chan BrokerEvent { return b.events }

// Close stops the broker at once; nothing of it runs when Close returns. Closing again does nothing. It never fails;
// the result is there for io.Closer.
func (b *Broker) Close() error {
	b.stop(0)
	<-b.stopped
	return nil
}

// Stop stops the broker once it has finished what it has accepted; new requests get ErrDraining. When ctx ends first, it
// stops at once, as Close does, and the error wraps ctx.Err().
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

// Directory tells which workers offer which service. ErrClosed once the broker has stopped.
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

// stop begins the end, which the polling goroutine completes.
func (b *Broker) stop(milliseconds int64) {
	if handle, err := b.handle.acquire(); err == nil {
		// The only possible failure says that it has stopped already.
		C.pigato_broker_stop(handle, C.int64_t(milliseconds))
		b.handle.release()
	}
}

// poll hands events on until the broker has stopped, and frees it then.
func (b *Broker) poll(handle *C.pigato_broker) {
	defer close(b.stopped)
	defer close(b.events)
	pollEvents(func(first *C.pigato_broker_event, capacity C.size_t) C.pigato_go_result {
		return C.pigato_go_broker_poll(handle, first, capacity)
	}, func(first *C.pigato_broker_event, count C.size_t) {
		C.pigato_broker_events_free(first, count)
	}, b.handleEvent, corks{}, b.logger)
	C.pigato_broker_free(b.handle.take())
}

// handleEvent tells whether more may follow.
func (b *Broker) handleEvent(event *C.pigato_broker_event) bool {
	if event.kind == C.PIGATO_EVENT_STOPPED {
		b.logger.Debug("stopped")
		return false
	}
	told := brokerEventOf(event)
	b.logger.Debug(told.Kind.String(), "peer", told.Peer, "service", told.Service, "reason", told.Reason)
	select {
	case b.events <- told:
	default:
		b.missed.Add(1)
	}
	return true
}
