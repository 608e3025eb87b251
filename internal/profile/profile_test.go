package profile

import (
	"strings"
	"testing"
	"time"
)

// Every moment belongs to one row: the laps add up to the time that passed.
func TestRowsAddUp(t *testing.T) {
	begin := time.Now()
	c := Start()
	for range 3 {
		time.Sleep(2 * time.Millisecond)
		c.Op(Linear, Forward, 5e6)
		c.Op(Linear, Backward, 1e7)
	}
	time.Sleep(time.Millisecond)
	c.Part(AdamW)
	passed := time.Since(begin)
	var sum time.Duration
	share := 0.0
	rows := c.Rows()
	for _, r := range rows {
		sum += r.Time
		share += r.Share
	}
	if sum > passed || passed-sum > time.Millisecond || share < 0.999 || share > 1.001 {
		t.Errorf("%v in rows, %v passed, shares %v", sum, passed, share)
	}
	if len(rows) != 3 || rows[0].Name != "linear" || rows[0].Phase != "forward" || rows[0].Calls != 3 || rows[0].FLOPs != 15e6 || rows[0].Time < 6*time.Millisecond ||
		rows[1].Phase != "backward" || rows[1].FLOPs != 3e7 || rows[2].Name != "AdamW" || rows[2].Calls != 1 {
		t.Errorf("rows %+v", rows)
	}
	var text strings.Builder
	c.Write(&text)
	for _, want := range []string{"forward    linear", "backward   linear", "AdamW", "all", "100.0 %", "GFLOP/s"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

func TestNilClock(t *testing.T) {
	var c *Clock
	c.Op(Loss, Inference, 1)
	c.Part(Rest)
}
