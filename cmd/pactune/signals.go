package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// signals ends a run in good order: the first SIGINT or SIGTERM ends the
// context, so that the run finishes its update and saves; the second stops the
// program at once.
type signals struct {
	ctx    context.Context
	cancel context.CancelFunc
	got    atomic.Int32
	c      chan os.Signal
}

func listen(parent context.Context) *signals {
	s := &signals{c: make(chan os.Signal, 2)}
	s.ctx, s.cancel = context.WithCancel(parent)
	signal.Notify(s.c, os.Interrupt, syscall.SIGTERM)
	go func() {
		for sig := range s.c {
			code := exitCode(sig)
			if !s.got.CompareAndSwap(0, code) {
				os.Exit(int(code))
			}
			s.cancel()
			// Not waited for: the second signal is heard even where nobody reads stderr.
			go fmt.Fprintln(os.Stderr, "\npactune: signal: ending in good order, a run after this update and with a checkpoint; once more to stop at once")
		}
	}()
	return s
}

// exitCode is 128 + the number of the signal.
func exitCode(sig os.Signal) int32 {
	if sig == syscall.SIGTERM {
		return 143
	}
	return 130
}

// code is the exit code that a signal asks for, 0 without one.
func (s *signals) code() int { return int(s.got.Load()) }

func (s *signals) stop() {
	signal.Stop(s.c)
	s.cancel()
}
