package plot

import (
	"slices"
	"testing"
)

// Two evaluations, after updates 2 and 3 of three: 90 minutes and 3 hours of
// updates, 2 and 4 million tokens.
func TestPretrainings(t *testing.T) {
	files := map[string]string{
		"metrics.jsonl": `{"step":1,"split":"train","epoch":0,"loss":7}
{"step":2,"split":"eval","epoch":0,"loss":6.5,"perplexity":665.1,"samples":10,"tokens":70}
{"step":3,"split":"eval","epoch":0,"loss":6,"perplexity":403.4,"samples":10,"tokens":70}
`,
		"timings.jsonl": `{"step":1,"seconds":1800,"tokens":500000}
{"step":2,"seconds":3600,"tokens":1500000}
{"step":2,"split":"eval","seconds":900,"tokens":70}
{"step":3,"seconds":5400,"tokens":2000000}
`}
	r := read(t, folder(t, "4x256", files))
	delete(files, "timings.jsonl")
	bare := read(t, folder(t, "bare", files))
	f := Compare([]*Run{r, bare})
	if len(f.Panels) != 2 || len(f.Key) != 2 || f.Key[0].Name != "4x256" {
		t.Fatalf("%d panels, key %v", len(f.Panels), f.Key)
	}
	for i, want := range [][]float64{{1.5, 3}, {2, 4}} {
		if s := f.Panels[i].Series[0]; !slices.Equal(s.X, want) || !slices.Equal(s.Y, []float64{6.5, 6}) {
			t.Errorf("panel %d: %v over %v, want over %v", i, s.Y, s.X, want)
		}
		if n := len(f.Panels[i].Series); n != 1 {
			t.Errorf("panel %d: %d curves, want none of the run without timings", i, n)
		}
	}
	if hours, tokens := f.across("hours"), f.across("million tokens"); hours.hi != 3 || tokens.hi != 4 {
		t.Errorf("time ends at %v, want 3 hours; tokens at %v, want 4 million", hours.hi, tokens.hi)
	}
	if f := Compare([]*Run{r, read(t, folder(t, "cola", pacRun()))}); len(f.Panels) != 3 {
		t.Errorf("a pretraining beside a fine-tuning: %d panels, want the 3 of runs compared", len(f.Panels))
	}
}
