// Package train is a run: from settings, data and a checkpoint to a folder
// with a fine-tuned model and everything that can be said about it.
//
//	c := train.NewConfig()
//	c.Set("train_file", "data.csv")
//	c.Set("model_name_or_path", "bert-base-uncased")
//	result, err := train.Run(ctx, c, nil, train.Hooks{})
//
// It has three parts.
//
// Settings. One table (options_table.go) names every option, its default, its
// rule and its field of Config; it parses the command line and prints --help
// and docs/OPTIONS.md. A method is a recipe, a list of settings (recipe.go).
// Resolve settles each value by option > preset > recipe > default, once the
// size of the data is known.
//
// The loop. Run (run.go) reads data and model, measures PAC-tuning's K table
// and makes updates and evaluations; one update (step.go) reads like the
// papers: gradient at the noisy weights, step of the noise, clipping by
// component, terms of the bound, step of the weights.
//
// What remains. A Folder (runfolder*.go) holds the files of a Hugging Face run
// and ours, each file whole, and is locked while the run lasts. Checkpoints
// (checkpoint.go, state.go) are what a run goes on from after any end of its
// process, to the bit (resume.go, replay.go), if nothing has changed that its
// result depends on (origin.go); fail.go keeps what a failed run has made. The Log
// (log*.go) appends every term of every update without garbage. A
// Progress (progress*.go) shows a run to a person through Hooks; the package
// itself prints nothing. A profile says where the time went: the tape and the
// step end laps of one clock (internal/profile), which no result sees.
package train
