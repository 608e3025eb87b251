package train

import (
	"context"
	"strings"
	"testing"

	"pactune/internal/fault"
)

// The dry run goes through the same allocations as the run: the arena takes what
// was forecast, to the byte, and the slab that was made of it is enough.
func TestForecastOfTheArena(t *testing.T) {
	for name, options := range methods {
		tr := newTest(t, 2, options+" per_device_eval_batch_size 7 max_steps 30")
		for s := range 30 {
			tr.mustStep(t, s)
		}
		if _, err := tr.forward.evaluate(context.Background(), tr.data, 7, nil); err != nil {
			t.Fatal(err)
		}
		want := forecast(tr.cfg, tr.model, tr.data, nil, 0, 2).Activations
		if size, _ := tr.forward.tape.Bytes(); size != int(want) {
			t.Errorf("%s: %d bytes of the arena were used, %d forecast", name, size, want)
		}
	}
}

// Each way to need less memory is told when it is enough; when none is, all
// together; when not even they are, what they leave.
func TestWhatFits(t *testing.T) {
	tr := newTest(t, 2, methods["pac"])
	c := tr.cfg
	need := func(c *Config) Memory { return forecast(c, tr.model, tr.data, nil, 0, 2) }
	now := need(c).Total()
	least := *c
	least.BatchSize, least.AccumulationSteps, least.EvalBatchSize = 1, 10, 8
	least.Checkpointing, least.PACGranularity = true, "tensor"
	for _, test := range []struct {
		limit int64
		want  string
	}{
		{now - 1, "what would fit: --per_device_train_batch_size 5 --gradient_accumulation_steps 2 ("},
		{now - 1, "--gradient_checkpointing ("},
		{now - 1, "--pac_granularity tensor ("},
		{need(&least).Total(), " together ("},
		{1 << 20, "would still need "},
	} {
		if got := whatFits(c, tr.data.Rows(), need, test.limit); !strings.Contains(got, test.want) {
			t.Errorf("limit %d of %d: %s, want %q", test.limit, now, got, test.want)
		}
	}
}

func TestMaxMemory(t *testing.T) {
	tr := newTest(t, 2, methods["adamw, dropout"])
	tr.cfg.MaxMemory = 1 << 20
	r := &run{cfg: tr.cfg}
	err := r.checkMemory(tr.model, tr.data, 2)
	if fault.KindOf(err) != fault.Resources || !strings.Contains(err.Error(), "--max_memory allows 1.00 MiB") {
		t.Error(err)
	}
	tr.cfg.MaxMemory = 1 << 40
	if err := r.checkMemory(tr.model, tr.data, 2); err != nil {
		t.Error(err)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]Size{"12GiB": 12 << 30, "12 gib": 12 << 30, "1.5g": 3 << 29, "500MB": 500e6, "1048576": 1 << 20, "7B": 7, "0": 0, "2K": 2048} {
		if got, ok := ParseSize(text); !ok || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "GiB", "-1G", "12GiBs", "1e99", "NaN", "lots", "Inf"} {
		if got, ok := ParseSize(text); ok {
			t.Errorf("%q: %d, want a refusal", text, got)
		}
	}
	for size, want := range map[Size]string{0: "0.00 MiB", 41 << 20: "41.0 MiB", 999 << 20: "999 MiB", 1000 << 20: "0.98 GiB", 3 << 30: "3.00 GiB", 230 << 30: "230 GiB"} {
		if size.String() != want {
			t.Errorf("%d: %s, want %s", int64(size), size, want)
		}
	}
	if s := Size(41 << 20).of(24 << 30); s != "41.0 MiB of 24.0 GiB" {
		t.Error(s)
	}
}
