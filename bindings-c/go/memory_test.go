package pigato_test

import (
	"context"
	"runtime"
	"testing"

	pigato "github.com/prdn/pigato/bindings-c/go"
)

// heap returns the size of the reachable Go heap in bytes.
func heap() int64 {
	// sync.Pool releases its objects only with the second collection.
	runtime.GC()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return int64(memory.HeapAlloc)
}

func TestKeepingAShortTextDoesNotRetainTheData(t *testing.T) {
	const bodies, size = 32, 1 << 20
	ids := make(chan string, bodies)
	_, client := newTrio(t, func(_ context.Context, req *pigato.Request, w *pigato.ReplyWriter) error {
		ids <- req.ID()
		return w.End(pigato.Raw(req.Bytes()), pigato.WithHeader("trace", "00-1"))
	})
	body := pigato.Raw(make([]byte, size))
	before := heap()
	var options [bodies][]byte
	for at := range options {
		reply, err := client.Request(deadline(t), "test", body)
		require(t, err)
		options[at] = reply.Options()
	}
	if kept := heap() - before; kept > bodies*size/4 {
		t.Errorf("%d bytes are retained", kept)
	}
	for at := range options {
		if receive(t, ids) == "" || len(options[at]) == 0 {
			t.Error("an id or options are empty")
		}
	}
	runtime.KeepAlive(body)
}
