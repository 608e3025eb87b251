package rooms

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// foreign are functions of Go's math whose bits differ between architectures.
// Sqrt, FMA, Abs, Floor, Inf and the like are exact.
var foreign = regexp.MustCompile(`\bmath\.(Exp|Exp2|Expm1|Log|Log2|Log10|Log1p|Pow|Tanh|Sinh|Cosh|Sin|Cos|Tan|Erf|Erfc|Erfinv|Cbrt|Gamma|Lgamma)\(`)

// The training path computes with functions of its own, so that a run gives
// the same bits everywhere.
func TestTrainingPathUsesOwnFunctions(t *testing.T) {
	for _, dir := range []string{"asm", "tensor", "autograd", "nn", "optim", "bert", "pac", "train", "classify", "corpus", "pretrain", "internal/fmath", "internal/rng", "internal/par", "internal/tfevents"} {
		files, err := filepath.Glob("../../" + dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files (%v)", dir, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(string(text), "\n") {
				code, _, _ := strings.Cut(line, "//")
				if m := foreign.FindString(code); m != "" {
					t.Errorf("%s:%d calls %s…): its bits differ between architectures; internal/fmath has one that does not", file, i+1, m)
				}
			}
		}
	}
}
