package glue

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pactune/internal/realdata"
	"pactune/tokenizer"
)

// letters is a vocabulary in which every letter is a token.
func letters(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	vocab := "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\n##a\n##b\n##c\n"
	tok, err := tokenizer.FromVocab(strings.NewReader(vocab), "vocab.txt", tokenizer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// A batch in full: [CLS] 2, [SEP] 3, a b c 5 6 7.
func TestBatch(t *testing.T) {
	d := labelled(nil, []string{"no", "yes"}, 1, 0, 1)
	d.Examples[0].TextA = "a b"
	d.Examples[1].TextA, d.Examples[1].TextB, d.Examples[1].Pair = "c", "a b c", true
	d.Examples[2].TextA, d.Examples[2].ID = "", 17
	e := Encode(d, letters(t), 6, 2)
	var b Batch
	e.Batch(&b, []int32{2, 0, 1})
	want := Batch{
		IDs:        []int32{2, 3, 2, 5, 6, 3, 2, 7, 3, 5, 6, 3},
		Types:      []int32{0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1},
		RowStarts:  []int32{0, 2, 6, 12},
		ExampleIDs: []uint32{17, 0, 1},
		Classes:    []int32{1, 1, 0},
		Examples:   3,
	}
	if !reflect.DeepEqual(b, want) {
		t.Errorf("%+v\nwant %+v", b, want)
	}
	if l := e.Lengths(); l != (Lengths{Rows: 3, Tokens: 12, P50: 4, P95: 6, P99: 6, Max: 6, Truncated: 1}) {
		t.Errorf("%+v", l)
	}
	if e.Truncated[0] || !e.Truncated[1] || e.Len(2) != 2 {
		t.Errorf("truncated %v, lengths %v", e.Truncated, e.Starts)
	}
}

func TestTargets(t *testing.T) {
	var b Batch
	d := &Dataset{Problem: Regression, LabelNames: []string{"label"}, Examples: []Example{{TextA: "a", Score: 1.5}, {TextA: "b", Score: -2}}}
	Encode(d, letters(t), 0, 1).Batch(&b, []int32{1, 0})
	if !reflect.DeepEqual(b.Scores, []float64{-2, 1.5}) || len(b.Classes)+len(b.Multi) != 0 {
		t.Errorf("%+v", b)
	}
	d = &Dataset{Problem: MultiLabel, LabelNames: []string{"x", "y"}, Examples: []Example{{TextA: "a", Labels: []bool{true, false}}, {TextA: "b"}}}
	Encode(d, letters(t), 0, 1).Batch(&b, []int32{1, 0})
	if !reflect.DeepEqual(b.Multi, []float64{0, 0, 1, 0}) || len(b.Classes)+len(b.Scores) != 0 {
		t.Errorf("%+v", b)
	}
}

// texts makes n rows of different lengths.
func texts(n int) *Dataset {
	d := labelled(nil, []string{"no", "yes"})
	for i := range n {
		d.Examples = append(d.Examples, Example{ID: i, TextA: strings.Repeat("abc a ", i%17), Label: i % 2})
	}
	return d
}

func TestEncodeIsIndependentOfWorkers(t *testing.T) {
	d, tok := texts(2*chunkRows+7), letters(t)
	want := Encode(d, tok, 20, 1)
	for _, workers := range []int{0, 2, 3, 16} {
		if got := Encode(d, tok, 20, workers); !reflect.DeepEqual(got, want) {
			t.Errorf("%d workers: another result", workers)
		}
	}
	if got := Encode(texts(0), tok, 20, 2); got.Rows() != 0 || got.Lengths() != (Lengths{}) {
		t.Errorf("no rows: %+v", got)
	}
}

// After Grow no batch of that many rows allocates.
func TestBatchAllocates(t *testing.T) {
	d := texts(100)
	e := Encode(d, letters(t), 64, 1)
	plan := Plan{Examples: 100, Batch: 8, Accumulation: 3, Shuffle: true}
	plan.Rows(0)
	var b Batch
	e.Grow(&b, plan.Batch)
	step := 0
	if n := testing.AllocsPerRun(50, func() {
		for i := range plan.Micros(step) {
			e.Batch(&b, plan.Micro(step, i))
		}
		step++
	}); n != 0 {
		t.Errorf("%v allocations per update, want none", n)
	}
}

// The SST phrases of the PAC-tuning authors are 1,264 tokens in training and
// 21,943 in evaluation.
func TestTokensOfRealFiles(t *testing.T) {
	dir := realdata.Dir(t)
	vocab, err := os.Open(filepath.Join(dir, "vocab", "bert-base-uncased", "vocab.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer vocab.Close()
	tok, err := tokenizer.FromVocab(vocab, "vocab.txt", tokenizer.Options{Lowercase: true})
	if err != nil {
		t.Fatal(err)
	}
	sst := filepath.Join(dir, "fewshot", "pac-tuning-sst")
	d, err := Load(Options{TrainFile: filepath.Join(sst, "train.txt"), ValidationFile: filepath.Join(sst, "dev.txt"), Train: true, Eval: true})
	if err != nil {
		t.Fatal(err)
	}
	train, dev := Encode(d.Train, tok, 128, 2).Lengths(), Encode(d.Eval[0], tok, 128, 2).Lengths()
	if train.Rows != 100 || train.Tokens != 1264 || dev.Rows != 872 || dev.Tokens != 21943 {
		t.Errorf("train %+v, dev %+v", train, dev)
	}
}

func BenchmarkEncode(b *testing.B) {
	d, tok := texts(4096), letters(b)
	for range b.N {
		Encode(d, tok, 128, 1)
	}
}

// BenchmarkSST2 reads SST-2's training file, 67,349 rows, and tokenises it with
// BERT's vocabulary on two goroutines; the goal is 0.5 s on two cores.
func BenchmarkSST2(b *testing.B) {
	dir := realdata.Dir(b)
	tok, err := tokenizer.Load(os.DirFS(filepath.Join(dir, "vocab", "bert-base-uncased")), ".")
	if err != nil {
		b.Fatal(err)
	}
	for range b.N {
		d, err := Load(Options{Task: "sst2", DataDir: filepath.Join(dir, "glue"), Train: true})
		if err != nil {
			b.Fatal(err)
		}
		if e := Encode(d.Train, tok, 128, 2); e.Rows() != 67349 {
			b.Fatalf("%d rows", e.Rows())
		}
	}
}
