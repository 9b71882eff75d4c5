package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prdn/pigato/bindings-c/go"
)

// client sends requests with partial replies and floods, and cancels requests.
type client struct {
	client  *pigato.Client
	mutex   sync.Mutex
	cancels map[string]context.CancelFunc
	held    map[string]chan struct{} // closed to start reading the replies
	running sync.WaitGroup
}

func newClient(endpoint string, options map[string]any) (role, error) {
	given := withOptions(options, func(o pigato.Option) pigato.ClientOption { return o })
	started, err := pigato.NewClient(endpoint, append(given, pigato.WithLogger(readyLogger()))...)
	if err != nil {
		return nil, err
	}
	return &client{client: started, cancels: map[string]context.CancelFunc{}, held: map[string]chan struct{}{}}, nil
}

func (c *client) command(given line) error {
	switch given.Op {
	case "request":
		ctx, cancel := context.WithCancel(context.Background())
		isRead := make(chan struct{})
		c.mutex.Lock()
		c.cancels[given.Tag], c.held[given.Tag] = cancel, isRead
		c.mutex.Unlock()
		if !given.Hold {
			close(isRead)
		}
		return c.request(ctx, given, isRead)
	case "flood":
		c.flood(given)
	case "read":
		c.mutex.Lock()
		defer c.mutex.Unlock()
		if c.held[given.Tag] == nil {
			return fmt.Errorf("no request has the tag %q", given.Tag)
		}
		close(c.held[given.Tag])
	case "cancel":
		c.mutex.Lock()
		cancel := c.cancels[given.Tag]
		c.mutex.Unlock()
		if cancel == nil {
			return fmt.Errorf("no request has the tag %q", given.Tag)
		}
		cancel()
	default:
		return fmt.Errorf("no operation is called %q", given.Op)
	}
	return nil
}

// request sends immediately, so that requests are sent in the order of the commands, and prints the
// replies as they arrive.
func (c *client) request(ctx context.Context, given line, isRead <-chan struct{}) error {
	options := withOptions(given.Opts, func(o pigato.Option) pigato.RequestOption { return o })
	data, err := dataOf(given)
	if err != nil {
		return err
	}
	stream, err := c.client.Stream(ctx, given.Service, data, options...)
	if err != nil {
		say("final", fields{"tag": given.Tag, "error": errorOf(err)})
		return nil
	}
	c.running.Add(1)
	go func() {
		defer c.running.Done()
		defer stream.Close()
		select {
		case <-isRead:
		case <-ctx.Done():
		}
		for reply, err := range stream.All() {
			tell(given.Tag, reply, err)
		}
	}()
	return nil
}

func dataOf(given line) (any, error) {
	if given.Bytes != nil {
		decoded, err := hex.DecodeString(*given.Bytes)
		return pigato.Raw(decoded), err
	}
	return given.Data, nil
}

func tell(tag string, reply *pigato.Reply, err error) {
	members := fields{"tag": tag}
	if err != nil {
		members["error"] = errorOf(err)
		say("final", members)
		return
	}
	if reply.Codec() == pigato.CodecRaw {
		members["bytes"] = hex.EncodeToString(reply.Bytes())
	} else {
		members["data"] = json.RawMessage(reply.Bytes())
	}
	members["error"] = 0 // as in the published callback
	if !reply.IsFinal() {
		say("partial", members)
		return
	}
	say("final", members)
}

// errorOf is an error as the published callback receives it: a value or a code.
func errorOf(err error) any {
	var failed *pigato.Error
	switch {
	case errors.As(err, &failed) && len(failed.Value) > 0:
		return failed.Value
	case errors.Is(err, context.Canceled):
		return string(pigato.ErrCancelled)
	case failed != nil:
		return string(failed.Code)
	default:
		return err.Error()
	}
}

// flood sends all requests concurrently and prints a line when all are answered.
func (c *client) flood(given line) {
	began := time.Now()
	options := withOptions(given.Opts, func(o pigato.Option) pigato.RequestOption { return o })
	var answered, failed atomic.Int64
	var first atomic.Value
	var all sync.WaitGroup
	for number := range given.Count {
		all.Add(1)
		go func() {
			defer all.Done()
			reply, err := c.client.Request(context.Background(), given.Service, number, options...)
			if err == nil && bytes.Equal(reply.Bytes(), fmt.Append(nil, number)) {
				answered.Add(1)
				return
			}
			failed.Add(1)
			first.CompareAndSwap(nil, fmt.Sprint("answer to ", number, ": ", err))
		}()
	}
	c.running.Add(1)
	go func() {
		defer c.running.Done()
		all.Wait()
		say("flooded", fields{"tag": given.Tag, "ok": answered.Load(), "failed": failed.Load(),
			"first_error": first.Load(), "ms": time.Since(began).Milliseconds()})
	}()
}

func (c *client) close() error {
	err := c.client.Close()
	c.running.Wait()
	return err
}
