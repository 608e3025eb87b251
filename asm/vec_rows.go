package asm

import "math"

// Functions over one row. Sums and maxima over a row run in 16 virtual lanes,
// element i in lane i%16, in the order of the elements; the lanes are then
// reduced in one fixed tree. Slices have the length of the first one; outputs
// may be an input of the same call.

// lanes32 are the 16 partial results of a row.
type lanes32 [16]float32

// sum adds lane l+8 to l, then l+4, l+2, l+1.
func (l *lanes32) sum() float32 {
	for s := 8; s > 0; s /= 2 {
		for i := 0; i < s; i++ {
			l[i] += l[i+s]
		}
	}
	return l[0]
}

// max is the greatest lane; NaN lanes are passed over.
func (l *lanes32) max() float32 {
	for s := 8; s > 0; s /= 2 {
		for i := 0; i < s; i++ {
			l[i] = max32(l[i], l[i+s])
		}
	}
	return l[0]
}

// lowest are lanes before the search for a maximum.
var lowest = func() (l lanes32) {
	for i := range l {
		l[i] = float32(math.Inf(-1))
	}
	return l
}()

func sqrt32(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// Max returns the greatest element of x, −Inf where there is none; NaN is passed
// over.
func Max(x []float32) float32 {
	l := lowest
	for i := maxVec(x, &l); i < len(x); i++ {
		l[i%16] = max32(x[i], l[i%16])
	}
	return l.max()
}

// Softmax computes y = softmax(scale·x) for scale ≥ 0.
func Softmax(y, x []float32, scale float32) {
	x = x[:len(y)]
	if softmaxVec(y, x, &[1]float32{scale}) == len(y) {
		return
	}
	top, l := Max(x), lanes32{}
	for i, v := range x {
		y[i] = exp32((v - top) * scale)
		l[i%16] += y[i]
	}
	Scale(y, 1/l.sum())
}

// SoftmaxGrad computes dx = scale·p∘(dp − Σ p∘dp), p the output of Softmax.
func SoftmaxGrad(dx, p, dp []float32, scale float32) {
	p, dp = p[:len(dx)], dp[:len(dx)]
	if softmaxGradVec(dx, p, dp, &[1]float32{scale}) == len(dx) {
		return
	}
	var l lanes32
	for i := range p {
		l[i%16] = FMA32(p[i], dp[i], l[i%16])
	}
	dot := l.sum()
	for i := range dx {
		dx[i] = p[i] * (dp[i] - dot) * scale
	}
}

// LayerNorm computes y = γ∘(x − mean)·rstd + β with rstd = 1/sqrt(var + eps),
// the variance being the biased one, from a second pass over x.
func LayerNorm(y, x, gamma, beta []float32, eps float64) (mean, rstd float32) {
	x, gamma, beta = x[:len(y)], gamma[:len(y)], beta[:len(y)]
	n := float32(len(x))
	var l lanes32
	for i := sumVec(x, &l); i < len(x); i++ {
		l[i%16] += x[i]
	}
	mean = l.sum() / n
	l = lanes32{}
	for i := deviationVec(x, &l, &[1]float32{mean}); i < len(x); i++ {
		d := x[i] - mean
		l[i%16] = FMA32(d, d, l[i%16])
	}
	rstd = float32(1 / math.Sqrt(float64(l.sum()/n)+eps))
	for i := normVec(y, x, gamma, beta, &[2]float32{mean, rstd}); i < len(x); i++ {
		y[i] = FMA32((x[i]-mean)*rstd, gamma[i], beta[i])
	}
	return mean, rstd
}

// LayerNormGrad computes dx = rstd·(γ∘dy − mean(γ∘dy) − x̂·mean(γ∘dy∘x̂)) with
// x̂ = (x − mean)·rstd.
func LayerNormGrad(dx, dy, x, gamma []float32, mean, rstd float32) {
	dy, x, gamma = dy[:len(dx)], x[:len(dx)], gamma[:len(dx)]
	n := float32(len(dx))
	var sums [2]lanes32
	for i := normSumsVec(dy, x, gamma, &sums, &[2]float32{mean, rstd}); i < len(x); i++ {
		g := float32(gamma[i] * dy[i])
		sums[0][i%16] += g
		sums[1][i%16] = FMA32(g, (x[i]-mean)*rstd, sums[1][i%16])
	}
	a, b := sums[0].sum()/n, sums[1].sum()/n
	for i := normGradVec(dx, dy, x, gamma, &[4]float32{mean, rstd, a, b}); i < len(x); i++ {
		g := float32(gamma[i] * dy[i])
		dx[i] = rstd * FMA32(-(x[i]-mean)*rstd, b, g-a)
	}
}

// LayerNormParamGrad computes dγ += dy∘x̂ and dβ += dy, x̂ = (x − mean)·rstd.
func LayerNormParamGrad(dgamma, dbeta, dy, x []float32, mean, rstd float32) {
	n := len(dgamma)
	dbeta, dy, x = dbeta[:n], dy[:n], x[:n]
	for i := normParamGradVec(dgamma, dbeta, dy, x, &[2]float32{mean, rstd}); i < n; i++ {
		dgamma[i] = FMA32(dy[i], (x[i]-mean)*rstd, dgamma[i])
		dbeta[i] += dy[i]
	}
}

// columnBlock is how many columns ColumnSums sums at a time.
const columnBlock = 512

// noRow stands for rows behind the last: sums begin at +0, and adding 0 leaves them.
var noRow [columnBlock]float32

// ColumnSums computes dst[c] += Σ_r x[r·stride+c]: each sum in float64 in the
// order of rows, rounded once and then added.
func ColumnSums(dst, x []float32, rows, stride int) {
	var sums [columnBlock]float64
	for c := 0; c < len(dst); c += columnBlock {
		n := min(columnBlock, len(dst)-c)
		s := sums[:n]
		for i := range s {
			s[i] = 0
		}
		for r := 0; r < rows; r += 4 { // four at once: the sums are read and written once for them
			var x4 [4][]float32
			for j := range x4 {
				x4[j] = noRow[:n]
				if r+j < rows {
					x4[j] = x[(r+j)*stride+c:][:n]
				}
			}
			for i := widenAddVec(s, x4[0], x4[1], x4[2], x4[3]); i < n; i++ {
				for _, row := range x4 {
					s[i] += float64(row[i])
				}
			}
		}
		for i, v := range s {
			dst[c+i] += float32(v)
		}
	}
}

// lanes64 are the 16 partial sums of a slice, in float64.
type lanes64 [16]float64

func (l *lanes64) sum() float64 {
	for s := 8; s > 0; s /= 2 {
		for i := 0; i < s; i++ {
			l[i] += l[i+s]
		}
	}
	return l[0]
}

// SumSquares returns Σ x² in float64: 16 lanes over chunks of 4096 elements,
// the chunks' sums in order.
func SumSquares(x []float32) float64 {
	total := 0.0
	for len(x) > 0 {
		chunk := x[:min(4096, len(x))]
		x = x[len(chunk):]
		var l lanes64
		for i := squaresVec(chunk, &l); i < len(chunk); i++ {
			v := float64(chunk[i])
			l[i%16] += float64(v * v)
		}
		total += l.sum()
	}
	return total
}
