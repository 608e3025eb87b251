package tensor

import "testing"

func TestParsePrecision(t *testing.T) {
	for _, p := range []Precision{PrecisionF32, PrecisionBF16} {
		got, err := ParsePrecision(p.String())
		if refused := F64 && p == PrecisionBF16; refused != (err != nil) || !refused && got != p {
			t.Errorf("ParsePrecision(%q) = %v, %v", p, got, err)
		}
	}
	if _, err := ParsePrecision("fp16"); err == nil {
		t.Error("ParsePrecision accepts fp16")
	}
}
