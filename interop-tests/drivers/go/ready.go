package main

import (
	"context"
	"log/slog"
	"sync"
)

// readiness is a log handler that prints connection events, and ready when the broker has answered
// for the first time.
type readiness struct{ once *sync.Once }

func readyLogger() *slog.Logger { return slog.New(readiness{new(sync.Once)}) }

func (r readiness) Enabled(context.Context, slog.Level) bool { return true }
func (r readiness) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r readiness) WithGroup(string) slog.Handler            { return r }

func (r readiness) Handle(_ context.Context, record slog.Record) error {
	switch record.Message {
	case "connected":
		say("connect", nil)
		r.once.Do(func() { say("ready", nil) })
	case "disconnected":
		say("disconnect", nil)
	}
	return nil
}
