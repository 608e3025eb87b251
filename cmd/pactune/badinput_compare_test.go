//go:build unix

package main

var badComparing = part{"Comparing", true, func(f *badFiles) {
	f.mkdir("norun")
	run := func(name, manifest string) {
		f.mkdir("seeds")
		f.mkdir("seeds/" + name)
		f.write("seeds/"+name+"/run.json", manifest)
		f.write("seeds/"+name+"/all_results.json", `{"eval_accuracy": 0.5}`)
	}
	run("cut", `{"seeds": `)
	for name, manifest := range map[string]string{
		"going":  `{"exit": "running"}`,
		"rte":    `{"exit": "finished", "config": {"task_name": "rte"}}`,
		"mrpc":   `{"exit": "finished", "config": {"task_name": "mrpc"}}`,
		"old":    `{"exit": "finished", "data": [{"path": "dev.txt", "sha256": "aa", "use": "validation"}]}`,
		"new":    `{"exit": "finished", "data": [{"path": "dev.txt", "sha256": "bb", "use": "validation"}]}`,
		"twins":  `{"exit": "finished", "seeds": {"seed": 1}}`,
		"twins2": `{"exit": "finished", "seeds": {"seed": 1}}`,
		"adamw":  `{"exit": "finished", "seeds": {"seed": 1}, "config": {"method": "adamw"}}`,
		"pac":    `{"exit": "finished", "seeds": {"seed": 2}, "config": {"method": "pac"}}`,
		"slow":   `{"exit": "finished", "seeds": {"seed": 1}, "config": {"learning_rate": 1e-5}}`,
		"fast":   `{"exit": "finished", "seeds": {"seed": 2}, "config": {"learning_rate": 0.001}}`,
		"gone":   `{"exit": "diverged: update 3: the loss is NaN"}`,
	} {
		run(name, manifest)
	}
	f.mkdir("twins")
	f.must(renameFile(f, "seeds/twins", "twins/a"))
	f.must(renameFile(f, "seeds/twins2", "twins/b"))
	f.mkdir("mixed")
	f.must(renameFile(f, "seeds/adamw", "mixed/a"))
	f.must(renameFile(f, "seeds/pac", "mixed/b"))
	f.mkdir("rates")
	f.must(renameFile(f, "seeds/slow", "rates/a"))
	f.must(renameFile(f, "seeds/fast", "rates/b"))
	f.mkdir("seeds/bare")
	f.write("seeds/bare/run.json", `{"exit": "finished"}`)
}, []badInput{
	{"comparing nothing", "compare", 2, []string{"compare needs folders of runs"}},
	{"comparing a missing folder", "compare none", 3, []string{"none: no such folder"}},
	{"comparing a folder without runs", "compare norun", 3, []string{"norun: found no run; expected the folder of a run"}},
	{"comparing by a metric that the runs lack", "compare tuned --metric f2", 3, []string{"tuned: all_results.json has no eval_f2", "accuracy"}},
	{"comparing by the number of rows", "compare tuned --metric samples", 3, []string{"tuned: all_results.json has no eval_samples", "accuracy"}},
	{"comparing runs that all diverged", "compare seeds/gone", 3, []string{"seeds/gone: every run diverged"}},
	{"two methods in one folder", "compare mixed", 3, []string{"mixed/b: its method is pac, that of mixed/a is adamw"}},
	{"two learning rates in one folder", "compare rates", 3, []string{"rates/b: its --learning_rate is 0.001, that of rates/a is 1e-05"}},
	{"unknown format", "compare tuned --format xml", 2, []string{"text, markdown, csv, json"}},
	{"run that goes on", "compare seeds/going", 3, []string{"seeds/going: the run has not finished"}},
	{"run.json cut short", "compare seeds/cut", 3, []string{"seeds/cut/run.json: "}},
	{"run without results", "compare seeds/bare", 3, []string{"seeds/bare/all_results.json: no such file"}},
	{"comparing two tasks", "compare seeds/rte seeds/mrpc", 3, []string{"seeds/mrpc: its task is mrpc, that of seeds/rte is rte"}},
	{"comparing runs on other data", "compare seeds/old seeds/new", 3, []string{"seeds/new: its validation file dev.txt has the SHA-256 bb"}},
	{"comparing one seed twice", "compare twins", 3, []string{"twins/b: has the seed 1 of twins/a"}},
}}
