// The driver for the Go package: a broker, worker or client that tests control with lines of JSON;
// see ../PROTOCOL.md.
//
//	driver broker --endpoint E [--conf JSON]
//	driver client --endpoint E [--conf JSON]
//	driver worker --endpoint E --service S [--conf JSON] [--verbose]
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/prdn/pigato/bindings-c/go"
)

// line is a command; its members depend on the operation.
type line struct {
	Op      string          `json:"op"`
	Tag     string          `json:"tag"`
	Service string          `json:"service"`
	Data    json.RawMessage `json:"data"`
	Bytes   *string         `json:"bytes"`
	Opts    map[string]any  `json:"opts"`
	Count   int             `json:"count"`
	Value   any             `json:"value"`
	Ms      int64           `json:"ms"`
	Hold    bool            `json:"hold"`
}

// role handles the commands of a broker, worker or client.
type role interface {
	command(line) error
	close() error
}

type fields map[string]any

var output sync.Mutex

// say prints {"event":event, …}.
func say(event string, members fields) {
	if members == nil {
		members = fields{}
	}
	members["event"] = event
	text, err := json.Marshal(members)
	if err != nil {
		text = []byte(fmt.Sprintf(`{"event":"error","error":%q}`, err))
	}
	output.Lock()
	defer output.Unlock()
	os.Stdout.Write(append(text, '\n'))
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(4)
	}
	say("stopped", nil)
}

func run() error {
	if len(os.Args) < 2 {
		return errors.New("broker, worker or client?")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	endpoint := flags.String("endpoint", "", "where the broker is")
	service := flags.String("service", "", "what a worker offers")
	conf := flags.String("conf", "{}", "options by name")
	verbose := flags.Bool("verbose", false, "a worker tells of each request")
	if err := flags.Parse(os.Args[2:]); err != nil {
		return err
	}
	var options map[string]any
	if err := json.Unmarshal([]byte(*conf), &options); err != nil {
		return err
	}
	started, err := start(os.Args[1], *endpoint, *service, options, *verbose)
	if err != nil {
		return err
	}
	return errors.Join(listen(started), started.close())
}

func start(name, endpoint, service string, options map[string]any, verbose bool) (role, error) {
	switch name {
	case "broker":
		return newBroker(endpoint, options)
	case "client":
		return newClient(endpoint, options)
	case "worker":
		return newWorker(endpoint, service, options, verbose)
	default:
		return nil, fmt.Errorf("broker, worker or client, not %q", name)
	}
}

// listen handles commands until `stop` or the end of the input.
func listen(started role) error {
	reader := bufio.NewReaderSize(os.Stdin, 1<<16)
	for {
		text, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var given line
		if err := json.Unmarshal(text, &given); err != nil {
			return err
		}
		if given.Op == "stop" {
			return nil
		}
		if err := started.command(given); err != nil {
			say("error", fields{"error": err.Error()})
		}
	}
}

// withOptions converts options by name to a function option.
func withOptions[O any](options map[string]any, convert func(pigato.Option) O) []O {
	made := make([]O, 0, len(options))
	for name, value := range options {
		made = append(made, convert(pigato.With(name, value)))
	}
	return made
}
