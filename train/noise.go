package train

import (
	"context"
	"fmt"

	"pactune/internal/fault"
	"pactune/internal/profile"
	"pactune/nn"
	"pactune/pac"
	"pactune/safetensors"
)

// noiseTensors are the learned log standard deviations: one per weight in the
// shape of the weights, or one per tensor. They are float32: near −8 the steps
// of bf16 are 1/16, coarser than the differences between the weights of most
// tensors.
func noiseTensors(n *pac.Noise, s *nn.Store) []safetensors.Tensor {
	var out []safetensors.Tensor
	for i := range n.Tensors {
		t := &n.Tensors[i]
		shape := s.Param(t.Name).Shape
		if len(t.P) == 1 {
			shape = []int{1}
		}
		switch p := any(t.P).(type) {
		case []float32: // as they stand: they are as many as the weights
			out = append(out, safetensors.FromFloat32s(t.Name, shape, p))
		case []float64:
			narrow := make([]float32, len(p))
			for j, v := range p {
				narrow[j] = float32(v)
			}
			out = append(out, safetensors.FromFloat32s(t.Name, shape, narrow))
		}
	}
	return out
}

// measureK builds PAC-tuning's K table over the training set, or over a fixed
// random subset of it. progress is told after each pass how many are done.
func (t *trainer) measureK(ctx context.Context, progress func(done, total int)) error {
	rows := t.cfg.kRows(t.data.Rows())
	table, err := t.noise.MeasureK(pac.KOptions{
		GammaMin: t.cfg.PACGammaMin, GammaMax: t.cfg.PACGammaMax, Authors: t.cfg.PACKSearch == "authors",
		Examples: len(rows), Progress: progress,
		Losses: func(dst []float64) error {
			t.clock.Part(profile.Noise)
			return t.forward.losses(ctx, t.data, rows, t.cfg.EvalBatchSize, dst)
		},
	})
	if fault.KindOf(err) == fault.Diverged {
		return fmt.Errorf("%w; %s", err, t.culprit())
	}
	if err != nil {
		return err
	}
	t.table, t.bound.Table = table, table
	return nil
}

// stepK keeps the choice of the K table's examples apart from the other draws
// of rng.StreamSubset.
const stepK = 101
