package pigato_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"

	pigato "github.com/prdn/pigato/bindings-c/go"
)

// waitLimit limits every wait. Only a failure exceeds it.
const waitLimit = 60 * time.Second

// heartbeat is the interval of tests in which a peer dies.
const heartbeat = 50 * time.Millisecond

// roles are functions that this program runs, instead of tests, in a separate process.
var roles = map[string]func(arguments []string) error{
	"stuck-worker":         stuckWorker,
	"unreachable-services": unreachableServices,
	"leak-clients":         leakClients,
	"leak-cancels":         leakCancels,
}

const roleVariable = "PIGATO_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// startRole starts this program in a role and kills it when the test ends.
func startRole(t *testing.T, role string, arguments ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	command := exec.CommandContext(deadline(t), os.Args[0], arguments...)
	command.Env = append(os.Environ(), roleVariable+"="+role)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	require(t, err)
	require(t, command.Start())
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	return command, bufio.NewScanner(output)
}

func require(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// deadline returns a context that limits a test.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	t.Cleanup(cancel)
	return ctx
}

// receive receives from a channel, for waitLimit at most.
func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(waitLimit):
		t.Fatalf("received nothing within %v", waitLimit)
		panic("unreachable")
	}
}

// eventually waits for a condition by polling it.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(waitLimit); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", waitLimit, what)
		}
	}
}

var quiet = pigato.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))

func newBroker(t *testing.T, options ...pigato.BrokerOption) *pigato.Broker {
	t.Helper()
	options = append([]pigato.BrokerOption{pigato.WithEndpoint("tcp://127.0.0.1:*"), pigato.WithIntch("")}, options...)
	broker, err := pigato.NewBroker(options...)
	require(t, err)
	t.Cleanup(func() { broker.Close() })
	return broker
}

func newWorker(t *testing.T, endpoint, service string, handler pigato.Handler,
	options ...pigato.WorkerOption) *pigato.Worker {
	t.Helper()
	worker, err := pigato.NewWorker(endpoint, service, handler, append([]pigato.WorkerOption{quiet}, options...)...)
	require(t, err)
	t.Cleanup(func() { worker.Close() })
	return worker
}

func newClient(t *testing.T, endpoint string, options ...pigato.ClientOption) *pigato.Client {
	t.Helper()
	client, err := pigato.NewClient(endpoint, options...)
	require(t, err)
	t.Cleanup(func() { client.Close() })
	return client
}

// newTrio starts a broker, a worker of the service "test" and a client.
func newTrio(t *testing.T, handler pigato.Handler, options ...pigato.WorkerOption) (*pigato.Broker, *pigato.Client) {
	t.Helper()
	broker := newBroker(t)
	newWorker(t, broker.Endpoint(), "test", handler, options...)
	return broker, newClient(t, broker.Endpoint())
}

// echo answers with the data of the request in the same codec.
func echo(_ context.Context, req *pigato.Request, w *pigato.ReplyWriter) error {
	if req.Codec() == pigato.CodecRaw {
		return w.End(pigato.Raw(req.Bytes()))
	}
	var value any
	if err := req.Decode(&value); err != nil {
		return err
	}
	return w.End(value)
}

// ending is the error and the cause of a handler's context that has ended.
type ending struct {
	err   error
	cause error
}

// stuck returns a handler that never answers, with channels that report its start and the end of
// its context.
func stuck() (handler pigato.Handler, begun chan *pigato.Request, ended chan ending) {
	begun, ended = make(chan *pigato.Request, 100), make(chan ending, 100)
	return func(ctx context.Context, req *pigato.Request, _ *pigato.ReplyWriter) error {
		begun <- req
		<-ctx.Done()
		ended <- ending{ctx.Err(), context.Cause(ctx)}
		return ctx.Err()
	}, begun, ended
}

// counter sends the numbers below the requested one as partial replies, then "done".
func counter(ctx context.Context, req *pigato.Request, w *pigato.ReplyWriter) error {
	var count int
	if err := req.Decode(&count); err != nil {
		return err
	}
	for number := range count {
		if err := w.Write(ctx, number); err != nil {
			return err
		}
	}
	return w.End("done")
}
