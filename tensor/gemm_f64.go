//go:build f64

package tensor

import "math"

// buffers is empty: the float64 product reads its operands in place.
type buffers struct{ task rowsTask }

func (e *Engine) gemm(p product) {
	e.task.product = p
	e.Pool.Run(p.m, &e.task)
	e.task = rowsTask{}
}

func (p *product) small() {
	for i := 0; i < p.m; i++ {
		p.row(i)
	}
}

// rowsTask is a product cut into the rows of C.
type rowsTask struct{ product }

func (t *rowsTask) Piece(i int) { t.row(i) }

// row computes row i of C, sixteen elements at a time: the order of the sums is
// that of the float32 product.
func (p *product) row(i int) {
	ai, ak, bk, bj := p.lda, 1, p.ldb, 1
	switch p.kind {
	case NT:
		bk, bj = 1, p.ldb
	case TN:
		ai, ak = 1, p.lda
	}
	for j := 0; j < p.n; j += 16 {
		c := p.c[i*p.ldc+j:][:min(16, p.n-j)]
		for k := 0; k < p.k; k += KC {
			var acc [16]float64
			for q := k; q < min(k+KC, p.k); q++ {
				x := p.a[i*ai+q*ak]
				for l := range c {
					acc[l] = math.FMA(x, p.b[q*bk+(j+l)*bj], acc[l])
				}
			}
			for l := range c {
				if k > 0 || p.accumulate {
					acc[l] = c[l] + acc[l]
				}
				c[l] = acc[l]
			}
		}
	}
}
