package tensor

import (
	"fmt"

	"pactune/asm"
	"pactune/internal/par"
)

// Kind says which operand of a matrix product is stored transposed.
type Kind int

const (
	NN Kind = iota // C = A·B: A is stored (m, k), B (k, n)
	NT             // C = A·Bᵀ: A is stored (m, k), B (n, k)
	TN             // C = Aᵀ·B: A is stored (k, m), B (k, n)
)

// String returns NN, NT or TN.
func (kind Kind) String() string {
	if kind < NN || kind > TN {
		return fmt.Sprintf("Kind(%d)", int(kind))
	}
	return [...]string{"NN", "NT", "TN"}[kind]
}

// KC is the number of values of k that are summed up before the sum is added to
// C. It is part of the number format: the bits of every result depend on it. With AMX
// it is larger in bf16 (asm.Kernel).
const KC = asm.KC

// Precision is how an Engine reads the operands of its products. It is a
// property of the products alone: operands and results are stored as Float, and
// sums are float32, in either.
type Precision int

const (
	PrecisionF32  Precision = iota // as they are
	PrecisionBF16                  // rounded to bfloat16 while they are packed (asm.RoundBF16)
)

// String returns f32 or bf16.
func (p Precision) String() string {
	if p < PrecisionF32 || p > PrecisionBF16 {
		return fmt.Sprintf("Precision(%d)", int(p))
	}
	return [...]string{"f32", "bf16"}[p]
}

// ParsePrecision returns the precision of that name. The float64 build has no
// bf16.
func ParsePrecision(name string) (Precision, error) {
	switch {
	case name == "f32":
		return PrecisionF32, nil
	case name == "bf16" && !F64:
		return PrecisionBF16, nil
	case name == "bf16":
		return PrecisionF32, fmt.Errorf("bf16 rounds the operands of float32 products, and this build computes in float64 (-tags f64): use f32")
	}
	return PrecisionF32, fmt.Errorf("unknown precision %q: use f32 or bf16", name)
}

// Engine computes matrix products. It owns the buffers into which operands are
// packed, which grow on first use and then stay; hence only SmallGemm is for
// concurrent use. Its products share the work of one call over Pool.
type Engine struct {
	Pool      *par.Pool
	Precision Precision
	buffers
}

// NewEngine returns an engine whose products run on pool, nil for the caller
// alone, in float32.
func NewEngine(pool *par.Pool) *Engine { return &Engine{Pool: pool} }

// Bytes returns the size of the engine's buffers. On a dry pool, where Gemm
// computes nothing, it is what they would have.
func (e *Engine) Bytes() int { return e.buffers.bytes() }

// Reserve gives a new engine the buffers for the products that dry, an engine on a
// dry pool, was asked for.
func (e *Engine) Reserve(dry *Engine) { e.buffers.reserve(&dry.buffers) }

// Gemm computes C = op(A)·op(B), or C = C + op(A)·op(B) to accumulate.
//
// op(A) is (m, k), op(B) (k, n), C (m, n); kind says how A and B are stored, lda,
// ldb, ldc are the distances between stored rows. Any size may be 0; k = 0 gives
// C = 0, or leaves it when accumulating. C must not overlap A or B. Elements
// between the end of a row and the next row are neither read nor written.
// The precision bf16 rounds both operands of every product, whatever its shape.
// It panics when a slice is too short.
func (e *Engine) Gemm(kind Kind, m, n, k int, a []Float, lda int, b []Float, ldb int, accumulate bool, c []Float, ldc int) {
	p := product{m: m, n: n, k: k, a: a, lda: lda, b: b, ldb: ldb, c: c, ldc: ldc, kind: kind, accumulate: accumulate}
	if e.Pool.IsDry() {
		e.count(p)
		return
	}
	p.check("tensor.Gemm")
	if !p.trivial() {
		e.gemm(p)
	}
}

// SmallGemm computes what Gemm does, with the same bits, on the caller's
// goroutine and without the engine's buffers: it is for many small products at
// once, such as the heads of attention, and may be called concurrently.
func (e *Engine) SmallGemm(kind Kind, m, n, k int, a []Float, lda int, b []Float, ldb int, accumulate bool, c []Float, ldc int) {
	p := product{m: m, n: n, k: k, a: a, lda: lda, b: b, ldb: ldb, c: c, ldc: ldc, kind: kind, accumulate: accumulate}
	p.check("tensor.SmallGemm")
	if !p.trivial() {
		e.small(&p)
	}
}

// product is one matrix product: the arguments of Gemm.
type product struct {
	kind          Kind
	m, n, k       int
	a, b, c       []Float
	lda, ldb, ldc int
	accumulate    bool
}

// check panics unless every operand lies within its slice; it cuts the slices to
// what the product needs.
func (p *product) check(op string) {
	if p.m < 0 || p.n < 0 || p.k < 0 || p.kind < NN || p.kind > TN {
		panic(fmt.Sprintf("%s: %v with m=%d n=%d k=%d", op, p.kind, p.m, p.n, p.k))
	}
	arows, acols, brows, bcols := p.m, p.k, p.k, p.n
	switch p.kind {
	case NT:
		brows, bcols = p.n, p.k
	case TN:
		arows, acols = p.k, p.m
	}
	p.a = p.operand(op, "a", p.a, arows, acols, p.lda)
	p.b = p.operand(op, "b", p.b, brows, bcols, p.ldb)
	p.c = p.operand(op, "c", p.c, p.m, p.n, p.ldc)
	annotateRead(p.a, arows, acols, p.lda)
	annotateRead(p.b, brows, bcols, p.ldb)
	annotateWrite(p.c, p.m, p.n, p.ldc)
}

// operand returns the part of x that a (rows, cols) matrix with rows ld apart
// takes, and panics when there is not enough of it.
func (p *product) operand(op, name string, x []Float, rows, cols, ld int) []Float {
	if rows == 0 || cols == 0 {
		return nil
	}
	need := (rows-1)*ld + cols
	if rows > 1 && ld < cols || need > len(x) {
		panic(fmt.Sprintf("%s: %v with m=%d n=%d k=%d: %s is (%d, %d) with ld%s=%d and needs ld ≥ %d and %d elements, has %d",
			op, p.kind, p.m, p.n, p.k, name, rows, cols, name, ld, cols, (rows-1)*max(ld, cols)+cols, len(x)))
	}
	return x[:need]
}

// trivial handles products without a term and reports whether p is one.
func (p *product) trivial() bool {
	if p.m > 0 && p.n > 0 && p.k == 0 && !p.accumulate {
		for i := 0; i < p.m; i++ {
			clear(p.c[i*p.ldc:][:p.n])
		}
	}
	return p.m == 0 || p.n == 0 || p.k == 0
}
