package pretrain

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pactune/bert"
	"pactune/internal/fault"
	"pactune/tensor"
	"pactune/train"
)

// An update whose numbers are not finite names the tensor and changes nothing; left
// out, it is as if it had not been.
func TestSkip(t *testing.T) {
	c := NewConfig()
	c.BatchSize, c.MaxSeqLength = 2, 8
	c.Recipe(method)
	if err := c.Set("on_nan", "skip"); err != nil {
		t.Fatal(err)
	}
	fresh := func() *trainer {
		m, err := bert.New(bert.Config{ModelType: "bert", VocabSize: 20, HiddenSize: 16, Layers: 1, Heads: 2, Intermediate: 16, HiddenAct: "gelu",
			MaxPositions: 8, TypeVocab: 2, InitializerRange: 0.1, LayerNormEps: 1e-12}, bert.HeadMLM, 0)
		if err != nil {
			t.Fatal(err)
		}
		m.Initialise(1)
		batch := c.Longest(2, 0.5)
		tr, err := newTrainer(c, m, (*same)(&batch), 10, nil)
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	everything := func(tr *trainer) (text string) {
		for i, p := range tr.opt.Params() {
			m, v := tr.opt.Moments(i)
			text += fmt.Sprint(p.Clean, m, v)
		}
		return text
	}
	const name = "bert.encoder.layer.0.output.dense.weight"
	tr, want := fresh(), fresh()
	for s := range 4 {
		if s != 1 {
			want.skips.Total = tr.skips.Total
			for _, one := range []*trainer{tr, want} {
				if _, err := one.step(s); err != nil {
					t.Fatal(err)
				}
			}
			continue
		}
		w := tr.model.Store.Param(name).Clean
		good := w[5]
		w[5] = tensor.Float(math.NaN())
		before := everything(tr)
		_, err := tr.step(s)
		if fault.KindOf(err) != fault.Diverged || !strings.Contains(fmt.Sprint(err), name) || everything(tr) != before {
			t.Errorf("%v; unchanged %t", err, everything(tr) == before)
		}
		if err := tr.leaveOut(s, err); err != nil {
			t.Fatal(err)
		}
		w[5] = good
		if note := tr.rec.Remark(&tr.spikes); tr.rec.Step != 2 || !math.IsNaN(tr.rec.Loss) || !strings.Contains(note, "left out") {
			t.Errorf("%+v, %q", tr.rec, note)
		}
	}
	if everything(tr) != everything(want) || tr.skips != (train.Skips{Total: 1}) {
		t.Errorf("the run is not that without the update that was left out; %+v", tr.skips)
	}
}
