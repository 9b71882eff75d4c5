package pigato_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"testing"

	pigato "github.com/prdn/pigato/bindings-c/go"
)

func TestClosingTwiceDoesNothing(t *testing.T) {
	broker := newBroker(t)
	worker := newWorker(t, broker.Endpoint(), "test", echo)
	client := newClient(t, broker.Endpoint())
	directory, err := pigato.NewDirectory(broker.Endpoint(), "tcp://127.0.0.1:1")
	require(t, err)
	for range 3 {
		for _, closer := range []io.Closer{client, worker, directory, broker} {
			require(t, closer.Close())
		}
	}
}

func TestCloseEndsWaitingCalls(t *testing.T) {
	handler, begun, _ := stuck()
	_, client := newTrio(t, handler, pigato.WithConcurrency(pigato.NoLimit))
	failed := make(chan error, 100)
	for range cap(failed) / 2 {
		go func() {
			_, err := client.Request(context.Background(), "test", nil)
			failed <- err
		}()
		stream, err := client.Stream(context.Background(), "test", nil)
		require(t, err)
		go func() {
			_, err := stream.Next(context.Background())
			failed <- err
		}()
	}
	for range cap(failed) {
		receive(t, begun)
	}
	require(t, client.Close())
	for range cap(failed) {
		if err := receive(t, failed); !errors.Is(err, pigato.ErrClosed) {
			t.Error(err)
		}
	}
}

func TestCallsAfterCloseReturnErrClosed(t *testing.T) {
	broker := newBroker(t)
	writers := make(chan *pigato.ReplyWriter, 1)
	proceed := make(chan struct{})
	worker := newWorker(t, broker.Endpoint(), "test", func(_ context.Context, _ *pigato.Request, w *pigato.ReplyWriter) error {
		writers <- w
		<-proceed
		return nil
	})
	client := newClient(t, broker.Endpoint())
	stream, err := client.Stream(deadline(t), "test", nil)
	require(t, err)
	writer := receive(t, writers)
	require(t, client.Close())
	require(t, worker.Close())
	require(t, broker.Close())
	ctx := deadline(t)
	for name, call := range map[string]func() error{
		"request":          func() error { _, err := client.Request(ctx, "test", nil); return err },
		"stream":           func() error { _, err := client.Stream(ctx, "test", nil); return err },
		"next":             func() error { _, err := stream.Next(ctx); return err },
		"directory":        func() error { _, err := client.Directory(ctx); return err },
		"set concurrency":  func() error { return worker.SetConcurrency(1) },
		"heartbeat":        func() error { return worker.Heartbeat() },
		"write":            func() error { return writer.Write(ctx, nil) },
		"end":              func() error { return writer.End(nil) },
		"reject":           func() error { return writer.Reject(nil) },
		"writer heartbeat": func() error { return writer.Heartbeat() },
		"statistics":       func() error { _, err := broker.Statistics(); return err },
		"broker directory": func() error { _, err := broker.Directory(); return err },
	} {
		if err := call(); !errors.Is(err, pigato.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if writer.IsWanted() {
		t.Error("IsWanted is true after Close")
	}
	close(proceed)
	require(t, stream.Close())
	require(t, worker.Stop(ctx))
	require(t, broker.Stop(ctx))
}

func TestCloseIsSafeDuringOtherCalls(t *testing.T) {
	for range 20 {
		broker := newBroker(t)
		worker := newWorker(t, broker.Endpoint(), "test", counter)
		client := newClient(t, broker.Endpoint())
		var group sync.WaitGroup
		inGoroutines := func(action func()) {
			for range 4 {
				group.Add(1)
				go func() {
					defer group.Done()
					action()
				}()
			}
		}
		started := make(chan struct{}, 4)
		inGoroutines(func() {
			for at := 0; ; at++ {
				if _, err := client.Request(context.Background(), "test", 10); err != nil {
					return
				}
				if at == 3 {
					started <- struct{}{}
				}
			}
		})
		inGoroutines(func() {
			for {
				stream, err := client.Stream(context.Background(), "test", 10)
				if err != nil {
					return
				}
				for range stream.All() {
				}
			}
		})
		inGoroutines(func() {
			for {
				if _, err := broker.Statistics(); err != nil {
					return
				}
			}
		})
		receive(t, started)
		inGoroutines(func() { client.Close() })
		inGoroutines(func() { worker.Close() })
		inGoroutines(func() { broker.Close() })
		done := make(chan struct{})
		go func() {
			group.Wait()
			close(done)
		}()
		receive(t, done)
	}
}

// A connection that breaks in the middle of a message must not end the process.
func TestBrokerMayCloseInTheMiddleOfMessages(t *testing.T) {
	body := pigato.Raw(make([]byte, 3000))
	for range 10 {
		broker := newBroker(t)
		newWorker(t, broker.Endpoint(), "test", func(ctx context.Context, _ *pigato.Request, w *pigato.ReplyWriter) error {
			for {
				if err := w.Write(ctx, body); err != nil {
					return err
				}
			}
		})
		var clients []*pigato.Client
		flowing := make(chan struct{}, 4)
		for range cap(flowing) {
			client := newClient(t, broker.Endpoint())
			clients = append(clients, client)
			stream, err := client.Stream(deadline(t), "test", nil)
			require(t, err)
			go func() {
				seen := 0
				for range stream.All() {
					if seen++; seen == 500 {
						flowing <- struct{}{}
					}
				}
			}()
		}
		for range clients {
			receive(t, flowing)
		}
		closed := make(chan error, len(clients))
		for _, client := range clients {
			go func() { closed <- client.Close() }()
		}
		require(t, broker.Close())
		for range clients {
			require(t, receive(t, closed))
		}
	}
}

func TestPeersReconnectToARestartedBroker(t *testing.T) {
	broker := newBroker(t)
	handler, begun, ended := stuck()
	newWorker(t, broker.Endpoint(), "stuck", handler, pigato.WithReconnect(heartbeat))
	newWorker(t, broker.Endpoint(), "test", echo, pigato.WithReconnect(heartbeat))
	client := newClient(t, broker.Endpoint(), pigato.WithReconnect(heartbeat))
	stream, err := client.Stream(deadline(t), "stuck", nil)
	require(t, err)
	defer stream.Close()
	receive(t, begun)
	require(t, broker.Close())
	// The broker's last messages may or may not arrive.
	if _, err := stream.Next(deadline(t)); !errors.Is(err, pigato.ErrDisconnected) && !errors.Is(err, pigato.ErrDraining) {
		t.Error(err)
	}
	if end := receive(t, ended); !errors.Is(end.cause, pigato.ErrDisconnected) {
		t.Errorf("%+v", end)
	}
	newBroker(t, pigato.WithEndpoint(broker.Endpoint()))
	got, err := pigato.Call[string](deadline(t), client, "test", "again", pigato.WithRetry(true))
	if err != nil || got != "again" {
		t.Error(got, err)
	}
}

func TestUnreachableClientIsClosed(t *testing.T) {
	broker := newBroker(t, pigato.WithHeartbeat(heartbeat))
	func() {
		client, err := pigato.NewClient(broker.Endpoint(), pigato.WithHeartbeat(heartbeat))
		require(t, err)
		_, err = client.Request(deadline(t), "nobody", nil, pigato.WithFailFast())
		if !errors.Is(err, pigato.ErrNoWorker) {
			t.Error(err)
		}
	}()
	eventually(t, "the garbage collector has closed the client", func() bool {
		runtime.GC()
		statistics, err := broker.Statistics()
		require(t, err)
		return statistics.Clients == 0
	})
}

// Workers and brokers serve other processes, so they run even if this one has no reference to them.
func TestUnreachableServicesKeepRunning(t *testing.T) {
	command, output := startRole(t, "unreachable-services")
	for output.Scan() {
		t.Log(output.Text())
	}
	require(t, command.Wait())
}

// unreachableServices runs in a separate process, because nothing can stop its services.
func unreachableServices([]string) error {
	endpoint, events, err := startUnreachable()
	if err != nil {
		return err
	}
	client, err := pigato.NewClient(endpoint)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	// Requests after a collection, and after its finalizers, would fail if these had stopped a
	// service.
	for range 20 {
		collected := make(chan struct{})
		func() { runtime.SetFinalizer(new([16]byte), func(*[16]byte) { close(collected) }) }()
		runtime.GC()
		select {
		case <-collected:
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err := client.Request(ctx, "test", "x"); err != nil {
			return err
		}
	}
	if joined := <-events; joined.Kind != pigato.WorkerJoined {
		return fmt.Errorf("no worker joined: %+v", joined)
	}
	return nil
}

func startUnreachable() (endpoint string, events <-chan pigato.BrokerEvent, err error) {
	broker, err := pigato.NewBroker(pigato.WithEndpoint("tcp://127.0.0.1:*"), pigato.WithIntch(""))
	if err != nil {
		return "", nil, err
	}
	_, err = pigato.NewWorker(broker.Endpoint(), "test", echo)
	return broker.Endpoint(), broker.Events(), err
}

// recorder is a log handler that sends messages to a channel.
type recorder chan string

func (r recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r recorder) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r recorder) WithGroup(string) slog.Handler            { return r }
func (r recorder) Handle(_ context.Context, record slog.Record) error {
	r <- record.Level.String() + " " + record.Message
	return nil
}

func TestConnectionsAreLoggedAtDebugLevel(t *testing.T) {
	records := make(recorder, 100)
	client := newClient(t, newBroker(t).Endpoint(), pigato.WithLogger(slog.New(records)))
	if got := receive(t, records); got != "DEBUG connected" {
		t.Error(got)
	}
	require(t, client.Close())
	for got := ""; got != "DEBUG stopped"; got = receive(t, records) {
	}
}
