package autograd

import "math"

// GradientError compares the gradient dx of a scalar function f, evaluated
// anew by every call, with central differences (f(x+h) − f(x−h))/2h over each
// element of x, which it changes and restores. It returns the largest value of
// |difference − dx| / max(1, |difference|, |dx|), which is NaN when either is.
// With Float = float64 and h = 1e-5 a right gradient of a smooth function of
// order one gives less than 1e-7: truncation is of the order h² = 1e-10,
// rounding of 1e-16/h = 1e-11 times the size of f.
func GradientError(f func() float64, x, dx []Float, h float64) float64 {
	worst := 0.0
	for i, x0 := range x {
		x[i] = x0 + Float(h)
		up := f()
		x[i] = x0 - Float(h)
		down := f()
		x[i] = x0
		num, ana := (up-down)/(2*h), float64(dx[i])
		worst = math.Max(worst, math.Abs(num-ana)/math.Max(1, math.Max(math.Abs(num), math.Abs(ana))))
	}
	return worst
}

// DirectionalError compares Σ_j ⟨dx_j, u_j⟩ with the central difference of f
// along the direction u over several tensors at once, relative to the larger
// of both and 1: one number for a whole model.
func DirectionalError(f func() float64, x, dx, u [][]Float, h float64) float64 {
	move := func(by float64) {
		for j := range x {
			for i := range x[j] {
				x[j][i] += Float(by * float64(u[j][i]))
			}
		}
	}
	saved := make([][]Float, len(x))
	ana := 0.0
	for j := range x {
		saved[j] = append([]Float(nil), x[j]...)
		for i := range dx[j] {
			ana += float64(float64(dx[j][i]) * float64(u[j][i]))
		}
	}
	restore := func() {
		for j := range x {
			copy(x[j], saved[j])
		}
	}
	move(h)
	up := f()
	restore()
	move(-h)
	down := f()
	restore()
	num := (up - down) / (2 * h)
	return math.Abs(num-ana) / math.Max(1, math.Max(math.Abs(num), math.Abs(ana)))
}
