package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pactune/safetensors"
)

// texts are those of a run that other people may have written.
type texts struct{ garden, kitchen, model, note, tensor string }

var plain = texts{"garden", "kitchen", "models/mini", "a note", "bert.encoder.layer.0.attention.self.query.weight"}

// accuracyOf a run at its end, and its training loss after an update of its 30.
func accuracyOf(method, seed int) float64 { return 0.5 + 0.05*float64(seed*(method+1)%7) }
func lossOf(method, seed, step int) float64 {
	return 1/float64(step+1) + 0.01*float64((seed*7+step*3+method)%5)
}

// writeRun makes the folder of a run of two evaluations, as pactune train would.
func writeRun(t *testing.T, dir string, method, seed int, x texts) {
	t.Helper()
	put(t, dir, "run.json", object{"exit": "finished", "seeds": object{"seed": seed}, "majority": object{"accuracy": 0.5},
		"config": object{"method": []string{"adamw", "pac+cwgnc"}[method], "task_name": "", "seed": seed, "learning_rate": 1e-5 * float64(method+1)},
		"argv":   []string{"pactune", "train", x.model, "--seed", fmt.Sprint(seed)}, "build": object{"go": "go1.22", "platform": "linux/amd64", "version": "0.1.0"},
		"data":  []object{{"path": "dev.txt", "rows": 4, "sha256": "ab", "use": "validation"}},
		"model": object{"path": x.model, "parameters": 12, "trainable": 12}, "notes": []string{x.note}, "steps": 30, "start": "2026-01-02T03:04:05Z", "end": "2026-01-02T03:05:06Z"})
	put(t, dir, "training_args.json", object{"method": "cwgnc", "clip_component": "tensor", "clip_component_norm": 0.25})
	put(t, dir, "all_results.json", object{"eval_accuracy": accuracyOf(method, seed), "eval_loss": 0.5, "eval_samples": 4})
	put(t, dir, "eval_report.json", object{"classes": []object{{"label": x.garden}, {"label": x.kitchen}}, "confusion": [][]int{{seed, 1}, {2, 10 * seed}},
		"calibration": object{"ece": 0.01 * float64(seed), "bins": []object{{"low": 0, "high": 0.5, "rows": 0, "confidence": 0, "accuracy": 0},
			{"low": 0.5, "high": 1, "rows": 10 * seed, "confidence": 0.7, "accuracy": 0.1 * float64(seed)}}}})
	var log, parts, answers bytes.Buffer
	for step := 1; step <= 30; step++ {
		line := object{"step": step, "split": "train", "epoch": float64(step) / 10, "loss": lossOf(method, seed, step), "grad_norm": 2, "grad_norm_clipped": 1, "clip_rate": 0.5}
		if method == 1 {
			for _, name := range []string{"kl_per_row", "kl", "K", "gamma", "l_pac", "total", "posterior_std_body", "prior_std_body", "posterior_std_head", "prior_std_head", "distance_from_init"} {
				line[name] = float64(step) + 0.1*float64(seed)
			}
			line["stage"] = 1 + step/21
		}
		jsonLine(t, &log, line)
		if step%10 == 0 {
			for i, tensor := range []string{x.tensor, "classifier.weight"} {
				jsonLine(t, &parts, object{"step": step, "tensor": tensor, "grad_norm": float64(step*seed + i), "weight_norm": 3, "clipped": true})
			}
		}
	}
	// the metric stands behind the loss
	fmt.Fprintf(&log, `{"step":15,"split":"eval","epoch":1.5,"loss":0.7,"accuracy":0.5,"samples":4,"tokens":20}`+"\n")
	fmt.Fprintf(&log, `{"step":30,"split":"eval","epoch":3,"loss":0.5,"accuracy":%v,"samples":4,"tokens":20}`+"\n", accuracyOf(method, seed))
	for id := 0; id < 4; id++ {
		answer := x.garden
		if id < seed {
			answer = x.kitchen
		}
		jsonLine(t, &answers, object{"id": id, "line": id + 1, "label": x.kitchen, "prediction": answer, "loss": 0.1 * float64(id), "scores": []float64{0.4, 0.6}})
	}
	put(t, dir, "metrics.jsonl", log.Bytes())
	put(t, dir, "components.jsonl", parts.Bytes())
	put(t, dir, "eval_predictions.jsonl", answers.Bytes())
	if method == 1 {
		var noise bytes.Buffer
		err := safetensors.Write(&noise, []safetensors.Tensor{
			safetensors.FromFloat32s(x.tensor, []int{2}, []float32{float32(math.Log(0.001 * float64(seed))), float32(math.Log(0.001 * float64(seed)))}),
			safetensors.FromFloat32s("classifier.weight", []int{2}, []float32{float32(math.Log(0.03)), float32(math.Log(0.04))}),
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, "noise.safetensors", noise.Bytes())
	}
}

type object map[string]any

func put(t *testing.T, dir, name string, content any) {
	t.Helper()
	text, ok := content.([]byte)
	if !ok {
		var err error
		if text, err = json.Marshal(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
		t.Fatal(err)
	}
}

func jsonLine(t *testing.T, to *bytes.Buffer, o object) {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	to.Write(append(text, '\n'))
}

// twoMethods are three seeds of each of two methods; the second has PAC-tuning.
func twoMethods(t *testing.T, x texts) []string {
	dir := t.TempDir()
	for seed := 1; seed <= 3; seed++ {
		writeRun(t, filepath.Join(dir, "plain", fmt.Sprint("seed", seed)), 0, seed, x)
		writeRun(t, filepath.Join(dir, "pac", fmt.Sprint("seed", seed)), 1, seed, x)
	}
	return []string{filepath.Join(dir, "plain"), filepath.Join(dir, "pac")}
}

func pageOf(t *testing.T, dirs ...string) *element {
	t.Helper()
	text, err := Page(dirs, "")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, text)
}

// element is one of the page, which a test reads as XML: its rules are stricter.
type element struct {
	name     string
	attr     map[string]string
	children []*element
	text     string // what stands in it, at any depth
	inner    strings.Builder
}

func parse(t *testing.T, text []byte) *element {
	t.Helper()
	top := &element{}
	open := []*element{top}
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if err == io.EOF {
			top.text = top.inner.String()
			return top
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			el := &element{name: e.Name.Local, attr: map[string]string{}}
			for _, a := range e.Attr {
				el.attr[a.Name.Local] = a.Value
			}
			last := open[len(open)-1]
			last.children = append(last.children, el)
			open = append(open, el)
		case xml.EndElement:
			last := open[len(open)-1]
			last.text = last.inner.String()
			open = open[:len(open)-1]
		case xml.CharData:
			for _, el := range open {
				el.inner.Write(e)
			}
		}
	}
}

// all are the elements of a name, at any depth.
func (e *element) all(name string) (list []*element) {
	for _, c := range e.children {
		if c.name == name {
			list = append(list, c)
		}
		list = append(list, c.all(name)...)
	}
	return list
}

func (e *element) section(id string) *element {
	for _, s := range e.all("section") {
		if s.attr["id"] == id {
			return s
		}
	}
	return &element{}
}

// figure is the one whose picture has a title.
func (e *element) figure(title string) *element {
	for _, f := range e.all("figure") {
		if list := f.all("title"); len(list) > 0 && list[0].text == title {
			return f
		}
	}
	return &element{}
}

// row is the cells of the first row of a table that begins with a text.
func (e *element) row(first string) (cells []string) {
	for _, tr := range e.all("tr") {
		if len(tr.children) > 0 && tr.children[0].text == first {
			for _, c := range tr.children {
				cells = append(cells, c.text)
			}
			return cells
		}
	}
	return nil
}

func TestStructure(t *testing.T) {
	page := pageOf(t, twoMethods(t, plain)...)
	var ids []string
	for _, s := range page.all("section") {
		ids = append(ids, s.attr["id"])
	}
	if got := strings.Join(ids, " "); got != "result curves pac norms answers setup" {
		t.Errorf("sections %s", got)
	}
	figures := page.all("figure")
	for _, f := range figures {
		if len(f.all("path")) < 2 {
			t.Errorf("an empty picture: %s", f.text)
		}
	}
	// one of seeds; three kinds of curves, of both methods and of each; nine terms of
	// the bound; three of the whole gradient and two norms in three panels, of each
	// method; one of calibration
	if want := 1 + 3*3 + 9 + 2*(3+2*3) + 1; len(figures) != want {
		t.Errorf("%d pictures, want %d", len(figures), want)
	}
	for _, name := range []string{"script", "img", "iframe", "object"} {
		if n := len(page.all(name)); n > 0 {
			t.Errorf("%d elements %s", n, name)
		}
	}
	for _, el := range append(page.all("a"), page.all("link")...) {
		if to := el.attr["href"]; !strings.HasPrefix(to, "#") && to != "data:," {
			t.Errorf("a link to %s", to)
		}
	}
}

// Each number is computed here from what writeRun put into the files.
func TestNumbers(t *testing.T) {
	page := pageOf(t, twoMethods(t, plain)...)
	want := func(where *element, cells ...string) {
		t.Helper()
		if got := where.row(cells[0]); strings.Join(got, "|") != strings.Join(cells, "|") {
			t.Errorf("row %q, want %q", got, cells)
		}
	}
	// seeds 2 and 3 of both methods: accuracies 0.6, 0.65 and 0.7, 0.8
	result := page.section("result")
	want(result, "2", fixed(0.6), fixed(0.7))
	want(result, "mean ± std", "0.6000 ± 0.0500", "0.7000 ± 0.1000")
	want(result, "median", "0.6000", "0.7000")
	want(result, "failed runs", "0 of 3", "0 of 3")

	// of three values the 10 % quantile lies a fifth of the way from the least to the
	// middle one
	v := []float64{lossOf(0, 1, 10), lossOf(0, 2, 10), lossOf(0, 3, 10)}
	sorted := append([]float64{}, v...)
	for i := range sorted {
		for j := range sorted[:i] {
			if sorted[i] < sorted[j] {
				sorted[i], sorted[j] = sorted[j], sorted[i]
			}
		}
	}
	low, high := 0.8*sorted[0]+0.2*sorted[1], 0.2*sorted[1]+0.8*sorted[2]
	want(page.figure("plain: training loss"), "1", number(sorted[1]), number(low), number(high), number(v[0]), number(v[1]), number(v[2]))
	want(page.figure("accuracy, medians"), "3", number(0.6), number(0.7))

	bound := page.section("pac")
	want(bound.figure("γ"), "1", "10.2", "10.12", "10.28", "10.1", "10.2", "10.3")
	if rows := bound.figure("γ").all("tr"); len(rows) != 1+20 {
		t.Errorf("γ has %d values, want the 20 of stage 1", len(rows)-1)
	}
	want(bound, "query", "2.0e-3")
	want(bound, "classifier.weight", short(math.Sqrt((0.03*0.03+0.04*0.04)/2)))

	want(page.section("norms"), plain.tensor, "20", "40", "60")
	answers := page.section("answers")
	want(answers, "garden", "6", "3")
	want(answers, "kitchen", "6", "60")
	want(answers, "plain", "0.0200")
	// 10, 20 and 30 examples of accuracy 0.1, 0.2, 0.3
	want(answers, "0.500 to 1.000", "plain", "60", "0.7000", fixed((10*0.1+20*0.2+30*0.3)/60))
	// seed s answers kitchen, which is right, to the first s rows
	want(answers, "3 of 3", "1", "25.0 %")
	want(answers, "2", "kitchen", "kitchen ×2, garden ×1", "2 of 3", "0.1000")
	setup := page.section("setup")
	want(setup, "learning_rate", "0.00001", "0.00002")
	want(setup, "validation", "dev.txt", "4", "ab")
}

func TestEqualFoldersGiveEqualBytes(t *testing.T) {
	dirs := twoMethods(t, plain)
	a, errA := Page(dirs, "")
	b, errB := Page(dirs, "")
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("%v, %v; the same: %v", errA, errB, bytes.Equal(a, b))
	}
}

// What stands in the files of a run is shown as text, whatever it is.
func TestHostileText(t *testing.T) {
	markup := `<script>alert(1)</script>"><img src=x onerror=alert(2)>&amp;`
	steering := "\x1b[31mred\x07 \u202eesrever\u2066 \u2028 \u0085{{.}}"
	seen := `⟨U+001B⟩[31mred⟨U+0007⟩ ⟨U+202E⟩esrever⟨U+2066⟩ ⟨U+2028⟩ ⟨U+0085⟩{{.}}`
	x := texts{markup, steering, "'; rm -rf / #" + markup, steering + markup, "bert." + markup + steering}
	dirs := twoMethods(t, x)
	hostile := filepath.Join(filepath.Dir(dirs[0]), "<b>x<b>"+"\u202e\x1b")
	if err := os.Rename(dirs[0], hostile); err != nil {
		t.Fatal(err)
	}
	text, err := Page([]string{hostile, dirs[1]}, "")
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range string(text) {
		if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' {
			t.Fatalf("%U at byte %d", r, i)
		}
	}
	page := parse(t, text)
	for _, name := range []string{"script", "img", "b"} {
		if n := len(page.all(name)); n > 0 {
			t.Errorf("%d elements %s", n, name)
		}
	}
	for id, parts := range map[string][]string{"answers": {markup, seen, "<b>x<b>⟨U+202E⟩⟨U+001B⟩"}, "norms": {markup + seen}, "setup": {seen + markup, `pactune train ''\''; rm -rf / #` + markup + `'`}, "pac": {markup + seen}} {
		for _, part := range parts {
			if !strings.Contains(page.section(id).text, part) {
				t.Errorf("section %s lacks %q", id, part)
			}
		}
	}
}

func TestWhatIsNotThereIsLeftOut(t *testing.T) {
	dirs := twoMethods(t, plain)
	for _, name := range []string{"components.jsonl", "eval_report.json", "eval_predictions.jsonl"} {
		for seed := 1; seed <= 3; seed++ {
			if err := os.Remove(filepath.Join(dirs[0], fmt.Sprint("seed", seed), name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	page := pageOf(t, dirs[0])
	if page.section("pac").name != "" || page.section("answers").name != "" || page.section("result").name == "" {
		t.Error("a section without data is there, or one with data is not")
	}
	if len(page.section("norms").all("figure")) != 3 {
		t.Error("expected clip rate and gradient norms alone")
	}
}

// Runs without an evaluation have neither failed nor diverged, and their data, which
// nothing was held against, are not those of the page.
func TestRunsWithoutEvaluation(t *testing.T) {
	dirs := twoMethods(t, plain)
	for seed := 1; seed <= 3; seed++ {
		dir := filepath.Join(dirs[0], fmt.Sprint("seed", seed))
		put(t, dir, "all_results.json", object{"train_loss": 0.1})
		put(t, dir, "run.json", object{"exit": "finished", "seeds": object{"seed": seed}, "data": []object{{"path": "other.txt", "use": "train"}}})
	}
	page := pageOf(t, dirs...)
	if !strings.Contains(page.text, "6 runs of 2 methods (plain and pac); none failed.") {
		t.Error(page.all("p")[0].text)
	}
	if h1 := page.all("h1")[0].text; h1 != "accuracy on dev.txt" || page.section("setup").row("train") != nil {
		t.Errorf("the data of runs that are not compared: %s, %q", h1, page.section("setup").row("train"))
	}
	result := page.section("result")
	if got := result.row("2"); strings.Join(got, "|") != "2|–|"+fixed(accuracyOf(1, 2)) || !strings.Contains(result.text, "plain is not compared") {
		t.Errorf("row %q", got)
	}
}

// A method of which every run diverged has curves and its failures; runs that fail
// beside others stand apart.
func TestFailedRuns(t *testing.T) {
	dirs := twoMethods(t, plain)
	diverge := func(dir string, seed int, kept ...string) { // of one that diverged at once only run.json is left
		found, err := filepath.Glob(filepath.Join(dir, "*"))
		for _, path := range found {
			if !slices.Contains(kept, filepath.Base(path)) {
				err = errors.Join(err, os.Remove(path))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, "run.json", object{"exit": "diverged at update 30", "seeds": object{"seed": seed},
			"data": []object{{"path": "dev.txt", "sha256": "ab", "use": "validation"}}})
	}
	diverge(filepath.Join(dirs[1], "seed2"), 2, "metrics.jsonl", "components.jsonl")
	norms := pageOf(t, dirs...).section("norms").text
	for _, part := range []string{"pac: gradient norm by component, a line for each layer: 2 successful runs", "pac: gradient norm by component, a line for each layer: 1 failed run"} {
		if !strings.Contains(norms, part) {
			t.Errorf("norms lack %q", part)
		}
	}
	diverge(filepath.Join(dirs[1], "seed3"), 3)
	for seed := 1; seed <= 3; seed++ {
		diverge(filepath.Join(dirs[0], fmt.Sprint("seed", seed)), seed, []string{"metrics.jsonl"}[:seed%2]...)
	}
	page := pageOf(t, dirs...)
	result := page.section("result").text
	for _, part := range []string{"3 of 3 (3 diverged)", "No run of plain has a final accuracy"} {
		if !strings.Contains(result, part) {
			t.Errorf("the result lacks %q", part)
		}
	}
	if strings.Contains(result, "NaN") {
		t.Error("the result has a NaN")
	}
	if got := strings.Join(page.section("result").row("failed runs"), "|"); got != "failed runs|3 of 3 (3 diverged)|2 of 3 (2 diverged)" {
		t.Error(got)
	}
	if got := page.section("setup").row("weights"); strings.Join(got, "|") != "weights||12" {
		t.Errorf("what run.json lacks: %q", got)
	}
	if page.figure("plain: training loss").name == "" {
		t.Error("the curves of the runs that diverged are missing")
	}
	if page := pageOf(t, dirs[0]); page.section("result").name != "" || !strings.Contains(page.text, "3 failed") {
		t.Error("runs without a result have one")
	}
	diverge(filepath.Join(dirs[0], "seed1"), 1)
	diverge(filepath.Join(dirs[0], "seed3"), 3)
	if page := pageOf(t, dirs[0]); len(page.all("section")) != 1 || page.section("setup").name == "" {
		t.Error("a section about runs of which nothing is left")
	}
}
