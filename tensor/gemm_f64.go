//go:build f64

package tensor

import "math"

// buffers is what an Engine keeps between products: only the task.
type buffers struct{ task stripeTask }

func (*buffers) bytes() int       { return 0 }
func (*buffers) reserve(*buffers) {}
func (*Engine) count(product)     {}

func (e *Engine) gemm(p product) {
	e.mustBeFloat64()
	e.task.product = p
	e.Pool.Run((p.n+stripe-1)/stripe, &e.task)
	e.task = stripeTask{}
}

func (e *Engine) mustBeFloat64() {
	if e.Precision != PrecisionF32 {
		panic("tensor.Gemm: the float64 build has no precision " + e.Precision.String())
	}
}

func (e *Engine) small(p *product) {
	e.mustBeFloat64()
	for j := 0; j < p.n; j += stripe {
		p.stripe(j)
	}
}

// stripe is the number of columns of C that are computed together.
const stripe = 16

// stripeTask is a product cut into stripes of C.
type stripeTask struct{ product }

func (t *stripeTask) Piece(i int) { t.stripe(i * stripe) }

// stripe computes columns j … j+16 of C; the order of the sums is that of the
// float32 product.
func (p *product) stripe(j int) {
	var panel [KC][stripe]float64
	cols := min(stripe, p.n-j)
	ai, ak := p.lda, 1
	if p.kind == TN {
		ai, ak = 1, p.lda
	}
	for k := 0; k < p.k; k += KC {
		b := panel[:min(KC, p.k-k)]
		for q := range b {
			for l := 0; l < cols; l++ {
				if p.kind == NT {
					b[q][l] = p.b[(j+l)*p.ldb+k+q]
				} else {
					b[q][l] = p.b[(k+q)*p.ldb+j+l]
				}
			}
		}
		for i := 0; i < p.m; i++ {
			var acc [stripe]float64
			for q := range b {
				x := p.a[i*ai+(k+q)*ak]
				for l, y := range &b[q] {
					acc[l] = math.FMA(x, y, acc[l])
				}
			}
			for l, c := 0, p.c[i*p.ldc+j:]; l < cols; l++ {
				if k > 0 || p.accumulate {
					acc[l] = c[l] + acc[l]
				}
				c[l] = acc[l]
			}
		}
	}
}
