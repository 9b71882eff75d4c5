package pigato_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	pigato "github.com/prdn/pigato/bindings-c/go"
)

func TestHandlerWithoutAReplySendsNull(t *testing.T) {
	_, client := newTrio(t, func(context.Context, *pigato.Request, *pigato.ReplyWriter) error { return nil })
	reply, err := client.Request(deadline(t), "test", nil)
	if err != nil || string(reply.Bytes()) != "null" {
		t.Error(reply, err)
	}
}

func TestHandlerGetsTheRequest(t *testing.T) {
	requests := make(chan *pigato.Request, 1)
	broker := newBroker(t)
	newWorker(t, broker.Endpoint(), "te*", func(_ context.Context, req *pigato.Request, _ *pigato.ReplyWriter) error {
		requests <- req
		return nil
	})
	client := newClient(t, broker.Endpoint(), pigato.WithPrefix("C-me"))
	_, err := client.Request(deadline(t), "test", "data", pigato.WithTimeout(waitLimit))
	require(t, err)
	req := receive(t, requests)
	if req.Service() != "test" || !strings.HasPrefix(req.Client(), "C-me") || req.ID() == "" || req.Attempt() != 1 ||
		req.Remaining() <= 0 || req.Remaining() > waitLimit || string(req.Bytes()) != `"data"` {
		t.Errorf("%+v", req)
	}
}

func TestRejectedRequestGoesToAnotherWorker(t *testing.T) {
	for name, reject := range map[string]pigato.Handler{
		"written": func(_ context.Context, _ *pigato.Request, w *pigato.ReplyWriter) error { return w.Reject("full") },
		"returned": func(context.Context, *pigato.Request, *pigato.ReplyWriter) error {
			return errors.Join(errors.New("no room"), pigato.Reject(nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			broker := newBroker(t)
			rejected := make(chan struct{}, 1)
			newWorker(t, broker.Endpoint(), "test", func(ctx context.Context, req *pigato.Request, w *pigato.ReplyWriter) error {
				rejected <- struct{}{}
				return reject(ctx, req, w)
			})
			client := newClient(t, broker.Endpoint())
			stream, err := client.Stream(deadline(t), "test", "mine")
			require(t, err)
			defer stream.Close()
			receive(t, rejected)
			newWorker(t, broker.Endpoint(), "test", echo)
			reply, err := stream.Next(deadline(t))
			if err != nil || string(reply.Bytes()) != `"mine"` {
				t.Error(reply, err)
			}
		})
	}
}

func TestPanicIsErrHandlerAndIsLogged(t *testing.T) {
	var log bytes.Buffer
	logger := pigato.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})))
	broker := newBroker(t)
	worker := newWorker(t, broker.Endpoint(), "test", func(_ context.Context, req *pigato.Request, _ *pigato.ReplyWriter) error {
		if string(req.Bytes()) == `"exit"` {
			runtime.Goexit()
		}
		panic("boom")
	}, logger)
	client := newClient(t, broker.Endpoint())
	for data, text := range map[string]string{"panic": "boom", "exit": "ended its goroutine"} {
		_, err := client.Request(deadline(t), "test", data)
		if !errors.Is(err, pigato.ErrHandler) || !strings.Contains(err.Error(), text) {
			t.Error(err)
		}
	}
	require(t, worker.Stop(deadline(t)))
	if !strings.Contains(log.String(), "boom") || !strings.Contains(log.String(), "worker_test.go") {
		t.Errorf("the log is %q", log.String())
	}
}

func TestClosedClientEndsTheContextOfAHandler(t *testing.T) {
	handler, begun, ended := stuck()
	broker, _ := newTrio(t, handler)
	client := newClient(t, broker.Endpoint())
	failed := make(chan error, 1)
	go func() {
		_, err := client.Request(context.Background(), "test", nil)
		failed <- err
	}()
	receive(t, begun)
	require(t, client.Close())
	if err := receive(t, failed); !errors.Is(err, pigato.ErrClosed) {
		t.Error(err)
	}
	if end := receive(t, ended); !errors.Is(end.err, context.Canceled) || !errors.Is(end.cause, pigato.ErrCancelled) {
		t.Errorf("%+v", end)
	}
}

func TestRepliesAfterTheFinalOneAreErrClosed(t *testing.T) {
	results := make(chan []error, 1)
	writers := make(chan *pigato.ReplyWriter, 1)
	broker, client := newTrio(t, func(ctx context.Context, _ *pigato.Request, w *pigato.ReplyWriter) error {
		wanted := w.IsWanted()
		err := w.Heartbeat()
		if !wanted || err != nil {
			return errors.New("IsWanted or Heartbeat failed for a new request")
		}
		require(t, w.End("first"))
		results <- []error{w.Write(ctx, "x"), w.End("second"), w.Error("x"), w.Reject("x")}
		writers <- w
		return nil
	})
	got, err := pigato.Call[string](deadline(t), client, "test", nil)
	if err != nil || got != "first" {
		t.Error(got, err)
	}
	for at, err := range receive(t, results) {
		if !errors.Is(err, pigato.ErrClosed) {
			t.Error(at, err)
		}
	}
	if receive(t, writers).IsWanted() {
		t.Error("IsWanted is true after the final reply")
	}
	statistics, err := broker.Statistics()
	if err != nil || statistics.ProtocolErrors != 0 || statistics.Replies != 1 {
		t.Errorf("%+v %v", statistics, err)
	}
}

func TestConcurrencyLimitsHandlersAndCanChange(t *testing.T) {
	var running, most atomic.Int64
	proceed := make(chan struct{})
	handler := func(_ context.Context, _ *pigato.Request, w *pigato.ReplyWriter) error {
		now := running.Add(1)
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
		<-proceed
		running.Add(-1)
		return w.End(nil)
	}
	broker := newBroker(t)
	worker := newWorker(t, broker.Endpoint(), "test", handler, pigato.WithConcurrency(2))
	client := newClient(t, broker.Endpoint())
	failed := make(chan error, 10)
	for range cap(failed) {
		go func() {
			_, err := client.Request(deadline(t), "test", nil)
			failed <- err
		}()
	}
	eventually(t, "2 handlers run and 8 requests wait", func() bool {
		statistics, err := broker.Statistics()
		require(t, err)
		return statistics.Queued == 8 && running.Load() == 2
	})
	require(t, worker.SetConcurrency(5))
	eventually(t, "5 handlers run", func() bool { return running.Load() == 5 })
	if most.Load() != 5 {
		t.Error(most.Load())
	}
	close(proceed)
	for range cap(failed) {
		require(t, receive(t, failed))
	}
	if err := worker.SetConcurrency(0); !errors.Is(err, pigato.ErrOption) && !errors.Is(err, pigato.ErrArgument) {
		t.Error(err)
	}
	require(t, worker.Heartbeat())
}

func TestStopWaitsForHandlers(t *testing.T) {
	broker := newBroker(t)
	begun, proceed := make(chan struct{}), make(chan struct{})
	worker := newWorker(t, broker.Endpoint(), "test", func(_ context.Context, _ *pigato.Request, w *pigato.ReplyWriter) error {
		close(begun)
		<-proceed
		return w.End("finished")
	})
	client := newClient(t, broker.Endpoint())
	stream, err := client.Stream(deadline(t), "test", nil)
	require(t, err)
	defer stream.Close()
	receive(t, begun)
	stopped := make(chan error, 1)
	go func() { stopped <- worker.Stop(deadline(t)) }()
	close(proceed)
	require(t, receive(t, stopped))
	reply, err := stream.Next(deadline(t))
	if err != nil || string(reply.Bytes()) != `"finished"` {
		t.Error(reply, err)
	}
}

func TestStopEndsWithItsContext(t *testing.T) {
	broker := newBroker(t)
	handler, begun, ended := stuck()
	worker := newWorker(t, broker.Endpoint(), "test", handler)
	client := newClient(t, broker.Endpoint())
	stream, err := client.Stream(deadline(t), "test", nil)
	require(t, err)
	defer stream.Close()
	receive(t, begun)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := worker.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if end := receive(t, ended); !errors.Is(end.cause, pigato.ErrClosed) {
		t.Errorf("%+v", end)
	}
	if _, err := stream.Next(deadline(t)); !errors.Is(err, pigato.ErrWorkerLost) {
		t.Error(err)
	}
}

// stuckWorker runs a worker that never answers and prints when it has a request.
func stuckWorker(arguments []string) error {
	worker, err := pigato.NewWorker(arguments[0], "test",
		func(ctx context.Context, _ *pigato.Request, _ *pigato.ReplyWriter) error {
			fmt.Println("begun")
			<-ctx.Done()
			return ctx.Err()
		}, pigato.WithHeartbeat(heartbeat))
	if err != nil {
		return err
	}
	defer worker.Close()
	time.Sleep(2 * waitLimit)
	return nil
}

func TestRequestOfAKilledWorker(t *testing.T) {
	for name, expected := range map[string]struct {
		retry bool
		code  pigato.Code
	}{"fails without retry": {false, pigato.ErrWorkerLost}, "runs again with retry": {true, ""}} {
		t.Run(name, func(t *testing.T) {
			broker := newBroker(t, pigato.WithHeartbeat(heartbeat))
			victim, output := startRole(t, "stuck-worker", broker.Endpoint())
			client := newClient(t, broker.Endpoint(), pigato.WithHeartbeat(heartbeat))
			stream, err := client.Stream(deadline(t), "test", "mine", pigato.WithRetry(expected.retry))
			require(t, err)
			defer stream.Close()
			if !output.Scan() || output.Text() != "begun" {
				t.Fatal("the worker did not get the request:", output.Text())
			}
			attempts := make(chan int, 1)
			newWorker(t, broker.Endpoint(), "test", func(_ context.Context, req *pigato.Request, w *pigato.ReplyWriter) error {
				attempts <- req.Attempt()
				return w.End("rescued")
			}, pigato.WithHeartbeat(heartbeat))
			require(t, victim.Process.Kill())
			reply, err := stream.Next(deadline(t))
			if expected.code != "" {
				if !errors.Is(err, expected.code) {
					t.Error(reply, err)
				}
				return
			}
			if err != nil || string(reply.Bytes()) != `"rescued"` || receive(t, attempts) != 2 {
				t.Error(reply, err)
			}
		})
	}
}
