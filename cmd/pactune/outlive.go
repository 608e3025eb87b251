//go:build !js

package main

import (
	"os/signal"
	"syscall"
)

// outlive lets a run go on when its terminal is closed or nobody reads its output
// any more: what it writes there is lost, its folder is not.
func outlive() { signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE) }
