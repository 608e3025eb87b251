// Package asm holds the vector kernels: loops over float32 that are written in
// assembly, once for every instruction set, and once in plain Go. The plain Go
// loop is the specification: on the same operands every other version gives the
// same bits (NaN payloads apart), and a test compares them by ==. Hence a run
// of the program gives the same weights on every machine.
//
// Two families live here. gemm*.go and the generated gemm_*.s hold the
// micro-kernels of the matrix product: one computes a tile of C of at most
// MR × NR elements, whose accumulators stay in registers, and copies or
// transposes operands into panels that the tile reads in order. Package tensor
// blocks whole matrices around them. bf16*.go has the same for operands that are
// rounded to bfloat16 while they are packed, amx*.go and bfmmla*.go for the processors
// that multiply whole matrices of them; their sums are float32. vec*.go and
// the generated vec_*.s hold the functions over vectors (activations, softmax,
// normalisation, optimisers, normal deviates).
//
// Which instruction set runs is one choice for the whole process: the best that
// the processor has (Best), unless Use asks for another one, as the command does
// for the environment variable PACTUNE_KERNEL. The build tag purego, and every
// architecture without assembly, leave Reference only.
//
// Rules that make the bits equal:
//   - lanes of a vector run over independent elements of the result, or over
//     16 virtual lanes that are reduced in one fixed tree, on every machine;
//   - every product-sum is one fused multiply-add, rounded once (FMA32 in Go);
//   - nothing is left to the compiler, which may or may not fuse x*y + z.
//
// In bfloat16 two things differ: VDPBF16PS puts 0 in place of a subnormal partial
// sum, and a float32 kernel that stands in for it does not (Kernel.Tile); and arm64's
// BFMMLA and Intel's AMX add in orders of their own (BFDotAdd, TileDotAdd).
//
// Kernels check nothing but the lengths of their slices; package tensor checks
// shapes. None of them allocates, and all may run concurrently.
package asm
