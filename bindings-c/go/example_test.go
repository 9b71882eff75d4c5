package pigato_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	pigato "github.com/prdn/pigato/bindings-c/go"
)

// exampleBroker starts a broker on a free port.
func exampleBroker() *pigato.Broker {
	broker, err := pigato.NewBroker(pigato.WithEndpoint("tcp://127.0.0.1:*"), pigato.WithIntch(""))
	if err != nil {
		log.Fatal(err)
	}
	return broker
}

// examplePair starts a worker with this handler, and a client.
func examplePair(broker *pigato.Broker, service string, handler pigato.Handler) (*pigato.Worker, *pigato.Client) {
	worker, err := pigato.NewWorker(broker.Endpoint(), service, handler)
	if err != nil {
		log.Fatal(err)
	}
	client, err := pigato.NewClient(broker.Endpoint(), pigato.WithTimeout(10*time.Second))
	if err != nil {
		log.Fatal(err)
	}
	return worker, client
}

func Example() {
	broker := exampleBroker()
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
		log.Fatal(err)
	}
	defer worker.Close()

	client, err := pigato.NewClient(broker.Endpoint(), pigato.WithTimeout(10*time.Second))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	reply, err := client.Request(context.Background(), "echo", "hello")
	if err != nil {
		log.Fatal(err)
	}
	var text string
	if err := reply.Decode(&text); err != nil {
		log.Fatal(err)
	}
	fmt.Println(text)
	// Output: hello
}

func ExampleCall() {
	broker := exampleBroker()
	defer broker.Close()
	worker, client := examplePair(broker, "upper",
		pigato.Handle(func(_ context.Context, text string) (string, error) {
			return strings.ToUpper(text), nil
		}))
	defer worker.Close()
	defer client.Close()

	answer, err := pigato.Call[string](context.Background(), client, "upper", "hello")
	fmt.Println(answer, err)
	// Output: HELLO <nil>
}

func ExampleClient_Stream() {
	broker := exampleBroker()
	defer broker.Close()
	worker, client := examplePair(broker, "count",
		func(ctx context.Context, req *pigato.Request, w *pigato.ReplyWriter) error {
			for number := range 3 {
				if err := w.Write(ctx, number); err != nil { // waits for a slow reader
					return err
				}
			}
			return w.End("done")
		})
	defer worker.Close()
	defer client.Close()

	stream, err := client.Stream(context.Background(), "count", nil)
	if err != nil {
		log.Fatal(err)
	}
	for reply, err := range stream.All() { // leaving the loop cancels the request
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(reply.Bytes()), reply.IsFinal())
	}
	// Output:
	// 0 false
	// 1 false
	// 2 false
	// "done" true
}

func ExampleErrorValue() {
	type problem struct {
		Field string `json:"field"`
	}
	broker := exampleBroker()
	defer broker.Close()
	worker, client := examplePair(broker, "order",
		func(context.Context, *pigato.Request, *pigato.ReplyWriter) error {
			return pigato.ErrorValue(problem{"amount"})
		})
	defer worker.Close()
	defer client.Close()

	_, err := client.Request(context.Background(), "order", nil)
	var failed *pigato.Error
	if errors.As(err, &failed) && errors.Is(err, pigato.ErrRemote) {
		var got problem
		if err := failed.Decode(&got); err != nil {
			log.Fatal(err)
		}
		fmt.Println("wrong:", got.Field)
	}
	// Output: wrong: amount
}

func ExampleRaw() {
	broker := exampleBroker()
	defer broker.Close()
	worker, client := examplePair(broker, "reverse",
		func(_ context.Context, req *pigato.Request, w *pigato.ReplyWriter) error {
			data := req.Bytes()
			for left, right := 0, len(data)-1; left < right; left, right = left+1, right-1 {
				data[left], data[right] = data[right], data[left]
			}
			return w.End(pigato.Raw(data))
		})
	defer worker.Close()
	defer client.Close()

	reply, err := client.Request(context.Background(), "reverse", pigato.Raw{0, 1, 254, 255})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Bytes(), reply.Codec())
	// Output: [255 254 1 0] raw
}

func ExampleWithFailFast() {
	broker := exampleBroker()
	defer broker.Close()
	client, err := pigato.NewClient(broker.Endpoint())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	_, err = client.Request(context.Background(), "nobody", nil, pigato.WithFailFast())
	fmt.Println(errors.Is(err, pigato.ErrNoWorker))
	// Output: true
}
