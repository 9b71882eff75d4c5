//go:build cgo

package pigato

import "sync"

// receiver takes the number of a request, and then what becomes of it. It must not wait.
type receiver interface {
	start(number uint64)
	receive(outcome)
}

// callTable brings events to whoever made their request. An event can be faster than the number of its request, since
// C tells both to different goroutines: then it waits here for register. Entries go with the final event, which comes
// for every request, so that nothing stays behind.
type callTable struct {
	shards [shardCount]callShard
}

type callShard struct {
	mutex     sync.Mutex
	receivers map[uint64]receiver
	early     map[uint64][]outcome
	isClosed  bool
	// Keeps the locks of neighbours off each other's cache line.
	_ [32]byte
}

func newCallTable() *callTable {
	made := new(callTable)
	for at := range made.shards {
		made.shards[at].receivers = make(map[uint64]receiver)
		made.shards[at].early = make(map[uint64][]outcome)
	}
	return made
}

// register says who made a request.
func (t *callTable) register(number uint64, receiver receiver) {
	shard := &t.shards[number%shardCount]
	shard.mutex.Lock()
	defer shard.mutex.Unlock()
	for _, outcome := range shard.early[number] {
		receiver.receive(outcome)
		if outcome.isFinal {
			delete(shard.early, number)
			return
		}
	}
	delete(shard.early, number)
	if shard.isClosed {
		receiver.receive(outcome{err: errClosed(), isFinal: true})
		return
	}
	shard.receivers[number] = receiver
}

// deliver brings what became of a request.
func (t *callTable) deliver(number uint64, outcome outcome) {
	shard := &t.shards[number%shardCount]
	shard.mutex.Lock()
	receiver, isKnown := shard.receivers[number]
	switch {
	case !isKnown:
		shard.early[number] = append(shard.early[number], outcome)
	case outcome.isFinal:
		delete(shard.receivers, number)
	}
	shard.mutex.Unlock()
	if isKnown {
		receiver.receive(outcome)
	}
}

// close ends what has not ended, and whatever is registered from now on.
func (t *callTable) close() {
	for at := range t.shards {
		shard := &t.shards[at]
		shard.mutex.Lock()
		shard.isClosed = true
		left := shard.receivers
		shard.receivers = nil
		shard.mutex.Unlock()
		for _, receiver := range left {
			receiver.receive(outcome{err: errClosed(), isFinal: true})
		}
	}
}

// singleCall waits for the final outcome of a request, and lets partial replies pass.
type singleCall struct {
	ended  chan outcome
	client *clientCore
	number uint64
	// unreported counts partial replies that passed and were not granted again.
	unreported uint32
}

// singleCalls are used again, their channels above all.
var singleCalls = sync.Pool{New: func() any { return &singleCall{ended: make(chan outcome, 1)} }}

func newSingleCall(client *clientCore) *singleCall {
	call := singleCalls.Get().(*singleCall)
	call.client, call.unreported = client, 0
	return call
}

// recycle is for calls that receive nothing any more.
func (s *singleCall) recycle() {
	s.client = nil
	singleCalls.Put(s)
}

func (s *singleCall) start(number uint64) { s.number = number }

func (s *singleCall) receive(outcome outcome) {
	if outcome.isFinal {
		s.ended <- outcome
		return
	}
	if s.unreported++; s.unreported == grantHelping {
		s.unreported = 0
		s.client.consumed(s.number, grantHelping)
	}
}
