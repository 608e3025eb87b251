//go:build unix

package main

var badResuming = part{name: "Checkpoints and resuming", make: func(f *badFiles) {
	f.mkdir("other")
	f.write("other/run.json", `{"program": "pactune", "exit": "running"}`)
	f.mkdir("broken")
	f.write("broken/run.json", `{"program": "pactune", "exit": "run`)
	f.mkdir("badrun")
	f.write("badrun/run.json", `{"program": "pactune", "exit": "diverged: update 3: the loss is NaN"}`)
	f.mkdir("emptied")
	f.write("emptied/run.json", `{"program": "pactune", "exit": "running", "config": {"learning_rate": "fast"}, "config_from": {"learning_rate": "option"}, "origin": {}}`)
}, rows: []badInput{
	{"a strategy that is none", "OPTION --save_strategy sometimes", 2, []string{"save_strategy", "time, epoch, steps, best, no"}},
	{"a time without its unit", "OPTION --save_every 10", 2, []string{"save_every", "10m"}},
	{"no checkpoints kept", "OPTION --save_total_limit 0", 2, []string{"save_total_limit", "from 1 up"}},
	{"the best of no evaluations", "train train.txt --do_eval false --model_name_or_path model --load_best_model_at_end", 2, []string{"load_best_model_at_end", "--validation_file"}},
	{"a metric that the task has not", "OPTION --metric_for_best_model pearson", 2, []string{"metric_for_best_model", "accuracy"}},
	{"resume where there may be a run, without a name", "OPTION --resume auto", 2, []string{"--output_dir"}},
	{"resume a folder that is no run", "OPTION --resume none", 2, []string{"none", "run.json"}},
	{"a run of another version", "resume other", 2, []string{"other", "run.json"}},
	{"a run.json that is cut off", "resume broken", 2, []string{"broken/run.json"}},
	{"a run with settings that are broken", "resume emptied", 2, []string{"emptied/run.json", "learning_rate"}},
	{"prediction by a run that has not ended", "predict other vocab.txt", 4, []string{"other: holds a run that has not ended", "pactune resume other"}},
	{"a run that has diverged", "resume badrun", 2, []string{"badrun", "update 3", "would again"}},
}}
