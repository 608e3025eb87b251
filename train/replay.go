package train

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pactune/internal/fault"
)

// replay reads the logs of a run that goes on, up to the marks of its checkpoint, and thereby knows what the run knew: the mean loss, the rows of
// trainer_state.json, the best evaluation, the last record, the time it took.
func (r *run) replay(marks Marks) error {
	times := map[string]time.Duration{}
	err := r.eachLine("timings.jsonl", marks, func(l logLine) {
		d := time.Duration(l.number("seconds") * float64(time.Second))
		r.before += d
		if l.text("split") != "" {
			times[l.key()] = d
		}
	})
	if err != nil {
		return err
	}
	return r.eachLine("metrics.jsonl", marks, func(l logLine) {
		suffix, eval := strings.CutPrefix(l.text("split"), "eval")
		if !eval {
			rec := l.step()
			r.t.remember(&rec)
			r.finish.Result.Steps = rec.Step
			if rec.Skipped == "" {
				r.loss.add(rec.Loss)
			}
			r.folder.history.add(&r.t.rec)
			return
		}
		e := l.eval(suffix, r.plan.MetricNames)
		e.Elapsed = times[l.key()]
		r.folder.history.evals = append(r.folder.history.evals, e)
		if suffix == r.evals[0].Data.Suffix {
			r.keepBest(e)
		}
	})
}

// logLine is a line of a log.
type logLine map[string]any

// eachLine reads a log up to its mark; one that is not there has no lines.
func (r *run) eachLine(name string, marks Marks, do func(logLine)) error {
	path := filepath.Join(r.folder.Path(), name)
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fault.Errorf(fault.Data, "%s: %w", path, err)
	}
	defer f.Close()
	d := json.NewDecoder(bufio.NewReader(io.LimitReader(f, marks[name].Length)))
	for n := 1; ; n++ {
		var l logLine
		if err := d.Decode(&l); err == io.EOF {
			return nil
		} else if err != nil {
			return fault.Errorf(fault.Data, "%s, line %d: %w; expected the log of this run", path, n, err)
		}
		do(l)
	}
}

func (l logLine) text(name string) string {
	s, _ := l[name].(string)
	return s
}

// key names the evaluation of a line.
func (l logLine) key() string { return fmt.Sprint(l.text("split"), l.int("step")) }

func (l logLine) int(name string) int { return int(l.number(name)) }

// number is a value, 0 where there is none; what JSON cannot hold is in
// "nonfinite".
func (l logLine) number(name string) float64 {
	if v, ok := l[name].(float64); ok {
		return v
	}
	bad, _ := l["nonfinite"].([]any)
	for _, b := range bad {
		switch b {
		case name + "=NaN":
			return math.NaN()
		case name + "=Infinity":
			return math.Inf(1)
		case name + "=-Infinity":
			return math.Inf(-1)
		}
	}
	return 0
}

// step is the inverse of Log.Step.
func (l logLine) step() StepRecord {
	r := StepRecord{
		Step: l.int("step"), Epoch: l.number("epoch"), Stage: l.int("stage"), Loss: l.number("loss"), Skipped: l.text("skipped"),
		GradNorm: l.number("grad_norm"), GradNormClip: l.number("grad_norm_clipped"), ClipRate: l.number("clip_rate"),
		LR: l.number("learning_rate"), HeadLR: l.number("head_learning_rate"),
		KL: l.number("kl"), KLPerRow: l.number("kl_per_row"), K: l.number("K"), Gamma: l.number("gamma"),
		LPAC: l.number("l_pac"), Total: l.number("total"),
		NoiseBody: l.number("posterior_std_body"), NoiseHead: l.number("posterior_std_head"),
		NoiseMin: l.number("posterior_std_min"), NoiseMax: l.number("posterior_std_max"),
		PriorBody: l.number("prior_std_body"), PriorHead: l.number("prior_std_head"),
		DistanceFromInit: l.number("distance_from_init"),
	}
	r.Spike, _ = l["spike"].(bool)
	if r.Stage == 0 && r.Skipped == "" {
		r.Total = r.Loss
	}
	return r
}

// eval is the inverse of Log.Eval, but for what the log does not hold.
func (l logLine) eval(suffix string, metrics []string) *EvalRecord {
	e := &EvalRecord{Step: l.int("step"), Epoch: l.number("epoch"), Stage: l.int("stage"), Suffix: suffix,
		Loss: l.number("loss"), Samples: l.int("samples"), Tokens: l.int("tokens")}
	for _, name := range metrics {
		if _, there := l[name]; there {
			e.Metrics = append(e.Metrics, Metric{name, l.number(name)})
		}
	}
	return e
}
