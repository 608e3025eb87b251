package main

import (
	"github.com/ajroetker/go-highway/hwy/contrib/matmul"
	"github.com/ajroetker/go-highway/hwy/contrib/workerpool"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/viterin/vek/vek32"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"pactune/internal/par"
	"pactune/tensor"
)

// A product computes C = A·B, A (m, k), B (k, n), C (m, n), row-major. Result
// gives C when it is not the c that the product was made with.
type product struct {
	run    func()
	result func() []float32
}

type peer struct {
	name string
	make func(threads, m, n, k int, a, b, c []float32) product
}

// peers are who multiplies. Each makes a product of operands; threads is
// GOMAXPROCS too, which is what those go by that have no setting.
var peers = []peer{
	{"pactune", pactune},
	{"gonum", gonum},
	{"vek", vek},
	{"go-highway", highway},
	{"gomlx", gomlx},
}

func pactune(threads, m, n, k int, a, b, c []float32) product {
	e := tensor.NewEngine(par.New(threads))
	return product{run: func() { e.Gemm(tensor.NN, m, n, k, a, k, b, n, false, c, n) }}
}

func gonum(_, m, n, k int, a, b, c []float32) product {
	matrix := func(rows, cols int, data []float32) blas32.General {
		return blas32.General{Rows: rows, Cols: cols, Stride: cols, Data: data}
	}
	x, y, z := matrix(m, k, a), matrix(k, n, b), matrix(m, n, c)
	return product{run: func() { blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, x, y, 0, z) }}
}

func vek(_, _, _, k int, a, b, c []float32) product {
	return product{run: func() { vek32.MatMul_Into(c, a, b, k) }}
}

func highway(threads, m, n, k int, a, b, c []float32) product {
	pool := workerpool.New(threads)
	return product{run: func() { matmul.MatMulAuto(pool, a, b, c, m, n, k) }}
}

// gomlx runs a compiled graph on GoMLX's backend in Go, as its users do: the
// result is a new tensor.
func gomlx(_, m, n, k int, a, b, _ []float32) product {
	exec, err := graph.NewExec(gobackend.GetBackend(), func(x, y *graph.Node) *graph.Node { return graph.MatMul(x, y) })
	if err != nil {
		panic(err)
	}
	x, y := tensors.FromFlatDataAndDimensions(a, m, k), tensors.FromFlatDataAndDimensions(b, k, n)
	var last *tensors.Tensor
	return product{
		run: func() {
			if last != nil {
				last.FinalizeAll()
			}
			last = exec.MustCall(x, y)[0]
		},
		result: func() []float32 { return tensors.MustCopyFlatData[float32](last) },
	}
}
