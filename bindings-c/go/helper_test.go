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

// patience bounds every wait; it only passes when something is wrong.
const patience = 60 * time.Second

// beat is the heartbeat of tests in which somebody dies.
const beat = 50 * time.Millisecond

// roles are what this program is instead of a test, in a process of its own.
var roles = map[string]func(arguments []string) error{
	"stuck-worker":       stuckWorker,
	"forgotten-services": forgottenServices,
	"leak-clients":       leakClients,
	"leak-cancels":       leakCancels,
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

// startRole runs this program in a role; it is killed when the test ends.
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

// deadline is a context that bounds a test.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// receive waits for something to come out of a channel.
func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatal("waited in vain")
		panic("unreachable")
	}
}

// eventually waits for what no event tells.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
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

// newTrio is a broker, a worker of the service "test" and a client.
func newTrio(t *testing.T, handler pigato.Handler, options ...pigato.WorkerOption) (*pigato.Broker, *pigato.Client) {
	t.Helper()
	broker := newBroker(t)
	newWorker(t, broker.Endpoint(), "test", handler, options...)
	return broker, newClient(t, broker.Endpoint())
}

// echo answers with what it gets, as it got it.
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

// ending is how a handler's context ended.
type ending struct {
	err   error
	cause error
}

// stuck answers nothing, tells that it has begun, and how its context ended.
func stuck() (handler pigato.Handler, begun chan *pigato.Request, ended chan ending) {
	begun, ended = make(chan *pigato.Request, 100), make(chan ending, 100)
	return func(ctx context.Context, req *pigato.Request, _ *pigato.ReplyWriter) error {
		begun <- req
		<-ctx.Done()
		ended <- ending{ctx.Err(), context.Cause(ctx)}
		return ctx.Err()
	}, begun, ended
}

// counter sends the numbers below the one that it is asked, as partial replies, and "done".
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
