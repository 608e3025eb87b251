package bench

import (
	"pactune/bert"
	"pactune/glue"
)

// forwardFLOPs counts one forward pass of the encoder over sequences of the
// given lengths: 2·P·N for P weights of its matrices and N tokens, and the
// products of attention. A training step takes three times as many: of
// BERT-base on 16 sequences of 128 tokens 1.073 TFLOP. Embeddings, norms and
// the head are not counted.
func forwardFLOPs(c *bert.Config, lengths []int) float64 {
	h, i, layers, tokens := float64(c.HiddenSize), float64(c.Intermediate), float64(c.Layers), 0
	for _, n := range lengths {
		tokens += n
	}
	weights := layers * (4*h*h + 2*h*i)
	return 2*weights*float64(tokens) + layers*attentionFLOPs(lengths, c.HiddenSize)
}

// attentionFLOPs counts Q·Kᵀ and P·V of one layer: 4·width·Σn². The backward
// pass has four such products in place of two.
func attentionFLOPs(lengths []int, width int) float64 {
	squares := 0.0
	for _, n := range lengths {
		squares += float64(n) * float64(n)
	}
	return 4 * squares * float64(width)
}

// lengthsOf are the tokens of the examples of a data set.
func lengthsOf(e *glue.Encoded) []int {
	lengths := make([]int, e.Rows())
	for row := range lengths {
		lengths[row] = e.Len(row)
	}
	return lengths
}

// uniform is batch times n.
func uniform(batch, n int) []int {
	lengths := make([]int, batch)
	for i := range lengths {
		lengths[i] = n
	}
	return lengths
}
