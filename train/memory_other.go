//go:build !linux

package train

import (
	"runtime"
	"runtime/debug"
)

// available returns 0: how much memory the process may use is not known here.
func available() int64 { return 0 }

// programSize is about what the program itself takes beside the heap.
const programSize = 16 << 20

// Resident gives unused memory back and returns what the process holds.
func Resident() int64 {
	debug.FreeOSMemory()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.Sys-s.HeapReleased) + programSize
}
