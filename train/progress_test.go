package train

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// screen is a Progress on a buffer with a clock of its own.
func screen(live bool) (*Progress, *bytes.Buffer, *time.Time) {
	out, clock := &bytes.Buffer{}, time.Unix(1e9, 0)
	return &Progress{out: out, live: live, now: func() time.Time { return clock }}, out, &clock
}

func show(p *Progress, clock *time.Time) {
	h := p.Hooks()
	h.OnNote("a choice\x1b[2J (--option)")
	h.OnPlan(&Plan{Model: "tiny", Parameters: 4400000, Trainable: 400000, Tensors: 12, Task: "sst2", Method: "pac", TrainRows: 100,
		EvalRows: 872, LabelNames: []string{"negative", "positive"}, Majority: Majority{Label: "positive", Share: 0.509},
		MetricNames: []string{"accuracy"}, StepsPerEpoch: 1, Steps: 40, Stage1Steps: 30, Batch: 100, Threads: 1, ISA: "avx2", Precision: "f32", LogEvery: 10, LogFirst: true,
		Memory: Memory{Weights: 1 << 30, Activations: 1 << 29, Buffers: 1 << 20, LongestBatch: 990}, MemoryLimit: 24 << 30,
		Disk: Disk{Model: 5 << 20, Free: 1 << 30}, TrainTokens: 1000, EvalTokens: 9000, EvalEvery: 20})
	for i := 0; i <= 80; i++ {
		h.OnWork("K table", i, 80)
		*clock = clock.Add(time.Second)
	}
	for s := 1; s <= 40; s++ {
		*clock = clock.Add(2 * time.Second)
		r := pacRecord(s)
		if s > 30 {
			r.Stage = 2
		}
		h.OnStep(r, Timing{Elapsed: 2 * time.Second, Examples: 100, Tokens: 1000})
	}
	h.OnWork("evaluation", 872, 872)
	h.OnEval(&EvalRecord{Step: 40, Epoch: 40, Stage: 2, Loss: 0.6, Metrics: []Metric{{"accuracy", 0.8}}})
	p.Close()
}

// Both evaluation sets of MNLI have their row, and it says which it is.
func TestProgressOfTwoSets(t *testing.T) {
	p, out, _ := screen(false)
	h := p.Hooks()
	h.OnPlan(&Plan{Method: "cwgnc", MetricNames: []string{"accuracy"}, StepsPerEpoch: 1, Steps: 1})
	for _, suffix := range []string{"", "_mm"} {
		h.OnEval(&EvalRecord{Suffix: suffix, Loss: 1, Metrics: []Metric{{"accuracy", 0.25}}})
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, mark := range []bool{false, true} {
		line := lines[len(lines)-2+i]
		if !strings.Contains(line, "0.2500") || strings.HasSuffix(line, "(mismatched)") != mark {
			t.Errorf("row %d: %s", i, line)
		}
	}
}

// One is not many.
func TestCountsOfOne(t *testing.T) {
	p, out, _ := screen(false)
	p.Hooks().OnPlan(&Plan{Task: "x", TrainRows: 1, TrainTokens: 3, EvalRows: 1, EvalTokens: 1, StepsPerEpoch: 1, Steps: 1, Batch: 1, Threads: 1})
	WriteSummary(out, &EvalRecord{Samples: 1})
	for _, want := range []string{"train 1 row (3 tokens)  eval 1 row (1 token)", "1 epoch, 1 update of up to 1 example, 1 thread", "1 example, loss"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
}

// Elsewhere than on a terminal there are plain lines: no carriage return, no
// escape sequence, the logged updates and nothing else.
func TestProgressPlain(t *testing.T) {
	p, out, clock := screen(false)
	show(p, clock)
	text := out.String()
	if strings.ContainsAny(text, "\r\x1b") {
		t.Errorf("control characters in\n%q", text)
	}
	for _, want := range []string{"model   tiny  4.4M weights, 400.0k trained in 12 tensors\n", "stage 1: 30, stage 2: 10", "1 thread on avx2\nmemory  1.50 GiB of 24.0\n",
		"\n        weights 1.00 GiB, activations 512 MiB (990 tokens), other 1.00 MiB\ndisk    5.00 MiB of 1.00 GiB free\n",
		// 36 updates, and two evaluations of 9,000 tokens at a third of 2 ms each
		"time    about 84 s left: updates 2 to 4 took 2s each\n",
		"majority line of the evaluation: 50.9 % positive", "K table 80 of 80 done in 1m20s", "note    a choice?[2J (--option)",
		"50.00", "1:00", "0.8000"} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	rows := 0
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "epoch  stage") {
			rows = 0
		}
		rows++
		if len(line) > 120 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	// The head, the forecast of the time, updates 1, 10, 20, 30, 40, the evaluation, those that the 30
	// seconds without a line brought (every 15th update would, but every 10th
	// is logged: none), and the end of the text.
	if rows != 9 {
		t.Errorf("%d rows:\n%s", rows, text)
	}
}

// Long silences are broken even when no update is logged.
func TestProgressLull(t *testing.T) {
	p, out, clock := screen(false)
	p.begin(&Plan{Method: "cwgnc", Steps: 100, StepsPerEpoch: 100, TrainTokens: 1000, LogEvery: 100})
	before := strings.Count(out.String(), "\n")
	for s := 1; s <= 35; s++ {
		*clock = clock.Add(2 * time.Second)
		p.step(&StepRecord{Step: s}, Timing{Elapsed: 2 * time.Second, Examples: 1, Tokens: 10})
	}
	if got := strings.Count(out.String(), "\n") - before; got != 4 {
		t.Errorf("%d lines in 70 s, want the forecast of the time, the head and 2:\n%s", got, out)
	}
}

// On a terminal one line is written over, and what stays are evaluations.
func TestProgressLive(t *testing.T) {
	p, out, clock := screen(true)
	show(p, clock)
	text := out.String()
	if !strings.Contains(text, "\r\x1b[K[=====") || !strings.Contains(text, "K table 40/80, 0:40 left") {
		t.Errorf("no updating line in\n%q", text)
	}
	var stays []string
	for _, line := range strings.Split(text, "\n") {
		if i := strings.LastIndex(line, "\x1b[K"); i >= 0 {
			line = line[i+3:]
		}
		if line != "" {
			stays = append(stays, line)
		}
	}
	if last := stays[len(stays)-1]; !strings.Contains(last, "0.8000") || !strings.Contains(last, "0.7000") || len(stays) != 12 {
		t.Errorf("what stays:\n%s", strings.Join(stays, "\n"))
	}
}

func TestProgressQuiet(t *testing.T) {
	p, out, clock := screen(false)
	p.quiet = true
	show(p, clock)
	if out.Len() > 0 {
		t.Errorf("--quiet prints %q", out)
	}
}

// An update that is not shown costs no garbage.
func TestProgressAllocatesNothing(t *testing.T) {
	p, _, _ := screen(false)
	p.begin(&Plan{Method: "pac", Steps: 1 << 30, StepsPerEpoch: 1})
	r := pacRecord(1)
	if n := testing.AllocsPerRun(100, func() { p.step(r, Timing{Elapsed: time.Millisecond, Examples: 1}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestColored(t *testing.T) {
	for _, test := range []struct {
		option, noColor, force string
		terminal, want         bool
	}{
		{"auto", "", "", true, true}, {"auto", "", "", false, false}, {"auto", "1", "1", true, false},
		{"auto", "", "1", false, true}, {"always", "1", "", false, true}, {"never", "", "1", true, false},
	} {
		t.Setenv("CLICOLOR_FORCE", "")
		t.Setenv("NO_COLOR", test.noColor)
		t.Setenv("FORCE_COLOR", test.force)
		if got := colored(test.option, test.terminal); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

func TestSummary(t *testing.T) {
	var out bytes.Buffer
	WriteSummary(&out, testFinish().Result.Evals[0])
	for _, want := range []string{"accuracy                0.7500   majority line  0.5000", "no            1.0000  0.5000  0.6667         5            (0)     2     3"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q:\n%s", want, out.String())
		}
	}
}

// With --quiet nothing is shown but warnings.
func TestQuietWarns(t *testing.T) {
	p, out, clock := screen(true)
	p.quiet = true
	show(p, clock)
	p.Hooks().OnWarn("a spike\x1b[2J")
	if got := out.String(); !strings.HasPrefix(got, "warning a spike") || strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}
