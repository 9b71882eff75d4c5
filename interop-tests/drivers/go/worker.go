package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prdn/pigato/bindings-c/go"
)

// worker has the behaviours that a request's data can ask for; see ../PROTOCOL.md, "What a worker
// does".
type worker struct {
	worker      *pigato.Worker
	isVerbose   bool
	isRejecting atomic.Bool
	requests    atomic.Int64
}

// crashed is the exit status of the behaviour crash.
const crashed = 9

// order is the behaviour that a request's data selects.
type order struct {
	Do        string          `json:"do"`
	Value     json.RawMessage `json:"value"`
	Count     int             `json:"count"`
	Length    int             `json:"length"`
	Ms        *int            `json:"ms"`
	Item      json.RawMessage `json:"item"`
	Error     json.RawMessage `json:"error"`
	ReplyOpts map[string]any  `json:"replyOpts"`
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
		say("told", nil)
	case "heartbeat":
		return w.worker.Heartbeat()
	case "concurrency":
		number, ok := given.Value.(float64)
		if !ok {
			return errors.New("a concurrency is a number")
		}
		return w.worker.SetConcurrency(int(number))
	case "drain":
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(given.Ms)*time.Millisecond)
			defer cancel()
			if err := w.worker.Stop(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				say("error", fields{"error": err.Error()})
			}
			say("drained", nil)
		}()
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
	options := withOptions(asked.ReplyOpts, func(o pigato.Option) pigato.ReplyOption { return o })
	switch asked.Do {
	case "echo":
		return reply.End(asked.Value, options...)
	case "opts":
		return reply.End(request.Options())
	case "pid":
		return reply.End(os.Getpid(), options...)
	case "attempt":
		return reply.End(request.Attempt())
	case "text":
		return reply.End(strings.Repeat("x", asked.Length))
	case "partials":
		return partials(ctx, asked, reply)
	case "count":
		asked.Count = math.MaxInt
		return partials(ctx, asked, reply)
	case "sleep":
		if err := pause(ctx, asked); err != nil {
			return err
		}
		return reply.End(asked.Value)
	case "block": // blocks this goroutine only
		time.Sleep(time.Duration(*asked.Ms) * time.Millisecond)
		return reply.End(asked.Value)
	case "never":
		<-ctx.Done()
		return ctx.Err()
	case "crash":
		os.Exit(crashed)
		return nil
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
		return reply.Error("unknown behaviour: " + asked.Do)
	}
}

func partials(ctx context.Context, asked order, reply *pigato.ReplyWriter) error {
	for number := range asked.Count {
		var item any = number
		if asked.Item != nil {
			item = asked.Item
		}
		if err := reply.Write(ctx, item); err != nil {
			return err
		}
		if err := pause(ctx, asked); err != nil {
			return err
		}
	}
	if asked.Error != nil {
		return reply.Error(asked.Error)
	}
	return reply.End(asked.Count)
}

// pause waits for the given time, if any.
func pause(ctx context.Context, asked order) error {
	if asked.Ms == nil {
		return nil
	}
	select {
	case <-time.After(time.Duration(*asked.Ms) * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
