package pigato_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	pigato "github.com/prdn/pigato/bindings-c/go"
)

// hostile is an error, a value to marshal and a value of panics, whose methods run the given
// functions.
type hostile struct{ inError, inUnwrap, inMarshal func() }

func do(action func()) {
	if action != nil {
		action()
	}
}

func (h hostile) Error() string { do(h.inError); return "hostile" }
func (h hostile) Unwrap() error { do(h.inUnwrap); return nil }
func (h hostile) As(any) bool   { return false }
func (h hostile) MarshalJSON() ([]byte, error) {
	do(h.inMarshal)
	return nil, fmt.Errorf("unwritable: %w", pigato.ErrClosed)
}

type hostileAs struct{ error }

func (hostileAs) As(any) bool { panic("boom in As") }

// The client gets an answer and the process survives, whatever a handler returns.
func TestHostileResultsOfHandlersAreErrHandler(t *testing.T) {
	boom := func() { panic("boom") }
	var nothing *pigato.Error
	for name, returned := range map[string]struct {
		make func() error
		text string
	}{
		"a nil *Error":             {func() error { return nothing }, "nil *pigato.Error"},
		"a wrapped nil *Error":     {func() error { return fmt.Errorf("wrapped: %w", nothing) }, "wrapped"},
		"Error panics":             {func() error { return hostile{inError: boom} }, "boom"},
		"Error panics with itself": {func() error { return hostile{inError: panicWithItself} }, "panic"},
		"Error ends the goroutine": {func() error { return hostile{inError: runtime.Goexit} }, "ended its goroutine"},
		"Unwrap panics":            {func() error { return hostile{inUnwrap: boom} }, "boom"},
		"As panics":                {func() error { return hostileAs{errors.New("x")} }, "boom in As"},
		"a reason panics":          {func() error { return pigato.Reject(hostile{inMarshal: boom}) }, "boom"},
		"a reason is unwritable":   {func() error { return pigato.Reject(hostile{}) }, "unwritable"},
		"a reason is NaN":          {func() error { return pigato.Reject(math.NaN()) }, "NaN"},
		"a value is NaN":           {func() error { return pigato.ErrorValue(math.NaN()) }, "NaN"},
		"a text is not UTF-8":      {func() error { return errors.New("not \xff text") }, "not \uFFFD text"},
		"a text has a NUL":         {func() error { return errors.New("a\x00b") }, "a\x00b"},
	} {
		t.Run(name, func(t *testing.T) {
			_, client := newTrio(t, func(context.Context, *pigato.Request, *pigato.ReplyWriter) error {
				return returned.make()
			})
			_, err := client.Request(deadline(t), "test", nil)
			var failed *pigato.Error
			if !errors.Is(err, pigato.ErrHandler) || !errors.As(err, &failed) {
				t.Fatal(err)
			}
			if !strings.Contains(failed.Message, returned.text) {
				t.Errorf("%q does not contain %q", failed.Message, returned.text)
			}
		})
	}
}

func panicWithItself() { panic(hostile{inError: panicWithItself}) }

func TestNilErrorIsHarmless(t *testing.T) {
	var nothing *pigato.Error
	if nothing.Error() == "" || errors.Is(nothing, pigato.ErrClosed) || errors.Unwrap(nothing) != nil {
		t.Error(nothing)
	}
	var value any
	if err := nothing.Decode(&value); !errors.Is(err, pigato.ErrData) {
		t.Error(err)
	}
}

// With a deadline, context.WithTimeout would set no timer for a later one, and jobContext sets none
// itself.
func TestContextOfAHandlerHasNoDeadline(t *testing.T) {
	_, client := newTrio(t, func(ctx context.Context, req *pigato.Request, _ *pigato.ReplyWriter) error {
		if until, isThere := ctx.Deadline(); isThere || req.Remaining() <= 0 {
			return fmt.Errorf("deadline %v, %v remaining", until, req.Remaining())
		}
		later, cancel := context.WithTimeout(ctx, 2*req.Remaining())
		defer cancel()
		if until, isThere := later.Deadline(); !isThere {
			return fmt.Errorf("deadline %v", until)
		}
		return nil
	})
	_, err := client.Request(deadline(t), "test", nil, pigato.WithTimeout(waitLimit))
	require(t, err)
}
