package train

import (
	"os"
	"testing"
	"testing/fstest"
)

// What a process may use is the least of the physical memory and the limits of
// its cgroup and those above it.
func TestAvailable(t *testing.T) {
	physical := "MemTotal:       24576000 kB\nMemFree: 5 kB\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"no limit", map[string]string{"proc/meminfo": physical}, 24576000 << 10},
		{"nothing tells", nil, 0},
		{"version 2", map[string]string{"proc/meminfo": physical, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "4294967296\n"}, 4 << 30},
		{"version 2, the host's path", map[string]string{"proc/meminfo": physical, "proc/self/cgroup": "0::/docker/f00\n",
			"sys/fs/cgroup/memory.max": "1073741824\n"}, 1 << 30},
		{"version 1", map[string]string{"proc/meminfo": physical, "proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/x\n0::/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "2147483648\n",
			"sys/fs/cgroup/x/memory.max": "1"}, 2 << 30},
		{"more than there is", map[string]string{"proc/meminfo": physical, "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "99999999999999\n"}, 24576000 << 10},
	} {
		root := fstest.MapFS{}
		for name, text := range test.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := availableIn(root); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
	if n := available(); n < 1<<28 {
		t.Errorf("this machine: %d bytes", n)
	}
	if n := Resident(); n < 1<<20 || n > PeakRSS() {
		t.Errorf("this process holds %d bytes, at most %d so far", n, PeakRSS())
	}
	if field(os.DirFS("/"), "proc/self/status", "None:") != 0 {
		t.Error("a field that is not there")
	}
}
