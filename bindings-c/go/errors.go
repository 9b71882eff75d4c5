package pigato

// #include "helpers.h"
import "C"

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Code is an error code, the same in all languages of PIGATO, such as C_TIMEOUT or B_NO_WORKER. It
// is an error itself, so that errors.Is(err, pigato.ErrTimeout) reports whether err has that code.
type Code string

// Error codes. C_ and E_ come from this process, B_ from the broker, W_ from a worker.
const (
	// ErrRemote means that the service answered with an error value of its own; see Error.Value.
	ErrRemote Code = "REMOTE_ERROR"
	// ErrTimeout means that no reply arrived within the request's timeout.
	ErrTimeout Code = "C_TIMEOUT"
	// ErrCancelled means that the request was cancelled.
	ErrCancelled Code = "C_CANCELLED"
	// ErrDisconnected means that the connection was lost while the request, which had no WithRetry,
	// was in flight.
	ErrDisconnected Code = "C_DISCONNECTED"
	// ErrClosed means that the client, worker, broker or stream is closed, or that the request has
	// ended.
	ErrClosed Code = "C_CLOSED"
	// ErrBusy means that a limit of pending requests or unread replies is reached.
	ErrBusy Code = "C_BUSY"
	// ErrWorkerLost means that the worker was lost while it had the request.
	ErrWorkerLost Code = "B_WORKER_LOST"
	// ErrNoWorker means that no worker offers the service; only with WithFailFast.
	ErrNoWorker Code = "B_NO_WORKER"
	// ErrQueueFull means that the broker holds the most requests that its options allow.
	ErrQueueFull Code = "B_QUEUE_FULL"
	// ErrTooLarge means that the data is larger than the broker's WithMaxBodyBytes.
	ErrTooLarge Code = "B_TOO_LARGE"
	// ErrRejected means that every worker rejected the request; only with WithFailFast.
	ErrRejected Code = "B_REJECTED"
	// ErrUnauthorized means that the broker does not allow the request.
	ErrUnauthorized Code = "B_UNAUTHORIZED"
	// ErrBadRequest means that the request violates the protocol.
	ErrBadRequest Code = "B_BAD_REQUEST"
	// ErrDraining means that the broker is stopping and accepts no new requests.
	ErrDraining Code = "B_DRAINING"
	// ErrHandler means that the worker's handler failed.
	ErrHandler Code = "W_HANDLER"
	// ErrEndpoint means that an endpoint is malformed, or cannot be bound or connected to.
	ErrEndpoint Code = "E_ENDPOINT"
	// ErrOption means that an option does not exist, or that its value is invalid.
	ErrOption Code = "E_OPTION"
	// ErrData means that data cannot be marshaled to JSON, or decoded into the given type.
	ErrData Code = "E_DATA"
	// ErrSystem means that the operating system or libzmq reported an error.
	ErrSystem Code = "E_SYSTEM"
	// ErrFork means that the value was created before a fork.
	ErrFork Code = "E_FORK"
	// ErrArgument means that an argument is missing or invalid.
	ErrArgument Code = "E_ARGUMENT"
	// ErrInternal means a bug in the library; please report it.
	ErrInternal Code = "E_INTERNAL"
)

// codes maps each status of C that is an error to its code.
var codes = map[C.pigato_status]Code{
	C.PIGATO_REMOTE_ERROR:   ErrRemote,
	C.PIGATO_C_TIMEOUT:      ErrTimeout,
	C.PIGATO_C_CANCELLED:    ErrCancelled,
	C.PIGATO_C_DISCONNECTED: ErrDisconnected,
	C.PIGATO_C_CLOSED:       ErrClosed,
	C.PIGATO_C_BUSY:         ErrBusy,
	C.PIGATO_B_WORKER_LOST:  ErrWorkerLost,
	C.PIGATO_B_NO_WORKER:    ErrNoWorker,
	C.PIGATO_B_QUEUE_FULL:   ErrQueueFull,
	C.PIGATO_B_TOO_LARGE:    ErrTooLarge,
	C.PIGATO_B_REJECTED:     ErrRejected,
	C.PIGATO_B_UNAUTHORIZED: ErrUnauthorized,
	C.PIGATO_B_BAD_REQUEST:  ErrBadRequest,
	C.PIGATO_B_DRAINING:     ErrDraining,
	C.PIGATO_W_HANDLER:      ErrHandler,
	C.PIGATO_E_ENDPOINT:     ErrEndpoint,
	C.PIGATO_E_OPTION:       ErrOption,
	C.PIGATO_E_DATA:         ErrData,
	C.PIGATO_E_SYSTEM:       ErrSystem,
	C.PIGATO_E_FORK:         ErrFork,
	C.PIGATO_E_ARGUMENT:     ErrArgument,
	C.PIGATO_E_INTERNAL:     ErrInternal,
}

// Error returns the code and its meaning.
func (c Code) Error() string {
	for status, code := range codes {
		if code == c {
			return string(c) + ": " + statusMessage(status)
		}
	}
	return string(c)
}

// Origin is the side that an error comes from.
type Origin int

const (
	// OriginLocal is this process: a timeout, cancellation, lost connection or stop.
	OriginLocal Origin = C.PIGATO_ORIGIN_LOCAL
	// OriginWorker is the worker that had the request.
	OriginWorker Origin = C.PIGATO_ORIGIN_WORKER
	// OriginBroker is the broker; no worker answered.
	OriginBroker Origin = C.PIGATO_ORIGIN_BROKER
)

// String returns local, worker or broker.
func (o Origin) String() string {
	switch o {
	case OriginWorker:
		return "worker"
	case OriginBroker:
		return "broker"
	default:
		return "local"
	}
}

// Error is the error of every function in this package. errors.As finds it; errors.Is compares its
// code.
type Error struct {
	// Code classifies the error.
	Code Code
	// Message describes the error for people; it may be empty.
	Message string
	// Value is the error value that the service or the broker sent, if any.
	Value json.RawMessage
	// Options is the JSON object of options and headers that came with the error; it may be empty.
	Options json.RawMessage
	// Origin is the side that the error comes from.
	Origin Origin
	// IsPartial reports whether the worker sent this error as a partial reply, so that the stream
	// continues.
	IsPartial bool

	cause error
}

// Error returns the code and the message, or the value if there is no message.
func (e *Error) Error() string {
	switch {
	case e == nil:
		return "a nil *pigato.Error"
	case e.Message != "":
		return string(e.Code) + ": " + e.Message
	case len(e.Value) > 0:
		return string(e.Code) + ": " + string(e.Value)
	default:
		return e.Code.Error()
	}
}

// Is reports whether target is this error's code.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && e != nil && code == e.Code
}

// Unwrap returns the cause: the error of a context that has ended, or of encoding/json.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.cause
}

// Decode unmarshals the error value into the value that v points to.
func (e *Error) Decode(v any) error {
	if e == nil {
		return dataError(errors.New("a nil *pigato.Error has no value"))
	}
	return decodeJSON(e.Value, v)
}

// Header unmarshals one of the options into the value that v points to, and reports whether it
// exists.
func (e *Error) Header(name string, v any) (bool, error) {
	if e == nil {
		return false, nil
	}
	return header(e.Options, name, v)
}

// ErrorValue returns an error for a handler to return: it answers the request with this error
// value, marshaled to JSON. The client gets ErrRemote.
func ErrorValue(value any) error {
	encoded, err := json.Marshal(value)
	if err != nil {
		return dataError(err)
	}
	return &Error{Code: ErrRemote, Value: encoded, Origin: OriginWorker}
}

// rejection is the error of Reject.
type rejection struct {
	reason json.RawMessage
}

func (r *rejection) Error() string {
	return "rejected: " + string(r.reason)
}

// Reject returns an error for a handler to return: the broker then sends the request to another
// worker. The reason, marshaled to JSON, is for the broker; it may be nil. If it cannot be
// marshaled, Reject returns ErrData, and a handler that returns that fails with ErrHandler.
func Reject(reason any) error {
	encoded, err := json.Marshal(reason)
	if err != nil {
		return dataError(err)
	}
	return &rejection{encoded}
}

func newError(status C.pigato_status, text string) *Error {
	code, isKnown := codes[status]
	if !isKnown {
		code = Code(fmt.Sprintf("STATUS_%d", status))
	}
	return &Error{Code: code, Message: strings.TrimPrefix(text, string(code)+": ")}
}

func localError(status C.pigato_status, text string) error {
	return newError(status, text)
}

func errClosed() error {
	return &Error{Code: ErrClosed}
}

// isClosed reports whether err itself, not an error that it wraps, has the code ErrClosed.
func isClosed(err error) bool {
	own, ok := err.(*Error)
	return ok && own.Code == ErrClosed
}

func dataError(cause error) error {
	return &Error{Code: ErrData, Message: cause.Error(), cause: cause}
}

// contextError returns the error of a call whose context has ended.
func contextError(cause error) error {
	code := ErrCancelled
	if isDeadline(cause) {
		code = ErrTimeout
	}
	return &Error{Code: code, Message: cause.Error(), cause: cause}
}

func isDeadline(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
