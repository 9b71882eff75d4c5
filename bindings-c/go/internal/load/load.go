// Package load keeps a number of requests in flight and measures them. It is what the benchmarks of this package and of
// what it is compared with have in common.
package load

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// warmUp is the part of the requests that is made before the clock starts.
const warmUp = 10

// Plan is what one run of a client is to do.
type Plan struct {
	Requests, Window, BodyBytes int
}

// ParsePlan reads a command line: REQUESTS WINDOW BODY_BYTES.
func ParsePlan(words []string) (Plan, error) {
	if len(words) != 3 {
		return Plan{}, fmt.Errorf("REQUESTS WINDOW BODY_BYTES are three numbers, not %d", len(words))
	}
	var numbers [3]int
	for at, word := range words {
		number, err := strconv.Atoi(word)
		if err != nil || number < 0 {
			return Plan{}, fmt.Errorf("%q is no number", word)
		}
		numbers[at] = number
	}
	return Plan{Requests: numbers[0], Window: max(numbers[1], 1), BodyBytes: numbers[2]}, nil
}

// Result is what one run of a client has measured.
type Result struct {
	RequestsPerSecond float64 `json:"requests_per_second"`
	P50Microseconds   float64 `json:"p50_microseconds"`
	P90Microseconds   float64 `json:"p90_microseconds"`
	P99Microseconds   float64 `json:"p99_microseconds"`
	P999Microseconds  float64 `json:"p999_microseconds"`
}

// Run makes requests from as many goroutines as the window is wide and writes the result as a line of JSON.
func (p Plan) Run(output io.Writer, request func() error) error {
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
