package bench

import (
	"pactune/bert"
	"pactune/glue"
	"pactune/internal/rng"
	"pactune/train"
)

// randomVocab is the size of the vocabulary where no vocab.txt is named:
// bert-base-uncased's.
const randomVocab = 30522

// newModel is a shape with weights from a seed.
func newModel(c bert.Config, head bert.Head) (*bert.Model, error) {
	m, err := bert.New(c, head, 2)
	if err != nil {
		return nil, err
	}
	m.Initialise(1)
	return m, nil
}

// randomTexts is a data set of random tokens of the given lengths and two
// classes.
func randomTexts(lengths []int) *glue.Encoded {
	key := rng.NewKey(1, rng.StreamSubset, 0)
	e := &glue.Encoded{Starts: []int{0}, Data: &glue.Dataset{Path: "random tokens", Problem: glue.SingleLabel,
		LabelNames: []string{"0", "1"}, Labelled: true}}
	for i, n := range lengths {
		for range n {
			e.IDs = append(e.IDs, int32(key.Intn(uint64(len(e.IDs)), randomVocab)))
			e.Types = append(e.Types, 0)
		}
		e.Starts, e.Truncated = append(e.Starts, len(e.IDs)), append(e.Truncated, false)
		e.Data.Examples = append(e.Data.Examples, glue.Example{ID: i, Line: i + 1, Label: i % 2})
	}
	return e
}

// settings resolves options of a training run on so many rows. Statistics of
// every tensor, which a run records now and then, are off.
func (o *Options) settings(rows int, options ...[2]string) (*train.Config, error) {
	c := train.NewConfig()
	for _, s := range append(options, [2]string{"train_file", "bench"}, [2]string{"component_steps", "0"}, [2]string{"precision", o.Precision.String()}) {
		if err := c.Set(s[0], s[1]); err != nil {
			return nil, err
		}
	}
	return c, c.Resolve(train.Facts{TrainRows: rows})
}
