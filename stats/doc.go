// Package stats holds the statistics with which runs are judged: pure functions
// of float64 values that know no runs.
//
// A method on one task is a distribution over seeds, of which the runs are a
// sample. Its values have to be independent of each other: runs on one random subset
// of the data count as one, by their mean. Summarize describes the sample; an Interval says where a statistic of
// the distribution lies with 95 %: Bootstrap for anything that is computed from
// values, Wilson for a share. A test asks how often chance alone would part two
// samples as far as these are; its p says it, and below 0.05 the field speaks of
// a difference:
//
//	Wilcoxon       is the difference of pairs (the same seed in both) off 0?
//	MannWhitney    the same question about samples that are not paired
//	BrownForsythe  do the two spread differently?
//	Fisher         do the shares of failed runs differ?
//
// A12 says how large a difference is, whatever the number of runs. Who asks m
// questions finds something in one of twenty by chance: Holm makes the p of each
// answer for all of them. BestOf is what the best of n runs reaches, so that
// methods are compared at one budget.
//
// Each agrees with SciPy's function of its name, with SciPy's defaults, but where
// it says otherwise. Where a test is not defined p is NaN, and so are the ends of the
// bootstrap interval of fewer than two values. Values are ties when they are equal to
// the last bit, so differences are to be rounded first. Sums are taken in the order of
// the values; random draws are those of internal/rng: a function gives the same answer
// every time.
package stats
