package fault

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestKindOf(t *testing.T) {
	inner := Errorf(Data, "train.tsv, line 3: no label")
	for _, c := range []struct {
		err  error
		want Kind
	}{
		{nil, 0},
		{errors.New("plain"), Internal},
		{inner, Data},
		{fmt.Errorf("reading: %w", inner), Data},
		{Errorf(Model, "while %w", inner), Model}, // the outermost holds
	} {
		if got := KindOf(c.err); got != c.want {
			t.Errorf("KindOf(%v) = %d, want %d", c.err, got, c.want)
		}
	}
	if err := Errorf(Model, "config.json: %w", fs.ErrNotExist); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v does not wrap its cause", err)
	}
}
