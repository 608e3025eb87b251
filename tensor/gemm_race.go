//go:build race

package tensor

import (
	"runtime"
	"unsafe"
)

// The race detector does not see what assembly reads and writes: these tell it.

func annotateRead(x []Float, rows, cols, ld int) {
	for i := 0; i < rows && cols > 0; i++ {
		runtime.RaceReadRange(unsafe.Pointer(&x[i*ld]), cols*int(unsafe.Sizeof(x[0])))
	}
}

func annotateWrite(x []Float, rows, cols, ld int) {
	for i := 0; i < rows && cols > 0; i++ {
		runtime.RaceWriteRange(unsafe.Pointer(&x[i*ld]), cols*int(unsafe.Sizeof(x[0])))
	}
}
