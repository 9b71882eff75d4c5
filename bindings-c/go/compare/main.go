// Compare measures the Go package, the Rust crate and NATS in turn on the same machine, each with a
// client, a worker and a server in separate processes:
//
//	compare RUST_BENCH GO_BENCH [ROUNDS [REQUESTS]]
//
// RUST_BENCH is the program of `cargo bench --bench floor`, GO_BENCH that of ../examples/bench.
// Compare starts itself in its other roles, nats-server, nats-worker and nats-client. It is a
// separate module so that the package depends on no other module.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/prdn/pigato/bindings-c/go/internal/load"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(words []string) error {
	switch {
	case len(words) == 1 && words[0] == "nats-server":
		return natsServer()
	case len(words) == 2 && words[0] == "nats-worker":
		return natsWorker(words[1])
	case len(words) == 5 && words[0] == "nats-client":
		return natsClient(words[1], words[2:])
	case len(words) >= 2:
		return compareAll(words)
	default:
		return errors.New("compare RUST_BENCH GO_BENCH [ROUNDS [REQUESTS]]")
	}
}

func compareAll(words []string) error {
	rounds, requests := 5, 100_000
	for at, target := range []*int{&rounds, &requests} {
		if len(words) > 2+at {
			number, err := strconv.Atoi(words[2+at])
			if err != nil || number < 1 {
				return fmt.Errorf("%q is not a number of 1 or more", words[2+at])
			}
			*target = number
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	rust, goBench := words[0], words[1]
	return report([]contender{
		{"Rust", []string{rust, "broker"}, []string{rust, "worker"}, []string{rust, "client"}},
		{"Go", []string{rust, "broker"}, []string{goBench, "worker"}, []string{goBench, "client"}},
		{"NATS (nats.go)", []string{self, "nats-server"}, []string{self, "nats-worker"}, []string{self, "nats-client"}},
	}, rounds, requests)
}

// startTimeout limits the start of the NATS server.
const startTimeout = 10 * time.Second

func natsServer() error {
	started, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		return err
	}
	started.Start()
	defer started.Shutdown()
	if !started.ReadyForConnections(startTimeout) {
		return fmt.Errorf("the NATS server does not listen after %v", startTimeout)
	}
	load.Serve(started.ClientURL())
	return nil
}

func natsWorker(url string) error {
	connection, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer connection.Close()
	echo := func(message *nats.Msg) {
		if err := message.Respond(message.Data); err != nil {
			log.Print(err)
		}
	}
	if _, err := connection.QueueSubscribe("echo", "workers", echo); err != nil {
		return err
	}
	if err := connection.Flush(); err != nil {
		return err
	}
	load.Serve("ready")
	return nil
}

func natsClient(url string, words []string) error {
	connection, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer connection.Close()
	return load.RunClient(words, func(body []byte) error {
		// The default timeout of requests to PIGATO.
		_, err := connection.Request("echo", body, time.Minute)
		return err
	})
}
