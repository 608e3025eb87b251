//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// hostile steers a terminal: its title, its colours by a control character of one
// byte and of two, and the order of what is read.
const hostile = "\x1b]0;owned\x07\u009b31m\u202eevil"

// No command prints a byte from a file, or from a path, that a terminal would obey; of
// the paths on the standard output, which programs read, every byte stays.
func TestCommandsPrintHarmlessText(t *testing.T) {
	dir := job(t)
	file := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, path, text)
	}
	quoted, _ := json.Marshal(hostile)
	var rows strings.Builder
	for i := range 40 {
		row, _ := json.Marshal(map[string]any{"text": fmt.Sprint("pan ", i, hostile), "label": []string{"plain", hostile}[i%2], hostile: "x"})
		rows.Write(append(row, '\n'))
	}
	file("rows.jsonl", rows.String())
	file("broken.jsonl", `{"text": "a", "label": "b"}`+"\n{"+string(quoted)+": \n")
	file(hostile+".jsonl", rows.String())
	file(hostile+".txt", strings.Repeat("the pan is in the kitchen\n", 40))
	file(hostile+".bytes", strings.Repeat("the pan is in the kitchen\n", 40)+"\xff")
	file(hostile+"/RTE/dev.tsv", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n")
	file("label/RTE/dev.tsv", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\t"+hostile+"\n")
	file("glue/"+hostile, "")
	maskedModel(t, filepath.Join(dir, "masked"))
	for _, name := range []string{"vocab.txt", "tokenizer.json"} {
		path := filepath.Join(dir, "masked", name)
		token := "garden"
		evil := "gar\u009b\u202eden"
		write(t, path, strings.Replace(string(readFile(t, path)), token, evil, 1))
	}
	manifest := fmt.Sprintf(`{"program": "pactune", "exit": "finished", "config": {"task_name": %s}, "seeds": {"seed": 1}, "majority": {"accuracy": 0.5}}`, quoted)
	for _, run := range []string{"cells/" + hostile + "/a", "cells/plain/a"} {
		file(run+"/run.json", manifest)
		file(run+"/all_results.json", fmt.Sprintf(`{"eval_accuracy": 0.5, "eval_%s": 0.5}`, quoted[1:len(quoted)-1]))
	}
	file("plotted/metrics.jsonl", "{"+string(quoted)+": "+string(quoted)+"\n")
	file("grid.yaml", "output_dir: new\ngrid:\n  \"a\\e]0;b\\u202e\": [1]\n")
	file("resumed/run.json", fmt.Sprintf(`{"program": "pactune", "exit": "diverged: %s"}`, quoted[1:len(quoted)-1]))
	file("config/config.json", fmt.Sprintf(`{"model_type": %s}`, quoted))
	for _, c := range []struct {
		code int
		path bool // stdout is the path that was given
		args []string
	}{
		{0, false, strings.Fields("train rows.jsonl --validation_file rows.jsonl --model_name_or_path model --method adamw --max_steps 1 --output_dir run")},
		{0, false, strings.Fields("evaluate run rows.jsonl")},
		{0, false, strings.Fields("evaluate run rows.jsonl --json")},
		{3, false, strings.Fields("train broken.jsonl --model_name_or_path model")},
		{3, false, []string{"evaluate", "run", hostile}},
		{4, false, strings.Fields("predict config rows.jsonl")},
		{0, false, []string{"fill-mask", "--model_name_or_path", "masked", "a [MASK] " + hostile}},
		{0, false, []string{"fill-mask", "--model_name_or_path", "masked", "a [MASK] " + hostile, "--json"}},
		{0, false, []string{"tasks", "--data_dir", hostile}},
		{3, false, []string{"tasks", "--data_dir", "label"}},
		{3, false, []string{"tasks", "--data_dir", "glue/" + hostile}},
		{0, false, []string{"compare", "cells/" + hostile, "cells/plain"}},
		{0, false, []string{"compare", "cells/" + hostile, "cells/plain", "--format", "json"}},
		{3, false, []string{"compare", "cells/" + hostile, "cells/plain", "--metric", "none"}},
		{3, false, strings.Fields("plot plotted --out pictures")},
		{3, false, strings.Fields("report plotted --out page.html")},
		{2, false, strings.Fields("sweep grid.yaml")},
		{2, false, strings.Fields("resume resumed")},
		{0, true, []string{"convert", "model", hostile + ".safetensors"}},
		{0, true, []string{"init", "--size", "tiny", "--vocab", "vocab.txt", hostile + "-model"}},
		{0, true, []string{"vocab", "--size", "40", "--out", hostile + "-vocab", hostile + ".bytes"}},
		{0, false, strings.Fields("pretrain --model_config 1x32/2 --vocab vocab.txt --max_seq_length 16 --validation_split_percentage 0 --max_steps 1 --output_dir pretrained --train_files " + hostile + ".txt")},
		{3, false, []string{"glue-submit", "--check", hostile}},
		{3, false, []string{"fewshot", "--task_name", "rte", "--data_dir", hostile, "--out", "shots"}},
		{2, false, []string{"download", hostile}},
	} {
		r := pactune(t, dir, "", c.args...)
		if r.code != c.code {
			t.Errorf("%q: %+v", c.args, r)
		}
		if c.path {
			r.stdout = ""
		}
		for _, char := range r.stdout + r.stderr {
			if char != '\n' && char != '\t' && (unicode.IsControl(char) || unicode.Is(unicode.Bidi_Control, char)) {
				t.Errorf("%q prints %U:\n%q\n%q", c.args, char, r.stdout, r.stderr)
				break
			}
		}
	}
}
