package sweep

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pactune/internal/fault"
	"pactune/train"
)

func TestParseSeeds(t *testing.T) {
	for text, want := range map[string][]uint64{
		"7":                    {7},
		"13,21, 42":            {13, 21, 42},
		"1..4":                 {1, 2, 3, 4},
		"5..5,0":               {5, 0},
		"18446744073709551615": {1<<64 - 1},
		"18446744073709551614..18446744073709551615": {1<<64 - 2, 1<<64 - 1},
	} {
		if got, err := ParseSeeds(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if got, err := ParseSeeds("paper30"); err != nil || len(got) != 30 || got[29] != 1021 {
		t.Errorf("paper30: %v, %v", got, err)
	}
	for _, text := range []string{"", "a", "1..", "4..1", "1...3", "1,1", "1..3,2", "-1", "paper", "1..20000", "0..18446744073709551615", "18446744073709551616"} {
		if got, err := ParseSeeds(text); fault.KindOf(err) != fault.Usage {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func readGrid(t *testing.T, text string) (*Grid, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "g.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	g, err := ReadGrid(path)
	return g, err
}

// The runs of a grid, written down by hand.
func TestPlan(t *testing.T) {
	g, err := readGrid(t, `output_dir: out
seeds: [1, 2]
sample_seeds: 5..6
options:
  model_name_or_path: base
  data-dir: glue
  train_size: 100
grid:
  task_name: [rte, MRPC]
  method:
    adamw: {method: adamw}
    clip 0.05: {method: cwgnc, clip_component_norm: 5e-2}
  learning_rate: [1e-5]
`)
	if err != nil {
		t.Fatal(err)
	}
	c := train.NewConfig()
	c.Set("train_size", "50")
	c.Set("threads", "3")
	if err := g.Take(c); err != nil {
		t.Fatal(err)
	}
	p, err := g.Plan()
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, r := range p.Runs {
		folders = append(folders, r.Folder)
	}
	var want []string
	for _, cell := range []string{"rte-adamw", "rte-clip-0.05", "MRPC-adamw", "MRPC-clip-0.05"} {
		for _, seeds := range []string{"sample5/seed1", "sample5/seed2", "sample6/seed1", "sample6/seed2"} {
			want = append(want, cell+"/"+seeds)
		}
	}
	if !slices.Equal(folders, want) {
		t.Errorf("folders %v", folders)
	}
	r := p.Runs[14]
	args := "--model_name_or_path=base --data_dir=glue --train_size=100 --train_size=50 --task_name=mrpc --method=cwgnc --clip_component_norm=0.05 --learning_rate=1e-05 --seed=1 --sample_seed=6"
	if strings.Join(r.Args, " ") != args || !slices.Equal(r.Labels, []string{"MRPC", "clip 0.05", "1e-5"}) || r.Seed != 1 || r.SampleSeed != 6 {
		t.Errorf("%+v", r)
	}
}

func TestOneCell(t *testing.T) {
	c := train.NewConfig()
	c.DataFile = "data.csv"
	c.Set("output_dir", "out")
	g := &Grid{Seeds: []uint64{3, 4}}
	if err := g.Take(c); err != nil {
		t.Fatal(err)
	}
	axes, err := ParseAxes("learning_rate=1e-5,2e-5")
	if err != nil {
		t.Fatal(err)
	}
	p, err := g.Plan()
	if err != nil || len(p.Runs) != 2 || p.Runs[1].Folder != "seed4" || strings.Join(p.Runs[1].Args, " ") != "data.csv --seed=4" {
		t.Errorf("%+v, %v", p, err)
	}
	g.Axes = axes
	if p, err = g.Plan(); err != nil || len(p.Runs) != 4 || p.Runs[2].Folder != "learning_rate-2e-5/seed3" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestBadGrids(t *testing.T) {
	for text, says := range map[string]string{
		"sedes: 1..3\n":                                   `g.yaml: line 1: unknown key "sedes": expected one of output_dir, seeds,`,
		"seeds: 1..\n":                                    `g.yaml: line 1: seeds "1..": found "1.."`,
		"seeds: {a: 1}\n":                                 "g.yaml: line 1: found a map; expected a single value",
		"options: [a]\n":                                  "g.yaml: line 1: found a list; expected a map",
		"options:\n  learning_rat: 1\n":                   "g.yaml: line 2: unknown option --learning_rat: did you mean --learning_rate?",
		"options:\n  learning_rate: fast\n":               `g.yaml: line 2: --learning_rate "fast": expected 0 or a number above it`,
		"options:\n  fp16: true\n":                        "g.yaml: line 2: --fp16 true: fp16 needs loss scaling",
		"options:\n  seed: 1\n":                           "g.yaml: line 2: --seed: the seeds of a sweep are named by seeds",
		"options: {output_dir: x}\n":                      "g.yaml: line 1: --output_dir: every run has its folder",
		"options: {threads: 2}\n":                         "g.yaml: line 1: --threads: no result depends on it",
		"options: {profile: true}\n":                      "g.yaml: line 1: --profile: it is for a single run",
		"options: {resume: auto}\n":                       "g.yaml: line 1: --resume: a sweep always goes on",
		"options: {do_train: true}\n":                     `g.yaml: line 1: --do_train "true": has no effect here`,
		"grid:\n  method: adamw\n":                        "g.yaml: line 2: found the value adamw; expected a list",
		"grid:\n  method: []\n":                           "g.yaml: line 2: method has no values",
		"grid:\n  method:\n  - adamw\n  - adamv\n":        `g.yaml: line 4: --method "adamv": expected one of`,
		"grid:\n  x:\n    a: {method: adamw, metod: 1}\n": "g.yaml: line 3: unknown option --metod: did you mean --method?",
		"grid:\n  method: [adamw]\n  method: [pac]\n":     `g.yaml: line 3: found the key "method" twice`,
	} {
		if _, err := readGrid(t, text); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v; want %s", text, err, says)
		}
	}
	for text, says := range map[string]string{
		"grid: {method: [pac]}\n": "the sweep has no folder",
		"output_dir: o\noptions: {method: pac}\ngrid: {method: [pac, adamw]}\n":                "method is set by the options of every run and by the axis method",
		"output_dir: o\ngrid: {method: [pac, adamw], x: {a: {}, b: {method: cwgnc}}}\n":        "method is set by the axis method and by the axis x",
		"output_dir: o\ngrid: {learning_rate: [1e-5, 1.0e-5]}\n":                               "",
		"output_dir: o\ngrid: {preset: [paper, paper]}\n":                                      `have the same folder, "preset-paper"`,
		"output_dir: o\ngrid: {x: {'a/b': {}, 'a b': {}}}\n":                                   `have the same folder, "a-b"`,
		"output_dir: o\ngrid: {x: {..: {}, b: {}}}\n":                                          "",
		"output_dir: o\noptions: {train_file: a.txt}\ngrid: {train_file: [b.txt, ../b.txt]}\n": "train_file is set by",
	} {
		g, err := readGrid(t, text)
		if err == nil {
			_, err = g.Plan()
		}
		if says == "" && err != nil || says != "" && (fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), says)) {
			t.Errorf("%q: %v; want %s", text, err, says)
		}
	}
}
