package pigato_test

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	pigato "github.com/prdn/pigato/bindings-c/go"
)

func TestWithSendsADurationInMilliseconds(t *testing.T) {
	handler, begun, _ := stuck()
	_, client := newTrio(t, handler)
	stream, err := client.Stream(deadline(t), "test", nil, pigato.With("timeout", 90*time.Second),
		pigato.With("pause", 1500*time.Microsecond))
	require(t, err)
	defer stream.Close()
	req := receive(t, begun)
	if req.Remaining() <= 0 || req.Remaining() > 90*time.Second {
		t.Error(req.Remaining())
	}
	var milliseconds float64
	if isThere, err := req.Header("pause", &milliseconds); err != nil || !isThere || milliseconds != 1.5 {
		t.Error(isThere, milliseconds, err)
	}
}

func TestTimeoutOfZeroFailsAtOnce(t *testing.T) {
	_, client := newTrio(t, echo)
	if _, err := client.Request(deadline(t), "test", nil, pigato.WithTimeout(0)); !errors.Is(err, pigato.ErrTimeout) {
		t.Error(err)
	}
}

func TestOnlyNoTimeoutWaitsForever(t *testing.T) {
	handler, begun, _ := stuck()
	_, client := newTrio(t, handler)
	stream, err := client.Stream(deadline(t), "test", nil, pigato.WithTimeout(pigato.NoTimeout))
	require(t, err)
	defer stream.Close()
	if req := receive(t, begun); req.Remaining() != pigato.NoTimeout {
		t.Error(req.Remaining())
	}
	// -1 ms would be forever in C.
	for _, negative := range []time.Duration{-time.Millisecond, -5 * time.Millisecond} {
		for _, option := range []pigato.RequestOption{pigato.WithTimeout(negative), pigato.With("timeout", negative)} {
			_, err := client.Request(deadline(t), "nobody", nil, option, pigato.WithFailFast())
			if !errors.Is(err, pigato.ErrOption) || !strings.Contains(err.Error(), "`timeout`") {
				t.Error(negative, err)
			}
		}
	}
}

func TestOptionsCacheIsBounded(t *testing.T) {
	client := newClient(t, newBroker(t).Endpoint())
	ask := func(options ...pigato.RequestOption) {
		t.Helper()
		_, err := client.Request(deadline(t), "nobody", nil, append(options, pigato.WithFailFast())...)
		if !errors.Is(err, pigato.ErrNoWorker) {
			t.Fatal(err)
		}
	}
	for number := range 2 * pigato.MaxCachedOptions {
		ask(pigato.WithTimeout(waitLimit + time.Duration(number)*time.Millisecond))
		if kept := pigato.CachedOptions(); kept > pigato.MaxCachedOptions {
			t.Fatalf("%d sets of options are cached", kept)
		}
	}
	last := pigato.WithTimeout(2 * waitLimit)
	ask(last)
	if !pigato.AreCached(last, pigato.WithFailFast()) {
		t.Error("new options were not cached")
	}
	before := pigato.CachedOptions()
	ask(pigato.WithWorkerID("W-one"))
	newClient(t, "tcp://127.0.0.1:1", pigato.WithPrefix("C-one")).Close()
	newBroker(t, pigato.WithName("B-one")).Close()
	if after := pigato.CachedOptions(); after != before {
		t.Errorf("%d sets of options were cached that are used only once", after-before)
	}
}

func TestEmptyingTheCacheDoesNotFreeOptionsInUse(t *testing.T) {
	options := pigato.WithTimeout(3 * waitLimit)
	usersBefore, usersAfter := pigato.UseWhileTheCacheIsEmptied(options)
	if usersBefore != 2 || usersAfter != 1 || pigato.AreCached(options) {
		t.Error(usersBefore, usersAfter)
	}
}

// One goroutine may drop options from the cache that another one uses.
func TestOptionsCacheIsSafeForConcurrentUse(t *testing.T) {
	_, client := newTrio(t, echo, pigato.WithConcurrency(pigato.NoLimit))
	var group sync.WaitGroup
	for range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for number := range 2 * pigato.MaxCachedOptions {
				timeout := waitLimit + time.Duration(number)*time.Millisecond
				want := strconv.Itoa(number)
				got, err := pigato.Call[string](deadline(t), client, "test", want, pigato.WithTimeout(timeout))
				if err != nil || got != want {
					t.Error(got, err)
				}
			}
		}()
	}
	group.Wait()
}
