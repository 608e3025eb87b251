package fmath

// Softmax turns logits z into probabilities e^{z_i}/Σ_j e^{z_j} in place and
// returns the place of the largest, the first among equals. z is not empty.
func Softmax(z []float64) (best int) {
	for i, v := range z {
		if v > z[best] {
			best = i
		}
	}
	top, sum := z[best], 0.0
	for i, v := range z {
		z[i] = Exp(v - top)
		sum += z[i]
	}
	for i := range z {
		z[i] /= sum
	}
	return best
}
