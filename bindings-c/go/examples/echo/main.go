// Echo runs a broker, a worker and a client in one process, and sends one request.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	pigato "github.com/prdn/pigato/bindings-c/go"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	broker, err := pigato.NewBroker(pigato.WithEndpoint("tcp://127.0.0.1:*"), pigato.WithIntch(""))
	if err != nil {
		return err
	}
	defer broker.Close()

	worker, err := pigato.NewWorker(broker.Endpoint(), "echo",
		func(ctx context.Context, req *pigato.Request, w *pigato.ReplyWriter) error {
			var text string
			if err := req.Decode(&text); err != nil {
				return err
			}
			return w.End(text)
		})
	if err != nil {
		return err
	}
	defer worker.Close()

	client, err := pigato.NewClient(broker.Endpoint(), pigato.WithTimeout(5*time.Second))
	if err != nil {
		return err
	}
	defer client.Close()

	answer, err := pigato.Call[string](context.Background(), client, "echo", "hello")
	if err != nil {
		return err
	}
	fmt.Println(answer)
	return nil
}
