package train

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// available returns the bytes of memory that this process may use: the physical
// memory or the smallest limit of its cgroup and those above it, version 2 or 1,
// whichever is least; 0 when nothing tells.
func available() int64 { return availableIn(os.DirFS("/")) }

func availableIn(root fs.FS) int64 {
	least := int64(0)
	take := func(n int64) {
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	take(field(root, "proc/meminfo", "MemTotal:") << 10)
	groups, _ := fs.ReadFile(root, "proc/self/cgroup")
	for _, line := range strings.Split(string(groups), "\n") {
		part := strings.SplitN(line, ":", 3) // number:controllers:path
		if len(part) != 3 {
			continue
		}
		mount, file := "sys/fs/cgroup", "memory.max"
		if part[1] != "" {
			if !strings.Contains(","+part[1]+",", ",memory,") {
				continue
			}
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		// In a container the path may be the host's: the mount's root is looked at too.
		for p := path.Clean("/" + part[2]); ; p = path.Dir(p) {
			take(number(root, path.Join(mount, p, file)))
			if p == "/" {
				break
			}
		}
	}
	return least
}

// number reads a file of one number; 0 for "max", for none and for version 1's
// largest, which means none.
func number(root fs.FS, name string) int64 {
	data, _ := fs.ReadFile(root, name)
	n, err := strconv.ParseInt(string(bytes.TrimSpace(data)), 10, 64)
	if err != nil || n >= 1<<62 {
		return 0
	}
	return n
}

// field reads the number after a name at the start of a line.
func field(root fs.FS, file, name string) int64 {
	data, _ := fs.ReadFile(root, file)
	for _, line := range strings.Split(string(data), "\n") {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			n, _ := strconv.ParseInt(words[1], 10, 64)
			return n
		}
	}
	return 0
}

// Resident gives unused memory back and returns what the process holds.
func Resident() int64 {
	debug.FreeOSMemory()
	return field(os.DirFS("/"), "proc/self/status", "VmRSS:") << 10
}
