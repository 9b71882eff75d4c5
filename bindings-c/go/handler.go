//go:build cgo

package pigato

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// Handler answers requests. It may send partial replies with w.Write and one final reply with
// w.End, w.Error or w.Reject. If it returns nil without a final reply, the worker sends null. The
// context ends when the client cancels, times out or is gone, when the connection is lost, when the
// worker is stopped, and when the handler has returned; context.Cause returns which.
//
// An error that the handler returns ends the request. An *Error with a Value, such as that of
// ErrorValue, answers with the value. An error of Reject sends the request to another worker. Any
// other error becomes ErrHandler at the client, with the error's text. A panic is logged and
// becomes ErrHandler too. An error after the final reply is only logged.
type Handler func(ctx context.Context, req *Request, w *ReplyWriter) error

// run runs the handler and sends the final reply if the handler has not. User code, including
// methods of the error that the handler returns, may panic or exit the goroutine: then the request
// fails.
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
			failure = "panic: " + describe(cause)
			j.worker.logger.Error("a handler panicked", "panic", describe(cause), "stack", string(debug.Stack()))
		}
	}()
	err := j.worker.handler(&j.context, &j.request, &j.writer)
	j.report(j.writer.conclude(err))
	isAnswered = true
}

// end removes a job whose handler has returned.
func (j *job) end() {
	j.worker.jobs.remove(j.number)
	j.context.cancel(context.Canceled)
}

// report logs that the final reply failed, unless the request has already ended.
func (j *job) report(err error) {
	if err != nil && !isClosed(err) {
		j.worker.logger.Error("a request could not be answered", "error", err)
	}
}

// describe returns the value of a panic as text; the value's own String or Error may panic.
func describe(cause any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("a %T", cause)
		}
	}()
	return fmt.Sprint(cause)
}

// conclude sends the final reply for the result of a handler, unless the handler has sent one.
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

// answer sends the final reply for the result of a handler.
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
