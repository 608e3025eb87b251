//go:build unix

package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"pactune/tensor"
)

var update = flag.Bool("update", false, "write docs/BAD_INPUT.md anew")

// badInput is a row of docs/BAD_INPUT.md.
type badInput struct {
	what string
	args string // short forms are in expand
	code int
	says []string // parts of the message: where, what was found, what was expected
}

// part is a table of docs/BAD_INPUT.md; -short leaves out those that are not
// core.
type part struct {
	name string
	core bool
	make func(f *badFiles)
	rows []badInput
}

var badInputs = []part{badData, badModel, badOutput, badNumbers, moreBadData, badFormats, moreBadModels, moreBadOptions, badMasks, badPretraining, badVocabularies, badResuming, badGLUE, badComparing, badSweeps}

// short forms of commands: what a row is about stays in view.
var forms = strings.NewReplacer(
	"TRAIN", "train --validation_file dev.txt --model_name_or_path model --max_steps 3",
	"MODEL", "train train.txt --validation_file dev.txt --max_steps 3 --model_name_or_path",
	"PRETRAIN", "pretrain --model_config 1x32/2 --vocab vocab.txt --max_seq_length 16 --validation_split_percentage 0 --max_steps 2",
	"OUT", "train train.txt --validation_file dev.txt --model_name_or_path model --max_steps 3 --output_dir",
	"OPTION", "train train.txt --validation_file dev.txt --model_name_or_path model --max_steps 3",
	"FILL", "fill-mask --model_name_or_path masked",
)

// Every bad input ends with the exit code of its kind and a message, and
// leaves no file or folder behind; docs/BAD_INPUT.md lists them all.
func TestBadInput(t *testing.T) {
	f := newBadFiles(t)
	var doc strings.Builder
	doc.WriteString(docHead)
	for _, p := range badInputs {
		if testing.Short() && !p.core {
			continue
		}
		p.make(f)
		before := tree(t, f.dir)
		fmt.Fprintf(&doc, "\n## %s\n\n| what | command | exit | message |\n|---|---|---|---|\n", p.name)
		for _, row := range p.rows {
			if tensor.F64 && row.code == 6 {
				continue // float64 overflows later
			}
			r := pactune(t, f.dir, "", strings.Fields(forms.Replace(row.args)+quiet(row.args))...)
			row.check(t, r)
			if after := tree(t, f.dir); after != before {
				t.Errorf("%s: files before\n%s\nafter\n%s", row.what, before, after)
			}
			message := strings.TrimPrefix(strings.TrimSpace(r.stderr), "pactune: ")
			fmt.Fprintf(&doc, "| %s | %s | %d | %s |\n", row.what, cell(row.args), r.code, cell(message))
		}
	}
	holdPage(t, doc.String())
}

// quiet leaves notes and tables out, where a command prints any.
func quiet(args string) string {
	for _, command := range strings.Fields("init predict fill-mask FILL trian fewshot debug-data tasks glue-submit compare merge plot report") {
		if strings.HasPrefix(args, command) {
			return ""
		}
	}
	return " --quiet"
}

func (row *badInput) check(t *testing.T, r outcome) {
	t.Helper()
	if r.code != row.code || r.stdout != "" {
		t.Errorf("%s: exit %d, expected %d\nstderr %s\nstdout %s", row.what, r.code, row.code, r.stderr, r.stdout)
	}
	for _, part := range row.says {
		if !strings.Contains(r.stderr, part) {
			t.Errorf("%s: the message lacks %q:\n%s", row.what, part, r.stderr)
		}
	}
	if !strings.HasPrefix(r.stderr, "pactune: ") || lines(r.stderr) > 1 || strings.Contains(r.stderr, "goroutine") {
		t.Errorf("%s: expected one line of message, found\n%s", row.what, r.stderr)
	}
}

// lines counts those of a message; files and commands that it lists stand below it.
func lines(message string) int {
	message = strings.TrimSpace(message)
	return 1 + strings.Count(message, "\n") - strings.Count(message, "\n    ") - strings.Count(message, "\nWithout a network here, get ")
}

const docHead = `# Bad input

Written by ` + "`go test ./cmd/pactune -run TestBadInput -update`" + `, which runs every command of this page; the test
holds the page to what the commands say. None of them leaves a file or a folder behind.

Exit codes: 2 usage, 3 data, 4 model, 6 diverged. In the tables

- ` + "`TRAIN`" + ` is ` + "`pactune train --validation_file dev.txt --model_name_or_path model --max_steps 3`" + `,
- ` + "`MODEL`" + ` is ` + "`pactune train train.txt --validation_file dev.txt --max_steps 3 --model_name_or_path`" + `,
- ` + "`PRETRAIN`" + ` is ` + "`pactune pretrain --model_config 1x32/2 --vocab vocab.txt --max_seq_length 16 --validation_split_percentage 0 --max_steps 2`" + `,
- ` + "`OUT`" + ` is ` + "`pactune train train.txt --validation_file dev.txt --model_name_or_path model --max_steps 3 --output_dir`" + `,
- ` + "`OPTION`" + ` is ` + "`pactune train train.txt --validation_file dev.txt --model_name_or_path model --max_steps 3`" + `,
- ` + "`FILL`" + ` is ` + "`pactune fill-mask --model_name_or_path masked`" + `.
`

// cell writes text as code in a table of Markdown.
func cell(s string) string {
	s = strings.NewReplacer("|", `\|`, "\n", " ", longName, "long…").Replace(s)
	if strings.Contains(s, "`") {
		return "`` " + s + " ``"
	}
	return "`" + s + "`"
}

// holdPage holds docs/BAD_INPUT.md to what came out.
func holdPage(t *testing.T, found string) {
	if t.Failed() || runtime.GOOS != "linux" || tensor.F64 || testing.Short() {
		return // the system's part of a message has its own words elsewhere
	}
	path := filepath.Join("..", "..", "docs", "BAD_INPUT.md")
	if *update {
		if err := os.WriteFile(path, []byte(found), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != found {
		wants, founds := strings.Split(string(want), "\n"), strings.Split(found, "\n")
		for i := range founds {
			if i >= len(wants) || founds[i] != wants[i] {
				t.Fatalf("docs/BAD_INPUT.md differs in line %d; go test ./cmd/pactune -run TestBadInput -update writes it anew:\n%s", i+1, founds[i])
			}
		}
		t.Fatal("docs/BAD_INPUT.md is longer than what the test finds")
	}
}

// tree lists every path under dir, one a line.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		list = append(list, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, "\n")
}
