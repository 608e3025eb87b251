//go:build arm64 && !purego

package asm

func tileFours(rows, cols, words int, a []float32, pair, group int, b []float32, ldb int, c []float32, ldc int, accumulate bool) {
	if hasBFMMLA {
		tileBFMMLA(rows, cols, words/2, &a[0], pair, group, &b[0], ldb, &c[0], ldc, accumulate)
	} else {
		tileFoursReference(rows, cols, words, a, pair, group, b, ldb, c, ldc, accumulate)
	}
}

// copyFours leaves to the assembly groups of four rows that are four columns wide
// or more.
func copyFours(dst []float32, ldd int, src []float32, lds, rows, width int) {
	groups := rows / 4
	if !hasBFMMLA || width < 4 {
		groups = 0
	}
	if groups > 0 {
		copyBFMMLA(&dst[0], ldd, &src[0], lds, groups, width)
	}
	if done := 4 * groups; done < rows {
		packFoursReference(dst[groups*2*ldd:], 4, 2*ldd, src[done*lds:], 1, lds, width, rows-done)
	}
}

// rowsFours gives the assembly pairs of rows, the last row twice where they are
// odd in number, and whole groups.
func rowsFours(dst []float32, pair, group int, src []float32, lds, rows, k int) {
	groups := k / 4
	if !hasBFMMLA {
		groups = 0
	}
	for i := 0; i < rows && groups > 0; i += 2 {
		transposeBFMMLA(&dst[i/2*pair], group, &src[i*lds], &src[min(i+1, rows-1)*lds], groups)
	}
	if done := 4 * groups; done < k {
		packFoursReference(dst[groups*group:], pair, group, src[done:], lds, 1, rows, k-done)
	}
}

//go:noescape
func tileBFMMLA(rows, cols, groups int, a *float32, pair, group int, b *float32, ldb int, c *float32, ldc int, accumulate bool)

//go:noescape
func copyBFMMLA(dst *float32, ldd int, src *float32, lds, groups, width int)

//go:noescape
func transposeBFMMLA(dst *float32, step int, x, y *float32, groups int)
