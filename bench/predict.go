package bench

import (
	"fmt"

	"pactune/autograd"
	"pactune/bert"
	"pactune/internal/par"
)

// predictions are the answer to one text, where time is latency, and to a
// batch, where it is throughput. Texts are token ids: the tokeniser takes
// microseconds.
func predictions(o *Options) ([]*workload, error) {
	c, err := shape(o, randomVocab)
	if err != nil {
		return nil, err
	}
	m, err := newModel(*c, bert.HeadPooler)
	if err != nil {
		return nil, err
	}
	return []*workload{prediction("latency", m, c, 1, o), prediction("throughput", m, c, o.Batch, o)}, nil
}

func prediction(name string, m *bert.Model, c *bert.Config, batch int, o *Options) *workload {
	w := &workload{FLOPs: forwardFLOPs(c, uniform(batch, o.Seq))}
	w.Name, w.Model = fmt.Sprintf("predict/%s/%s/%dx%d", name, o.Model, batch, o.Seq), o.Model
	w.Batch, w.Seq, w.Tokens = batch, o.Seq, batch*o.Seq
	w.setup = func() (*job, error) {
		pool := par.New(o.Threads)
		t, seqs, texts := autograd.NewTape(pool), sequences(batch, o.Seq), randomTexts(uniform(batch, o.Seq))
		t.SetPrecision(o.Precision)
		return &job{done: pool.Close, run: timed(func() error {
			t.Reset(seqs, false)
			m.Logits(t, texts.IDs, texts.Types, bert.Dropout{})
			return nil
		})}, nil
	}
	return w
}
