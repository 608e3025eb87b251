package bench

import (
	"fmt"
	"testing"

	"pactune/autograd"
	"pactune/internal/par"
	"pactune/tensor"
)

// BenchmarkMaskedHead is the head of masked language modelling with its loss,
// forward and backward, on 900 tokens of width 256: dense and activation,
// LayerNorm, the product with the word embeddings, cross-entropy.
func BenchmarkMaskedHead(b *testing.B) {
	const m, h = 900, 256
	param := func(row uint32, shape ...int) *autograd.Param {
		p := &autograd.Param{Shape: shape}
		p.Data, p.Grad = normals(p.Len(), row), make([]tensor.Float, p.Len())
		tensor.Scale(p.Data, 0.05)
		return p
	}
	forKernels(b, func(b *testing.B, precision tensor.Precision) {
		for _, v := range []int{8192, 30522} {
			word, bias, dense, denseBias := param(1, v, h), param(2, v), param(3, h, h), param(4, h)
			gamma, beta, x, targets := param(5, h), param(6, h), normals(m*h, 7), make([]int32, m)
			for i := range targets {
				targets[i] = int32(i * 7919 % v)
			}
			for threads := 1; threads <= 2; threads++ {
				b.Run(fmt.Sprintf("V=%d/threads=%d", v, threads), func(b *testing.B) {
					pool := par.New(threads)
					defer pool.Close()
					t := autograd.NewTape(pool)
					t.SetPrecision(precision)
					seqs := sequences(1, m)
					run := timed(func() error {
						t.Reset(seqs, true)
						y := t.LinearAct(t.Input(m, h, x), dense, denseBias, tensor.GELU)
						y = t.AddLayerNorm(y, nil, gamma, beta, 1e-12, autograd.Dropout{})
						t.TokenCrossEntropy(t.Linear(y, word, bias), targets, 1./m)
						t.Backward()
						return nil
					})
					kernel := (&Options{Precision: precision}).kernel()
					report(b, 3*2*m*h*float64(v+h), kernel, threads, run)
				})
			}
		}
	})
}
