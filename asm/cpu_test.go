package asm

import (
	"strings"
	"testing"
)

func TestUse(t *testing.T) {
	before := Active()
	defer Use(before)
	for _, isa := range Available() {
		if err := Use(isa); err != nil || Active() != isa {
			t.Errorf("Use(%v): %v, active %v", isa, err, Active())
		}
		if got, err := ParseISA(isa.String()); err != nil || got != isa {
			t.Errorf("ParseISA(%q) = %v, %v", isa.String(), got, err)
		}
	}
	if err := Use(ISA(99)); err == nil || !strings.Contains(err.Error(), "not available") {
		t.Errorf("Use(99): %v", err)
	}
	if _, err := ParseISA("sse"); err == nil {
		t.Error("ParseISA accepts sse")
	}
	if Available()[0] != Reference {
		t.Error("Reference is not available")
	}
}
