package pigato

import (
	"context"
	"math"
	"sync"
	"time"
)

// job is one request while its handler runs, and all that the handler is given.
type job struct {
	core    *workerCore
	number  uint64
	request *Request
	writer  ReplyWriter
	ctx     jobContext
	cancel  context.CancelCauseFunc
	// writable has something in it when a refused partial reply may be sent. Made by whoever writes the first.
	writable chan struct{}
	mutex    sync.Mutex
}

func newJob(core *workerCore, number uint64, request *Request) *job {
	made := &job{core: core, number: number, request: request}
	made.writer.job = made
	made.ctx.Context, made.cancel = context.WithCancelCause(context.Background())
	made.ctx.setDeadline(request.remaining)
	return made
}

// news is where a writer that was refused hears that it may try again. It has to be asked for before the attempt.
func (j *job) news() chan struct{} {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if j.writable == nil {
		j.writable = make(chan struct{}, 1)
	}
	return j.writable
}

func (j *job) tellWritable() {
	select {
	case j.news() <- struct{}{}:
	default:
	}
}

// jobContext is a handler's context. Its deadline is what is left of the request's timeout. The first partial reply
// starts that anew, and how long it was is not known, so from then on there is no deadline to tell. No timer ends the
// context: the broker's cancellation does.
type jobContext struct {
	context.Context
	mutex    sync.Mutex
	deadline time.Time
}

func (c *jobContext) setDeadline(remaining time.Duration) {
	if remaining >= 0 && remaining < math.MaxInt64/2 {
		c.deadline = time.Now().Add(remaining)
	}
}

func (c *jobContext) forgetDeadline() {
	c.mutex.Lock()
	c.deadline = time.Time{}
	c.mutex.Unlock()
}

// Deadline is when the request's timeout passes, if that is known.
func (c *jobContext) Deadline() (time.Time, bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.deadline, !c.deadline.IsZero()
}
