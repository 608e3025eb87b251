//go:build unix

package main

import "fmt"

// sweepOf is the sweep.json of one run with the seed.
func sweepOf(seed int) string {
	return fmt.Sprintf(`{"program": "pactune", "axes": [], "runs": [{"folder": "seed%d", "cell": "", "labels": [], "seed": %d, "sample_seed": 42, "arguments": ["train.txt", "--seed=%d"]}]}`, seed, seed, seed)
}

var badSweeps = part{"Sweeps", true, func(f *badFiles) {
	for name, text := range map[string]string{
		"sedes.yaml":   "output_dir: new\nsedes: 1..3\n",
		"twice.yaml":   "output_dir: new\nseeds: 1..3\nseeds: 4\n",
		"rate.yaml":    "output_dir: new\noptions:\n  learning_rat: 1e-5\n",
		"fast.yaml":    "output_dir: new\ngrid:\n  learning_rate: [1e-5, fast]\n",
		"list.yaml":    "output_dir: new\ngrid:\n  learning_rate: 1e-5\n",
		"seed.yaml":    "output_dir: new\ngrid:\n  seed: [1, 2]\n",
		"cut.yaml":     "output_dir: new\ngrid: {method: [pac\n",
		"anchor.yaml":  "output_dir: new\noptions: &all {method: pac}\n",
		"empty.yaml":   "",
		"subsets.yaml": "output_dir: new\nsample_seeds: 1..5\noptions: {task_name: rte, data_dir: glue}\n",
	} {
		f.write(name, text)
	}
	f.mkdir("notes")
	f.write("notes/notes.txt", "x")
	for seed, dir := range []string{"swept0", "swept1"} {
		f.mkdir(dir)
		f.write(dir+"/sweep.json", sweepOf(seed))
	}
	f.mkdir("hostile")
	f.write("hostile/sweep.json", `{"program": "pactune", "axes": [], "runs": [{"folder": "../../seed1", "cell": "", "labels": []}]}`)
}, []badInput{
	{"unknown key in the grid", "sweep sedes.yaml", 2, []string{`sedes.yaml: line 2: unknown key "sedes"`, "seeds"}},
	{"key that is there twice", "sweep twice.yaml", 2, []string{`twice.yaml: line 3: found the key "seeds" twice, first in line 2`}},
	{"unknown option in the grid", "sweep rate.yaml", 2, []string{"rate.yaml: line 3: unknown option --learning_rat: did you mean --learning_rate?"}},
	{"value that the option does not take", "sweep fast.yaml", 2, []string{`fast.yaml: line 3: --learning_rate "fast": expected 0 or a number above it`}},
	{"value in the place of a list", "sweep list.yaml", 2, []string{"list.yaml: line 3: found the value 1e-5; expected a list"}},
	{"seeds as an axis", "sweep seed.yaml", 2, []string{"seed.yaml: line 3: --seed", "1..30"}},
	{"YAML cut short", "sweep cut.yaml", 2, []string{"cut.yaml: line"}},
	{"an anchor", "sweep anchor.yaml", 2, []string{"anchor.yaml: line 2: found an anchor"}},
	{"an empty grid", "sweep empty.yaml", 2, []string{"empty.yaml: the file is empty"}},
	{"missing grid", "sweep none.yaml", 3, []string{"none.yaml: no such file"}},
	{"grid of the command line without values", "sweep --grid method --output_dir new", 2, []string{`--grid "method": found "method"`, "method=adamw,cwgnc"}},
	{"unknown option on the command line", "sweep --grid metod=pac --output_dir new", 2, []string{"unknown option --metod: did you mean --method?"}},
	{"an option that is set twice", "sweep --method pac --grid method=pac,adamw --output_dir new", 2, []string{"method is set by the options of every run and by the axis method"}},
	{"two cells in one folder", "sweep --grid train_size=10,10 --output_dir new", 2, []string{`have the same folder, "train_size-10"`}},
	{"subsets without a size", "sweep subsets.yaml", 2, []string{"sample_seeds: found 5, but without train_size they all train and are evaluated on the same rows"}},
	{"seeds that are none", "train train.txt --seeds 1..x --output_dir new", 2, []string{`--seeds: seeds "1..x": found "1..x"`, "paper30"}},
	{"seed that is there twice", "train train.txt --seeds 1..5,3 --output_dir new", 2, []string{"3 is there twice"}},
	{"a sweep without a folder", "train train.txt --seeds 1..3", 2, []string{"--output_dir"}},
	{"the standard input for many runs", "train - --seeds 1..3 --output_dir new", 2, []string{"the standard input can be read by one run only"}},
	{"an option of a single run", "sweep train.txt --profile --output_dir new", 2, []string{"--profile: it is for a single run"}},
	{"a shard that is none", "sweep train.txt --shard 3/2 --output_dir new", 2, []string{`--shard "3/2": expected i/n`}},
	{"missing data folder", "sweep --task_name rte --data_dir none --model_name_or_path model --seeds 1,2 --output_dir new", 3, []string{"seed1: ", "none"}},
	{"missing model", "sweep train.txt --model_name_or_path none --seeds 1,2 --output_dir new", 4, []string{"seed1: ", "none"}},
	{"methods that exclude a preset", "sweep train.txt --model_name_or_path model --preset paper --grid method=pac,cwgnc --output_dir new", 2, []string{"cwgnc/seed42: --preset paper belongs to PAC-tuning, not to --method cwgnc"}},
	{"a folder with something else", "sweep train.txt --model_name_or_path model --output_dir notes", 2, []string{"notes: is not empty (notes.txt) and holds no sweep"}},
	{"two sweeps on one folder", "sweep train.txt --model_name_or_path model --seeds 1,2 --output_dir swept1", 2, []string{"swept1: holds a sweep over another grid: found ", "sweep.json"}},
	{"merging nothing", "merge", 2, []string{"merge needs the folders"}},
	{"merging without a place", "merge swept0 swept1", 2, []string{"merge needs --out"}},
	{"merging what is no sweep", "merge notes --out new", 3, []string{"notes: is not the folder of a sweep"}},
	{"merging two grids", "merge swept0 swept1 --out new", 3, []string{"swept1: is a sweep over another grid than swept0"}},
	{"merging runs that have not ended", "merge swept1", 3, []string{"1 of the 1 runs have not ended (seed1)"}},
	{"sweep.json that leads elsewhere", "merge hostile --out new", 3, []string{"hostile/sweep.json: ", `"../../seed1"`}},
}}
