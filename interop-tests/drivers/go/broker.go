package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prdn/pigato/bindings-c/go"
)

// broker prints events and statistics.
type broker struct{ broker *pigato.Broker }

var eventNames = map[pigato.BrokerEventKind]string{
	pigato.WorkerJoined:  "workerJoined",
	pigato.WorkerLeft:    "workerLeft",
	pigato.ClientLeft:    "clientLeft",
	pigato.ProtocolError: "protocolError",
}

func newBroker(endpoint string, options map[string]any) (role, error) {
	given := withOptions(options, func(o pigato.Option) pigato.BrokerOption { return o })
	started, err := pigato.NewBroker(append(given, pigato.WithEndpoint(endpoint))...)
	if err != nil {
		return nil, err
	}
	say("ready", fields{"endpoint": started.Endpoint(), "intch": started.Intch()})
	go func() {
		for event := range started.Events() {
			say(eventNames[event.Kind], nil)
		}
	}()
	return &broker{started}, nil
}

func (b *broker) command(given line) error {
	switch given.Op {
	case "statistics":
		return b.statistics(given.Tag)
	case "drain":
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(given.Ms)*time.Millisecond)
			defer cancel()
			if err := b.broker.Stop(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				say("error", fields{"error": err.Error()})
			}
			say("drained", nil)
		}()
		return nil
	default:
		return fmt.Errorf("no operation is called %q", given.Op)
	}
}

func (b *broker) statistics(tag string) error {
	of, err := b.broker.Statistics()
	if err != nil {
		return err
	}
	say("statistics", fields{"tag": tag, "statistics": fields{
		"requests": of.Requests, "dispatches": of.Dispatches, "replies": of.Replies, "partialReplies": of.PartialReplies,
		"rejects": of.Rejects, "retries": of.Retries, "expired": of.Expired, "cancelled": of.Cancelled,
		"errors": of.Errors, "lateReplies": of.LateReplies, "cacheHits": of.CacheHits,
		"protocolErrors": of.ProtocolErrors, "workers": of.Workers, "clients": of.Clients, "queued": of.Queued,
		"inFlight": of.InFlight,
	}})
	return nil
}

func (b *broker) close() error { return b.broker.Close() }
