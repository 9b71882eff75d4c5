//go:build cgo

// Package pigato sends and answers requests over PIGATO, brokered request/reply microservices over
// ZeroMQ.
//
// A Client sends a request to a service by name. A Broker queues it and sends it to a Worker that
// has capacity. The worker answers with any number of partial replies and one final reply. All
// three work with peers in other languages.
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
// Data is marshaled to JSON and read with Decode. A json.RawMessage is sent unchanged.
// encoding/json turns a []byte into base64 text; Raw, or the option WithRaw, sends it as bytes
// instead.
//
// # Errors
//
// Every error is, or wraps, an *Error. Its Code is the same in all languages, and errors.Is matches
// it:
//
//	if errors.Is(err, pigato.ErrTimeout) { … }
//
// An error caused by a context that has ended also wraps ctx.Err().
//
// # Contexts
//
// When the context of a request ends, the request is cancelled in the broker, and the context of
// its handler ends. WithTimeout is different: it limits the time without a reply, each partial
// reply restarts it, and it ends the request with ErrTimeout, which wraps no context error.
//
// # Closing
//
// Close every Client, Worker, Broker, Directory and Stream. Workers, brokers and directories run
// until they are closed, even if nothing refers to them. Close may be called repeatedly and from
// any goroutine. It ends all waiting calls with ErrClosed and returns when nothing runs any more.
// Later calls return ErrClosed.
//
// # Goroutines and threads
//
// All methods may be called from any goroutine. One thread of the C library does all network
// traffic of a process. In addition, each client, worker and broker has one goroutine that waits in
// C for events and so occupies a thread. Each request runs its handler in its own goroutine.
package pigato
