//go:build cgo

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

// run runs the handler and answers for it what it has not answered itself. Whatever code of the user's runs here, also
// that of the error it returns, may panic or end the goroutine: then the request fails.
func (j *job) run() {
	defer j.worker.handlers.Done()
	defer j.end()
	failure, isAnswered := "the handler ended its goroutine", false
	defer func() {
		if !isAnswered {
			j.report(j.writer.fail(failure))
		}
	}()
	defer func() {
		if cause := recover(); cause != nil {
			failure = "panic: " + described(cause)
			j.worker.logger.Error("a handler panicked", "panic", described(cause), "stack", string(debug.Stack()))
		}
	}()
	err := j.worker.handler(&j.context, &j.request, &j.writer)
	j.report(j.writer.conclude(err))
	isAnswered = true
}

// end lets go of a request whose handler has returned.
func (j *job) end() {
	j.worker.jobs.remove(j.number)
	j.context.cancel(context.Canceled)
}

// report logs that there could be no final reply, unless there is nobody who waits for one.
func (j *job) report(err error) {
	if err != nil && !isClosed(err) {
		j.worker.logger.Error("a request could not be answered", "error", err)
	}
}

// described says in words what a panic was about, whose own method for that may panic.
func described(cause any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("a %T", cause)
		}
	}()
	return fmt.Sprint(cause)
}

// conclude turns what a handler returned into the final reply, unless there was one.
func (w *ReplyWriter) conclude(err error) error {
	if w.isEnded.Load() {
		if err != nil {
			w.job.worker.logger.Warn("a handler failed after its final reply", "error", err)
		}
		return nil
	}
	answer := w.answer(err)
	if answer == nil || isClosed(answer) {
		return answer
	}
	return w.fail(answer.Error())
}

// answer gives the final reply that an error stands for.
func (w *ReplyWriter) answer(err error) error {
	if err == nil {
		return w.End(nil)
	}
	var rejected *rejection
	if errors.As(err, &rejected) {
		return w.Reject(rejected.reason)
	}
	var own *Error
	if errors.As(err, &own) && own != nil && len(own.Value) > 0 {
		return w.Error(own.Value)
	}
	return w.fail(err.Error())
}
