package pigato

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// Handler answers requests. It may send partial replies with w.Write and one final reply with w.End, w.Error or
// w.Reject. If it returns nil without a final reply, null is sent. The context ends when the client cancels, vanishes or
// times out, when the connection is lost, and when the handler has returned; context.Cause tells which.
//
// An error that it returns ends the request: an *Error with a Value, such as ErrorValue makes, answers with that value;
// one of Reject's has another worker answer; any other becomes W_HANDLER with the error's text. A panic is logged and
// becomes W_HANDLER too. After a final reply there is nobody to tell, and the error is logged.
type Handler func(ctx context.Context, req *Request, w *ReplyWriter) error

// errGoexit is what became of a handler that ended its goroutine, as testing's FailNow does.
var errGoexit = errors.New("the handler ended its goroutine")

// run runs the handler and answers for it what it has not answered itself.
func (j *job) run() {
	defer j.core.handlers.Done()
	err := errGoexit
	defer func() {
		if cause := recover(); cause != nil {
			j.core.logger.Error("a handler panicked", "panic", cause, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", cause)
		}
		j.finish(err)
	}()
	err = j.core.handler(&j.ctx, j.request, &j.writer)
}

// finish gives the final reply for a handler that has returned.
func (j *job) finish(err error) {
	if answer := j.writer.conclude(err); answer != nil && !errors.Is(answer, ErrClosed) {
		j.core.logger.Error("a request could not be answered", "error", answer)
	}
	j.core.jobs.remove(j.number)
	j.cancel(context.Canceled)
}

// conclude turns what a handler returned into the final reply, unless there was one.
func (w *ReplyWriter) conclude(err error) error {
	if w.isEnded.Load() {
		if err != nil {
			w.job.core.logger.Warn("a handler failed after its final reply", "error", err)
		}
		return nil
	}
	if err == nil {
		return w.End(nil)
	}
	var rejected *rejection
	if errors.As(err, &rejected) {
		return w.Reject(rejected.reason)
	}
	var own *Error
	if errors.As(err, &own) && len(own.Value) > 0 {
		return w.Error(own.Value)
	}
	return w.fail(err.Error())
}
