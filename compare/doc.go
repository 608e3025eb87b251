// Package compare judges groups of finished runs: the seeds of one method against
// those of another, on one task and the same data.
//
// ReadGroup finds the runs below a folder and reads what they say of themselves:
// run.json (task, seeds, data by SHA-256, majority line) and all_results.json (the
// metrics). New refuses groups whose numbers cannot be compared, describes each
// (package stats) and tests each pair:
//
//	groups: A, B       Summary, Mean's interval, Failed of N by the line, Best of n
//	pair (A, B)        Difference A − B: Wilcoxon of the pairs where both groups have
//	                   the same seeds, else Mann–Whitney
//	                   Spread: Brown–Forsythe     Failures: Fisher     A12
//
// A run has failed when its metric ends at or below the line that a constant
// answer reaches, or when it diverged; a run that diverged has no final metric and
// is in no other number. Of several pairs each test is corrected by Holm over the
// pairs. Verdict puts a pair into one sentence. Report writes itself as text,
// Markdown, CSV, or values for JSON.
package compare
