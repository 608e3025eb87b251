package bench

import (
	_ "embed"
	"fmt"
	"strings"
)

// sst2Lengths says how long the 872 sentences are that SST-2 evaluates on: on
// each line a number of tokens, by bert-base-uncased with [CLS] and [SEP], and
// how many sentences have it. peers/torch_predict.py reads it too.
//
//go:embed sst2_lengths.txt
var sst2Lengths string

// sentences are the lengths of n texts that are spread like SST-2's sentences:
// text i has that of sentence ⌊(i + ½)·872/n⌋, the shortest being sentence 0. One
// text is the median, 872 are all of them.
func sentences(n int) []int {
	var all []int
	for _, line := range strings.Split(strings.TrimSpace(sst2Lengths), "\n") {
		var tokens, count int
		if _, err := fmt.Sscan(line, &tokens, &count); err != nil {
			panic("bench: sst2_lengths.txt: " + err.Error())
		}
		all = append(all, uniform(count, tokens)...)
	}
	lengths := make([]int, n)
	for i := range lengths {
		lengths[i] = all[(2*i+1)*len(all)/(2*n)]
	}
	return lengths
}
