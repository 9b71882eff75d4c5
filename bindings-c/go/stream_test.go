package pigato_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	pigato "github.com/prdn/pigato/bindings-c/go"
)

func TestThousandPartialRepliesArriveInOrder(t *testing.T) {
	_, client := newTrio(t, counter)
	stream, err := client.Stream(deadline(t), "test", 1000)
	require(t, err)
	expected := 0
	for reply, err := range stream.All() {
		require(t, err)
		if reply.IsFinal() {
			var done string
			require(t, reply.Decode(&done))
			if done != "done" || expected != 1000 {
				t.Errorf("%q after %d", done, expected)
			}
			expected = -1
			continue
		}
		var number int
		require(t, reply.Decode(&number))
		if number != expected {
			t.Fatalf("%d instead of %d", number, expected)
		}
		expected++
	}
	if expected != -1 {
		t.Error("no final reply")
	}
}

func TestNextReturnsAllRepliesAndThenEOF(t *testing.T) {
	_, client := newTrio(t, counter)
	ctx := deadline(t)
	stream, err := client.Stream(ctx, "test", 3)
	require(t, err)
	for number := range 4 {
		reply, err := stream.Next(ctx)
		require(t, err)
		if reply.IsFinal() != (number == 3) {
			t.Error(number, reply.IsFinal())
		}
	}
	for range 2 {
		if _, err := stream.Next(ctx); err != io.EOF {
			t.Error(err)
		}
	}
	require(t, stream.Close())
}

func TestNextMayBeCalledAgainAfterItsContextEnded(t *testing.T) {
	release := make(chan struct{})
	_, client := newTrio(t, func(ctx context.Context, _ *pigato.Request, w *pigato.ReplyWriter) error {
		<-release
		return w.End("late")
	})
	stream, err := client.Stream(deadline(t), "test", nil)
	require(t, err)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := stream.Next(ended); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(release)
	reply, err := stream.Next(deadline(t))
	if err != nil || string(reply.Bytes()) != `"late"` {
		t.Error(reply, err)
	}
}

func TestValuesAreTyped(t *testing.T) {
	_, client := newTrio(t, func(ctx context.Context, req *pigato.Request, w *pigato.ReplyWriter) error {
		for number := range 3 {
			if err := w.Write(ctx, number); err != nil {
				return err
			}
		}
		return w.End(3)
	})
	stream, err := client.Stream(deadline(t), "test", nil)
	require(t, err)
	sum := 0
	for number, err := range pigato.Values[int](stream) {
		require(t, err)
		sum += number
	}
	if sum != 6 {
		t.Error(sum)
	}
	stream, err = client.Stream(deadline(t), "test", nil)
	require(t, err)
	errorCount := 0
	for _, err := range pigato.Values[string](stream) {
		errorCount++
		if !errors.Is(err, pigato.ErrData) {
			t.Error(err)
		}
	}
	if errorCount != 1 {
		t.Error(errorCount)
	}
}

// endless returns a handler that writes until Write fails, with a channel that gets the error.
func endless() (pigato.Handler, chan error) {
	ended := make(chan error, 10)
	return func(ctx context.Context, _ *pigato.Request, w *pigato.ReplyWriter) error {
		for {
			if err := w.Write(ctx, "more"); err != nil {
				ended <- err
				return err
			}
		}
	}, ended
}

func TestLeavingTheLoopCancelsTheRequest(t *testing.T) {
	handler, ended := endless()
	broker, client := newTrio(t, handler)
	stream, err := client.Stream(deadline(t), "test", nil)
	require(t, err)
	seen := 0
	for _, err := range stream.All() {
		require(t, err)
		if seen++; seen == 10 {
			break
		}
	}
	if err := receive(t, ended); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := stream.Next(deadline(t)); !errors.Is(err, pigato.ErrCancelled) {
		t.Error(err)
	}
	statistics, err := broker.Statistics()
	if err != nil || statistics.Cancelled != 1 {
		t.Errorf("%+v %v", statistics, err)
	}
}

func TestStreamEndsWithItsContext(t *testing.T) {
	handler, ended := endless()
	_, client := newTrio(t, handler)
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := client.Stream(ctx, "test", nil)
	require(t, err)
	_, err = stream.Next(deadline(t))
	require(t, err)
	cancel()
	receive(t, ended)
	for err == nil {
		_, err = stream.Next(deadline(t))
	}
	if !errors.Is(err, context.Canceled) || !errors.Is(err, pigato.ErrCancelled) {
		t.Error(err)
	}
	if _, err := stream.Next(deadline(t)); err != io.EOF {
		t.Error(err)
	}
}

func TestSlowStreamDoesNotDelayAnother(t *testing.T) {
	const count = 5000
	_, client := newTrio(t, counter)
	slow, err := client.Stream(deadline(t), "test", count)
	require(t, err)
	fast, err := client.Stream(deadline(t), "test", count)
	require(t, err)
	for _, stream := range []*pigato.Stream{fast, slow} {
		seen := 0
		for _, err := range stream.All() {
			require(t, err)
			seen++
		}
		if seen != count+1 {
			t.Errorf("%d replies", seen)
		}
	}
}

func TestWriteWaitsForASlowReader(t *testing.T) {
	written := make(chan error, 1)
	_, client := newTrio(t, func(ctx context.Context, _ *pigato.Request, w *pigato.ReplyWriter) error {
		// Only a Write that waits for the reader fails when this context ends.
		brief, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		for range 1_000_000 {
			if err := w.Write(brief, "more"); err != nil {
				written <- err
				return w.End("given up")
			}
		}
		written <- errors.New("Write never waited")
		return nil
	})
	stream, err := client.Stream(deadline(t), "test", nil)
	require(t, err)
	if err := receive(t, written); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	last := ""
	for reply, err := range stream.All() {
		require(t, err)
		last = string(reply.Bytes())
	}
	if last != `"given up"` {
		t.Error(last)
	}
}

func TestTooManyUnreadRepliesEndWithErrBusy(t *testing.T) {
	handler, ended := endless()
	_, client := newTrio(t, handler)
	pigato.SetMaxUnread(client, 100, 1<<30)
	stream, err := client.Stream(deadline(t), "test", nil)
	require(t, err)
	receive(t, ended)
	seen := 0
	for _, err = range stream.All() {
		seen++
	}
	if !errors.Is(err, pigato.ErrBusy) || seen != 101 {
		t.Error(seen, err)
	}
}

func TestTooManyUnreadBytesEndWithErrBusy(t *testing.T) {
	handler, ended := endless()
	_, client := newTrio(t, handler)
	// Room for the data of 10 replies, or fewer because their options count too.
	pigato.SetMaxUnread(client, 1<<30, 10*len(`"more"`))
	stream, err := client.Stream(deadline(t), "test", nil)
	require(t, err)
	receive(t, ended)
	seen := 0
	for _, err = range stream.All() {
		seen++
	}
	if !errors.Is(err, pigato.ErrBusy) || seen < 2 || seen > 11 {
		t.Error(seen, err)
	}
}

func TestSingleReplyMayExceedTheLimitOfBytes(t *testing.T) {
	_, client := newTrio(t, func(ctx context.Context, _ *pigato.Request, w *pigato.ReplyWriter) error {
		return errors.Join(w.Write(ctx, "more than there is room for"), w.End("done"))
	})
	pigato.SetMaxUnread(client, 100, 1)
	for range 10 {
		stream, err := client.Stream(deadline(t), "test", nil)
		require(t, err)
		for _, err := range stream.All() {
			require(t, err)
		}
	}
}

func TestReadBytesNoLongerCount(t *testing.T) {
	handler, begun, _ := stuck()
	_, client := newTrio(t, handler)
	partial := &pigato.Error{Code: pigato.ErrRemote, IsPartial: true, Value: []byte("100")}
	pigato.SetMaxUnread(client, 100, 2*len(partial.Value))
	stream, err := client.Stream(deadline(t), "test", nil)
	require(t, err)
	receive(t, begun)
	pigato.Receive(stream, nil, partial, false)
	for range 10 {
		pigato.Receive(stream, nil, partial, false)
		if _, err := stream.Next(deadline(t)); err != partial {
			t.Fatal(err)
		}
	}
}

func TestPartialErrorDoesNotEndTheStream(t *testing.T) {
	handler, begun, _ := stuck()
	_, client := newTrio(t, handler)
	stream, err := client.Stream(deadline(t), "test", nil)
	require(t, err)
	receive(t, begun)
	// Workers of other packages send such errors, those of this one do not.
	partial := &pigato.Error{Code: pigato.ErrRemote, IsPartial: true}
	pigato.Receive(stream, nil, partial, false)
	pigato.Receive(stream, new(pigato.Reply), nil, true)
	var outcomes []error
	for _, err := range stream.All() {
		outcomes = append(outcomes, err)
	}
	if len(outcomes) != 2 || outcomes[0] != partial || outcomes[1] != nil {
		t.Error(outcomes)
	}
}

func TestSeveralGoroutinesMayReadOneStream(t *testing.T) {
	_, client := newTrio(t, counter)
	stream, err := client.Stream(deadline(t), "test", 1000)
	require(t, err)
	counts := make(chan int)
	for range 4 {
		go func() {
			seen := 0
			for {
				if _, err := stream.Next(context.Background()); err != nil {
					counts <- seen
					return
				}
				seen++
			}
		}()
	}
	total := 0
	for range 4 {
		total += receive(t, counts)
	}
	if total != 1001 {
		t.Error(total)
	}
}

func TestRequestDropsPartialReplies(t *testing.T) {
	_, client := newTrio(t, counter)
	got, err := pigato.Call[string](deadline(t), client, "test", 5000)
	if err != nil || got != "done" {
		t.Error(got, err)
	}
}
