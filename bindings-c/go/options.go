//go:build cgo

package pigato

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// NoTimeout, given to WithTimeout, lets a request wait for ever.
const NoTimeout time.Duration = -1

// NoLimit, given to WithConcurrency or SetConcurrency, lets a worker take any number of requests.
const NoLimit = -1

// ClientOption is an option of NewClient.
type ClientOption interface{ toClient(*settings) }

// WorkerOption is an option of NewWorker.
type WorkerOption interface{ toWorker(*settings) }

// BrokerOption is an option of NewBroker.
type BrokerOption interface{ toBroker(*settings) }

// RequestOption is an option of one request.
type RequestOption interface{ toRequest(*settings) }

// ReplyOption is an option of one reply.
type ReplyOption interface{ toReply(*settings) }

// PeerOption is an option of clients and workers.
type PeerOption interface {
	ClientOption
	WorkerOption
}

// HandleOption is an option of clients, workers and brokers.
type HandleOption interface {
	ClientOption
	WorkerOption
	BrokerOption
}

// CallOption is an option of a request, and of a client for all its requests.
type CallOption interface {
	ClientOption
	RequestOption
}

// MessageOption is an option of requests and replies.
type MessageOption interface {
	RequestOption
	ReplyOption
}

// BoundOption is an option of clients and brokers.
type BoundOption interface {
	ClientOption
	BrokerOption
}

// Option is an option of everything.
type Option interface {
	HandleOption
	MessageOption
}

// settings is what options add up to.
type settings struct {
	options   []option
	endpoints []string
	logger    *slog.Logger
	isRaw     bool
}

// option is a setting that C knows, by its name there; the value is JSON.
type option struct {
	name  string
	value string
	// isVaried says that the value differs from call to call, so that it is not worth remembering.
	isVaried bool
	err      error
}

func (o option) toClient(s *settings)  { s.options = append(s.options, o) }
func (o option) toWorker(s *settings)  { s.options = append(s.options, o) }
func (o option) toBroker(s *settings)  { s.options = append(s.options, o) }
func (o option) toRequest(s *settings) { s.options = append(s.options, o) }
func (o option) toReply(s *settings)   { s.options = append(s.options, o) }

// duration is a time in milliseconds. Which ones can be the library knows, but -1 means for ever to it, and only
// NoTimeout is to mean that.
func duration(name string, value time.Duration) option {
	switch value {
	case NoTimeout:
		return option{name: name, value: "-1"}
	case -time.Millisecond:
		return option{name: name, err: &Error{Code: ErrOption, Message: fmt.Sprintf("`%s` cannot be %v", name, value)}}
	default:
		milliseconds := float64(value) / float64(time.Millisecond)
		return option{name: name, value: strconv.FormatFloat(milliseconds, 'f', -1, 64)}
	}
}

func number(name string, value int) option {
	return option{name: name, value: strconv.Itoa(value)}
}

func yesOrNo(name string, value bool) option {
	return option{name: name, value: strconv.FormatBool(value)}
}

func anything(name string, value any) option {
	encoded, err := json.Marshal(value)
	if err != nil {
		err = &Error{Code: ErrOption, Message: fmt.Sprintf("`%s` cannot be written as JSON: %v", name, err), cause: err}
	}
	return option{name: name, value: string(encoded), isVaried: true, err: err}
}

// word is one of the few texts that an option can be.
func word(name, value string) option {
	made := anything(name, value)
	made.isVaried = false
	return made
}

// With sets an option by the name that it has in C and in all other languages; the value is marshalled to JSON, a
// time.Duration as the number of its milliseconds. A name that does not exist is ErrOption; for requests and replies it
// is a header.
func With(name string, value any) Option {
	if time, isTime := value.(time.Duration); isTime {
		made := duration(name, time)
		made.isVaried = true
		return made
	}
	return anything(name, value)
}

// WithTimeout sets how long to wait without a reply; each partial reply starts the time anew. NoTimeout: for ever;
// 0: fails at once. For a client: of the requests that do not say so themselves.
func WithTimeout(timeout time.Duration) CallOption { return duration("timeout", timeout) }

// WithRetry lets a request be run again when its worker or the connection is lost. For a client: of the requests that
// do not say so themselves.
func WithRetry(retry bool) CallOption { return yesOrNo("retry", retry) }

// WithWorkerID names the one worker that is to handle the request.
func WithWorkerID(id string) RequestOption { return anything("workerId", id) }

// WithNoCache passes by the broker's reply cache.
func WithNoCache() RequestOption { return yesOrNo("nocache", true) }

// WithFailFast ends a request with ErrNoWorker or ErrRejected at once instead of waiting for a worker.
func WithFailFast() RequestOption { return yesOrNo("failFast", true) }

// WithHeader adds a key of your own to a request or a reply, which the other side reads with Header. The value is
// marshalled to JSON.
func WithHeader(name string, value any) MessageOption { return anything(name, value) }

// WithCache lets the broker give this reply, for as long, to the same request.
func WithCache(lifetime time.Duration) ReplyOption { return duration("cache", lifetime) }

type rawOption struct{}

func (rawOption) toRequest(s *settings) { s.isRaw = true }
func (rawOption) toReply(s *settings)   { s.isRaw = true }

// WithRaw sends data that is a []byte or a string as bytes, with the codec raw, as Raw does.
func WithRaw() MessageOption { return rawOption{} }

// WithHeartbeat sets the time between two heartbeats.
func WithHeartbeat(interval time.Duration) HandleOption { return duration("heartbeat", interval) }

// WithHeartbeatLiveness sets how many heartbeats the other side may miss before it counts as dead.
func WithHeartbeatLiveness(count int) HandleOption { return number("heartbeatLiveness", count) }

// WithReconnect sets the first pause before reconnecting; it grows from attempt to attempt.
func WithReconnect(pause time.Duration) PeerOption { return duration("reconnect", pause) }

// WithPrefix sets the first part of the identity by which the broker knows a client or a worker.
func WithPrefix(prefix string) PeerOption { return anything("prefix", prefix) }

// WithConcurrency sets how many requests a worker takes at the same time, each in a goroutine of its own; NoLimit: any
// number.
func WithConcurrency(requests int) WorkerOption { return number("concurrency", requests) }

// WithMaxRequests bounds the requests that a client may have unanswered (more is ErrBusy), or that a broker holds (more
// is ErrQueueFull).
func WithMaxRequests(requests int) BoundOption { return number("maxRequests", requests) }

// WithMaxRequestBytes bounds the bytes of those requests.
func WithMaxRequestBytes(bytes int) BoundOption { return number("maxRequestBytes", bytes) }

type endpointOption []string

func (e endpointOption) toBroker(s *settings) { s.endpoints = append(s.endpoints, e...) }

// WithEndpoint lets a broker listen here too; `tcp://127.0.0.1:*` takes a free port.
func WithEndpoint(endpoints ...string) BrokerOption { return endpointOption(endpoints) }

// WithDispatchMode sets how a broker chooses among free workers: `load` or `rand`.
func WithDispatchMode(mode string) BrokerOption { return word("dmode", mode) }

// WithName names a broker. Clients take another name for a restart, so do not use one again.
func WithName(name string) BrokerOption { return anything("name", name) }

// WithIntch sets where a broker publishes its directory for core services; empty: nowhere.
func WithIntch(endpoint string) BrokerOption {
	if endpoint == "" {
		return option{name: "intch", value: "null"}
	}
	return anything("intch", endpoint)
}

// WithMaxBodyBytes bounds the data of a request at a broker; more is ErrTooLarge.
func WithMaxBodyBytes(bytes int) BrokerOption { return number("maxBodyBytes", bytes) }

// WithMaxWorkers bounds the workers of a broker.
func WithMaxWorkers(workers int) BrokerOption { return number("maxWorkers", workers) }

// WithCacheBytes bounds the reply cache of a broker; 0 turns it off.
func WithCacheBytes(bytes int) BrokerOption { return number("cacheBytes", bytes) }

type loggerOption struct{ logger *slog.Logger }

func (l loggerOption) toClient(s *settings) { s.logger = l.logger }
func (l loggerOption) toWorker(s *settings) { s.logger = l.logger }
func (l loggerOption) toBroker(s *settings) { s.logger = l.logger }

// WithLogger sets where connections that come and go are told at debug level, and what is wrong with handlers at
// warning and error level. Without it: slog.Default.
func WithLogger(logger *slog.Logger) HandleOption { return loggerOption{logger} }

func (s *settings) log() *slog.Logger {
	if s.logger == nil {
		return slog.Default()
	}
	return s.logger
}
