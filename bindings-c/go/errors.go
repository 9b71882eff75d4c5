package pigato

// #include "helpers.h"
import "C"

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Code is an error code, the same in all languages of PIGATO: `C_TIMEOUT`, `B_NO_WORKER`. It is an error itself, so
// that errors.Is(err, pigato.ErrTimeout) asks whether err has that code.
type Code string

// The codes. C_ and E_ are made on this side, B_ by the broker, W_ for a worker.
const (
	// ErrRemote: the service answered with an error value of its own; see Error.Value.
	ErrRemote Code = "REMOTE_ERROR"
	// ErrTimeout: no reply within the request's timeout.
	ErrTimeout Code = "C_TIMEOUT"
	// ErrCancelled: the request was cancelled.
	ErrCancelled Code = "C_CANCELLED"
	// ErrDisconnected: the connection was lost while the request was in flight, and it had no WithRetry.
	ErrDisconnected Code = "C_DISCONNECTED"
	// ErrClosed: what was used is closed, or the request is not live any more.
	ErrClosed Code = "C_CLOSED"
	// ErrBusy: too much is unanswered or unread.
	ErrBusy Code = "C_BUSY"
	// ErrWorkerLost: the worker was lost with the request.
	ErrWorkerLost Code = "B_WORKER_LOST"
	// ErrNoWorker: no worker offers the service, and the request had WithFailFast.
	ErrNoWorker Code = "B_NO_WORKER"
	// ErrQueueFull: the broker holds as many requests as it may.
	ErrQueueFull Code = "B_QUEUE_FULL"
	// ErrTooLarge: the data is larger than the broker takes.
	ErrTooLarge Code = "B_TOO_LARGE"
	// ErrRejected: every worker rejected the request, and it had WithFailFast.
	ErrRejected Code = "B_REJECTED"
	// ErrUnauthorized: not allowed.
	ErrUnauthorized Code = "B_UNAUTHORIZED"
	// ErrBadRequest: the request breaks the protocol.
	ErrBadRequest Code = "B_BAD_REQUEST"
	// ErrDraining: the broker is stopping.
	ErrDraining Code = "B_DRAINING"
	// ErrHandler: the worker's handler failed.
	ErrHandler Code = "W_HANDLER"
	// ErrEndpoint: an endpoint that cannot be bound, connected to or understood.
	ErrEndpoint Code = "E_ENDPOINT"
	// ErrOption: an option that does not exist, or a value that it cannot have.
	ErrOption Code = "E_OPTION"
	// ErrData: data that cannot be written as JSON, or read as what was asked for.
	ErrData Code = "E_DATA"
	// ErrSystem: the operating system or libzmq refused something.
	ErrSystem Code = "E_SYSTEM"
	// ErrFork: made before a fork.
	ErrFork Code = "E_FORK"
	// ErrArgument: an argument that is missing or has no meaning.
	ErrArgument Code = "E_ARGUMENT"
	// ErrInternal: a fault in the library.
	ErrInternal Code = "E_INTERNAL"
)

// codes has the code of each status that is an error.
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

// Error makes a code an error.
func (c Code) Error() string {
	for status, code := range codes {
		if code == c {
			return string(c) + ": " + statusMessage(status)
		}
	}
	return string(c)
}

// Origin tells where an error comes from.
type Origin int

const (
	// OriginLocal: from this side, a timeout, cancellation, lost connection or stop.
	OriginLocal Origin = C.PIGATO_ORIGIN_LOCAL
	// OriginWorker: from the worker that had the request.
	OriginWorker Origin = C.PIGATO_ORIGIN_WORKER
	// OriginBroker: from the broker; no worker answered.
	OriginBroker Origin = C.PIGATO_ORIGIN_BROKER
)

// String names an origin.
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

// Error is what every function of this package fails with; errors.As finds it, errors.Is compares its code.
type Error struct {
	// Code is what happened, for programs.
	Code Code
	// Message is what happened, for people; may be empty.
	Message string
	// Value is the error value that the service or the broker sent, if there is one.
	Value json.RawMessage
	// Options is the JSON object of options that came with the error, the service's own headers among them; may be empty.
	Options json.RawMessage
	// Origin tells where the error comes from.
	Origin Origin
	// IsPartial tells that the worker sent this error as a partial reply: the stream goes on.
	IsPartial bool

	cause error
}

// Error tells the code and the message, or the value if there is no message.
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

// Is tells whether target is this error's code.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && e != nil && code == e.Code
}

// Unwrap is what led to this error: the error of a context that has ended, or of encoding/json.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.cause
}

// Decode reads the error value into v, a pointer.
func (e *Error) Decode(v any) error {
	if e == nil {
		return dataError(errors.New("a nil *pigato.Error has no value"))
	}
	return decodeJSON(e.Value, v)
}

// Header reads one of the options into v, a pointer, and tells whether it was there.
func (e *Error) Header(name string, v any) (bool, error) {
	if e == nil {
		return false, nil
	}
	return header(e.Options, name, v)
}

// ErrorValue makes an error that, returned by a handler, answers the request with this error value, marshalled to JSON.
func ErrorValue(value any) error {
	encoded, err := json.Marshal(value)
	if err != nil {
		return dataError(err)
	}
	return &Error{Code: ErrRemote, Value: encoded, Origin: OriginWorker}
}

// rejection is an error that has another worker answer.
type rejection struct {
	reason json.RawMessage
}

func (r *rejection) Error() string {
	return "rejected: " + string(r.reason)
}

// Reject makes an error that, returned by a handler, hands the request to another worker. The reason, marshalled to
// JSON, is for the broker; it may be nil. A reason that cannot be written as JSON gives ErrData instead, which, returned
// by a handler, becomes W_HANDLER.
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

// isClosed asks for the code alone, whatever the error wraps.
func isClosed(err error) bool {
	own, ok := err.(*Error)
	return ok && own.Code == ErrClosed
}

func dataError(cause error) error {
	return &Error{Code: ErrData, Message: cause.Error(), cause: cause}
}

// contextError is the error of a call whose context has ended.
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
