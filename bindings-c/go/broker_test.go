package pigato_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	pigato "github.com/prdn/pigato/bindings-c/go"
)

func TestBrokerReportsItsEndpoints(t *testing.T) {
	broker := newBroker(t, pigato.WithEndpoint("tcp://127.0.0.1:*"), pigato.WithIntch("tcp://127.0.0.1:*"))
	endpoints := broker.Endpoints()
	if len(endpoints) != 2 || endpoints[0] == endpoints[1] || broker.Endpoint() != endpoints[0] {
		t.Error(endpoints)
	}
	for _, endpoint := range append(endpoints, broker.Intch()) {
		if !strings.HasPrefix(endpoint, "tcp://127.0.0.1:") || strings.HasSuffix(endpoint, "*") {
			t.Error(endpoint)
		}
	}
	if broker.Name() == "" || pigato.Version() == "" {
		t.Error("no name or no version")
	}
	newWorker(t, endpoints[0], "test", echo)
	client := newClient(t, endpoints[1])
	if got, err := pigato.Call[int](deadline(t), client, "test", 7); err != nil || got != 7 {
		t.Error(got, err)
	}
}

func TestDirectoryListsWorkers(t *testing.T) {
	broker := newBroker(t)
	newWorker(t, broker.Endpoint(), "test", echo, pigato.WithPrefix("W-test"))
	client := newClient(t, broker.Endpoint())
	_, err := client.Request(deadline(t), "test", nil)
	require(t, err)
	asked, err := client.Directory(deadline(t))
	require(t, err)
	own, err := broker.Directory()
	require(t, err)
	for _, directory := range []map[string][]string{asked, own} {
		if len(directory["test"]) != 1 || !strings.HasPrefix(directory["test"][0], "W-test") {
			t.Error(directory)
		}
	}
	nobody, err := client.Workers(deadline(t), "nobody")
	if err != nil || len(nobody) != 0 {
		t.Error(nobody, err)
	}
}

func TestDirectoryServiceAnswersInsteadOfTheBroker(t *testing.T) {
	broker := newBroker(t, pigato.WithIntch("tcp://127.0.0.1:*"))
	directory, err := pigato.NewDirectory(broker.Endpoint(), broker.Intch())
	require(t, err)
	defer directory.Close()
	newWorker(t, broker.Endpoint(), "test", echo)
	client := newClient(t, broker.Endpoint())
	eventually(t, "the directory knows the worker", func() bool {
		workers, err := client.Workers(deadline(t), "test")
		require(t, err)
		return len(workers) == 1
	})
	if _, err := pigato.NewDirectory("nonsense", broker.Intch()); !errors.Is(err, pigato.ErrEndpoint) {
		t.Error(err)
	}
}

func TestEventsReportWorkersThatJoinAndLeave(t *testing.T) {
	broker := newBroker(t)
	worker := newWorker(t, broker.Endpoint(), "test", echo)
	joined := receive(t, broker.Events())
	require(t, worker.Close())
	left := receive(t, broker.Events())
	if joined.Kind != pigato.WorkerJoined || joined.Service != "test" || joined.Peer == "" {
		t.Errorf("%+v", joined)
	}
	if left.Kind != pigato.WorkerLeft || left.Peer != joined.Peer || left.Reason != "disconnected" {
		t.Errorf("%+v", left)
	}
	require(t, broker.Close())
	for range broker.Events() {
	}
}

func TestStopOfABrokerFinishesRequestsAtWorkers(t *testing.T) {
	broker := newBroker(t)
	begun, proceed := make(chan struct{}), make(chan struct{})
	newWorker(t, broker.Endpoint(), "test", func(_ context.Context, _ *pigato.Request, w *pigato.ReplyWriter) error {
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
	go func() { stopped <- broker.Stop(deadline(t)) }()
	eventually(t, "the broker refuses new requests", func() bool {
		_, err := client.Request(deadline(t), "nobody", nil, pigato.WithFailFast())
		return errors.Is(err, pigato.ErrDraining)
	})
	close(proceed)
	reply, err := stream.Next(deadline(t))
	if err != nil || string(reply.Bytes()) != `"finished"` {
		t.Error(reply, err)
	}
	require(t, receive(t, stopped))
}

func TestStopOfABrokerEndsWithItsContext(t *testing.T) {
	handler, begun, _ := stuck()
	broker, client := newTrio(t, handler)
	stream, err := client.Stream(deadline(t), "test", nil)
	require(t, err)
	defer stream.Close()
	receive(t, begun)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := broker.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
