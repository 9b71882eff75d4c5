//go:build cgo

// Package pigato makes and answers requests over PIGATO: brokered request/reply microservices over ZeroMQ.
//
// A Client asks for a service by name, a Broker queues the request and hands it to a Worker that has room, the worker
// answers with partial replies and one final one. All of them work with the peers of the other languages.
//
//	broker, err := pigato.NewBroker(pigato.WithEndpoint("tcp://127.0.0.1:*"))
//	worker, err := pigato.NewWorker(broker.Endpoint(), "upper",
//		pigato.Handle(func(ctx context.Context, text string) (string, error) {
//			return strings.ToUpper(text), nil
//		}))
//	client, err := pigato.NewClient(broker.Endpoint(), pigato.WithTimeout(5*time.Second))
//	answer, err := pigato.Call[string](ctx, client, "upper", "hello") // "HELLO"
//
// # Data
//
// Data is marshalled to JSON, and read with Decode. A json.RawMessage is sent as it is. A []byte would become a text of
// base64, as encoding/json has it; Raw, or the option WithRaw, sends it as bytes instead.
//
// # Errors
//
// Every error is, or wraps, an *Error. It has a Code, the same in all languages, by which errors.Is finds it:
//
//	if errors.Is(err, pigato.ErrTimeout) { … }
//
// When a context has ended, the error wraps ctx.Err() as well.
//
// # Contexts
//
// When the context of a request ends, the request is cancelled in the broker too, and the context of its handler ends.
// The timeout of WithTimeout is another thing: it is the time without a reply, counted anew from each partial reply, and
// its end is ErrTimeout without a context's error.
//
// # Closing
//
// Client, Worker, Broker, Directory and Stream have to be closed. Workers, brokers and directories run until Close, whether
// anything refers to them or not. Close may be called again and from any goroutine, ends all calls that wait with
// ErrClosed, and returns when nothing runs. What is used after that gives ErrClosed.
//
// # Goroutines and threads
//
// All methods may be called from any goroutine. One thread of the library underneath does all input and output of a
// process; beside it each client, worker and broker has one goroutine that waits in C for its events, and so occupies
// a thread. Each request runs its handler in a goroutine of its own.
package pigato
