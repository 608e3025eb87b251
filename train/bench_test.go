package train

import (
	"testing"

	"pactune/bert"
	"pactune/glue"
	"pactune/internal/par"
	"pactune/internal/rng"
	"pactune/pac"
)

// phrases is a data set with the shape of the 100 SST phrases that the
// PAC-tuning authors publish: 100 sequences, 1,264 tokens.
func phrases(vocab int) *glue.Encoded {
	key := rng.NewKey(1, 96, 0)
	e := &glue.Encoded{Data: &glue.Dataset{Path: "made.txt", Problem: glue.SingleLabel, LabelNames: []string{"0", "1"}, Labelled: true}, Starts: []int{0}}
	for i := range 100 {
		length := 12
		if i < 64 { // 64·13 + 36·12 = 1264
			length = 13
		}
		for j := range length {
			e.IDs, e.Types = append(e.IDs, int32(5+key.Intn(uint64(100*i+j), vocab-5))), append(e.Types, 0)
		}
		e.Starts = append(e.Starts, len(e.IDs))
		e.Truncated = append(e.Truncated, false)
		e.Data.Examples = append(e.Data.Examples, glue.Example{ID: i, Line: i + 1, Label: i % 2})
	}
	return e
}

// BenchmarkUpdate is one update of BERT-base on the phrases, on two threads:
// PAC-tuning's stage 1, and the same without noise, bound and weight decay.
func BenchmarkUpdate(b *testing.B) {
	for _, method := range []string{"pac", "adamw"} {
		b.Run(method, func(b *testing.B) {
			c := NewConfig()
			for _, o := range [][2]string{{"model_name_or_path", "made"}, {"train_file", "made.txt"}, {"method", method},
				{"per_device_train_batch_size", "100"}, {"freeze_embeddings", "true"}, {"dropout", "0"}, {"component_steps", "0"}} {
				if err := c.Set(o[0], o[1]); err != nil {
					b.Fatal(err)
				}
			}
			if err := c.Resolve(Facts{TrainRows: 100}); err != nil {
				b.Fatal(err)
			}
			config, err := bert.Sized("base", 30522)
			if err != nil {
				b.Fatal(err)
			}
			m, err := bert.New(config, bert.Head(c.Head), 2)
			if err != nil {
				b.Fatal(err)
			}
			m.Initialise(1)
			m.Freeze(bert.IsEmbedding)
			pool := par.New(2)
			defer pool.Close()
			tr, err := newTrainer(c, m, phrases(30522), pool)
			if err != nil {
				b.Fatal(err)
			}
			if tr.noise != nil {
				tr.bound.Table = &pac.KTable{Std: []float64{1e-3, 1}, K: []float64{0.2, 0.2}}
			}
			tr.mustStep(b, 0)
			b.ResetTimer()
			for i := range b.N {
				tr.mustStep(b, 1+i)
			}
			// 6 flops per encoder weight and token
			flop := 6 * 84.93e6 * 1264 * float64(b.N)
			b.ReportMetric(flop/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
