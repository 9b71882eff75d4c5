//go:build cgo

package pigato

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
)

var errCause = errors.New("the cause")

// uses are the ways to use a context, each of which may be the first one.
var uses = map[string]func(context.Context){
	"nothing":  func(context.Context) {},
	"done":     func(ctx context.Context) { ctx.Done() },
	"value":    func(ctx context.Context) { ctx.Value("key") },
	"err":      func(ctx context.Context) { _ = ctx.Err() },
	"deadline": func(ctx context.Context) { ctx.Deadline() },
	"cause":    func(ctx context.Context) { _ = context.Cause(ctx) },
}

func TestCancelReachesContextsDerivedBeforeIt(t *testing.T) {
	for name, use := range uses {
		t.Run(name, func(t *testing.T) {
			ctx := new(jobContext)
			use(ctx)
			if ctx.Err() != nil || context.Cause(ctx) != nil {
				t.Fatalf("ended: %v, %v", ctx.Err(), context.Cause(ctx))
			}
			child, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			ctx.cancel(errCause)
			ctx.cancel(errors.New("a later one"))
			for _, ended := range []context.Context{ctx, child} {
				<-ended.Done()
				if !errors.Is(ended.Err(), context.Canceled) || !errors.Is(context.Cause(ended), errCause) {
					t.Errorf("ended with %v, %v", ended.Err(), context.Cause(ended))
				}
			}
		})
	}
}

func TestCancelledContextIsFoundEnded(t *testing.T) {
	for name, use := range uses {
		t.Run(name, func(t *testing.T) {
			ctx := new(jobContext)
			ctx.cancel(errCause)
			use(ctx)
			if !errors.Is(ctx.Err(), context.Canceled) || !errors.Is(context.Cause(ctx), errCause) {
				t.Errorf("ended with %v, %v", ctx.Err(), context.Cause(ctx))
			}
			<-ctx.Done()
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			<-child.Done()
		})
	}
}

func TestDerivedContextsNeedNoGoroutine(t *testing.T) {
	ctx := new(jobContext)
	before := runtime.NumGoroutine()
	for range 100 {
		_, cancel := context.WithCancel(ctx)
		defer cancel()
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines became %d", before, after)
	}
}

func TestUnusedContextDoesNotAllocate(t *testing.T) {
	ctx := new(jobContext)
	if count := testing.AllocsPerRun(100, func() { _ = ctx.Err(); ctx.cancel(errCause) }); count > 0 {
		t.Errorf("%v allocations", count)
	}
}
