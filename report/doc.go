// Package report writes one HTML page about groups of runs: the seeds of one method
// beside those of another, as package compare groups them.
//
//	page, err := report.Page([]string{"out/rte-adamw", "out/rte-cwgnc"}, "")
//
// A page is a list of sections, a section a list of blocks, and a block holds
// pictures, tables, text, or some of each; page.html sets them. What a section is
// about stands in a file of its own:
//
//	result.go    the seeds of every method on one axis, the tables, the verdict
//	curves.go    loss and metric over epochs
//	pac.go       the terms of PAC-tuning's bound; noise.go the learned noise
//	norms.go     clip rate, gradient and weight norms by component and by layer
//	answers.go   confusion, calibration, examples that the seeds disagree on
//	setup.go     data, options that differ, commands, versions, all runs
//
// A section without data is left out. Numbers come from packages compare and stats,
// pictures from package plot; every picture has its numbers in a table behind it.
//
// The page needs nothing from outside and runs no code. What comes from a run's
// files is text: visible shows what could steer a terminal or turn text around, and
// html/template escapes the rest. Equal folders give equal bytes. A page
// stays below 3 MB: curves and tables are thinned until it does, and runs of which
// that is not enough are refused.
package report
