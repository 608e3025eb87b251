package main

import "fmt"

// longLoops writes, before the general loop over k of a tile of r rows, two that
// take fewer instructions: no pointer moves between the steps of a round, because
// constants and multiples of the strides name every address in it. Where two
// threads share a core the instructions, not the multiply-adds, are what is short.
// One is for A whose rows lie side by side (cs = 1), one for packed panels and
// stored transposes (rs = 1); they leave to the general loop what remains of k.
func (f *file) longLoops(r int) {
	const three = "R8" // times the distance of rows of B
	f.line("", "LEAQ (R13)(R13*2), %s", three)
	f.line("cs = 1: rows", "CMPQ R12, $4")
	f.line("", "JEQ byrows")
	f.line("rs = 1: columns", "CMPQ R11, $4")
	f.line("", "JNE short")
	f.line("", "LEAQ (R12)(R12*2), R9")
	for _, form := range []string{"columns", "rows"} {
		f.label("by%s", form)
		f.line("", "SUBQ $%d, AX", 2*unroll)
		f.line("", "JLT end%s", form)
		f.label("long%s", form)
		f.askForC("asked%s", form)
		for p := 0; p < 2*unroll; p++ {
			f.longStep(r, p, form == "rows", three)
		}
		if form == "rows" {
			f.line("", "ADDQ $%d, SI", 8*unroll)
			f.line("", "ADDQ $%d, DI", 8*unroll)
		}
		f.line("", "SUBQ $%d, AX", 2*unroll)
		f.line("", "JGE long%s", form)
		f.label("end%s", form)
		f.line("", "ADDQ $%d, AX", 2*unroll)
		f.line("", "JEQ done%d", r)
		if form == "columns" {
			f.line("", "LEAQ (R11)(R11*2), DI")
			f.line("row 3", "ADDQ SI, DI")
			f.line("", "JMP short")
		}
	}
	f.label("short")
}

// longStep is column p of a round.
func (f *file) longStep(r, p int, rows bool, three string) {
	times := func(stride, three string) string {
		return []string{"", "(" + stride + "*1)", "(" + stride + "*2)", "(" + three + "*1)"}[p%unroll]
	}
	for v := 0; v < 2; v++ {
		f.line("", "VMOVUPS %d(BX)%s, %s%d", 4*f.lanes*v, times("R13", three), f.reg, v)
	}
	for i := 0; i < r; i++ {
		a := fmt.Sprintf("%d(SI)%s", 4*i, times("R12", "R9"))
		if rows {
			a = fmt.Sprintf("%d"+row(i), 4*p, rowPointers[i/3])
		}
		x := fmt.Sprintf("%s%d", f.reg, 2+i%2)
		f.line("", "VBROADCASTSS %s, %s", a, x)
		f.line("", "%s", f.multiply(0, 2+i%2, 4+2*i))
		f.line("", "%s", f.multiply(1, 2+i%2, 5+2*i))
	}
	if p%unroll == unroll-1 {
		f.line("", "LEAQ (BX)(R13*4), BX")
		if !rows {
			f.line("", "LEAQ (SI)(R12*4), SI")
		}
	}
}

// askForC asks for the next row of C, if any is left.
func (f *file) askForC(label string, args ...any) {
	label = fmt.Sprintf(label, args...)
	f.line("", "CMPQ CX, R14")
	f.line("", "JGE %s", label)
	f.line("a row of C will be needed", "PREFETCHT0 (CX)")
	if f.lanes == 16 {
		f.line("", "PREFETCHT0 64(CX)")
	}
	f.line("", "ADDQ DX, CX")
	f.label("%s", label)
}

// many tells whether the function computes tiles below each other in one call: where
// a tile takes half a microsecond the way in and out of it is worth saving.
func (f *file) many() bool { return f.name == "AVX2" }

// arg names an argument that lies at the given offset, or behind step.
func (f *file) arg(name string, offset int) string {
	if f.many() {
		offset += 8
	}
	return fmt.Sprintf("%s+%d(FP)", name, offset)
}

// nextTile goes on to the rows of A and C below the tile that is done.
func (f *file) nextTile() {
	f.label("next")
	f.line("", "MOVQ rows+0(FP), R14")
	f.line("", "SUBQ $%d, R14", f.mr)
	f.line("", "JEQ last")
	f.line("", "MOVQ R14, rows+0(FP)")
	f.line("", "ADDQ DX, CX")
	f.line("", "MOVQ CX, %s", f.arg("c", 64))
	f.line("", "MOVQ a+24(FP), SI")
	f.line("", "MOVQ step+48(FP), AX")
	f.line("", "LEAQ (SI)(AX*4), SI")
	f.line("", "MOVQ SI, a+24(FP)")
	f.line("", "LEAQ (R11)(R11*2), DI")
	f.line("row 3", "ADDQ SI, DI")
	f.line("", "MOVQ %s, BX", f.arg("b", 48))
	f.line("", "MOVQ k+16(FP), AX")
	f.line("", "JMP tile")
	f.label("last")
	f.line("", "VZEROUPPER")
	f.line("", "RET")
}
