package train

import (
	"context"
	"flag"
	"fmt"
	"math"
	"sort"
	"strings"
	"testing"

	"pactune/glue"
	"pactune/internal/rng"
)

var spikeRuns = flag.Int("spike_runs", 12, "runs of TestNoFalseSpikes; 500 for the show")

// Losses are compared with what sorting says, step by step.
func TestSpikes(t *testing.T) {
	key := rng.NewKey(5, 97, 0)
	w := Spikes{Floor: 1}
	var all []float64
	for i := range 400 {
		x := 0.5 + rng.Uniform(key.Uint32(0, uint64(i)))
		if i%50 == 49 { // of every size
			x *= math.Exp(float64(i) / 100)
		}
		last := append([]float64{}, all[max(0, len(all)-64):]...)
		sort.Float64s(last)
		want := false
		if len(last) >= 16 {
			m := last[len(last)/2]
			far := make([]float64, len(last))
			for j, v := range last {
				far[j] = math.Abs(v - m)
			}
			sort.Float64s(far)
			want = x-m > 14.826*far[len(far)/2] && x-m > 2*(last[len(last)-1]-m) && x > 1
		}
		if got := w.Add(x); got != want {
			t.Errorf("loss %d, %v: spike %t, want %t", i, x, got, want)
		}
		all = append(all, x)
	}
	if n := testing.AllocsPerRun(100, func() { w.Add(0.5) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSpikeFloor(t *testing.T) {
	scores := []glue.Example{{Score: 1}, {Score: 2}, {Score: 6}}
	for _, c := range []struct {
		d    glue.Dataset
		want float64
	}{
		{glue.Dataset{Problem: glue.SingleLabel, LabelNames: []string{"a", "b", "c"}}, math.Log(3) + 3*math.Ln2},
		{glue.Dataset{Problem: glue.MultiLabel, LabelNames: []string{"a", "b", "c"}}, 4 * math.Ln2},
		{glue.Dataset{Problem: glue.Regression, Examples: scores}, 14.0 / 3}, // mean 3: 4, 1 and 9
	} {
		if got := spikeFloor(&c.d, 8); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v: %v, want %v", c.d.Problem, got, c.want)
		}
	}
}

// Runs in which nothing goes wrong have no spike, over methods, batches and rates, on labels that cannot be learned
// but by heart.
func TestNoFalseSpikes(t *testing.T) {
	for i := range *spikeRuns {
		method := []string{"adamw", "cwgnc", "pac pac_k_samples 3 num_train_epochs 20 pac_stage1_epochs 10"}[i%3]
		options := fmt.Sprintf("method %s seed %d per_device_train_batch_size %d learning_rate %g max_steps 60", method, i, []int{1, 4, 10, 30}[i/3%4], []float64{1e-4, 1e-3, 3e-3}[i/12%3])
		tr := newTest(t, 2, options)
		for s := range 60 {
			tr.mustStep(t, s)
			if tr.rec.Spike {
				t.Errorf("%s: update %d, loss %v is said to be a spike", options, s+1, tr.rec.Loss)
			}
		}
	}
}

// One batch with targets a thousand times too large is flagged in its own update,
// and no other.
func TestSpikeInARun(t *testing.T) {
	text := "text\tscore\n"
	for i := range 60 {
		score := float64(i%5) / 2
		if i == 50 || i == 51 {
			score *= 1000
		}
		text += fmt.Sprintf("%s\t%g\n", []string{"a b", "b c", "c d", "d a"}[i%4], score+0.5)
	}
	var spikes []int
	var notes string
	options := quick(t, modelFolder(t, "", nil, nil), writeText(t, "train.tsv", text)) + "num_train_epochs 1 train_order file problem_type regression label_column_name score do_eval false validation_file " +
		writeText(t, "dev.tsv", "text\tscore\na b\t1.5\n")
	if _, err := Run(context.Background(), settings(t, options), nil, Hooks{
		OnWarn: func(text string) { notes += text + "\n" },
		OnStep: func(r *StepRecord, _ Timing) {
			if r.Spike {
				spikes = append(spikes, r.Step)
			}
		},
	}); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(spikes) != "[26]" || !strings.Contains(notes, "update 26: the loss ") {
		t.Errorf("spikes %v, want update 26; notes %s", spikes, notes)
	}
}
