//go:build !race

package tensor

func annotateRead(x []Float, rows, cols, ld int)  {}
func annotateWrite(x []Float, rows, cols, ld int) {}
