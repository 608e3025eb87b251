package bench

import (
	"fmt"
	"math"
	"time"

	"pactune/internal/par"
	"pactune/internal/rng"
	"pactune/tensor"
)

// Shapes are the matrix products that are timed, as m, n, k: those of BERT-base
// for 16 sequences of 128 tokens, and odd ones.
var Shapes = [][3]int{
	{2048, 768, 768}, {2048, 3072, 768}, {2048, 768, 3072}, {768, 3072, 2048},
	{127, 129, 131}, {1, 768, 768}, {16, 64, 16},
}

// gemms are all shapes in all forms.
func gemms(o *Options) ([]*workload, error) {
	var all []*workload
	for _, s := range Shapes {
		for _, kind := range []tensor.Kind{tensor.NN, tensor.NT, tensor.TN} {
			all = append(all, gemm(kind, s[0], s[1], s[2], o))
		}
	}
	return all, nil
}

// gemm is C = op(A)·op(B) through an engine. Products that take microseconds
// are made many times in one repetition.
func gemm(kind tensor.Kind, m, n, k int, o *Options) *workload {
	w := &workload{FLOPs: 2 * float64(m) * float64(n) * float64(k)}
	w.Name, w.M, w.N, w.K = fmt.Sprintf("gemm/%v/%dx%dx%d", kind, m, n, k), m, n, k
	lda, ldb := k, n
	if kind == tensor.NT {
		ldb = k
	} else if kind == tensor.TN {
		lda = m
	}
	threads, precision := o.Threads, o.Precision
	times := int(math.Ceil(5e7 / w.FLOPs))
	w.setup = func() (*job, error) {
		pool := par.New(threads)
		e := tensor.NewEngine(pool)
		e.Precision = precision
		a, b, c := normals(m*k, 1), normals(k*n, 2), make([]tensor.Float, m*n)
		return &job{done: pool.Close, run: func() (float64, error) {
			start := time.Now()
			for range times {
				e.Gemm(kind, m, n, k, a, lda, b, ldb, false, c, n)
			}
			return time.Since(start).Seconds() / float64(times), nil
		}}, nil
	}
	return w
}

// normals draws n numbers from N(0, 1).
func normals(n int, row uint32) []tensor.Float {
	x := make([]tensor.Float, n)
	tensor.Normals(x, rng.NewKey(1, rng.StreamInit, 0), row, 0, false)
	return x
}
