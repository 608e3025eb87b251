package compare

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/internal/fault"
)

// fake is a run as its folder tells it; the zero value is that of a finished run on
// RTE.
type fake struct {
	task, exit, data string
	method, model    string
	rows             int
	rate             float64
	majority         map[string]float64
	metrics          map[string]float64
}

func (f fake) write(t *testing.T, dir string, seed int) {
	t.Helper()
	if f.exit == "" {
		f.exit = "finished"
	}
	results := map[string]any{"eval_samples": 277 + f.rows, "eval_runtime": 1.5, "eval_samples_per_second_mm": 3, "epoch": 3, "train_loss": 0.1}
	for name, v := range f.metrics {
		if name != "perplexity" { // the key of transformers' run_mlm.py
			name = "eval_" + name
		}
		results[name] = v
	}
	manifest := map[string]any{
		"program": "pactune", "exit": f.exit, "config": map[string]any{"task_name": f.task, "method": "cwgnc" + f.method, "learning_rate": 1e-5 + f.rate, "threads": seed, "seed": seed, "output_dir": dir}, "model": map[string]any{"path": "bert", "sha256": f.model},
		"seeds": map[string]any{"seed": seed, "data_seed": seed, "sample_seed": 42}, "majority": f.majority,
		"data": []any{map[string]any{"path": "dev.tsv", "sha256": "00112233445566778899" + f.data, "rows": 277, "use": "validation"}},
	}
	for name, v := range map[string]any{"run.json": manifest, "all_results.json": results} {
		text, err := json.Marshal(v)
		if err == nil {
			err = os.MkdirAll(dir, 0o777)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// group writes runs of RTE with these accuracies and seeds from first up; a NaN is
// a run that diverged.
func group(t *testing.T, dir string, first int, accuracies ...float64) *Group {
	t.Helper()
	for i, v := range accuracies {
		f := fake{task: "rte", metrics: map[string]float64{"accuracy": v, "loss": 1 - v}}
		if math.IsNaN(v) {
			f.exit, f.metrics = "diverged: the loss is NaN", nil
		}
		f.write(t, filepath.Join(dir, fmt.Sprintf("seed%02d", first+i)), first+i)
	}
	g, err := ReadGroup(dir)
	if err != nil {
		t.Fatal(err)
	}
	g.Name = filepath.Base(dir)
	return g
}

func compared(t *testing.T, metric string, groups ...*Group) *Report {
	t.Helper()
	r, err := New(groups, metric)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func equal(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) < 1e-12) { // rounding of sums of a few values
		t.Errorf("%s: %v, expected %v", what, got, want)
	}
}

// Six pairs, of which the first group wins all by 0.01 to 0.06: in closed form
// Wilcoxon's p is 2/2⁶. One run stands on the line of RTE, 0.53, and so has failed.
func TestPairs(t *testing.T) {
	dir := t.TempDir()
	a := group(t, dir+"/a", 1, .71, .62, .73, .64, .75, .66)
	b := group(t, dir+"/b", 1, .70, .60, .70, .60, .70, .53)
	r := compared(t, "", a, b)
	p := r.Pairs[0]
	if r.Metric != "accuracy" || r.Line != 0.53 || !p.Paired || p.Pairs != 6 || p.A.Failed != 0 || p.B.Failed != 1 {
		t.Fatalf("%+v\n%+v", r, p)
	}
	equal(t, "difference", p.Difference, (.01+.02+.03+.04+.05+.13)/6)
	equal(t, "p of Wilcoxon", p.Order.P, 2.0/64)
	equal(t, "p of Fisher", p.Failures.P, 1)
	equal(t, "A12", p.A12, 27.0/36)
	if !(p.Interval.Low > 0 && p.Interval.Low < p.Difference && p.Difference < p.Interval.High) {
		t.Errorf("interval %+v", p.Interval)
	}
	if v := r.Verdict(&p); !strings.HasPrefix(v, "a is better in accuracy (a − b: +0.0467, 95 % interval ") || !strings.HasSuffix(v, "Wilcoxon p 0.0312).") {
		t.Error(v)
	}
	loss := compared(t, "loss", a, b) // the smaller the better
	if v := loss.Verdict(&loss.Pairs[0]); !strings.HasPrefix(v, "a is better in loss (a − b: -0.0467") {
		t.Error(v)
	}
	equal(t, "best of 1 in loss", loss.Groups[0].Best[0], loss.Groups[0].Mean)
	if best := loss.Groups[0].Best; !(best[5] < best[0] && best[5] > loss.Groups[0].Min) {
		t.Errorf("best of n in loss: %v", best)
	}
	flat := compared(t, "", b, b)
	if v := flat.Verdict(&flat.Pairs[0]); !strings.HasPrefix(v, "No difference shown in accuracy (b − b: +0.0000") || strings.Contains(v, "so few") {
		t.Error(v)
	}
}

// Of pretrainings the one with the smaller perplexity is better.
func TestPerplexity(t *testing.T) {
	dir := t.TempDir()
	var groups []*Group
	for i, name := range []string{"/a", "/b"} {
		for seed := 1; seed <= 6; seed++ {
			v := float64(10 + 20*i + seed*(1+i))
			fake{metrics: map[string]float64{"perplexity": v, "loss": math.Log(v)}}.write(t, fmt.Sprint(dir, name, "/seed", seed), seed)
		}
		g, err := ReadGroup(dir + name)
		if err != nil {
			t.Fatal(err)
		}
		g.Name = name[1:]
		groups = append(groups, g)
	}
	r := compared(t, "perplexity", groups...)
	if v := r.Verdict(&r.Pairs[0]); !strings.HasPrefix(v, "a is better in perplexity (a − b: -23.5000") {
		t.Error(v)
	}
	best := r.Groups[0].Best
	equal(t, "best of 1", best[0], 13.5)
	if !(best[5] < best[0]) {
		t.Errorf("best of n: %v", best)
	}
}

// With one seed in common there are no pairs: of all ways to part 12 values in two halves, two are
// as far apart as these. The same values in another order spread alike.
func TestSeedsThatDiffer(t *testing.T) {
	dir := t.TempDir()
	r := compared(t, "", group(t, dir+"/a", 1, .71, .72, .73, .74, .75, .76), group(t, dir+"/b", 6, .61, .63, .62, .64, .66, .65))
	p := r.Pairs[0]
	if p.Paired || p.Pairs != 0 {
		t.Fatalf("%+v", p)
	}
	equal(t, "p of Mann–Whitney", p.Order.P, 2.0/924)
	equal(t, "p of Brown–Forsythe", p.Spread.P, 1)
	equal(t, "A12", p.A12, 1)
	if text := r.Text(); !strings.Contains(text, "Mann–Whitney's test, because fewer than two seeds are common") {
		t.Error(text)
	}
}

// Few runs can show nothing, which the verdict says.
func TestTooFewRuns(t *testing.T) {
	dir := t.TempDir()
	r := compared(t, "", group(t, dir+"/a", 1, .71, .72, .73, .74, .75), group(t, dir+"/b", 1, .61, .62, .63, .64, .65))
	if v := r.Verdict(&r.Pairs[0]); !strings.HasPrefix(v, "No difference shown") || !strings.Contains(v, "the smallest p is 0.0625") {
		t.Error(v)
	}
}

// A run that diverged has failed, and its seed is in no pair.
func TestDivergedRuns(t *testing.T) {
	dir, nan := t.TempDir(), math.NaN()
	a := group(t, dir+"/a", 1, nan, .72, .73, .74, .75, .76, .77, .78, .79)
	b := group(t, dir+"/b", 1, .61, .62, nan, nan, nan, nan, nan, nan, .50)
	r := compared(t, "", a, b)
	p := r.Pairs[0]
	if !p.Paired || p.Pairs != 2 || p.A.Failed != 1 || p.B.Failed != 7 || p.B.Diverged != 6 || p.B.N != 3 || p.B.Runs != 9 {
		t.Fatalf("%+v\n%+v\n%+v", p, p.A, p.B)
	}
	equal(t, "difference", p.Difference, (.10+.29)/2)
	// Dealt out: 8 failed of 18, at most 1 or at least 7 in the first nine.
	equal(t, "p of Fisher", p.Failures.P, 2*(9+9*36.0)/43758)
	if v := r.Verdict(&p); !strings.Contains(v, "; a fails less often (1 of 9 and 7 of 9 runs, p 0.0152).") {
		t.Error(v)
	}
}

// Three groups are three pairs: Holm's smallest p is three times the smallest, and
// every format says the same.
func TestSeveralPairsInEveryFormat(t *testing.T) {
	dir := t.TempDir()
	a := group(t, dir+"/a|", 1, .71, .72, .73, .74, .75, .76, .77, .79)
	b := group(t, dir+"/b", 1, .61, .62, .63, .64, .65, .66, .67, .68)
	c := group(t, dir+"/c", 1, .61, .62, .63, .64, .65, .66, .67, .68)
	r := compared(t, "", a, b, c)
	equal(t, "p", r.Pairs[0].Order.P, 2.0/256)
	equal(t, "Holm's p", r.Pairs[0].Order.Holm, 6.0/256)
	equal(t, "Holm's p of no difference", r.Pairs[2].Order.Holm, 1)
	rows, err := csv.NewReader(strings.NewReader(r.CSV())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := "rte,accuracy,a|,b,wilcoxon,0,,,0.0078125,0.0234375"; !strings.Contains(r.CSV(), want) || len(rows) != 1+3*(11+8)+3*6 {
		t.Errorf("%d rows, expected also %s:\n%s", len(rows), want, r.CSV())
	}
	text, err := json.Marshal(r.Values())
	if err != nil || !strings.Contains(string(text), `"wilcoxon":{"p":0.0078125,"p_holm":0.0234375,"statistic":0}`) {
		t.Errorf("%s %v", text, err)
	}
	for name, report := range map[string]string{"text": r.Text(), "Markdown": r.Markdown()} {
		for _, want := range []string{"rte, accuracy; a run has failed at or below 0.5300", "p (Holm)", "0.0234", "expected best of 5", "0 of 8", "is better in accuracy", "No difference shown in accuracy (b − c"} {
			if !strings.Contains(report, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, report)
			}
		}
	}
	for _, line := range strings.Split(r.Markdown(), "\n") {
		if strings.HasPrefix(line, "|") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 5 && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 9 {
			t.Errorf("a row with other cells: %s", line)
		}
	}
}

// One group is described and not tested. The metric of own data is the accuracy,
// and its line that of run.json.
func TestOneGroup(t *testing.T) {
	dir := t.TempDir()
	fake{metrics: map[string]float64{"accuracy": .5, "f1": .7}, majority: map[string]float64{"accuracy": .5, "f1": 0}}.write(t, dir, 1)
	g, err := ReadGroup(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := compared(t, "", g)
	if r.Metric != "accuracy" || r.Groups[0].Failed != 1 || len(r.Pairs) != 0 || !math.IsNaN(r.Groups[0].Std) {
		t.Errorf("%+v", r)
	}
	if r = compared(t, "f1", g); r.Groups[0].Failed != 0 {
		t.Errorf("%+v", r)
	}
}

// A symbolic link to a folder stands for it, under its own name.
func TestLinkedGroup(t *testing.T) {
	dir := t.TempDir()
	group(t, filepath.Join(dir, "runs"), 1, .5, .6)
	link := filepath.Join(dir, "link")
	if err := os.Symlink("runs", link); err != nil {
		t.Skip(err) // Windows may not allow it
	}
	if g, err := ReadGroup(link); err != nil || len(g.Runs) != 2 || g.Name != link {
		t.Errorf("%+v, %v", g, err)
	}
}

// What cannot be compared is refused, with the folder and what differs.
func TestRefusals(t *testing.T) {
	good := fake{task: "rte", metrics: map[string]float64{"accuracy": .7}}
	change := func(f func(*fake)) fake { other := good; f(&other); return other }
	for _, c := range []struct {
		name   string
		second fake
		seed   int
		metric string
		says   []string
	}{
		{"task", change(func(f *fake) { f.task = "mrpc" }), 2, "", []string{"b: its task is mrpc", "a is rte"}},
		{"data", change(func(f *fake) { f.data = "ff" }), 2, "", []string{"b: its validation file dev.tsv has the SHA-256", "the same data"}},
		{"rows", change(func(f *fake) { f.rows = 3 }), 2, "", []string{"b: was evaluated on 280 rows", "a on 277"}},
		{"metric", change(func(f *fake) { f.metrics = nil }), 2, "", []string{"b: all_results.json has no eval_accuracy; the run had no evaluation"}},
		{"other metric", good, 2, "f1", []string{"a: all_results.json has no eval_f1; expected with --metric one of accuracy"}},
		{"count", good, 2, "samples", []string{"a: all_results.json has no eval_samples; expected with --metric one of accuracy"}},
		{"time", good, 2, "runtime", []string{"a: all_results.json has no eval_runtime; expected"}},
		{"rate", good, 2, "samples_per_second_mm", []string{"a: all_results.json has no eval_samples_per_second_mm; expected"}},
		{"method", change(func(f *fake) { f.method = "2" }), 2, "", []string{"b: its method is cwgnc2, that of ", "a is cwgnc; expected"}},
		{"option", change(func(f *fake) { f.rate = 1e-5 }), 2, "", []string{"b: its --learning_rate is 2e-05, that of ", "a is 1e-05; expected"}},
		{"model", change(func(f *fake) { f.model = "ff" }), 2, "", []string{"b: its model is that with the SHA-256 ff, that of ", "a is bert; expected"}},
		{"unfinished", change(func(f *fake) { f.exit = "running" }), 2, "", []string{"b: the run has not finished", "pactune resume"}},
		{"seed", good, 1, "", []string{"b: has the seed 1 of ", "a; expected"}},
	} {
		dir := t.TempDir()
		good.write(t, dir+"/a", 1)
		c.second.write(t, dir+"/b", c.seed)
		g, err := ReadGroup(dir)
		if err == nil {
			_, err = New([]*Group{g}, c.metric)
		}
		if err == nil || fault.KindOf(err) != fault.Data {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, part := range c.says {
			if !strings.Contains(strings.ReplaceAll(err.Error(), dir+"/", ""), part) {
				t.Errorf("%s: the message lacks %q: %v", c.name, part, err)
			}
		}
	}
}
