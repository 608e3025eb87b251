//go:build !f64

package tensor

// Float is the element type of every weight, activation and gradient: float32,
// or float64 under the build tag f64, in which the same sources are checked
// against finite differences and double-precision references.
type Float = float32

// F64 tells whether Float is float64.
const F64 = false
