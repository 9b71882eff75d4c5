//go:build cgo

package pigato

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// NoTimeout makes a request wait forever, as the argument of WithTimeout.
const NoTimeout time.Duration = -1

// NoLimit removes the limit of concurrent requests, as the argument of WithConcurrency or
// SetConcurrency.
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

// CallOption is an option of a request, or of a client as the default of its requests.
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

// Option is an option of clients, workers, brokers, requests and replies.
type Option interface {
	HandleOption
	MessageOption
}

// settings collects options.
type settings struct {
	options   []option
	endpoints []string
	logger    *slog.Logger
	isRaw     bool
}

// option is an option of C: its name there, and its value as JSON.
type option struct {
	name  string
	value string
	// isVaried marks values that differ from call to call, so that caching them is useless.
	isVaried bool
	err      error
}

func (o option) toClient(s *settings)  { s.options = append(s.options, o) }
func (o option) toWorker(s *settings)  { s.options = append(s.options, o) }
func (o option) toBroker(s *settings)  { s.options = append(s.options, o) }
func (o option) toRequest(s *settings) { s.options = append(s.options, o) }
func (o option) toReply(s *settings)   { s.options = append(s.options, o) }

// duration returns a time option in milliseconds. C checks its range, except that -1 means forever
// in C and only NoTimeout may mean that here.
func duration(name string, value time.Duration) option {
	switch value {
	case NoTimeout:
		return option{name: name, value: "-1"}
	case -time.Millisecond:
		message := fmt.Sprintf("`%s` is %v; it must not be negative (NoTimeout waits forever)", name, value)
		return option{name: name, err: &Error{Code: ErrOption, Message: message}}
	default:
		milliseconds := float64(value) / float64(time.Millisecond)
		return option{name: name, value: strconv.FormatFloat(milliseconds, 'f', -1, 64)}
	}
}

func number(name string, value int) option {
	return option{name: name, value: strconv.Itoa(value)}
}

func boolean(name string, value bool) option {
	return option{name: name, value: strconv.FormatBool(value)}
}

func jsonValue(name string, value any) option {
	encoded, err := json.Marshal(value)
	if err != nil {
		message := fmt.Sprintf("`%s` cannot be marshaled to JSON: %v", name, err)
		err = &Error{Code: ErrOption, Message: message, cause: err}
	}
	return option{name: name, value: string(encoded), isVaried: true, err: err}
}

// keyword returns an option that has few possible texts.
func keyword(name, value string) option {
	made := jsonValue(name, value)
	made.isVaried = false
	return made
}

// With sets an option by its name in C and all other languages. The value is marshaled to JSON, a
// time.Duration as a number of milliseconds. On requests and replies an unknown name is a header;
// elsewhere it fails with ErrOption.
func With(name string, value any) Option {
	if time, isTime := value.(time.Duration); isTime {
		made := duration(name, time)
		made.isVaried = true
		return made
	}
	return jsonValue(name, value)
}

// WithTimeout limits the time without a reply; each partial reply restarts it. NoTimeout waits
// forever, 0 fails at once. On a client it is the default of its requests. The default is 60 s.
func WithTimeout(timeout time.Duration) CallOption { return duration("timeout", timeout) }

// WithRetry sets whether a request may run again when its worker or the connection is lost. On a
// client it is the default of its requests. The default is false.
func WithRetry(retry bool) CallOption { return boolean("retry", retry) }

// WithWorkerID sends the request only to the worker with this identity.
func WithWorkerID(id string) RequestOption { return jsonValue("workerId", id) }

// WithNoCache bypasses the broker's reply cache.
func WithNoCache() RequestOption { return boolean("nocache", true) }

// WithFailFast ends a request at once with ErrNoWorker or ErrRejected if no worker is available. A
// request still waits for a broker that is not connected.
func WithFailFast() RequestOption { return boolean("failFast", true) }

// WithHeader adds a header to a request or a reply, which the other side reads with Header. The
// value is marshaled to JSON.
func WithHeader(name string, value any) MessageOption { return jsonValue(name, value) }

// WithCache lets the broker answer the same request with this reply for the given time.
func WithCache(lifetime time.Duration) ReplyOption { return duration("cache", lifetime) }

type rawOption struct{}

func (rawOption) toRequest(s *settings) { s.isRaw = true }
func (rawOption) toReply(s *settings)   { s.isRaw = true }

// WithRaw sends a []byte or a string as bytes with the codec raw, as Raw does.
func WithRaw() MessageOption { return rawOption{} }

// WithHeartbeat sets the interval between heartbeats. The default is 2.5 s.
func WithHeartbeat(interval time.Duration) HandleOption { return duration("heartbeat", interval) }

// WithHeartbeatLiveness sets the number of intervals without a message after which a peer
// counts as gone. The default is 3.
func WithHeartbeatLiveness(count int) HandleOption { return number("heartbeatLiveness", count) }

// WithReconnect sets the first pause before reconnecting; it doubles up to 30 s. The default is 1
// s.
func WithReconnect(pause time.Duration) PeerOption { return duration("reconnect", pause) }

// WithPrefix sets the first part of the identity of a client or a worker.
func WithPrefix(prefix string) PeerOption { return jsonValue("prefix", prefix) }

// WithConcurrency sets the maximum number of concurrent requests of a worker, each in its own
// goroutine. NoLimit removes the limit. The default is 100.
func WithConcurrency(requests int) WorkerOption { return number("concurrency", requests) }

// WithMaxRequests limits the pending requests of a client, beyond which requests fail with ErrBusy,
// or the requests that a broker holds, beyond which they fail with ErrQueueFull. The default is
// 1,000,000.
func WithMaxRequests(requests int) BoundOption { return number("maxRequests", requests) }

// WithMaxRequestBytes limits the bytes of the requests that WithMaxRequests counts, with the same
// errors. The default is 1 GiB.
func WithMaxRequestBytes(bytes int) BoundOption { return number("maxRequestBytes", bytes) }

type endpointOption []string

func (e endpointOption) toBroker(s *settings) { s.endpoints = append(s.endpoints, e...) }

// WithEndpoint adds endpoints that a broker listens on. The port * takes a free port:
// tcp://127.0.0.1:*.
func WithEndpoint(endpoints ...string) BrokerOption { return endpointOption(endpoints) }

// WithDispatchMode sets which free worker gets a request: "load", the one with the fewest requests,
// or "rand", a random one. The default is "load".
func WithDispatchMode(mode string) BrokerOption { return keyword("dmode", mode) }

// WithName sets the name of a broker; the default is random. Clients recognize a restarted broker
// by a new name, so do not reuse one.
func WithName(name string) BrokerOption { return jsonValue("name", name) }

// WithIntch sets the endpoint on which a broker publishes its directory to core services; an empty
// text disables it. The default is tcp://127.0.0.1:55550.
func WithIntch(endpoint string) BrokerOption {
	if endpoint == "" {
		return option{name: "intch", value: "null"}
	}
	return jsonValue("intch", endpoint)
}

// WithMaxBodyBytes limits the data of a request at a broker; larger data fails with ErrTooLarge.
// The default is 64 MiB.
func WithMaxBodyBytes(bytes int) BrokerOption { return number("maxBodyBytes", bytes) }

// WithMaxWorkers limits the workers of a broker. The default is 65,536.
func WithMaxWorkers(workers int) BrokerOption { return number("maxWorkers", workers) }

// WithCacheBytes limits the reply cache of a broker; 0 disables it. The default is 64 MiB.
func WithCacheBytes(bytes int) BrokerOption { return number("cacheBytes", bytes) }

type loggerOption struct{ logger *slog.Logger }

func (l loggerOption) toClient(s *settings) { s.logger = l.logger }
func (l loggerOption) toWorker(s *settings) { s.logger = l.logger }
func (l loggerOption) toBroker(s *settings) { s.logger = l.logger }

// WithLogger sets the logger. Connections are logged at debug level, failures of handlers at
// warning and error level. The default is slog.Default.
func WithLogger(logger *slog.Logger) HandleOption { return loggerOption{logger} }

func (s *settings) log() *slog.Logger {
	if s.logger == nil {
		return slog.Default()
	}
	return s.logger
}
