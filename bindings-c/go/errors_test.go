package pigato_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	pigato "github.com/prdn/pigato/bindings-c/go"
)

func TestCodesMatchC(t *testing.T) {
	known := pigato.Codes()
	for status := int32(1); status < 1000; status++ {
		name, isThere := pigato.StatusName(status)
		if code, isKnown := known[status]; isThere != isKnown || string(code) != name {
			t.Errorf("status %d is %q in C and %q in Go", status, name, code)
		}
		delete(known, status)
	}
	if len(known) > 0 {
		t.Errorf("C lacks %v", known)
	}
}

func TestErrorMatchesItsCode(t *testing.T) {
	err := fmt.Errorf("asking: %w", &pigato.Error{Code: "C_TIMEOUT", Message: "no reply"})
	if !errors.Is(err, pigato.ErrTimeout) || errors.Is(err, pigato.ErrBusy) {
		t.Error("the error does not match exactly its own code")
	}
	if !strings.Contains(err.Error(), "C_TIMEOUT: no reply") {
		t.Error(err)
	}
	if text := pigato.ErrTimeout.Error(); !strings.HasPrefix(text, "C_TIMEOUT: ") {
		t.Errorf("a code without a message is %q", text)
	}
}

func TestErrorValueArrivesUnchanged(t *testing.T) {
	type problem struct{ Field string }
	for name, handler := range map[string]pigato.Handler{
		"written": func(_ context.Context, _ *pigato.Request, w *pigato.ReplyWriter) error {
			return w.Error(problem{"age"})
		},
		"returned": func(context.Context, *pigato.Request, *pigato.ReplyWriter) error {
			return fmt.Errorf("checking: %w", pigato.ErrorValue(problem{"age"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, client := newTrio(t, handler)
			_, err := client.Request(deadline(t), "test", nil)
			var failed *pigato.Error
			if !errors.As(err, &failed) || !errors.Is(err, pigato.ErrRemote) {
				t.Fatalf("%v is not an error value", err)
			}
			var got problem
			require(t, failed.Decode(&got))
			if got.Field != "age" || failed.Origin != pigato.OriginWorker || failed.IsPartial {
				t.Errorf("%+v", failed)
			}
		})
	}
}

func TestErrorHasHeaders(t *testing.T) {
	_, client := newTrio(t, func(_ context.Context, _ *pigato.Request, w *pigato.ReplyWriter) error {
		return w.Error("no", pigato.WithHeader("trace", "00-1"))
	})
	_, err := client.Request(deadline(t), "test", nil)
	var failed *pigato.Error
	if !errors.As(err, &failed) {
		t.Fatal(err)
	}
	var trace string
	isThere, err := failed.Header("trace", &trace)
	if err != nil || !isThere || trace != "00-1" || len(failed.Options) == 0 {
		t.Errorf("%v %q %v %s", isThere, trace, err, failed.Options)
	}
	if isThere, err := failed.Header("other", &trace); isThere || err != nil {
		t.Error(isThere, err)
	}
}

func TestMessageMayContainNULs(t *testing.T) {
	_, err := pigato.NewClient("tcp://127.0.0.1:1", pigato.With("a\x00b", 1))
	if !errors.Is(err, pigato.ErrOption) || !strings.Contains(err.Error(), "`a\x00b`") {
		t.Errorf("%q", err)
	}
}

func TestErrorOfAHandlerIsErrHandler(t *testing.T) {
	_, client := newTrio(t, func(context.Context, *pigato.Request, *pigato.ReplyWriter) error {
		return errors.New("out of paper")
	})
	_, err := client.Request(deadline(t), "test", nil)
	var failed *pigato.Error
	if !errors.As(err, &failed) || !errors.Is(err, pigato.ErrHandler) || !strings.Contains(err.Error(), "out of paper") {
		t.Fatal(err)
	}
	var value struct{ Code, Message string }
	require(t, json.Unmarshal(failed.Value, &value))
	if value.Code != "W_HANDLER" || value.Message != "out of paper" || failed.Origin != pigato.OriginWorker {
		t.Errorf("%+v", failed)
	}
}

func TestOptionErrorsNameTheOption(t *testing.T) {
	broker := newBroker(t)
	client := newClient(t, broker.Endpoint())
	unwritable := make(chan int)
	for name, attempt := range map[string]func() error{
		"concurrency": func() error {
			_, err := pigato.NewWorker(broker.Endpoint(), "test", echo, pigato.WithConcurrency(0))
			return err
		},
		"heartbeat": func() error {
			_, err := pigato.NewClient(broker.Endpoint(), pigato.WithHeartbeat(0))
			return err
		},
		"hartbeat": func() error {
			_, err := pigato.NewClient(broker.Endpoint(), pigato.With("hartbeat", 5))
			return err
		},
		"dmode": func() error {
			_, err := pigato.NewBroker(pigato.WithEndpoint("tcp://127.0.0.1:*"), pigato.WithDispatchMode("best"))
			return err
		},
		"timeout": func() error {
			_, err := client.Request(deadline(t), "test", nil, pigato.With("timeout", "soon"))
			return err
		},
		"trace": func() error {
			_, err := client.Request(deadline(t), "test", nil, pigato.WithHeader("trace", unwritable))
			return err
		},
	} {
		if err := attempt(); !errors.Is(err, pigato.ErrOption) || !strings.Contains(err.Error(), "`"+name+"`") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCAcceptsEveryOption(t *testing.T) {
	broker := newBroker(t, pigato.WithHeartbeat(heartbeat), pigato.WithHeartbeatLiveness(5), pigato.WithDispatchMode("rand"),
		pigato.WithName("B-test"), pigato.WithMaxRequests(10), pigato.WithMaxRequestBytes(1000),
		pigato.WithMaxBodyBytes(1000), pigato.WithMaxWorkers(10), pigato.WithCacheBytes(0))
	if broker.Name() != "B-test" || broker.Intch() != "" {
		t.Error(broker.Name(), broker.Intch())
	}
	newWorker(t, broker.Endpoint(), "test", echo, pigato.WithHeartbeat(heartbeat), pigato.WithHeartbeatLiveness(5),
		pigato.WithReconnect(heartbeat), pigato.WithPrefix("W-test"), pigato.WithConcurrency(pigato.NoLimit))
	client := newClient(t, broker.Endpoint(), pigato.WithHeartbeat(heartbeat), pigato.WithHeartbeatLiveness(5),
		pigato.WithReconnect(heartbeat), pigato.WithPrefix("C-test"), pigato.WithTimeout(pigato.NoTimeout),
		pigato.WithRetry(true), pigato.WithMaxRequests(10), pigato.WithMaxRequestBytes(1000))
	value, err := pigato.Call[string](deadline(t), client, "test", "x", pigato.WithTimeout(waitLimit),
		pigato.WithRetry(false), pigato.WithNoCache(), pigato.WithHeader("trace", 1))
	if err != nil || value != "x" {
		t.Error(value, err)
	}
}

func TestBadArgumentsAreErrors(t *testing.T) {
	broker := newBroker(t)
	client := newClient(t, broker.Endpoint())
	for name, attempt := range map[string]struct {
		code pigato.Code
		call func() error
	}{
		"client endpoint": {pigato.ErrEndpoint, func() error { _, err := pigato.NewClient("nonsense"); return err }},
		"worker endpoint": {pigato.ErrEndpoint, func() error { _, err := pigato.NewWorker("", "test", echo); return err }},
		"endpoint in use": {pigato.ErrEndpoint, func() error {
			_, err := pigato.NewBroker(pigato.WithEndpoint(broker.Endpoint()), pigato.WithIntch(""))
			return err
		}},
		"no handler":   {pigato.ErrArgument, func() error { _, err := pigato.NewWorker(broker.Endpoint(), "test", nil); return err }},
		"no service":   {pigato.ErrOption, func() error { _, err := client.Request(deadline(t), "", nil); return err }},
		"long service": {pigato.ErrOption, func() error { _, err := client.Request(deadline(t), strings.Repeat("x", 256), nil); return err }},
		"no JSON":      {pigato.ErrData, func() error { _, err := client.Request(deadline(t), "test", make(chan int)); return err }},
		"no bytes":     {pigato.ErrData, func() error { _, err := client.Request(deadline(t), "test", 5, pigato.WithRaw()); return err }},
	} {
		if err := attempt.call(); !errors.Is(err, attempt.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
