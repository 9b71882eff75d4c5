//go:build cgo

package pigato

import "sync"

// table maps request numbers to values. It consists of shards with a mutex each, because every
// request uses it twice.
type table[V any] struct {
	shards [shardCount]shard[V]
}

const shardCount = 32

type shard[V any] struct {
	mutex  sync.Mutex
	values map[uint64]V
	// Keeps the mutexes of adjacent shards on different cache lines.
	_ [48]byte
}

func newTable[V any]() *table[V] {
	made := new(table[V])
	for at := range made.shards {
		made.shards[at].values = make(map[uint64]V)
	}
	return made
}

func (t *table[V]) shardOf(number uint64) *shard[V] {
	return &t.shards[number%shardCount]
}

func (t *table[V]) put(number uint64, value V) {
	shard := t.shardOf(number)
	shard.mutex.Lock()
	shard.values[number] = value
	shard.mutex.Unlock()
}

func (t *table[V]) get(number uint64) (V, bool) {
	shard := t.shardOf(number)
	shard.mutex.Lock()
	value, isThere := shard.values[number]
	shard.mutex.Unlock()
	return value, isThere
}

func (t *table[V]) remove(number uint64) (V, bool) {
	shard := t.shardOf(number)
	shard.mutex.Lock()
	value, isThere := shard.values[number]
	delete(shard.values, number)
	shard.mutex.Unlock()
	return value, isThere
}

// drain removes all values and calls each with every one.
func (t *table[V]) drain(each func(V)) {
	for at := range t.shards {
		shard := &t.shards[at]
		shard.mutex.Lock()
		values := shard.values
		shard.values = make(map[uint64]V)
		shard.mutex.Unlock()
		for _, value := range values {
			each(value)
		}
	}
}
