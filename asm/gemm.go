package asm

// Kernel is a micro-kernel of the matrix product: the loops that run in
// registers and first-level cache. Its methods may run concurrently, on
// different results.
type Kernel struct {
	ISA       ISA
	Precision string // of the operands; sums are float32
	MR, NR    int    // largest tile of C: MR rows, NR columns
	Lanes     int    // float32 numbers in a vector; NR is a multiple
}

var kernels = [...]Kernel{
	Reference: {Reference, "float32", 4, 32, 16},
	AVX2:      {AVX2, "float32", 6, 16, 8},
	AVX512:    {AVX512, "float32", 14, 32, 16},
}

// Kernels returns the micro-kernels that this process can run, slowest first.
func Kernels() []Kernel {
	var ks []Kernel
	for _, isa := range available {
		ks = append(ks, kernels[isa])
	}
	return ks
}

// ActiveKernel returns the micro-kernel of the instruction set in use.
func ActiveKernel() Kernel { return kernels[Active()] }

// Tile computes C = A·B, or C = C + A·B to accumulate, for one tile of C:
// rows ≤ MR, cols ≤ NR, all sizes ≥ 1. Each element is
//
//	acc := 0
//	for p := 0; p < k; p++ { acc = FMA32(a[i*rs+p*cs], b[p*ldb+j], acc) }
//	c[i*ldc+j] = acc   // or c[i*ldc+j] + acc
//
// a is (rows, k) with any strides rs between rows and cs between columns. b is
// (k, NR) with rows ldb apart: all NR columns are read, also those ≥ cols,
// which may hold anything. c is (rows, cols) with rows ldc apart; nothing
// outside of it is written, nothing of it is read unless accumulate.
func (k Kernel) Tile(rows, cols, kc int, a []float32, rs, cs int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	a = a[:(rows-1)*rs+(kc-1)*cs+1]
	b = b[:(kc-1)*ldb+k.NR]
	c = c[:(rows-1)*ldc+cols]
	tile(k.ISA, rows, cols, kc, a, rs, cs, b, ldb, c, ldc, accumulate)
}

// Copy packs rows: dst[p*ldd+j] = src[p*lds+j] for p < rows, j < width ≤ NR,
// all sizes ≥ 1. It goes from the first row to the last and writes whole vectors:
// up to Lanes−1 elements after each row are overwritten with unspecified values.
func (k Kernel) Copy(dst []float32, ldd int, src []float32, lds, rows, width int) {
	dst = dst[:(rows-1)*ldd+(width+k.Lanes-1)/k.Lanes*k.Lanes]
	src = src[:(rows-1)*lds+width]
	copyPanel(k.ISA, dst, ldd, src, lds, rows, width)
}

// Transpose packs columns: dst[p*ldd+j] = src[j*lds+p] for p < rows,
// j < width ≤ NR, all sizes ≥ 1. It writes whole vectors as Copy does, and ldd has
// room for them.
func (k Kernel) Transpose(dst []float32, ldd int, src []float32, lds, rows, width int) {
	dst = dst[:(rows-1)*ldd+(width+k.Lanes-1)/k.Lanes*k.Lanes]
	src = src[:(width-1)*lds+rows]
	transposePanel(k.ISA, dst, ldd, src, lds, rows, width)
}

// Prefetch asks for x, not empty, to be brought into the second-level cache while
// other work goes on. It changes no values; the reference does nothing.
func (k Kernel) Prefetch(x []float32) { prefetch(k.ISA, x) }

// tileReference is the loop that Tile documents.
func tileReference(rows, cols, kc int, a []float32, rs, cs int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	for i := 0; i < rows; i++ {
		var acc [32]float32
		for p := 0; p < kc; p++ {
			x := float64(a[i*rs+p*cs])
			for j, y := range b[p*ldb:][:cols] {
				// FMA32(x, y, acc[j]), whose first half is worth having in line.
				if s := x*float64(y) + float64(acc[j&31]); roundsOnce(s) {
					acc[j&31] = float32(s)
				} else {
					acc[j&31] = fma32Odd(x*float64(y), float64(acc[j&31]))
				}
			}
		}
		ci := c[i*ldc:][:cols]
		if accumulate {
			for j := range ci {
				ci[j] += acc[j]
			}
		} else {
			copy(ci, acc[:])
		}
	}
}

func copyReference(dst []float32, ldd int, src []float32, lds, rows, width int) {
	for p := 0; p < rows; p++ {
		copy(dst[p*ldd:][:width], src[p*lds:][:width])
	}
}

func transposeReference(dst []float32, ldd int, src []float32, lds, rows, width int) {
	for j := 0; j < width; j++ {
		for p, x := range src[j*lds:][:rows] {
			dst[p*ldd+j] = x
		}
	}
}
