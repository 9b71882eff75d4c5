//go:build cgo

package pigato

import (
	"context"
	"sync"
	"time"
)

// jobContext is the context of a handler. It creates a context of the standard library, which costs
// 3 allocations that most handlers do not need, only when Done or Value is called, and then
// delegates.
type jobContext struct {
	mutex    sync.Mutex
	standard context.Context
	stop     context.CancelCauseFunc
	// cause is nil until the context has ended.
	cause error
}

// cancel ends the context with a cause, unless it has already ended.
func (c *jobContext) cancel(cause error) {
	c.mutex.Lock()
	stop := c.stop
	if c.cause == nil {
		c.cause = cause
	}
	c.mutex.Unlock()
	if stop != nil {
		stop(cause)
	}
}

func (c *jobContext) delegate() context.Context {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.standard == nil {
		c.standard, c.stop = context.WithCancelCause(context.Background())
		if c.cause != nil {
			c.stop(c.cause)
		}
	}
	return c.standard
}

func (c *jobContext) Deadline() (time.Time, bool) { return time.Time{}, false }

func (c *jobContext) Done() <-chan struct{} { return c.delegate().Done() }

func (c *jobContext) Err() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.cause == nil {
		return nil
	}
	return context.Canceled
}

// Value lets derived contexts, and context.Cause, find the context of the standard library.
func (c *jobContext) Value(key any) any { return c.delegate().Value(key) }

func (c *jobContext) String() string { return "pigato.Handler" }
