package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/asm"
)

// The command prints a table, or a JSON object a line, on stdout, and runs on
// the kernels that the environment asks for.
func TestBench(t *testing.T) {
	dir := job(t)
	few := firstLines(readFile(t, filepath.Join(dir, "train.txt")), 4)
	if err := os.WriteFile(filepath.Join(dir, "few.txt"), few, 0o644); err != nil {
		t.Fatal(err)
	}
	for args, lines := range map[string]int{
		"bench step --model tiny --batch 2 --seq 4 --steps 1 --profile":                                     1,
		"bench pretrain --model tiny --vocab_size 50 --batch 2 --seq 8 --steps 1 --profile":                 1,
		"bench predict --model tiny --batch 2 --seq=4 --seconds 0.01 --threads 1":                           2,
		"bench predict --model tiny --batch 2 --seconds 0.01 --threads 1":                                   2,
		"bench pac --model tiny --steps 1 --train-file few.txt --vocab vocab.txt --validation_file few.txt": 4,
	} {
		r := pactune(t, dir, "", strings.Fields(args)...)
		if r.code != 0 || r.stderr != "" || !strings.Contains(r.stdout, "of peak") || strings.Count(r.stdout, "/tiny") != lines {
			t.Errorf("pactune %s: %+v", args, r)
		}
	}
	for _, isa := range asm.Available() {
		t.Setenv("PACTUNE_KERNEL", isa.String())
		r := pactune(t, dir, "", strings.Fields("bench predict --model tiny --batch 2 --seq 4 --seconds 0.01 --json")...)
		rows := strings.Split(strings.TrimSpace(r.stdout), "\n")
		if r.code != 0 || len(rows) != 2 {
			t.Fatalf("--json: %+v", r)
		}
		for _, row := range rows {
			var v map[string]any
			if err := json.Unmarshal([]byte(row), &v); err != nil || v["kernel"] != isa.String() || v["precision"] == "" {
				t.Errorf("%v: %s", err, row)
			}
		}
	}
	t.Setenv("PACTUNE_KERNEL", "")
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"bench", 2, "there are gemm"},
		{"bench frob", 2, "there are gemm"},
		{"bench gemm now", 2, "takes no argument"},
		{"bench gemm --model tiny", 2, "unknown option --model"},
		{"bench gemm --seconds x", 2, "--seconds"},
		{"bench step --model huge", 2, "one of tiny"},
		{"bench step --batch 0", 2, "--batch 0"},
		{"bench pac --model tiny --train_file none.txt --vocab vocab.txt", 3, "none.txt"},
		{"bench pac --model tiny --train_file train.txt --vocab none.txt", 4, "none.txt"},
	} {
		r := pactune(t, dir, "", strings.Fields(test.args)...)
		if r.code != test.code || r.stdout != "" || !strings.Contains(r.stderr, test.says) {
			t.Errorf("pactune %s: %+v", test.args, r)
		}
	}
	for _, args := range []string{"bench --help", "bench gemm --help", "help bench"} {
		if r := pactune(t, dir, "", strings.Fields(args)...); r.code != 0 || !strings.Contains(r.stdout, "pactune bench") || r.stderr != "" {
			t.Errorf("pactune %s: %+v", args, r)
		}
	}
}
