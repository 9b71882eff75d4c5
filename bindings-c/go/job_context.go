//go:build cgo

package pigato

import (
	"context"
	"sync"
	"time"
)

// jobContext is the context of a handler. The standard library's, which is three allocations that most handlers never
// look at, is made only when somebody asks for what it is for; then this one is no more than its name.
type jobContext struct {
	mutex    sync.Mutex
	standard context.Context
	stop     context.CancelCauseFunc
	// cause is why it has ended, if it has.
	cause error
}

// cancel ends it, if it has not ended.
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

func (c *jobContext) made() context.Context {
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

func (c *jobContext) Done() <-chan struct{} { return c.made().Done() }

func (c *jobContext) Err() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.cause == nil {
		return nil
	}
	return context.Canceled
}

// Value is how contexts made of this one, and context.Cause, find the standard library's.
func (c *jobContext) Value(key any) any { return c.made().Value(key) }

func (c *jobContext) String() string { return "pigato.Handler" }
