//go:build cgo

package pigato

import "sync"

// job is one request while its handler runs, and all that the handler is given.
type job struct {
	worker  *Worker
	number  uint64
	request Request
	writer  ReplyWriter
	context jobContext
	// writable has something in it when a refused partial reply may be sent. Made by whoever writes the first.
	writable chan struct{}
	mutex    sync.Mutex
}

func newJob(worker *Worker, number uint64, request Request) *job {
	made := &job{worker: worker, number: number, request: request}
	made.writer.job = made
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
