// Package load contains the shared parts of the benchmarks: roles that run until they are
// interrupted, and a client that keeps a number of requests in flight and measures them.
package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// warmUp is the divisor of the requests that are sent before the measurement.
const warmUp = 10

// Serve prints a line that reports readiness, and returns when the process is interrupted.
func Serve(line string) {
	fmt.Println(line)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	<-signals
}

// RunClient runs the role of a client with the arguments REQUESTS WINDOW BODY_BYTES: it sends
// requests with a body of that size and prints the result as a line of JSON.
func RunClient(words []string, request func(body []byte) error) error {
	plan, err := parsePlan(words)
	if err != nil {
		return err
	}
	body := bytes.Repeat([]byte("x"), plan.BodyBytes)
	return plan.run(os.Stdout, func() error { return request(body) })
}

// Plan is the work of one client.
type Plan struct {
	Requests, Window, BodyBytes int
}

// parsePlan parses a command line: REQUESTS WINDOW BODY_BYTES.
func parsePlan(words []string) (Plan, error) {
	if len(words) != 3 {
		return Plan{}, fmt.Errorf("got %d arguments instead of REQUESTS WINDOW BODY_BYTES", len(words))
	}
	var numbers [3]int
	for at, word := range words {
		number, err := strconv.Atoi(word)
		if err != nil || number < 0 {
			return Plan{}, fmt.Errorf("%q is not a number of 0 or more", word)
		}
		numbers[at] = number
	}
	return Plan{Requests: numbers[0], Window: max(numbers[1], 1), BodyBytes: numbers[2]}, nil
}

// Result is the measurement of one client.
type Result struct {
	RequestsPerSecond float64 `json:"requests_per_second"`
	P50Microseconds   float64 `json:"p50_microseconds"`
	P90Microseconds   float64 `json:"p90_microseconds"`
	P99Microseconds   float64 `json:"p99_microseconds"`
	P999Microseconds  float64 `json:"p999_microseconds"`
}

// run sends requests from Window goroutines and writes the result as a line of JSON.
func (p Plan) run(output io.Writer, request func() error) error {
	if _, _, err := p.measure(p.Requests/warmUp, request); err != nil {
		return err
	}
	elapsed, latencies, err := p.measure(p.Requests, request)
	if err != nil {
		return err
	}
	slices.Sort(latencies)
	return json.NewEncoder(output).Encode(Result{
		RequestsPerSecond: float64(len(latencies)) / elapsed.Seconds(),
		P50Microseconds:   microseconds(latencies, 0.50),
		P90Microseconds:   microseconds(latencies, 0.90),
		P99Microseconds:   microseconds(latencies, 0.99),
		P999Microseconds:  microseconds(latencies, 0.999),
	})
}

func microseconds(sorted []time.Duration, quantile float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[int(quantile*float64(len(sorted)-1))]) / float64(time.Microsecond)
}

func (p Plan) measure(requests int, request func() error) (time.Duration, []time.Duration, error) {
	latencies := make([]time.Duration, requests)
	failures := make(chan error, p.Window)
	var next atomic.Int64
	var group sync.WaitGroup
	started := time.Now()
	for range p.Window {
		group.Add(1)
		go func() {
			defer group.Done()
			for at := int(next.Add(1)) - 1; at < requests; at = int(next.Add(1)) - 1 {
				sentAt := time.Now()
				if err := request(); err != nil {
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
