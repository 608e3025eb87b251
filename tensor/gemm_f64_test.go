//go:build f64

package tensor

import "math"

func fma(x, y, z Float) Float { return math.FMA(x, y, z) }
