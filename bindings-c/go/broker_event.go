package pigato

// #include "helpers.h"
import "C"

// BrokerEventKind is the kind of a BrokerEvent.
type BrokerEventKind int

const (
	// WorkerJoined means that a worker has registered.
	WorkerJoined BrokerEventKind = C.PIGATO_EVENT_WORKER_JOINED
	// WorkerLeft means that a worker has left or was lost.
	WorkerLeft BrokerEventKind = C.PIGATO_EVENT_WORKER_LEFT
	// ClientLeft means that a client has left or was lost. Its requests were cancelled.
	ClientLeft BrokerEventKind = C.PIGATO_EVENT_CLIENT_LEFT
	// ProtocolError means that a peer sent a message that violates the protocol. It was ignored.
	ProtocolError BrokerEventKind = C.PIGATO_EVENT_PROTOCOL_ERROR
)

// String returns the kind in words.
func (k BrokerEventKind) String() string {
	switch k {
	case WorkerJoined:
		return "worker joined"
	case WorkerLeft:
		return "worker left"
	case ClientLeft:
		return "client left"
	case ProtocolError:
		return "protocol error"
	default:
		return "unknown event"
	}
}

// BrokerEvent reports something about a worker or a client.
type BrokerEvent struct {
	Kind BrokerEventKind
	// Peer is the identity of the worker or client, which may be any bytes.
	Peer string
	// Service is the service of the worker, for WorkerJoined and WorkerLeft.
	Service string
	// Reason is disconnected, silent, unroutable, overflow, protocol_error, restarted or
	// broker_stopped for WorkerLeft and ClientLeft, and the violation for ProtocolError.
	Reason string
}

func brokerEventOf(event *C.pigato_broker_event) BrokerEvent {
	return BrokerEvent{BrokerEventKind(event.kind), textOf(event.peer), textOf(event.service), textOf(event.reason)}
}

// Statistics are counters of a broker since its start, and gauges of its current state.
type Statistics struct {
	// Requests counts requests received.
	Requests uint64
	// Dispatches counts deliveries of requests to workers. A request that is retried or rejected
	// counts again.
	Dispatches uint64
	// Replies counts final replies forwarded to clients.
	Replies uint64
	// PartialReplies counts partial replies forwarded to clients.
	PartialReplies uint64
	// Rejects counts requests that a worker rejected and the broker queued again.
	Rejects uint64
	// Retries counts requests queued again because their worker was lost.
	Retries uint64
	// Expired counts requests whose timeout expired.
	Expired uint64
	// Cancelled counts requests that ended because their client cancelled them or left.
	Cancelled uint64
	// Errors counts requests that the broker refused or ended with an error.
	Errors uint64
	// LateReplies counts replies dropped because the broker had already ended their request.
	LateReplies uint64
	// CacheHits counts requests answered from the reply cache.
	CacheHits uint64
	// ProtocolErrors counts messages that violate the protocol.
	ProtocolErrors uint64
	// Undeliverable counts messages dropped because their receiver was gone or too slow.
	Undeliverable uint64
	// Workers is the number of registered workers now.
	Workers uint64
	// Clients is the number of known clients now.
	Clients uint64
	// Queued is the number of requests that wait for a worker now.
	Queued uint64
	// InFlight is the number of requests at workers now.
	InFlight uint64
	// RequestBytes is the size of all requests held now, in bytes.
	RequestBytes uint64
	// CacheBytes is the size of the reply cache now, in bytes.
	CacheBytes uint64
	// MissedEvents counts events dropped because Events was not read.
	MissedEvents uint64
}

// Statistics returns the broker's counters and gauges. It returns ErrClosed if the broker has
// stopped.
func (b *Broker) Statistics() (Statistics, error) {
	handle, err := b.handle.acquire()
	if err != nil {
		return Statistics{}, err
	}
	defer b.handle.release()
	var counted C.pigato_statistics
	if err := failure(C.pigato_go_broker_statistics(handle, &counted)); err != nil {
		return Statistics{}, err
	}
	return Statistics{
		Requests:       uint64(counted.requests),
		Dispatches:     uint64(counted.dispatches),
		Replies:        uint64(counted.replies),
		PartialReplies: uint64(counted.partial_replies),
		Rejects:        uint64(counted.rejects),
		Retries:        uint64(counted.retries),
		Expired:        uint64(counted.expired),
		Cancelled:      uint64(counted.cancelled),
		Errors:         uint64(counted.errors),
		LateReplies:    uint64(counted.late_replies),
		CacheHits:      uint64(counted.cache_hits),
		ProtocolErrors: uint64(counted.protocol_errors),
		Undeliverable:  uint64(counted.undeliverable),
		Workers:        uint64(counted.workers),
		Clients:        uint64(counted.clients),
		Queued:         uint64(counted.queued),
		InFlight:       uint64(counted.in_flight),
		RequestBytes:   uint64(counted.request_bytes),
		CacheBytes:     uint64(counted.cache_bytes),
		MissedEvents:   uint64(counted.missed_events) + b.missed.Load(),
	}, nil
}
