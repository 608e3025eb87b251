package sweep

import (
	"slices"
	"strconv"
	"strings"

	"pactune/internal/fault"
)

// paper30 are the seeds of Yang and Ma's paper on component-wise clipping.
var paper30 = []uint64{1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 42, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 997, 1021}

// mostSeeds is more than anybody wants: 1..1e9 is a typing error.
const mostSeeds = 10_000

// ParseSeeds reads a list of seeds: parts separated by commas, each a number, a range
// such as 1..30 with both ends, or paper30. Every seed may be there once.
func ParseSeeds(text string) ([]uint64, error) {
	var seeds []uint64
	for _, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		if part == "paper30" {
			seeds = append(seeds, paper30...)
			continue
		}
		from, to, isRange := strings.Cut(part, "..")
		first, err := strconv.ParseUint(from, 10, 64)
		last := first
		if err == nil && isRange {
			last, err = strconv.ParseUint(to, 10, 64)
		}
		if err != nil || last < first || last-first >= mostSeeds {
			return nil, fault.Errorf(fault.Usage, "seeds %q: found %q; expected whole numbers such as 13,21,42, a range such as 1..30, or paper30", text, part)
		}
		for n := first; n-first <= last-first; n++ {
			seeds = append(seeds, n)
		}
	}
	for i, s := range seeds {
		if slices.Contains(seeds[:i], s) {
			return nil, fault.Errorf(fault.Usage, "seeds %q: %d is there twice; expected every seed once", text, s)
		}
	}
	return seeds, nil
}
