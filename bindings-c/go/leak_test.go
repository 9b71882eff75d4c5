package pigato_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	pigato "github.com/prdn/pigato/bindings-c/go"
)

// footprint is the resources of a process at one moment.
type footprint struct {
	Goroutines    int
	Descriptors   int
	NativeThreads int
	ResidentBytes int64
}

// leaks is the report of a leak program: before the broker starts, after each of three equal loads,
// and after everything is closed.
type leaks struct {
	Start, Warm, Half, Whole, End footprint
}

func measure(at *footprint) error {
	// Objects with finalizers need a second collection; FreeOSMemory runs one.
	runtime.GC()
	debug.FreeOSMemory()
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	threads, err := nativeThreads()
	if err != nil {
		return err
	}
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	if err != nil {
		return err
	}
	*at = footprint{runtime.NumGoroutine(), len(descriptors), threads, pages * int64(os.Getpagesize())}
	return nil
}

// nativeThreads counts the threads of libzmq and the I/O thread.
func nativeThreads() (int, error) {
	names, err := filepath.Glob("/proc/self/task/*/comm")
	if err != nil {
		return 0, err
	}
	count := 0
	for _, name := range names {
		// A thread may end between Glob and ReadFile.
		text, err := os.ReadFile(name)
		if err == nil && (bytes.HasPrefix(text, []byte("ZMQbg")) || bytes.HasPrefix(text, []byte("pigato"))) {
			count++
		}
	}
	return count, nil
}

// awaitGoroutines waits until at most most goroutines are left.
func awaitGoroutines(most int) error {
	for end := time.Now().Add(waitLimit); runtime.NumGoroutine() > most; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("%d goroutines are left instead of %d", runtime.NumGoroutine(), most)
		}
	}
	return nil
}

// awaitEnd waits until the threads of the library and the additional goroutines have ended.
func awaitEnd(goroutines int) error {
	for end := time.Now().Add(waitLimit); ; time.Sleep(time.Millisecond) {
		threads, err := nativeThreads()
		if err != nil {
			return err
		}
		if threads == 0 {
			return awaitGoroutines(goroutines)
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d threads of the library are left", threads)
		}
	}
}

// watchLeaks runs a load against a broker and a worker of this process, and prints a report. The
// first load is a warm-up, because the Go runtime and the library keep some resources from their
// first use.
func watchLeaks(units int, handler pigato.Handler, load func(endpoint string, units int) error) error {
	var found leaks
	goroutines := runtime.NumGoroutine()
	err := underLoad(handler, func(endpoint string) error { return load(endpoint, units/10) })
	if err := errors.Join(err, awaitEnd(goroutines), measure(&found.Start)); err != nil {
		return err
	}
	err = underLoad(handler, func(endpoint string) error {
		idle := runtime.NumGoroutine()
		for _, at := range []*footprint{&found.Warm, &found.Half, &found.Whole} {
			// Handlers of cancelled requests may run a little longer than the load.
			if err := errors.Join(load(endpoint, units), awaitGoroutines(idle), measure(at)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, awaitEnd(goroutines), measure(&found.End)); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

// underLoad runs a load against a new broker and worker.
func underLoad(handler pigato.Handler, load func(endpoint string) error) error {
	broker, err := pigato.NewBroker(pigato.WithEndpoint("tcp://127.0.0.1:*"), pigato.WithIntch(""))
	if err != nil {
		return err
	}
	defer broker.Close()
	worker, err := pigato.NewWorker(broker.Endpoint(), "test", handler, pigato.WithConcurrency(pigato.NoLimit))
	if err != nil {
		return err
	}
	defer worker.Close()
	return load(broker.Endpoint())
}

// leakClients opens and closes clients, each of which sends a request.
func leakClients(arguments []string) error {
	units, err := strconv.Atoi(arguments[0])
	if err != nil {
		return err
	}
	return watchLeaks(units, echo, func(endpoint string, units int) error {
		for range units {
			client, err := pigato.NewClient(endpoint)
			if err != nil {
				return err
			}
			_, err = client.Request(context.Background(), "test", "hello")
			if err := errors.Join(err, client.Close()); err != nil {
				return err
			}
		}
		return nil
	})
}

// cancellers is the number of goroutines that send and cancel requests.
const cancellers = 50

// leakCancels cancels requests at random moments: before, during and after their replies.
func leakCancels(arguments []string) error {
	units, err := strconv.Atoi(arguments[0])
	if err != nil {
		return err
	}
	handler := func(ctx context.Context, _ *pigato.Request, w *pigato.ReplyWriter) error {
		for range rand.IntN(4) {
			if err := w.Write(ctx, "more"); err != nil {
				return err
			}
		}
		return w.End("done")
	}
	return watchLeaks(units, handler, func(endpoint string, units int) error {
		client, err := pigato.NewClient(endpoint)
		if err != nil {
			return err
		}
		var group sync.WaitGroup
		for range cancellers {
			group.Add(1)
			go func() {
				defer group.Done()
				for range units / cancellers {
					cancelSoon(client)
				}
			}()
		}
		group.Wait()
		return client.Close()
	})
}

// cancelSoon sends a request or opens a stream, and cancels it within 2 ms.
func cancelSoon(client *pigato.Client) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	timer := time.AfterFunc(rand.N(2*time.Millisecond), cancel)
	defer timer.Stop()
	if rand.IntN(2) == 0 {
		// A reply and a cancellation are both correct.
		client.Request(ctx, "test", "hello")
		return
	}
	if stream, err := client.Stream(ctx, "test", "hello"); err == nil {
		for range stream.All() {
		}
	}
}

// residentTolerance is the growth of resident memory that a load may cause, in bytes. The
// allocators of Go and C vary by about 1 MiB; a leak of one page per client (1,000) or of 410 bytes
// per request (10,000) would be 4 MiB.
const residentTolerance = 2 << 20

func TestNothingLeaks(t *testing.T) {
	for _, program := range []struct {
		role  string
		units int
	}{{"leak-clients", 1000}, {"leak-cancels", 10_000}} {
		t.Run(program.role, func(t *testing.T) {
			_, output := startRole(t, program.role, strconv.Itoa(program.units))
			if !output.Scan() {
				t.Fatal("the program failed")
			}
			var found leaks
			require(t, json.Unmarshal(output.Bytes(), &found))
			t.Logf("%+v", found)
			if found.End.Goroutines > found.Start.Goroutines || found.Whole.Goroutines > found.Warm.Goroutines {
				t.Error("goroutines are left")
			}
			// Only compared after the end: while the broker runs, sockets close a little later than
			// clients.
			if found.End.Descriptors > found.Start.Descriptors {
				t.Error("descriptors are left")
			}
			if found.End.NativeThreads > found.Start.NativeThreads || found.Whole.NativeThreads > found.Warm.NativeThreads {
				t.Error("threads of the library are left")
			}
			// A leak grows in both halves, memory that an allocator happens to keep in one.
			grown := min(found.Half.ResidentBytes-found.Warm.ResidentBytes, found.Whole.ResidentBytes-found.Half.ResidentBytes)
			if isRace {
				t.Logf("grown by %d bytes, including the race detector's own memory", grown)
			} else if grown > residentTolerance {
				t.Errorf("each half left at least %d bytes", grown)
			}
		})
	}
}
