//go:build !(darwin || dragonfly || freebsd || linux || windows)

package files

// Free is −1: this system does not tell how much of a disk is free.
func Free(string) int64 { return -1 }
