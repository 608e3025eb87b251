package train

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/klauspost/cpuid/v2"
)

// Threads returns n, or for 0 the number of physical cores that the process
// may use: hyper-threads share the units that a matrix product keeps busy, and
// more threads than a container's quota only wait for each other.
func Threads(n int) int {
	if n > 0 {
		return n
	}
	n = runtime.NumCPU()
	if cores := cpuid.CPU.PhysicalCores; cores > 0 {
		n = min(n, cores)
	}
	if q := cgroupQuota(); q > 0 {
		n = min(n, q)
	}
	return max(1, n)
}

// cgroupQuota returns the whole cores of the cgroup's CPU quota, at least one,
// or 0 without a quota: cpu.max of version 2, cpu.cfs_quota_us of version 1.
func cgroupQuota() int {
	read := func(path string) []string {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		return strings.Fields(string(data))
	}
	fields := read("/sys/fs/cgroup/cpu.max")
	if len(fields) != 2 {
		fields = append(read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")...)
	}
	return quota(fields)
}

func quota(fields []string) int {
	if len(fields) != 2 {
		return 0
	}
	q, err1 := strconv.Atoi(fields[0])
	period, err2 := strconv.Atoi(fields[1])
	if err1 != nil || err2 != nil || q <= 0 || period <= 0 {
		return 0
	}
	return max(1, q/period)
}
