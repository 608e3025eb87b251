package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pactune/asm"
	"pactune/autograd"
	"pactune/bert"
	"pactune/internal/fault"
	"pactune/internal/profile"
	"pactune/internal/realdata"
	"pactune/tensor"
	"pactune/train"
)

// The count of a training step: 6·P·N with the 84.93 million weights of
// BERT-base's encoder matrices, and attention's products, written out.
func TestStepFLOPs(t *testing.T) {
	c, err := bert.Sized("base", randomVocab)
	if err != nil {
		t.Fatal(err)
	}
	const weights, tokens = 12 * (4*768*768 + 2*768*3072), 16 * 128
	const attention = 3 * 12 * 4 * 768 * 16 * 128 * 128 // three passes, 12 layers, two products of 2 flops
	got := 3 * forwardFLOPs(&c, uniform(16, 128))
	if want := 6.*weights*tokens + attention; weights != 84934656 || got != want || math.Abs(got-1.073e12) > 0.0005e12 {
		t.Errorf("%d weights, %g flops, want %g, which is 1.073e12", weights, got, want)
	}
}

// The count agrees with what the tape counts op by op, but for the head, and
// with every weight of the model's encoder matrices.
func TestFLOPsAgreeWithTheTape(t *testing.T) {
	c, err := bert.Sized("tiny", 100)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newModel(c, bert.HeadPooler)
	if err != nil {
		t.Fatal(err)
	}
	m.Store.AllocateGrads()
	tape := autograd.NewTape(nil)
	tape.Clock = profile.Start()
	seqs := autograd.Sequences{RowStarts: []int32{0, 5, 6, 15}, ExampleIDs: []uint32{0, 1, 2}}
	tape.Reset(seqs, true)
	tape.CrossEntropy(m.Logits(tape, make([]int32, 15), make([]int32, 15), bert.Dropout{}), []int32{0, 1, 0}, 1)
	tape.Backward()
	sum := 0.0
	for _, r := range tape.Clock.Rows() {
		sum += r.FLOPs
	}
	head := 3 * 2 * 3. * (128*128 + 128*2) // pooler and classifier of three texts
	if want := 3*forwardFLOPs(&m.Config, []int{5, 1, 9}) + head; sum != want {
		t.Errorf("the tape counts %g, the formula %g", sum, want)
	}
	weights := 0
	for _, p := range m.Store.Params {
		if len(p.Shape) == 2 && strings.Contains(p.Name, ".encoder.") {
			weights += p.Len()
		}
	}
	if got, want := forwardFLOPs(&m.Config, []int{1}), 2*float64(weights)+2*4*128; got != want {
		t.Errorf("one token takes %g flops, want %g", got, want)
	}
}

func TestRandomTextsHaveTheLengthsOfTheAuthors(t *testing.T) {
	texts, err := readTexts(&Options{})
	if err != nil || texts.train.Rows() != 100 || len(texts.train.IDs) != 1264 || texts.validation.Rows() != 872 || len(texts.validation.IDs) != 21943 {
		t.Errorf("%v: %d texts, %d tokens; %d, %d", err, texts.train.Rows(), len(texts.train.IDs), texts.validation.Rows(), len(texts.validation.IDs))
	}
}

// The table of lengths is that of the sentences themselves.
func TestSentenceLengths(t *testing.T) {
	dir := realdata.Dir(t)
	texts, err := readTexts(&Options{Threads: 1, TrainFile: filepath.Join(dir, "fewshot", "pac-tuning-sst", "dev.txt"),
		Vocab: filepath.Join(dir, "vocab", "bert-base-uncased", "vocab.txt")})
	if err != nil {
		t.Fatal(err)
	}
	want := lengthsOf(texts.train)
	slices.Sort(want)
	if got := sentences(872); !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// Exactly these products are timed.
func TestGemmNames(t *testing.T) {
	all, err := gemms(&Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range all {
		got = append(got, w.Name)
		if w.FLOPs != 2*float64(w.M)*float64(w.N)*float64(w.K) || w.Name[len("gemm/NN/"):] != fmt.Sprintf("%dx%dx%d", w.M, w.N, w.K) {
			t.Errorf("%s: m %d, n %d, k %d, %g flops", w.Name, w.M, w.N, w.K, w.FLOPs)
		}
	}
	var want []string
	for _, shape := range []string{"2048x768x768", "2048x3072x768", "2048x768x3072", "768x3072x2048", "127x129x131", "1x768x768", "16x64x16"} {
		for _, kind := range []string{"NN", "NT", "TN"} {
			want = append(want, "gemm/"+kind+"/"+shape)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// run times a kind with small sizes and returns its lines of JSON.
func run(t *testing.T, kind string, o Options) []map[string]any {
	t.Helper()
	var lines bytes.Buffer
	if err := Run(context.Background(), kind, o, JSON(&lines)); err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return parse(t, lines.String())
}

func parse(t *testing.T, lines string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, r)
	}
	return all
}

func writeTexts(t *testing.T) (vocab, file string) {
	t.Helper()
	dir := t.TempDir()
	vocab, file = filepath.Join(dir, "vocab.txt"), filepath.Join(dir, "texts.txt")
	os.WriteFile(vocab, []byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\nbad\nfilm\n"), 0o644)
	os.WriteFile(file, []byte("good film\tyes\nbad film\tno\ngood\tyes\nbad bad film\tno\n"), 0o644)
	return vocab, file
}

// Every line has every field, and its numbers fit together.
func TestResults(t *testing.T) {
	vocab, file := writeTexts(t)
	results := map[string][]map[string]any{
		"step": run(t, "step", Options{Model: "tiny", Batch: 3, Seq: 5, Steps: 3, Threads: 2}),
		"predict": append(run(t, "predict", Options{Model: "tiny", Batch: 3, Steps: 1, Threads: 1}),
			run(t, "predict", Options{Model: "tiny", Batch: 3, Seq: 5, Steps: 1, Threads: 1})...),
		"pac": run(t, "pac", Options{Model: "tiny", Steps: 2, Threads: 1, TrainFile: file, ValidationFile: file, Vocab: vocab}),
	}
	names := map[string]string{
		"step":    "step/tiny/3x5",
		"predict": "predict/latency/tiny/1 predict/throughput/tiny/3 predict/latency/tiny/1x5 predict/throughput/tiny/3x5",
		"pac":     "pac/update/tiny pac/forward+backward/tiny pac/k_table/tiny pac/evaluation/tiny",
	}
	for kind, lines := range results {
		var got []string
		for _, r := range lines {
			got = append(got, r["name"].(string))
			check(t, r)
			if r["model"] != "tiny" || r["batch"].(float64) < 1 {
				t.Errorf("%v: model %v, batch %v", r["name"], r["model"], r["batch"])
			}
		}
		if strings.Join(got, " ") != names[kind] {
			t.Errorf("%s: names %v", kind, got)
		}
	}
	if r := results["step"][0]; r["tokens"] != 15. || r["seq"] != 5. || r["repeats"] != 3. || r["threads"] != 2. {
		t.Errorf("step: %v", r)
	}
	// In order of length sentences 145, 436 and 726 have 14, 25 and 36 tokens.
	for i, tokens := range []float64{25, 14 + 25 + 36, 5, 15} {
		r := results["predict"][i]
		if r["tokens"] != tokens || math.Abs(r["sentences_per_second"].(float64)*seconds(r)/r["batch"].(float64)-1) > 1e-12 {
			t.Errorf("predict: %v, want %v tokens", r, tokens)
		}
	}
	if _, there := results["step"][0]["sentences_per_second"]; there {
		t.Errorf("step: %v", results["step"][0])
	}
	pac := results["pac"]
	// [CLS] good film [SEP] … : 4 + 4 + 3 + 5 tokens, 80 passes for the K table
	if pac[0]["tokens"] != 16. || pac[2]["tokens"] != 80*16. || pac[3]["tokens"] != 16. || pac[0]["repeats"] != 2. {
		t.Errorf("pac: %v", pac)
	}
	share, update, passes := pac[0]["bookkeeping_share"].(float64), seconds(pac[0]), seconds(pac[1])
	if math.Abs(share-(1-passes/update)) > 1e-9 {
		t.Errorf("bookkeeping is %v of an update of %v s whose passes take %v s", share, update, passes)
	}
}

func seconds(r map[string]any) float64 { return r["seconds"].(map[string]any)["best"].(float64) }

func check(t *testing.T, r map[string]any) {
	t.Helper()
	for _, name := range []string{"name", "cpu", "precision", "threads", "kernel", "tokens", "repeats", "seconds", "gflops", "peak_gflops", "fraction", "peak_rss_bytes", "allocs"} {
		if _, ok := r[name]; !ok {
			t.Errorf("%v lacks %s: %v", r["name"], name, r)
		}
	}
	best, median := seconds(r), r["seconds"].(map[string]any)["median"].(float64)
	if !(best > 0 && best <= median) || !(r["gflops"].(float64) > 0) || r["kernel"] != asm.Active().String() || r["cpu"] != train.CPU() {
		t.Errorf("%v", r)
	}
	peak, measured := r["peak_gflops"].(float64)
	if has := fmaLoop(asm.Active(), 1) > 0 && !tensor.F64; has != measured {
		t.Errorf("%v: peak %v", r["name"], r["peak_gflops"])
	}
	if measured && math.Abs(r["fraction"].(float64)-r["gflops"].(float64)/peak) > 1e-9 {
		t.Errorf("%v: %v of %v is not %v", r["name"], r["gflops"], peak, r["fraction"])
	}
}

// A step of fewer layers has fewer operations, and its profile tells of the
// repetitions that count, op by op.
func TestStepOfLayersWithProfile(t *testing.T) {
	r := run(t, "step", Options{Model: "3x256", Batch: 2, Seq: 4, Steps: 2, Threads: 1, Profile: true})[0]
	c, err := bert.Sized("mini", randomVocab)
	if err != nil {
		t.Fatal(err)
	}
	want := 3. / 4 * 3 * forwardFLOPs(&c, uniform(2, 4)) // of mini's four layers
	if got := r["gflops"].(float64) * 1e9 * seconds(r); r["layers"] != 3. || math.Abs(got/want-1) > 1e-9 {
		t.Errorf("%v layers, %g flops, want %g", r["layers"], got, want)
	}
	calls := map[string]any{}
	for _, row := range r["profile"].([]any) {
		row := row.(map[string]any)
		calls[row["phase"].(string)+" "+row["name"].(string)] = row["calls"]
	}
	if calls["forward attention"] != 2*3. || calls["backward attention"] != 2*3. || calls[" AdamW"] != 2. {
		t.Errorf("calls of two steps of three layers: %v", calls)
	}
}

// A small product and attention give sensible lines, too; the table has a line
// for each below the machine's name.
func TestSmallWorkloads(t *testing.T) {
	o := &Options{Threads: 1}
	var lines, table bytes.Buffer
	asJSON, asTable := JSON(&lines), Table(&table)
	for _, w := range []*workload{gemm(tensor.TN, 7, 5, 3, o), attention(profile.Forward, 12, o), attention(profile.Backward, 12, o)} {
		if err := w.measure(context.Background(), o); err != nil {
			t.Fatal(err)
		}
		asJSON(&w.Result)
		asTable(&w.Result)
	}
	all := parse(t, lines.String())
	for _, r := range all {
		check(t, r)
	}
	if r := all[0]; r["m"] != 7. || r["n"] != 5. || r["k"] != 3. || r["repeats"] != 3. || r["allocs"] != 0. {
		t.Errorf("%v", r)
	}
	if r := all[1]; r["batch"] != 170. || r["seq"] != 12. || r["tokens"] != 2040. {
		t.Errorf("%v", r)
	}
	for _, want := range []string{train.CPU(), "kernels " + asm.Active().String(), "1 thread,", "gemm/TN/7x5x3", "attention/backward/12"} {
		if strings.Count(table.String(), want) != 1 {
			t.Errorf("not one %q in\n%s", want, table.String())
		}
	}
}

// A peak adds up over threads, never over more than there are cores.
func TestPeak(t *testing.T) {
	for _, k := range append(asm.Kernels(), asm.BF16Kernels()...) {
		one, many := Peak(k, 1), Peak(k, 1000)
		if has := fmaLoop(k.ISA, 1) > 0; has != (one > 0) || has != (many > 0) {
			t.Errorf("%v: peak %v, %v", k, one, many)
		}
	}
}

func TestRefusals(t *testing.T) {
	vocab, file := writeTexts(t)
	none := filepath.Join(t.TempDir(), "none.txt")
	for _, test := range []struct {
		kind string
		o    Options
		want fault.Kind
		says string
	}{
		{"frob", Options{}, fault.Usage, "there are gemm"},
		{"step", Options{Model: "huge", Batch: 1, Seq: 1, Steps: 1}, fault.Usage, "tiny"},
		{"step", Options{Model: "tiny", Batch: 0, Seq: 1, Steps: 1}, fault.Usage, "--batch 0"},
		{"step", Options{Model: "tiny", Batch: 1, Seq: 513, Steps: 1}, fault.Usage, "1 to 512 tokens"},
		{"step", Options{Model: "tiny", Batch: 1, Seq: 1}, fault.Usage, "--steps 0"},
		{"step", Options{Model: "tiny", Batch: 1, Steps: 1}, fault.Usage, "--seq 0"},
		{"predict", Options{Model: "tiny", Batch: 1, Seq: 513, Steps: 1}, fault.Usage, "1 to 512 tokens"},
		{"predict", Options{Model: "tiny", Seq: 1, Steps: 1}, fault.Usage, "--batch 0"},
		{"step", Options{Model: "-1x64", Batch: 1, Seq: 1, Steps: 1}, fault.Usage, "-1x64"},
		{"pretrain", Options{Model: "tiny", Batch: 1, Seq: 8, Steps: 1}, fault.Usage, "--vocab_size 0"},
		{"pac", Options{Model: "tiny"}, fault.Usage, "--steps 0"},
		{"pac", Options{Model: "tiny", Steps: 1, TrainFile: file}, fault.Usage, "--vocab"},
		{"pac", Options{Model: "tiny", Steps: 1, Vocab: vocab}, fault.Usage, "--train_file"},
		{"pac", Options{Model: "tiny", Steps: 1, TrainFile: file, Vocab: none}, fault.Model, none},
		{"pac", Options{Model: "tiny", Steps: 1, TrainFile: none, Vocab: vocab}, fault.Data, none},
	} {
		err := Run(context.Background(), test.kind, test.o, nil)
		if fault.KindOf(err) != test.want || !strings.Contains(fmt.Sprint(err), test.says) {
			t.Errorf("%s %+v: %v", test.kind, test.o, err)
		}
	}
}

// A benchmark ends between repetitions when its context does.
func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, kind := range []string{"step", "predict", "pac"} {
		vocab, file := writeTexts(t)
		o := Options{Model: "tiny", Batch: 1, Seq: 3, Steps: 1}
		if kind == "pac" {
			o.TrainFile, o.Vocab = file, vocab
		}
		if err := Run(ctx, kind, o, nil); err != context.Canceled {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
