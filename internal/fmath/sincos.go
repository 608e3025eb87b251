package fmath

import "math"

const (
	twoOverPi = 6.36619772367581382433e-01
	piOver2Hi = 1.57079632679489655800e+00
	piOver2Lo = 6.12323399573676603587e-17
)

// sinSeries and cosSeries are Taylor's, in powers of x².
var sinSeries, cosSeries = func() (s, c []float64) {
	sign := 1.0
	for i := 0; i+1 < len(factorials); i += 2 {
		c = append(c, sign*factorials[i])
		s = append(s, sign*factorials[i+1])
		sign = -sign
	}
	return s, append(c, factorials[15]/16)
}()

// SinCos returns sin x and cos x for |x| ≤ 2^20, to within 2^-52.
func SinCos(x float64) (sin, cos float64) {
	n := math.RoundToEven(float64(x * twoOverPi))
	r := math.FMA(-n, piOver2Lo, math.FMA(-n, piOver2Hi, x))
	z := float64(r * r)
	sin, cos = float64(r*horner(sinSeries, z)), horner(cosSeries, z)
	switch int64(n) & 3 {
	case 1:
		return cos, -sin
	case 2:
		return -sin, -cos
	case 3:
		return -cos, sin
	}
	return sin, cos
}
