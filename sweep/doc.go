// Package sweep is many runs of package train made as easy as one: a grid of
// options times seeds, each run in its own folder, and one table of results.
//
//	output_dir/sweep.json              the grid: every run with its arguments
//	output_dir/CELL/seedN/             a run, as pactune train leaves it
//	output_dir/CELL/sampleS/seedN/     where there are several samples
//	output_dir/results.csv             a line for each run, once all have ended
//	output_dir/.sweep/                 who is at work on what
//
// A Grid (grid.go) is read from a YAML file, from the command line, or both; every
// name and value is held against train's table of options. Its Plan (plan.go) is
// the list of runs, in one order everywhere. Look (look.go) reads data and model of
// each cell before anything starts, and forecasts memory and disk.
//
// Plan.Work (work.go) makes the runs that have not ended, some side by side, each in
// a process of its own (child.go): a run that crashes, or is killed for its memory,
// is one failed run. That process ends in good order when ours does, however that
// is: its standard input ends. Which runs have ended is told by their folders alone,
// so a sweep that was interrupted goes on where it was. A run that diverged has
// ended, too; where train left nothing of it, the sweep leaves its run.json.
//
// Any number of processes, on any hosts that see the folder, may work on one sweep
// (claim.go): who creates the next claim of a run has it, and shows by adding to
// that file that it lives. The claim of a dead process is followed by another's. A grid
// with more runs extends the sweep of a folder: the runs that it has keep their numbers.
//
// Results (results.go) hold nothing that differs between equal runs. Merge gathers
// the runs of several folders, where the machines share none.
package sweep
