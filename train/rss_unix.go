//go:build unix && !linux

package train

import (
	"runtime"
	"syscall"
)

// PeakRSS returns the most memory that the process has held, in bytes; 0 where
// the system does not tell.
func PeakRSS() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(u.Maxrss)
	}
	return int64(u.Maxrss) * 1024
}
