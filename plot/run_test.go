package plot

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pactune/internal/fault"
)

// folder writes a run's files.
func folder(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// pacRun is a run of ten updates, the last three of stage 2.
func pacRun() map[string]string {
	var m, c strings.Builder
	for i := 1; i <= 10; i++ {
		stage := 1
		if i > 7 {
			stage = 2
		}
		fmt.Fprintf(&m, `{"step":%d,"split":"train","epoch":%d,"stage":%d,"loss":%v,"kl":%d,"kl_per_row":%d,"K":0.1,"gamma":10,"total":%d,`+
			`"posterior_std_body":0.001,"posterior_std_head":0.1,"prior_std_body":0.001,"prior_std_head":0.1,"distance_from_init":%d,`+
			`"grad_norm":2,"grad_norm_clipped":1,"clip_rate":0.5,"learning_rate":1e-05,"head_learning_rate":0.01}`+"\n",
			i, i, stage, 1/float64(i), 100*i, i, i+1, i)
		for _, tensor := range []string{"bert.encoder.layer.0.attention.self.query.weight",
			"bert.encoder.layer.1.attention.self.query.weight", "classifier.weight", "classifier.bias", "adapter.down.weight"} {
			fmt.Fprintf(&c, `{"step":%d,"tensor":"%s","shape":[2,2],"elements":4,"clipped":true,"grad_norm":%v}`+"\n", i, tensor, float64(i)/10)
		}
	}
	m.WriteString(`{"step":5,"split":"eval","epoch":5,"stage":1,"loss":0.7,"matthews_correlation":0.25,"accuracy":0.5,"samples":4,"tokens":20}` + "\n")
	m.WriteString(`{"step":10,"split":"eval","epoch":10,"stage":2,"loss":0.6,"matthews_correlation":0.5,"accuracy":0.75,"samples":4,"tokens":20}` + "\n")
	return map[string]string{"metrics.jsonl": m.String(), "components.jsonl": c.String(),
		"training_args.json": `{"method":"pac+cwgnc","clip_component":"tensor","clip_component_norm":0.25,"task_name":"cola"}`,
		"run.json":           `{"majority":{"matthews_correlation":0,"accuracy":0.5}}`}
}

func read(t *testing.T, dir string) *Run {
	t.Helper()
	r, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReadARun(t *testing.T) {
	r := read(t, folder(t, "cola", pacRun()))
	if r.Name != "cola" || r.Method != "pac+cwgnc" || r.Task != "cola" || r.Threshold != 0.25 || r.Grouping != "tensor" {
		t.Errorf("settings %+v", r)
	}
	if len(r.Evals) != 1 || r.Evals[0].Metric != "matthews_correlation" {
		t.Errorf("evaluations %+v, want the first metric of the line", r.Evals)
	}
	if loss := r.Train.Column("loss"); len(loss) != 10 || loss[3] != 0.25 {
		t.Errorf("loss %v", loss)
	}
	if len(r.Components) != 5 || len(r.Components[4].Table.Column("grad_norm")) != 10 {
		t.Errorf("%d components", len(r.Components))
	}
	if r.stage2() != 8 {
		t.Errorf("stage 2 from update %v, want 8", r.stage2())
	}
}

func TestPicturesOfABoundedRun(t *testing.T) {
	r := read(t, folder(t, "cola", pacRun()))
	svg := Curves(r).SVG()
	if again := Curves(read(t, folder(t, "cola", pacRun()))).SVG(); !bytes.Equal(svg, again) {
		t.Error("equal runs have pictures of different bytes")
	}
	headings, references := 0, 0
	for _, e := range parse(t, svg) {
		if e.class == "h" {
			headings++
		}
		if e.name == "path" && e.class == "ref" {
			references++
		}
	}
	// Each panel marks stage 2; one has a majority line, drawn and in its key.
	if headings != 9 || references != 9+2 {
		t.Errorf("%d panels, %d lines of reference", headings, references)
	}
	for _, text := range []string{"10 updates; matthews_correlation 0.5000 at the end, majority line 0.0000", "stage 2", "cola (pac+cwgnc)"} {
		if !bytes.Contains(svg, []byte(text)) {
			t.Errorf("%q is missing", text)
		}
	}
	// Of the bound there are seven points, of the loss ten.
	sizes := map[int]int{}
	for _, run := range curves(t, svg) {
		sizes[len(run)]++
	}
	if sizes[7] != 5 || sizes[10] != 7 { // total, KL, K, γ, distance; loss, four stds, two norms
		t.Errorf("curves by their points: %v", sizes)
	}
}

func TestPictureOfComponents(t *testing.T) {
	f := Components(read(t, folder(t, "cola", pacRun())))
	var titles []string
	for _, p := range f.Panels {
		titles = append(titles, p.Title)
	}
	if got := strings.Join(titles, ", "); got != "query, classifier, adapter.down.weight, clip rate by component (%)" {
		t.Errorf("panels %s", got)
	}
	if len(f.Key) != 2 || len(f.Panels[0].Series) != 2 || f.Panels[1].Series[1].Name != "bias" {
		t.Errorf("key %v, panels %+v", f.Key, f.Panels)
	}
	for _, p := range f.Panels[:3] {
		if len(p.Lines) != 1 || p.Lines[0].At != 0.25 || p.Lo != f.Panels[0].Lo || p.Hi != f.Panels[0].Hi {
			t.Errorf("%s: threshold %v, range %v to %v", p.Title, p.Lines, p.Lo, p.Hi)
		}
	}
	if y := f.Panels[3].Series[0].Y; y[0] != 50 {
		t.Errorf("clip rate %v, want 50 %%", y[0])
	}
	parse(t, f.SVG())
}

// BERT-large has 24 layers, and a long run many lines.
func TestALargePictureStaysSmall(t *testing.T) {
	r := &Run{Name: "large", Train: &Table{}}
	for layer := 0; layer < 24; layer++ {
		for _, k := range panelOf[:16] {
			table := &Table{}
			for i := 0; i < 1000; i++ {
				table.add([]field{{name: "step", number: float64(20 * i)}, {name: "grad_norm", number: 1 + math.Abs(math.Sin(float64(i*(layer+3))))}})
			}
			r.Components = append(r.Components, Component{fmt.Sprintf("bert.encoder.layer.%d.%s", layer, k.kind), table})
		}
	}
	svg := Components(r).SVG()
	if len(svg) >= 100_000 {
		t.Errorf("%d bytes, want less than 100,000", len(svg))
	}
	parse(t, svg)
}

func TestCompareRuns(t *testing.T) {
	a, b := read(t, folder(t, "a", pacRun())), read(t, folder(t, "b", pacRun()))
	svg := Compare([]*Run{a, b}).SVG()
	if n := len(curves(t, svg)); n != 6+2 { // three panels of two runs, and two swatches
		t.Errorf("%d curves, want 8", n)
	}
	b.Majority = map[string]float64{"matthews_correlation": 0.1}
	if _, ok := majority([]*Run{a, b}, "matthews_correlation"); ok {
		t.Error("two majority lines became one")
	}
}

func TestARunInProgress(t *testing.T) {
	r := read(t, folder(t, "new", map[string]string{"metrics.jsonl": `{"step":1,"split":"train","loss":0.5}` + "\n" + `{"step":2,"spl`}))
	if n := len(r.Train.Column("loss")); n != 1 {
		t.Errorf("%d updates, want 1: the torn line is none", n)
	}
	parse(t, Curves(r).SVG())
	parse(t, Components(r).SVG())
	parse(t, Compare([]*Run{r}).SVG())
}

func TestNullIsAGap(t *testing.T) {
	r := read(t, folder(t, "nan", map[string]string{"metrics.jsonl": `{"step":1,"split":"train","loss":1}` + "\n" +
		`{"step":2,"split":"train","loss":null,"nonfinite":["loss=NaN"]}` + "\n" + `{"step":3,"split":"train","loss":2}` + "\n"}))
	if v := r.Train.Column("loss"); len(v) != 3 || !math.IsNaN(v[1]) || v[2] != 2 {
		t.Errorf("loss %v", v)
	}
}

func TestWhatIsNoRun(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"found no metrics.jsonl": {},
		"line 2":                 {"metrics.jsonl": "{\"step\":1,\"split\":\"train\"}\nnonsense\n"},
		"line 1":                 {"metrics.jsonl": "[1]\n"},
		"components.jsonl":       {"metrics.jsonl": "{}\n", "components.jsonl": "{\n"},
		"training_args.json":     {"metrics.jsonl": "{}\n", "training_args.json": "["},
	} {
		_, err := Read(folder(t, "x", files))
		if fault.KindOf(err) != fault.Data || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("error %v, want one of kind Data with %q", err, want)
		}
	}
}

// Of several broken files the message always names the same one.
func TestWhichFileIsBroken(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"components.jsonl":   {"metrics.jsonl": "{}\n", "components.jsonl": "{\n", "timings.jsonl": "{\n"},
		"training_args.json": {"metrics.jsonl": "{}\n", "training_args.json": "[", "run.json": "["},
	} {
		dir := folder(t, "x", files)
		for i := 0; i < 64; i++ { // an order by chance passes with 2⁻⁶⁴
			if _, err := Read(dir); !strings.Contains(fmt.Sprint(err), want) {
				t.Fatalf("error %v, want %s", err, want)
			}
		}
	}
}

func TestNamesOfTensors(t *testing.T) {
	for name, want := range map[string]string{
		"bert.encoder.layer.11.output.dense.bias":    "11 output.dense.bias",
		"bert.embeddings.word_embeddings.weight":     "-1 embeddings.word_embeddings.weight",
		"classifier.weight":                          "-1 classifier.weight",
		"bert.encoder.layer.x.output.dense.bias":     "-1 bert.encoder.layer.x.output.dense.bias",
		"bert.encoder.layer.99999.output.dense.bias": "-1 bert.encoder.layer.99999.output.dense.bias",
		"a.layer.": "-1 a.layer.",
	} {
		layer, rest := layerOf(name)
		if got := fmt.Sprint(layer, " ", rest); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestRunningMean(t *testing.T) {
	got := RunningMean([]float64{1, 3, math.NaN(), 5, math.NaN(), math.NaN(), math.NaN()}, 3)
	want := []float64{1, 2, 2, 4, 5, 5, math.NaN()}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// By layer and by component the same lines stand in other panels.
func TestByLayer(t *testing.T) {
	r := read(t, folder(t, "cola", pacRun()))
	panels := r.ByLayer("grad_norm")
	if len(panels) != 2 || r.Layers() != 2 || panels[1].Title != "layer 1" {
		t.Fatalf("%d panels of %d layers", len(panels), r.Layers())
	}
	for _, p := range panels {
		if len(p.Series) != 1 || p.Series[0].Y[2] != 0.3 || p.Series[0].Style != ComponentKey()[0].Style {
			t.Errorf("%s: %+v, want the query's line", p.Title, p.Series)
		}
	}
	if key := ComponentKey(); len(key) != 16 {
		t.Errorf("%d components, want 16", len(key))
	}
	if layer, name := Place("bert.encoder.layer.3.attention.self.key.bias"); layer != 3 || name != "key, bias" {
		t.Errorf("layer %d, %s", layer, name)
	}
}
