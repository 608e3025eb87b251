package sweep

import (
	"os"
	"strconv"
	"strings"

	"pactune/internal/fault"
)

// Shard is a part of the runs. The zero value is all of them.
type Shard struct {
	Index, Count int // every Count-th run from Index, from 0; Count 0: all runs
	Begin        int // with which run to begin
}

func (s Shard) has(run int) bool { return s.Count == 0 || run%s.Count == s.Index }

// ParseShard reads i/n, the i-th of n parts from 1, which share no folder. Without
// it, in a Slurm array or an indexed job of Kubernetes, the index says with which run
// a worker begins; it goes on with those that nobody has.
func ParseShard(text string) (Shard, error) {
	if text == "" {
		return Shard{Begin: beginning()}, nil
	}
	first, count, found := strings.Cut(text, "/")
	i, err1 := strconv.Atoi(first)
	n, err2 := strconv.Atoi(count)
	if !found || err1 != nil || err2 != nil || i < 1 || i > n {
		return Shard{}, fault.Errorf(fault.Usage, "--shard %q: expected i/n, the i-th of n parts, such as 1/4", text)
	}
	return Shard{Index: i - 1, Count: n}, nil
}

// beginning is the place of this process among those of its job, 0 where none is told.
func beginning() int {
	number := func(name string) int {
		n, err := strconv.Atoi(os.Getenv(name))
		if err != nil || n < 0 {
			return 0
		}
		return n
	}
	if id := number("SLURM_ARRAY_TASK_ID"); id > 0 {
		return max(0, id-number("SLURM_ARRAY_TASK_MIN"))
	}
	return number("JOB_COMPLETION_INDEX")
}
