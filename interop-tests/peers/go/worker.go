package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/prdn/pigato/bindings-c/go"
)

// worker has the behaviours that a request's data can ask for; see ../pigato-js/README.md, "What a worker does".
type worker struct {
	worker      *pigato.Worker
	isVerbose   bool
	isRejecting atomic.Bool
	requests    atomic.Int64
}

// order is what a request's data asks for.
type order struct {
	Do    string          `json:"do"`
	Value json.RawMessage `json:"value"`
	Count int             `json:"count"`
	Ms    int             `json:"ms"`
	File  string          `json:"file"`
}

func newWorker(endpoint, service string, options map[string]any, verbose bool) (role, error) {
	made := &worker{isVerbose: verbose}
	given := withOptions(options, func(o pigato.Option) pigato.WorkerOption { return o })
	started, err := pigato.NewWorker(endpoint, service, made.answer, append(given, pigato.WithLogger(readyLogger()))...)
	made.worker = started
	return made, err
}

func (w *worker) command(given line) error {
	switch given.Op {
	case "reject":
		w.isRejecting.Store(given.Value != false)
	case "heartbeat":
		return w.worker.Heartbeat()
	case "concurrency":
		number, ok := given.Value.(float64)
		if !ok {
			return errors.New("a concurrency is a number")
		}
		return w.worker.SetConcurrency(int(number))
	default:
		return fmt.Errorf("no operation is called %q", given.Op)
	}
	return nil
}

func (w *worker) close() error { return w.worker.Close() }

func (w *worker) answer(ctx context.Context, request *pigato.Request, reply *pigato.ReplyWriter) error {
	if request.Codec() == pigato.CodecRaw {
		return reply.End(pigato.Raw(request.Bytes()))
	}
	number := w.requests.Add(1)
	if w.isVerbose {
		say("request", fields{"request": number, "attempt": request.Attempt(), "data": json.RawMessage(request.Bytes())})
	}
	if w.isRejecting.Load() {
		return pigato.Reject("told to reject")
	}
	var asked order
	if json.Unmarshal(request.Bytes(), &asked) != nil || asked.Do == "" {
		return reply.End(json.RawMessage(request.Bytes()))
	}
	err := behave(ctx, asked, request, reply)
	if w.isVerbose && ctx.Err() != nil {
		say("cancelled", fields{"request": number})
	}
	return err
}

func behave(ctx context.Context, asked order, request *pigato.Request, reply *pigato.ReplyWriter) error {
	switch asked.Do {
	case "echo":
		return reply.End(asked.Value)
	case "opts":
		return reply.End(request.Options())
	case "pid":
		return reply.End(os.Getpid())
	case "partials":
		for number := range asked.Count {
			if err := reply.Write(ctx, number); err != nil {
				return err
			}
		}
		return reply.End(asked.Count)
	case "stream":
		return stream(ctx, asked.File, reply)
	case "sleep":
		select {
		case <-time.After(time.Duration(asked.Ms) * time.Millisecond):
			return reply.End(asked.Value)
		case <-ctx.Done():
			return ctx.Err()
		}
	case "never":
		<-ctx.Done()
		return ctx.Err()
	case "error":
		return reply.Error(asked.Value)
	case "reject":
		return pigato.Reject(asked.Value)
	case "throw":
		var message string
		if json.Unmarshal(asked.Value, &message) != nil {
			message = "thrown"
		}
		return errors.New(message)
	default:
		return fmt.Errorf("unknown behaviour: %s", asked.Do)
	}
}

func stream(ctx context.Context, path string, reply *pigato.ReplyWriter) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if err := reply.Write(ctx, lines.Text()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return reply.End(nil)
}
