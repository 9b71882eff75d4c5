// Bench measures requests per second and latency. Its roles are those of the core's benchmark, so
// that they can be combined:
//
//	bench broker                                        prints its endpoint
//	bench worker ENDPOINT                               prints ready and echoes
//	bench client ENDPOINT REQUESTS WINDOW BODY_BYTES    prints one line of JSON
package main

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"os"

	pigato "github.com/prdn/pigato/bindings-c/go"
	"github.com/prdn/pigato/bindings-c/go/internal/load"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 1 && arguments[0] == "broker":
		return broker()
	case len(arguments) == 2 && arguments[0] == "worker":
		return worker(arguments[1])
	case len(arguments) == 5 && arguments[0] == "client":
		return client(arguments[1], arguments[2:])
	default:
		return errors.New("bench broker | worker ENDPOINT | client ENDPOINT REQUESTS WINDOW BODY_BYTES")
	}
}

func broker() error {
	broker, err := pigato.NewBroker(pigato.WithEndpoint("tcp://127.0.0.1:*"), pigato.WithIntch(""))
	if err != nil {
		return err
	}
	defer broker.Close()
	load.Serve(broker.Endpoint())
	return nil
}

func worker(endpoint string) error {
	echo := func(_ context.Context, req *pigato.Request, w *pigato.ReplyWriter) error {
		return w.End(pigato.Raw(req.Bytes()))
	}
	worker, err := pigato.NewWorker(endpoint, "echo", echo, pigato.WithConcurrency(pigato.NoLimit),
		pigato.WithLogger(slog.New(slog.NewTextHandler(os.Stderr, nil))))
	if err != nil {
		return err
	}
	defer worker.Close()
	client, err := pigato.NewClient(endpoint)
	if err != nil {
		return err
	}
	if _, err := client.Request(context.Background(), "echo", nil); err != nil {
		return err
	}
	if err := client.Close(); err != nil {
		return err
	}
	load.Serve("ready")
	return nil
}

func client(endpoint string, words []string) error {
	client, err := pigato.NewClient(endpoint)
	if err != nil {
		return err
	}
	defer client.Close()
	return load.RunClient(words, func(body []byte) error {
		_, err := client.Request(context.Background(), "echo", pigato.Raw(body))
		return err
	})
}
