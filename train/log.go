package train

import (
	"os"
	"path/filepath"
	"slices"

	"pactune/checkpoint"
	"pactune/internal/files"
	"pactune/internal/tfevents"
)

// Log appends what happens to the files of a run folder, one JSON object a
// line: metrics.jsonl, which holds nothing that depends on the clock, so that
// equal runs have equal files; timings.jsonl; components.jsonl. A step is
// logged without allocating.
type Log struct {
	disk                         files.FS
	dir                          string
	line                         line
	metrics, timings, components logFile
	events                       logFile
	event                        *tfevents.Event // nil: there is no event file
	err                          error           // the first; lines are then kept for Retry
}

// logFile is opened when its first line comes.
type logFile struct {
	name    string
	log     *checkpoint.Log
	mark    checkpoint.Mark // when it was flushed or closed
	pending []byte          // lines that were not written
}

// Marks say of every log that has lines how far it goes.
type Marks map[string]checkpoint.Mark

func newLog(disk files.FS, dir string) *Log {
	return &Log{disk: disk, dir: dir, metrics: logFile{name: "metrics.jsonl"},
		timings: logFile{name: "timings.jsonl"}, components: logFile{name: "components.jsonl"}, events: logFile{name: eventsName}}
}

func (l *Log) all() []*logFile {
	return []*logFile{&l.metrics, &l.timings, &l.components, &l.events}
}

// begin opens a line of metrics.jsonl.
func (l *Log) begin(split string, step int) *line {
	w := &l.line
	w.open()
	w.int("step", step)
	w.text("split", split)
	if l.event != nil {
		l.event.Begin(step)
		w.event, w.split = l.event, split
	}
	return w
}

// end writes it, and its numbers to the event file.
func (l *Log) end() {
	l.write(&l.metrics, l.line.close())
	if l.line.event != nil {
		l.line.event = nil
		l.writeEvent()
	}
}

// Step logs one update.
func (l *Log) Step(r *StepRecord, t Timing) {
	w := l.begin("train", r.Step)
	w.number("epoch", r.Epoch)
	if r.Stage > 0 {
		w.int("stage", r.Stage)
	}
	w.number("loss", r.Loss)
	if r.Skipped != "" {
		w.text("skipped", r.Skipped)
		l.end()
		l.timing(r, t)
		return
	}
	if r.Spike {
		w.bool("spike", true)
	}
	if r.Stage > 0 {
		w.number("kl", r.KL)
		w.number("kl_per_row", r.KLPerRow)
		w.number("K", r.K)
		w.number("gamma", r.Gamma)
		w.number("l_pac", r.LPAC)
		w.number("total", r.Total)
		w.number("posterior_std_body", r.NoiseBody)
		w.number("posterior_std_head", r.NoiseHead)
		w.number("posterior_std_min", r.NoiseMin)
		w.number("posterior_std_max", r.NoiseMax)
		w.number("prior_std_body", r.PriorBody)
		w.number("prior_std_head", r.PriorHead)
		w.number("distance_from_init", r.DistanceFromInit)
	}
	w.number("grad_norm", r.GradNorm)
	w.number("grad_norm_clipped", r.GradNormClip)
	w.number("clip_rate", r.ClipRate)
	w.number("learning_rate", r.LR)
	w.number("head_learning_rate", r.HeadLR)
	l.end()
	l.timing(r, t)
}

// timing logs what an update took.
func (l *Log) timing(r *StepRecord, t Timing) {
	w := &l.line
	w.open()
	w.int("step", r.Step)
	w.number("seconds", t.Elapsed.Seconds())
	w.int("examples", t.Examples)
	w.int("tokens", t.Tokens)
	l.write(&l.timings, w.close())
}

// Eval logs one evaluation.
func (l *Log) Eval(e *EvalRecord) {
	w := l.begin("eval"+e.Suffix, e.Step)
	w.number("epoch", e.Epoch)
	if e.Stage > 0 {
		w.int("stage", e.Stage)
	}
	w.number("loss", e.Loss)
	for _, m := range e.Metrics {
		w.number(m.Name, m.Value)
	}
	w.int("samples", e.Samples)
	w.int("tokens", e.Tokens)
	l.end()

	w.open()
	w.int("step", e.Step)
	w.text("split", "eval"+e.Suffix)
	w.number("seconds", e.Elapsed.Seconds())
	w.int("examples", e.Samples)
	w.int("tokens", e.Tokens)
	l.write(&l.timings, w.close())
}

// Component logs the state of one tensor's gradient.
func (l *Log) Component(r *ComponentRecord) {
	w := &l.line
	w.open()
	w.int("step", r.Step)
	w.text("tensor", r.Tensor)
	w.ints("shape", r.Shape)
	w.int("elements", r.Elements)
	w.bool("clipped", r.Clipped)
	w.number("grad_norm", r.GradNorm)
	w.number("grad_norm_clipped", r.GradNormClip)
	w.number("grad_max", r.GradMax)
	w.number("grad_min", r.GradMin)
	w.number("grad_mean", r.GradMean)
	w.number("weight_norm", r.WeightNorm)
	if r.Moved >= 0 {
		w.number("distance_from_init", r.Moved)
	}
	w.number("weight_max", r.WeightMax)
	w.number("weight_min", r.WeightMin)
	w.number("weight_mean", r.WeightMean)
	l.write(&l.components, w.close())
}

// Err returns the first error of writing: a full disk, a folder that is gone.
func (l *Log) Err() error { return l.err }

func (l *Log) write(f *logFile, b []byte) {
	if l.err == nil {
		l.err = l.open(f)
	}
	if l.err == nil {
		_, l.err = f.log.Write(b)
	}
	if l.err != nil {
		f.pending = append(f.pending, b...)
	}
}

// Retry cuts off the line that was torn when writing failed, and writes it again with
// those that came after it. An error of flushing stays: what was lost is not known.
func (l *Log) Retry() error {
	if !slices.ContainsFunc(l.all(), func(f *logFile) bool { return len(f.pending) > 0 }) {
		return l.err
	}
	l.close()
	l.err = nil
	for _, f := range l.all() {
		if lines := f.pending; len(lines) > 0 {
			f.pending = nil
			l.write(f, lines)
		}
	}
	return l.err
}

func (l *Log) open(f *logFile) (err error) {
	if f.log == nil {
		f.log, err = checkpoint.OpenLog(l.disk, filepath.Join(l.dir, f.name), f.mark)
	}
	return err
}

// Flush flushes the logs to disk and returns how far each goes.
func (l *Log) Flush() (Marks, error) {
	marks := Marks{}
	for _, f := range l.all() {
		if f.log != nil && l.err == nil {
			f.mark, l.err = f.log.Sync()
		}
		if f.mark.Length > 0 {
			marks[f.name] = f.mark
		}
	}
	return marks, l.err
}

// check tells whether the logs begin with what Flush told.
func (l *Log) check(marks Marks) error {
	for _, f := range l.all() {
		if err := checkpoint.CheckLog(l.disk, filepath.Join(l.dir, f.name), marks[f.name]); err != nil {
			return err
		}
	}
	return nil
}

// cut takes back what was logged after what Flush told.
func (l *Log) cut(marks Marks) error {
	for _, f := range l.all() {
		f.mark = marks[f.name]
		if _, err := os.Stat(filepath.Join(l.dir, f.name)); err != nil && f.mark.Length == 0 {
			continue // there is nothing to cut
		}
		if err := l.open(f); err != nil {
			return err
		}
	}
	return l.close()
}

// close flushes the files to disk and closes them; a later line opens its file
// again, so the folder may be renamed in between.
func (l *Log) close() error {
	for _, f := range l.all() {
		if f.log == nil {
			continue
		}
		if err := f.log.Close(); l.err == nil {
			l.err = err
		}
		f.log, f.mark = nil, f.log.Mark()
	}
	return l.err
}
