//go:build cgo

package pigato

import "sync"

// pendingRequest gets the number of its request and then its outcomes. Its methods must not block.
type pendingRequest interface {
	start(number uint64)
	receive(outcome)
}

// pendingRequests finds the pending request of an event. An event can arrive before the number of
// its request, because C returns them to different goroutines; then it waits here for register. The
// final event, which every request has, removes the entry.
type pendingRequests struct {
	shards [shardCount]pendingShard
}

type pendingShard struct {
	mutex    sync.Mutex
	requests map[uint64]pendingRequest
	early    map[uint64][]outcome
	isClosed bool
	// Keeps the mutexes of adjacent shards on different cache lines.
	_ [32]byte
}

func newPendingRequests() *pendingRequests {
	made := new(pendingRequests)
	for at := range made.shards {
		made.shards[at].requests = make(map[uint64]pendingRequest)
		made.shards[at].early = make(map[uint64][]outcome)
	}
	return made
}

// register adds a request and passes it the events that arrived early.
func (p *pendingRequests) register(number uint64, request pendingRequest) {
	shard := &p.shards[number%shardCount]
	shard.mutex.Lock()
	defer shard.mutex.Unlock()
	for _, outcome := range shard.early[number] {
		request.receive(outcome)
		if outcome.isFinal {
			delete(shard.early, number)
			return
		}
	}
	delete(shard.early, number)
	if shard.isClosed {
		request.receive(outcome{err: errClosed(), isFinal: true})
		return
	}
	shard.requests[number] = request
}

// deliver passes an outcome to its request.
func (p *pendingRequests) deliver(number uint64, outcome outcome) {
	shard := &p.shards[number%shardCount]
	shard.mutex.Lock()
	request, isKnown := shard.requests[number]
	switch {
	case !isKnown:
		shard.early[number] = append(shard.early[number], outcome)
	case outcome.isFinal:
		delete(shard.requests, number)
	}
	shard.mutex.Unlock()
	if isKnown {
		request.receive(outcome)
	}
}

// close ends all requests, and those that are registered later, with ErrClosed.
func (p *pendingRequests) close() {
	for at := range p.shards {
		shard := &p.shards[at]
		shard.mutex.Lock()
		shard.isClosed = true
		left := shard.requests
		shard.requests = nil
		shard.mutex.Unlock()
		for _, request := range left {
			request.receive(outcome{err: errClosed(), isFinal: true})
		}
	}
}

// pendingReply is a pending request of which only the final outcome is wanted.
type pendingReply struct {
	ended  chan outcome
	client *clientCore
	number uint64
	// unreported counts partial replies that were dropped but not yet reported as consumed.
	unreported uint32
}

// pendingReplies are reused to save the allocation of their channels.
var pendingReplies = sync.Pool{New: func() any { return &pendingReply{ended: make(chan outcome, 1)} }}

func newPendingReply(client *clientCore) *pendingReply {
	reply := pendingReplies.Get().(*pendingReply)
	reply.client, reply.unreported = client, 0
	return reply
}

// recycle may be called once no more outcomes can arrive.
func (p *pendingReply) recycle() {
	p.client = nil
	pendingReplies.Put(p)
}

func (p *pendingReply) start(number uint64) { p.number = number }

func (p *pendingReply) receive(outcome outcome) {
	if outcome.isFinal {
		p.ended <- outcome
		return
	}
	if p.unreported++; p.unreported == grantBatch {
		p.unreported = 0
		p.client.consumed(p.number, grantBatch)
	}
}
