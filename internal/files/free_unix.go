//go:build darwin || dragonfly || freebsd || linux

package files

import "golang.org/x/sys/unix"

// Free is how many bytes this process may still write to the disk of a folder that
// is there; −1 where the system does not tell.
func Free(dir string) int64 {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return -1
	}
	return int64(s.Bavail) * int64(s.Bsize)
}
