package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/internal/fault"
	"pactune/train"
)

// Runs of several samples are told apart by them.
func TestSamples(t *testing.T) {
	dir := t.TempDir()
	for sample := 1; sample <= 2; sample++ {
		for seed := 1; seed <= 2; seed++ {
			run := filepath.Join(dir, fmt.Sprint("sample", sample), fmt.Sprint("seed", seed))
			writeRun(t, run, 0, seed+2*(sample-1), plain)
			put(t, run, "run.json", object{"exit": "finished", "seeds": object{"seed": seed, "sample_seed": sample},
				"data": []object{{"path": "dev.txt", "sha256": "ab", "use": "validation"}}})
		}
	}
	page := pageOf(t, dir)
	if got, want := page.section("result").row("sample 2, seed 1"), "sample 2, seed 1|"+fixed(accuracyOf(0, 3)); strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := page.figure("training loss").row("epoch"), "epoch|median|10 %|90 %|sample 1, seed 1|sample 1, seed 2|sample 2, seed 1|sample 2, seed 2"; strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := page.section("setup").text; strings.Count(got, "sample 2, seed 1") != 1 {
		t.Errorf("every run: %s", got)
	}
}

// How far the weights have gone is shown of runs that recorded it.
func TestDistanceFromTheInitialWeights(t *testing.T) {
	dirs := twoMethods(t, plain)
	for seed := 1; seed <= 3; seed++ {
		var lines bytes.Buffer
		for _, step := range []int{1, 10, 20} {
			for layer := 0; layer <= 1; layer++ {
				moved := float64(seed * layer * (step - 1)) // layer 0 is frozen
				jsonLine(t, &lines, object{"step": step, "tensor": fmt.Sprintf("bert.encoder.layer.%d.output.dense.weight", layer), "grad_norm": 1, "distance_from_init": moved})
			}
		}
		put(t, filepath.Join(dirs[0], fmt.Sprint("seed", seed)), "components.jsonl", lines.Bytes())
	}
	norms := pageOf(t, dirs...).section("norms")
	for _, title := range []string{"plain: distance from the initial weights: output", "plain: distance from the initial weights: layer 1"} {
		if len(norms.figure(title).all("path")) < 2 {
			t.Errorf("no picture %q", title)
		}
	}
	var found bool
	for _, block := range append(norms.all("details"), norms.all("div")...) {
		if h := block.all("h3"); len(h) == 1 && h[0].text == "plain: distance from the initial weights by component, a line for each layer" {
			found = true
			for layer, want := range []string{"0|0|0", "0|18|38"} { // of seeds 1, 2 and 3 the second is the median
				name := fmt.Sprintf("bert.encoder.layer.%d.output.dense.weight", layer)
				if got := strings.Join(block.row(name), "|"); got != name+"|"+want {
					t.Errorf("%s, want %s", got, want)
				}
			}
		}
	}
	if !found || strings.Contains(norms.text, "pac: distance") {
		t.Error("the distance of the runs that recorded it is missing, or there is one of others")
	}
}

// A line that is there twice is refused.
func TestRepeatedAnswer(t *testing.T) {
	path := filepath.Join(twoMethods(t, plain)[0], "seed1", "eval_predictions.jsonl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Dir(path), filepath.Base(path), append(text, text[:bytes.IndexByte(text, '\n')+1]...))
	if _, err := Page([]string{filepath.Dir(filepath.Dir(path))}, ""); fault.KindOf(err) != fault.Data || !strings.Contains(err.Error(), path+": line 5: has the id 0 of line 1; expected every id once") {
		t.Error(err)
	}
}

// Runs on different rows have no answers to agree on.
func TestAnswersOnOtherRows(t *testing.T) {
	dirs := twoMethods(t, plain)
	path := filepath.Join(dirs[0], "seed1", "eval_predictions.jsonl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Dir(path), filepath.Base(path), bytes.Replace(text, []byte(`"id":0`), []byte(`"id":1000`), 1))
	if got := strings.Count(pageOf(t, dirs...).section("answers").text, "agreement of"); got != 1 {
		t.Errorf("%d methods show agreement; one of two has answers to the same rows", got)
	}
}

// What shows nothing is shown, letters and spaces are left alone.
func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"a\u200bb\u00ad":         "a⟨U+200B⟩b⟨U+00AD⟩",
		"\u2060\U000e0041\ufeff": "⟨U+2060⟩⟨U+E0041⟩⟨U+FEFF⟩",
		"x\u200cy\u200dz":        "x⟨U+200C⟩y⟨U+200D⟩z",
		"\u3164\u034f\ufe0f":     "⟨U+3164⟩⟨U+034F⟩⟨U+FE0F⟩",
		"a\u2029b\t\xff":         "a⟨U+2029⟩b⟨U+0009⟩\ufffd",
		"é 日本語 עברית हिन्दी 🙂": "é 日本語 עברית हिन्दी 🙂",
	} {
		if got := visible(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// own names options that there are, and every one without an influence on the result
// that train tells.
func TestOwnOptions(t *testing.T) {
	values := train.NewConfig().Values()
	for name := range own {
		if _, ok := values[name]; !ok {
			t.Errorf("train has no option %s", name)
		}
	}
	for _, o := range train.Table(train.InResume) {
		if !own[o.Name] {
			t.Errorf("%s belongs to the process, not to the run", o.Name)
		}
	}
}
