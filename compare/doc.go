// Package compare judges groups of finished runs: the seeds of one method against
// those of another, on one task and the same data.
//
// ReadGroup finds the runs below a folder and reads what they say of themselves:
// run.json (task, method, model, seeds, data by SHA-256, majority line) and
// all_results.json (the metrics). New refuses groups whose numbers cannot be
// compared, describes each (package stats) and tests each pair:
//
//	groups: A, B       Summary, Mean's interval, Failed of N by the line, Best of n
//	pair (A, B)        Difference A − B: Wilcoxon of the pairs, which are the runs of
//	                   the seeds that both have; Mann–Whitney where those are fewer
//	                   than two
//	                   Spread: Brown–Forsythe     Failures: Fisher     A12
//
// Runs on one random subset of the training rows (sample_seed) resemble each other,
// and taken as independent they would make chance look like a difference. Where a
// group has several subsets the unit of all intervals and tests is therefore the
// subset: its value is the mean of its runs, pairs are by subset, n is the number of
// subsets, and failures are tested as a difference of their shares. The summary, Best
// and A12 stay those of runs.
//
// Tests of order see values to 30 bits (nine digits) of the metric's size: equal
// differences of accuracies k/N are ties, which in floating point they are not.
//
// A run has failed when its metric ends at or below the majority line (what a constant
// answer reaches; of MRPC's F1 the 0.75 of the paper, where "yes" to all has 0.81), or
// when it diverged. A run that diverged has no final metric: it counts in the failures,
// and in Best as the worst of the others, and a group of which every run diverged has
// failures only.
// Of several pairs each test is corrected by Holm over the pairs. Verdict puts a pair
// into one sentence. Report writes itself as text, Markdown, CSV, or values for JSON.
package compare
