// Bench measures requests per second and latency, with the roles of the core's benchmark, so that they can be mixed:
//
//	bench broker                                        prints its endpoint
//	bench worker ENDPOINT                               prints `ready` and echoes
//	bench client ENDPOINT REQUESTS WINDOW BODY_BYTES    prints one line of JSON
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	pigato "github.com/prdn/pigato/bindings-c/go"
)

// warmUp is the part of the requests that is made before the clock starts.
const warmUp = 10

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

func untilInterrupted() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	<-signals
}

func broker() error {
	broker, err := pigato.NewBroker(pigato.WithEndpoint("tcp://127.0.0.1:*"), pigato.WithIntch(""))
	if err != nil {
		return err
	}
	defer broker.Close()
	fmt.Println(broker.Endpoint())
	untilInterrupted()
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
	fmt.Println("ready")
	untilInterrupted()
	return nil
}

// result is what one run of a client has measured.
type result struct {
	Requests          int     `json:"requests"`
	Window            int     `json:"window"`
	BodyBytes         int     `json:"body_bytes"`
	RequestsPerSecond float64 `json:"requests_per_second"`
	P50Microseconds   float64 `json:"p50_us"`
	P99Microseconds   float64 `json:"p99_us"`
}

func client(endpoint string, words []string) error {
	var numbers [3]int
	for at, word := range words {
		number, err := strconv.Atoi(word)
		if err != nil || number < 0 {
			return fmt.Errorf("%q is no number", word)
		}
		numbers[at] = number
	}
	requests, window, bodyBytes := numbers[0], max(numbers[1], 1), numbers[2]
	client, err := pigato.NewClient(endpoint)
	if err != nil {
		return err
	}
	defer client.Close()
	body := pigato.Raw(bytes.Repeat([]byte("x"), bodyBytes))
	if _, _, err := load(client, body, requests/warmUp, window); err != nil {
		return err
	}
	elapsed, latencies, err := load(client, body, requests, window)
	if err != nil {
		return err
	}
	slices.Sort(latencies)
	return json.NewEncoder(os.Stdout).Encode(result{
		Requests:          requests,
		Window:            window,
		BodyBytes:         bodyBytes,
		RequestsPerSecond: float64(len(latencies)) / elapsed.Seconds(),
		P50Microseconds:   microseconds(latencies, 0.50),
		P99Microseconds:   microseconds(latencies, 0.99),
	})
}

func microseconds(sorted []time.Duration, quantile float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[int(quantile*float64(len(sorted)-1))]) / float64(time.Microsecond)
}

// load makes requests from as many goroutines as the window is wide.
func load(client *pigato.Client, body pigato.Raw, requests, window int) (time.Duration, []time.Duration, error) {
	latencies := make([]time.Duration, requests)
	failures := make(chan error, window)
	var next atomic.Int64
	var group sync.WaitGroup
	started := time.Now()
	for range window {
		group.Add(1)
		go func() {
			defer group.Done()
			for at := int(next.Add(1)) - 1; at < requests; at = int(next.Add(1)) - 1 {
				sentAt := time.Now()
				if _, err := client.Request(context.Background(), "echo", body); err != nil {
					failures <- err
					return
				}
				latencies[at] = time.Since(sentAt)
			}
		}()
	}
	group.Wait()
	elapsed := time.Since(started)
	select {
	case err := <-failures:
		return 0, nil, err
	default:
		return elapsed, latencies, nil
	}
}
