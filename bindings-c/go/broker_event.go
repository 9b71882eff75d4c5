package pigato

// #include "helpers.h"
import "C"

// BrokerEventKind is what an event of a broker's tells.
type BrokerEventKind int

const (
	// WorkerJoined: a worker offers a service.
	WorkerJoined BrokerEventKind = C.PIGATO_EVENT_WORKER_JOINED
	// WorkerLeft: a worker is gone.
	WorkerLeft BrokerEventKind = C.PIGATO_EVENT_WORKER_LEFT
	// ClientLeft: a client is gone; its requests were cancelled.
	ClientLeft BrokerEventKind = C.PIGATO_EVENT_CLIENT_LEFT
	// ProtocolError: somebody sent something that breaks the protocol. It was ignored.
	ProtocolError BrokerEventKind = C.PIGATO_EVENT_PROTOCOL_ERROR
)

// String says it in words.
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

// BrokerEvent tells of a worker or a client.
type BrokerEvent struct {
	Kind BrokerEventKind
	// Peer is the worker's or client's identity, any bytes.
	Peer string
	// Service is what the worker offers. Of WorkerJoined and WorkerLeft.
	Service string
	// Reason is why it left: disconnected, silent, unroutable, overflow, protocol_error, restarted or broker_stopped. Of
	// ProtocolError: what was wrong.
	Reason string
}

func brokerEventOf(event *C.pigato_broker_event) BrokerEvent {
	return BrokerEvent{BrokerEventKind(event.kind), textOf(event.peer), textOf(event.service), textOf(event.reason)}
}

// Statistics counts since a broker's start, and tells what there is now.
type Statistics struct {
	// Requests received, whatever became of them.
	Requests uint64
	// Dispatches is requests handed to workers; more than one for a request that was retried or rejected.
	Dispatches uint64
	// Replies is final replies passed on.
	Replies uint64
	// PartialReplies passed on.
	PartialReplies uint64
	// Rejects is requests rejected by a worker and put back.
	Rejects uint64
	// Retries is requests put back because their worker was lost.
	Retries uint64
	// Expired is requests whose timeout passed.
	Expired uint64
	// Cancelled is requests ended by their client, or with it.
	Cancelled uint64
	// Errors is requests refused or ended with an error that the broker made.
	Errors uint64
	// LateReplies is replies to requests that the broker had ended itself, dropped.
	LateReplies uint64
	// CacheHits is requests answered from the reply cache.
	CacheHits uint64
	// ProtocolErrors is messages that broke the protocol.
	ProtocolErrors uint64
	// Undeliverable is messages whose receiver was gone or too slow.
	Undeliverable uint64
	// Workers registered now.
	Workers uint64
	// Clients known now.
	Clients uint64
	// Queued is requests waiting for a worker now.
	Queued uint64
	// InFlight is requests at workers now.
	InFlight uint64
	// RequestBytes is bytes of all requests held now.
	RequestBytes uint64
	// CacheBytes is bytes in the reply cache now.
	CacheBytes uint64
	// MissedEvents is events that were lost because nobody read Events.
	MissedEvents uint64
}

// Statistics counts since the start, and tells what there is now. ErrClosed once the broker has stopped.
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
