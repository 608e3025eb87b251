//go:build linux

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pactune/train"
)

var measure = flag.String("measure", "", "file with more jobs for TestForecast, a name, a | and options on each line")

// Jobs of which each is a process of its own: MODEL names a folder that pactune
// init makes of that size, after it come options.
var jobs = []struct{ name, size, options string }{
	{"the embedded job", "", "--max_steps 1 --pac_k_samples 4"},
	{"adamw", "", "--method adamw --seed 1 --max_steps 2"},
	{"tiny, adamw", "tiny", "--method adamw --max_steps 1"},
	{"tiny, pac", "tiny", "--method pac --max_steps 1 --pac_k_samples 3"},
	{"mini, pac", "mini", "--method pac --max_steps 1 --pac_k_samples 3 --num_train_epochs 2 --pac_stage1_epochs 1"},
	{"mini, pac by tensor", "mini", "--method pac --max_steps 1 --pac_k_samples 3 --pac_granularity tensor"},
	{"mini, pac+cwgnc, all trained", "mini", "--method pac+cwgnc --max_steps 1 --pac_k_samples 3 --freeze_embeddings false"},
	{"mini, cwgnc, batch 32 x 2", "mini", "--method cwgnc --max_steps 1 --per_device_train_batch_size 32 --gradient_accumulation_steps 2"},
	{"mini, checkpoints", "mini", "--method cwgnc --max_steps 1 --per_device_train_batch_size 128 --gradient_checkpointing"},
	{"mini, the head alone", "mini", "--method adamw --max_steps 1 --per_device_train_batch_size 64 --freeze_encoder"},
	{"small, adamw", "small", "--method adamw --max_steps 1"},
}

// What a run is forecast to hold at most is what it holds, within −5 % and +15 %.
func TestForecast(t *testing.T) {
	dir := job(t)
	for _, size := range []string{"mini", "small"} {
		if r := pactune(t, dir, "", "init", "--size", size, "--vocab", "vocab.txt", "--seed", "1", size); r.code != 0 {
			t.Fatalf("init: %+v", r)
		}
	}
	os.Rename(filepath.Join(dir, "model"), filepath.Join(dir, "tiny"))
	os.WriteFile(filepath.Join(dir, "pairs.tsv"), pairs(160, 1), 0o644)
	for i, j := range jobs {
		if testing.Short() && j.name != "tiny, adamw" { // the others take long without assembly
			continue
		}
		args := strings.Fields("train --max_eval_samples 16 --output_dir run" + fmt.Sprint(i) + " " + j.options)
		if j.size != "" {
			args = append(args, "--model_name_or_path", j.size, "--train_file", "pairs.tsv")
		}
		checkForecast(t, j.name, dir, args)
	}
	more, err := os.ReadFile(*measure)
	if *measure != "" && err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(more)), "\n") {
		if name, options, ok := strings.Cut(line, "|"); ok {
			checkForecast(t, name, ".", strings.Fields("train --output_dir "+filepath.Join(dir, "more"+fmt.Sprint(i))+" "+os.ExpandEnv(options)))
		}
	}
}

func checkForecast(t *testing.T, name, dir string, args []string) {
	t.Helper()
	r := pactune(t, dir, "", args...)
	if r.code != 0 {
		t.Fatalf("%s: %+v", name, r)
	}
	folder := strings.TrimSpace(r.stdout)
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(dir, folder)
	}
	text, err := os.ReadFile(filepath.Join(folder, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	var run struct {
		Memory struct {
			Forecast float64 `json:"forecast_bytes"`
		}
		Peak float64 `json:"peak_rss_bytes"`
	}
	if err := json.Unmarshal(text, &run); err != nil {
		t.Fatal(err)
	}
	for what, forecast := range map[string]float64{"forecast": run.Memory.Forecast, "plan printed before the start": printedMemory(t, r.stderr)} {
		if ratio := forecast / run.Peak; !(ratio > 0.95 && ratio < 1.15) {
			t.Errorf("%s: the %s is off by %+.1f %%: %s", name, what, 100*(ratio-1), text)
		}
	}
	t.Logf("| %s | %.1f | %.1f | %+.1f %% |", name, run.Memory.Forecast/(1<<20), run.Peak/(1<<20), 100*(run.Memory.Forecast/run.Peak-1))
	os.RemoveAll(folder)
}

// printedMemory is the figure of the plan's line on memory, in bytes.
func printedMemory(t *testing.T, plan string) float64 {
	t.Helper()
	m := regexp.MustCompile(`(?m)^memory  ([0-9.]+) ([MG]iB)`).FindStringSubmatch(plan)
	if m == nil {
		t.Fatalf("no line on memory in %s", plan)
	}
	size, _ := train.ParseSize(m[1] + m[2])
	return float64(size)
}

var grid = flag.Bool("grid", false, "run TestForecastGrid, which takes minutes")

// The forecast holds over methods, sizes, precisions, lengths and checkpoints: the
// table of docs/MEMORY.md.
func TestForecastGrid(t *testing.T) {
	if !*grid {
		t.Skip("-grid runs it")
	}
	dir := job(t)
	for _, size := range []string{"mini", "small", "base"} {
		if r := pactune(t, dir, "", "init", "--size", size, "--vocab", "vocab.txt", "--seed", "1", size); r.code != 0 {
			t.Fatalf("init: %+v", r)
		}
	}
	os.WriteFile(filepath.Join(dir, "pairs.tsv"), pairs(160, 1), 0o644)
	os.WriteFile(filepath.Join(dir, "long.tsv"), pairs(160, 7), 0o644)
	n := 0
	check := func(size, options string) {
		n++
		checkForecast(t, size+", "+strings.ReplaceAll(strings.ReplaceAll(options, "--", ""), "per_device_train_batch_size", "batch"), dir, strings.Fields(fmt.Sprintf(
			"train --model_name_or_path %s --train_file %s --max_steps 1 --max_eval_samples 16 --output_dir grid%d %s",
			size, map[bool]string{true: "long.tsv", false: "pairs.tsv"}[!strings.Contains(options, "length 64")], n, options)))
	}
	methods := []string{"adamw", "cwgnc", "pac --pac_k_samples 3", "pac --pac_k_samples 3 --pac_granularity tensor", "pac+cwgnc --pac_k_samples 3 --freeze_embeddings false"}
	for i, method := range methods {
		for j, size := range []string{"mini", "small"} {
			for k, precision := range []string{"f32", "bf16"} {
				options := fmt.Sprintf("--method %s --precision %s --max_seq_length %d --per_device_train_batch_size %d", method, precision, []int{64, 128, 512}[(i+j+k)%3], []int{32, 16, 8}[(i+j+k)%3])
				if (i+k)%2 == 1 {
					options += " --gradient_checkpointing"
				}
				check(size, options)
			}
		}
	}
	for _, options := range []string{
		"--method adamw --max_seq_length 512 --per_device_train_batch_size 4",
		"--method adamw --max_seq_length 512 --per_device_train_batch_size 4 --gradient_checkpointing",
	} {
		check("small", options)
		check("mini", options+" --gradient_accumulation_steps 4")
	}
	for _, options := range []string{
		"--method adamw --max_seq_length 64 --per_device_train_batch_size 8",
		"--method cwgnc --max_seq_length 128 --per_device_train_batch_size 8 --gradient_checkpointing",
		"--method cwgnc --max_seq_length 128 --per_device_train_batch_size 8 --precision bf16",
		"--method pac --pac_k_samples 1 --max_seq_length 64 --per_device_train_batch_size 8 --pac_granularity tensor",
	} {
		check("base", options)
	}
	t.Logf("%d configurations", n)
}

// pairs is a data set of n pairs of sentences of very different lengths, times of
// that again.
func pairs(n, times int) []byte {
	var b strings.Builder
	b.WriteString("sentence1\tsentence2\tlabel\n")
	for i := range n {
		fmt.Fprintf(&b, "%s\t%s\t%d\n", strings.Repeat("a pan and a lid ", times*(1+i%7)), strings.Repeat("red roses ", times*(1+i%11)), i%2)
	}
	return []byte(b.String())
}

// A run that would not fit ends with code 5 before anything is written, and says
// what would fit.
func TestTooLittleMemory(t *testing.T) {
	dir := job(t)
	before := strings.Join(names(t, dir), " ")
	const train = "train train.txt --validation_file dev.txt --model_name_or_path model --max_steps 2 --max_memory "
	refused := func(limit float64, args, want string) (needed, least float64) {
		t.Helper()
		r := pactune(t, dir, "", strings.Fields(fmt.Sprintf("%s %.1fMiB %s", train, limit, args))...)
		if r.code != 5 || !strings.Contains(r.stderr, "--max_memory allows") || !strings.Contains(r.stderr, want) {
			t.Errorf("%.1f MiB, %s: %+v", limit, args, r)
		}
		for text, number := range map[string]*float64{"needs": &needed, "would still need": &least} {
			if m := regexp.MustCompile(text + ` ([0-9.]+) MiB`).FindStringSubmatch(r.stderr); m != nil {
				*number, _ = strconv.ParseFloat(m[1], 64)
			}
		}
		return needed, least
	}
	// What a process holds before it starts differs between machines, so the
	// limits come from what it says. 5 MiB are more than it wavers by: pages of the
	// program that the system maps along with those that it needs.
	_, least := refused(10, "--method pac", "would still need")
	refused(least+5, "--method pac", " together (")
	adamw := "--method adamw --per_device_train_batch_size 32 --gradient_accumulation_steps 9"
	needed, _ := refused(10, adamw, "would still need")
	refused(needed-5, adamw, "what would fit: --per_device_train_batch_size ")
	// What is proposed needs what the proposal says, and then runs.
	r := pactune(t, dir, "", strings.Fields(fmt.Sprintf("%s %.1fMiB %s", train, needed-5, adamw))...)
	proposal := regexp.MustCompile(`what would fit: (--[^(]*) \(([0-9.]+) MiB\)`).FindStringSubmatch(r.stderr)
	if proposal == nil {
		t.Fatal(r.stderr)
	}
	enough, _ := strconv.ParseFloat(proposal[2], 64)
	r = pactune(t, dir, "", strings.Fields(fmt.Sprintf("%s %.1fMiB --quiet --method adamw %s", train, enough+5, proposal[1]))...)
	if enough > needed-5 || r.code != 0 {
		t.Errorf("%s needs %.1f MiB by the proposal, the limit was %.1f: %+v", proposal[1], enough, needed-5, r)
	}
	os.RemoveAll(filepath.Join(dir, "runs"))
	if after := strings.Join(names(t, dir), " "); after != before {
		t.Errorf("left behind: %s, before %s", after, before)
	}
	if r := pactune(t, dir, "", strings.Fields(train+"1GiB --quiet --method adamw --max_steps 1")...); r.code != 0 {
		t.Errorf("1 GiB: %+v", r)
	}
}
