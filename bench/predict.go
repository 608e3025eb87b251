package bench

import (
	"fmt"

	"pactune/autograd"
	"pactune/bert"
	"pactune/glue"
	"pactune/internal/par"
)

// predictions are the answer to one text, where time is latency, and to a
// batch, where it is throughput. Texts are token ids: the tokeniser takes
// microseconds.
func predictions(o *Options) ([]*workload, error) {
	sized := *o
	if o.Seq == 0 {
		sized.Seq = 1 // sentences fit every shape
	}
	c, err := shape(&sized, randomVocab)
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
	lengths, size := sentences(batch), fmt.Sprint(batch)
	if o.Seq > 0 {
		lengths, size = uniform(batch, o.Seq), fmt.Sprintf("%dx%d", batch, o.Seq)
	}
	w := &workload{FLOPs: forwardFLOPs(c, lengths)}
	w.Name, w.Model = fmt.Sprintf("predict/%s/%s/%s", name, o.Model, size), o.Model
	w.Batch, w.Seq, w.answers = batch, o.Seq, batch
	for _, n := range lengths {
		w.Tokens += n
	}
	w.setup = func() (*job, error) {
		pool := par.New(o.Threads)
		t := autograd.NewTape(pool)
		t.SetPrecision(o.Precision)
		var texts glue.Batch
		randomTexts(lengths).Batch(&texts, firstRows(batch))
		seqs := autograd.Sequences{RowStarts: texts.RowStarts, ExampleIDs: texts.ExampleIDs}
		return &job{done: pool.Close, run: timed(func() error {
			t.Reset(seqs, false)
			m.Logits(t, texts.IDs, texts.Types, bert.Dropout{})
			return nil
		})}, nil
	}
	return w
}

// firstRows are the numbers of the first n rows.
func firstRows(n int) []int32 {
	list := make([]int32, n)
	for i := range list {
		list[i] = int32(i)
	}
	return list
}
