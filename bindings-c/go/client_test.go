package pigato_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pigato "github.com/prdn/pigato/bindings-c/go"
)

func TestEcho(t *testing.T) {
	_, client := newTrio(t, echo)
	reply, err := client.Request(deadline(t), "test", map[string]any{"a": []int{1, 2}})
	require(t, err)
	var value struct{ A []int }
	require(t, reply.Decode(&value))
	if len(value.A) != 2 || !reply.IsFinal() || reply.Codec() != pigato.CodecJSON || string(reply.Bytes()) != `{"a":[1,2]}` {
		t.Errorf("%+v %s", value, reply.Bytes())
	}
}

func TestReplyPrintsItsData(t *testing.T) {
	_, client := newTrio(t, echo)
	for want, data := range map[string]any{`["a",1]`: []any{"a", 1}, `"\x00\xff"`: pigato.Raw("\x00\xff")} {
		reply, err := client.Request(deadline(t), "test", data)
		require(t, err)
		if got := fmt.Sprint(reply); got != want {
			t.Errorf("%s instead of %s", got, want)
		}
	}
}

func TestCallAndHandleAreTyped(t *testing.T) {
	type order struct{ Item string }
	type receipt struct{ Text string }
	_, client := newTrio(t, pigato.Handle(func(_ context.Context, in order) (receipt, error) {
		if in.Item == "" {
			return receipt{}, pigato.ErrorValue("nothing ordered")
		}
		return receipt{"one " + in.Item}, nil
	}))
	got, err := pigato.Call[receipt](deadline(t), client, "test", order{"tea"})
	if err != nil || got.Text != "one tea" {
		t.Error(got, err)
	}
	if _, err := pigato.Call[receipt](deadline(t), client, "test", order{}); !errors.Is(err, pigato.ErrRemote) {
		t.Error(err)
	}
	if _, err := pigato.Call[receipt](deadline(t), client, "test", 5); !errors.Is(err, pigato.ErrHandler) {
		t.Error("data of another type was accepted:", err)
	}
	if _, err := pigato.Call[int](deadline(t), client, "test", order{"tea"}); !errors.Is(err, pigato.ErrData) {
		t.Error("a reply of another type was accepted:", err)
	}
}

func TestAllByteValuesArriveUnchanged(t *testing.T) {
	_, client := newTrio(t, echo)
	all := make([]byte, 256)
	for at := range all {
		all[at] = byte(at)
	}
	for name, ask := range map[string]func() (*pigato.Reply, error){
		"Raw":     func() (*pigato.Reply, error) { return client.Request(deadline(t), "test", pigato.Raw(all)) },
		"WithRaw": func() (*pigato.Reply, error) { return client.Request(deadline(t), "test", all, pigato.WithRaw()) },
	} {
		reply, err := ask()
		require(t, err)
		var got []byte
		require(t, reply.Decode(&got))
		if reply.Codec() != pigato.CodecRaw || !bytes.Equal(got, all) {
			t.Errorf("%s: %v %v", name, reply.Codec(), got)
		}
		var text string
		if err := reply.Decode(&text); !errors.Is(err, pigato.ErrData) {
			t.Error("raw bytes were decoded into a string:", err)
		}
	}
}

func TestOnlyRawAndRawMessageAreNotMarshaled(t *testing.T) {
	_, client := newTrio(t, func(_ context.Context, req *pigato.Request, w *pigato.ReplyWriter) error {
		return w.End(string(req.Bytes()))
	})
	for _, data := range []struct {
		sent any
		want string
	}{
		{nil, "null"},
		{json.RawMessage(`{"as": "it is"}`), `{"as": "it is"}`},
		{json.RawMessage(nil), "null"},
		{[]byte("bytes"), `"Ynl0ZXM="`},
		{"text", `"text"`},
		{pigato.Raw("raw"), "raw"},
		{pigato.Raw(nil), ""},
	} {
		got, err := pigato.Call[string](deadline(t), client, "test", data.sent)
		if err != nil || got != data.want {
			t.Errorf("%#v was sent as %q, %v", data.sent, got, err)
		}
	}
}

func TestTextBeyondTheBasicPlaneArrives(t *testing.T) {
	_, client := newTrio(t, echo)
	const text = "naïve 𝄞 🦀 \u0000 \U0010FFFF"
	got, err := pigato.Call[string](deadline(t), client, "test", text)
	if err != nil || got != text {
		t.Errorf("%q %v", got, err)
	}
}

func TestSixteenMebibytesArrive(t *testing.T) {
	_, client := newTrio(t, echo)
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	reply, err := client.Request(deadline(t), "test", pigato.Raw(body))
	require(t, err)
	if !bytes.Equal(reply.Bytes(), body) {
		t.Errorf("%d other bytes were returned", len(reply.Bytes()))
	}
}

func TestTenThousandConcurrentRequests(t *testing.T) {
	_, client := newTrio(t, echo, pigato.WithConcurrency(pigato.NoLimit))
	ctx := deadline(t)
	failures := make(chan error, 10_000)
	var group sync.WaitGroup
	for number := range cap(failures) {
		group.Add(1)
		go func() {
			defer group.Done()
			got, err := pigato.Call[int](ctx, client, "test", number)
			if err == nil && got != number {
				err = fmt.Errorf("%d instead of %d", got, number)
			}
			if err != nil {
				failures <- err
			}
		}()
	}
	group.Wait()
	close(failures)
	for err := range failures {
		t.Fatal(err)
	}
}

func TestTimeoutIsErrTimeout(t *testing.T) {
	handler, begun, ended := stuck()
	broker, client := newTrio(t, handler)
	_, err := client.Request(deadline(t), "test", nil, pigato.WithTimeout(100*time.Millisecond))
	if !errors.Is(err, pigato.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	receive(t, begun)
	if end := receive(t, ended); !errors.Is(end.err, context.Canceled) || !errors.Is(end.cause, pigato.ErrCancelled) {
		t.Errorf("%+v", end)
	}
	brief := newClient(t, broker.Endpoint(), pigato.WithTimeout(time.Millisecond))
	if _, err := brief.Request(deadline(t), "test", nil); !errors.Is(err, pigato.ErrTimeout) {
		t.Error("the client's own timeout was ignored:", err)
	}
}

func TestCancellingAContextReachesTheHandler(t *testing.T) {
	handler, begun, ended := stuck()
	broker, client := newTrio(t, handler)
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error, 1)
	go func() {
		_, err := client.Request(ctx, "test", nil)
		failed <- err
	}()
	receive(t, begun)
	cancel()
	if err := receive(t, failed); !errors.Is(err, context.Canceled) || !errors.Is(err, pigato.ErrCancelled) {
		t.Error(err)
	}
	if end := receive(t, ended); !errors.Is(end.err, context.Canceled) || !errors.Is(end.cause, pigato.ErrCancelled) {
		t.Errorf("%+v", end)
	}
	statistics, err := broker.Statistics()
	if err != nil || statistics.Cancelled != 1 || statistics.InFlight != 0 {
		t.Errorf("%+v %v", statistics, err)
	}
}

func TestDeadlineOfAContextEndsARequest(t *testing.T) {
	handler, begun, ended := stuck()
	_, client := newTrio(t, handler)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err := client.Request(ctx, "test", nil, pigato.WithTimeout(waitLimit))
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, pigato.ErrTimeout) {
		t.Error(err)
	}
	receive(t, begun)
	receive(t, ended)
	if _, err := client.Request(ctx, "test", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("a context that has already ended was ignored:", err)
	}
}

func TestFailFastIsErrNoWorker(t *testing.T) {
	client := newClient(t, newBroker(t).Endpoint())
	_, err := client.Request(deadline(t), "nobody", nil, pigato.WithFailFast())
	var failed *pigato.Error
	if !errors.As(err, &failed) || !errors.Is(err, pigato.ErrNoWorker) || failed.Origin != pigato.OriginBroker {
		t.Errorf("%+v", err)
	}
}

func TestDataAboveMaxBodyBytesIsErrTooLarge(t *testing.T) {
	broker := newBroker(t, pigato.WithMaxBodyBytes(10))
	client := newClient(t, broker.Endpoint())
	if _, err := client.Request(deadline(t), "test", "0123456789"); !errors.Is(err, pigato.ErrTooLarge) {
		t.Error(err)
	}
}

func TestRequestsAboveMaxRequestsAreErrBusy(t *testing.T) {
	handler, begun, _ := stuck()
	broker, _ := newTrio(t, handler)
	client := newClient(t, broker.Endpoint(), pigato.WithMaxRequests(1))
	stream, err := client.Stream(deadline(t), "test", nil)
	require(t, err)
	defer stream.Close()
	receive(t, begun)
	if _, err := client.Request(deadline(t), "test", nil); !errors.Is(err, pigato.ErrBusy) {
		t.Error(err)
	}
}

func TestHeadersArriveInBothDirections(t *testing.T) {
	_, client := newTrio(t, func(_ context.Context, req *pigato.Request, w *pigato.ReplyWriter) error {
		var trace string
		if isThere, err := req.Header("trace", &trace); err != nil || !isThere {
			return fmt.Errorf("no header: %v", err)
		}
		return w.End(nil, pigato.WithHeader("answer", trace+"!"))
	})
	reply, err := client.Request(deadline(t), "test", nil, pigato.WithHeader("trace", "00-1"))
	require(t, err)
	var answer string
	isThere, err := reply.Header("answer", &answer)
	if err != nil || !isThere || answer != "00-1!" {
		t.Error(isThere, answer, err)
	}
	if isThere, err := reply.Header("other", &answer); err != nil || isThere {
		t.Error(isThere, err)
	}
}

func TestWorkerIDSelectsTheWorker(t *testing.T) {
	broker := newBroker(t)
	for _, name := range []string{"one", "two"} {
		newWorker(t, broker.Endpoint(), "test", pigato.Handle(func(context.Context, any) (string, error) {
			return name, nil
		}), pigato.WithPrefix("W-"+name))
	}
	client := newClient(t, broker.Endpoint())
	eventually(t, "both workers have joined", func() bool {
		workers, err := client.Workers(deadline(t), "test")
		require(t, err)
		return len(workers) == 2
	})
	workers, err := client.Workers(deadline(t), "test")
	require(t, err)
	for range 3 {
		for _, id := range workers {
			got, err := pigato.Call[string](deadline(t), client, "test", nil, pigato.WithWorkerID(id))
			if want := id[len("W-") : len("W-")+3]; err != nil || got != want {
				t.Error(got, want, err)
			}
		}
	}
}

func TestNoCacheBypassesTheReplyCache(t *testing.T) {
	var calls atomic.Int64
	_, client := newTrio(t, func(_ context.Context, _ *pigato.Request, w *pigato.ReplyWriter) error {
		return w.End(calls.Add(1), pigato.WithCache(waitLimit))
	}, pigato.WithConcurrency(1))
	for _, expected := range []struct {
		want    int
		options []pigato.RequestOption
	}{{1, nil}, {1, nil}, {2, []pigato.RequestOption{pigato.WithNoCache()}}} {
		got, err := pigato.Call[int](deadline(t), client, "test", nil, expected.options...)
		if err != nil || got != expected.want {
			t.Error(got, expected, err)
		}
	}
}
