//go:build cgo

package pigato

import "sync"

// job is a request while its handler runs, with everything that the handler gets.
type job struct {
	worker  *Worker
	number  uint64
	request Request
	writer  ReplyWriter
	context jobContext
	// writable holds a value when a refused partial reply may be sent. The first Write creates it.
	writable chan struct{}
	mutex    sync.Mutex
}

func newJob(worker *Worker, number uint64, request Request) *job {
	made := &job{worker: worker, number: number, request: request}
	made.writer.job = made
	return made
}

// writableSignal returns the channel on which a refused Write learns that it may try again. A
// writer must get the channel before its first attempt.
func (j *job) writableSignal() chan struct{} {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if j.writable == nil {
		j.writable = make(chan struct{}, 1)
	}
	return j.writable
}

func (j *job) signalWritable() {
	select {
	case j.writableSignal() <- struct{}{}:
	default:
	}
}
