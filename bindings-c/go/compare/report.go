package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prdn/pigato/bindings-c/go/internal/load"
)

// contender is one system: its programs with their first arguments.
type contender struct {
	name                   string
	server, worker, client []string
}

// lifetime is the limit after which a program that hangs is killed.
const lifetime = 2 * time.Minute

var windows = []int{1, 100, 1_000}

const bodyBytes = 5

// report measures all contenders in turn and prints medians, also relative to the first contender.
func report(contenders []contender, rounds, requests int) error {
	for _, window := range windows {
		results := make([][]load.Result, len(contenders))
		count := requests
		if window == 1 {
			count = requests / 10
		}
		for round := range rounds {
			for at, contender := range contenders {
				fmt.Fprintf(os.Stderr, "\rwindow %d, round %d of %d: %-20s", window, round+1, rounds, contender.name)
				result, err := contender.measure(count, window)
				if err != nil {
					return fmt.Errorf("%s: %w", contender.name, err)
				}
				results[at] = append(results[at], result)
			}
		}
		fmt.Fprintf(os.Stderr, "\r%60s\r", "")
		printTable(contenders, results, window, count)
	}
	return nil
}

func printTable(contenders []contender, results [][]load.Result, window, count int) {
	fmt.Printf("\nwindow %d, bodies of %d bytes, %d requests\n", window, bodyBytes, count)
	fmt.Printf("%-16s %20s %20s %20s\n", "", "requests/s", "p50 µs", "p99 µs")
	columns := []func(load.Result) float64{
		func(r load.Result) float64 { return r.RequestsPerSecond },
		func(r load.Result) float64 { return r.P50Microseconds },
		func(r load.Result) float64 { return r.P99Microseconds },
	}
	for at, contender := range contenders {
		fmt.Printf("%-16s", contender.name)
		for _, column := range columns {
			value := median(results[at], column)
			fmt.Printf(" %11.0f (%.2f ×)", value, value/median(results[0], column))
		}
		fmt.Println()
	}
}

func median(results []load.Result, column func(load.Result) float64) float64 {
	values := make([]float64, 0, len(results))
	for _, result := range results {
		values = append(values, column(result))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// measure runs the three programs and returns the client's result.
func (c contender) measure(requests, window int) (load.Result, error) {
	var result load.Result
	server, endpoint, err := start(c.server)
	if err != nil {
		return result, err
	}
	defer end(server)
	worker, _, err := start(append(slices.Clone(c.worker), endpoint))
	if err != nil {
		return result, err
	}
	defer end(worker)
	plan := []string{endpoint, strconv.Itoa(requests), strconv.Itoa(window), strconv.Itoa(bodyBytes)}
	client, line, err := start(append(slices.Clone(c.client), plan...))
	if err != nil {
		return result, err
	}
	if err := client.Wait(); err != nil {
		return result, err
	}
	return result, json.Unmarshal([]byte(line), &result)
}

// start starts a program and returns the first line that it prints.
func start(command []string) (*exec.Cmd, string, error) {
	program := exec.Command(command[0], command[1:]...)
	program.Stderr = io.Discard
	output, err := program.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := program.Start(); err != nil {
		return nil, "", err
	}
	watchdog := time.AfterFunc(lifetime, func() { program.Process.Kill() })
	defer watchdog.Stop()
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		end(program)
		return nil, "", fmt.Errorf("%s ended before it was ready", strings.Join(command, " "))
	}
	return program, strings.TrimSpace(line), nil
}

// end kills a program.
func end(program *exec.Cmd) {
	// Both fail only if the program has already ended.
	_ = program.Process.Kill()
	_ = program.Wait()
}
