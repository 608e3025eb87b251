// Package tensor computes on dense row-major arrays of Float: the product of
// matrices, functions over rows, and the arena that a training step's values
// live in. It knows no gradients; package autograd is built on it.
//
// Float is float32; under the build tag f64 it is float64, and the same sources
// above this package are then checked against finite differences. There is no
// other element type, no stride and no view: a matrix that is a part of another
// one is a slice and the distance ld between its rows.
//
// In float32 every function gives the same bits on every processor, instruction
// set and number of threads (NaN payloads apart). Three rules make it so. Work
// is cut by shape. The terms of a sum are added in an order that is part of the
// function's definition. Every product-sum is one fused multiply-add, rounded
// once. For the matrix product the order is this, for each element of C:
//
//	for each block of 256 values of k, in order {
//		acc := 0
//		for k in the block, in order { acc = fma(A[i,k], B[k,j], acc) }
//		C[i,j] = acc in the first block, C[i,j] + acc in the others
//	}
//
// (with accumulate, C + acc in the first block as well). Vector lanes and threads
// run over i and j, never over k.
//
// An Engine of precision bf16 rounds A and B to bfloat16 first (asm.RoundBF16)
// and does the same with them, except that the instruction for it puts 0 in place
// of an acc below 2^-126: there machines may differ by less than 2^-126 a term. On
// arm64 with BFMMLA the terms of a block are added two by two (asm.BFDotAdd), with AMX
// 32 by 32 in blocks of 1,024 (asm.TileDotAdd), to other bits, which are the same on any
// number of threads.
//
// Shapes and lengths that do not fit are a programmer's mistake: the functions
// panic with the operation, the parameter and the sizes. No function allocates,
// except those that build something or grow a buffer on first use.
package tensor

// Tensor is a dense row-major array: element (i, j, …) of shape (I, J, …) is
// Data[i*J*… + j*… + …].
type Tensor struct {
	Data  []Float
	Shape []int
}
